"""The families, and every registered name as a builder: `from zoo.models import lenet5, vgg16`."""

from importlib import import_module

from zoo import registry

FAMILIES = (
    "lenet", "alexnet", "zfnet", "overfeat", "nin", "vgg", "allcnn", "googlenet", "inception", "inception_v4",
    "inception_resnet", "xception", "squeezenet", "resnet", "resnet_cifar", "resnet_v2", "wide_resnet", "resnext",
    "senet", "densenet", "mobilenet", "mobilenet_v3", "shufflenet", "mnasnet", "efficientnet", "fcn", "segnet", "unet",
    "deeplab",
)  # fmt: skip


def builder(entry):
    """Return `zoo.create` for one entry; Keras is imported only when it is called."""

    def build(input_shape=None, classes=None, include_top=True, pooling=None, classifier_activation="softmax",
              weights=None, features=False, name=None, **overrides):  # fmt: skip
        from zoo import create

        return create(
            entry.name, input_shape, classes, include_top, pooling, classifier_activation, weights, features, name,
            **overrides,
        )  # fmt: skip

    build.__name__ = build.__qualname__ = entry.name
    build.__doc__ = f"""{entry.summary}.

Build {entry.name} as a keras.Model; the arguments are those of `zoo.create`.
By default the input is {entry.input_shape} (NHWC without the N) and there are {entry.classes} classes.

{entry.paper}"""
    return build


def __getattr__(name):
    try:
        return builder(registry.entry(name))
    except registry.ZooError:
        raise AttributeError(f"zoo.models has no {name!r}") from None


for _family in FAMILIES:
    import_module(f"{__name__}.{_family}")
# A family file may bear the name of one of its models (alexnet): the builder is the public one.
globals().update((name, builder(entry)) for name, entry in registry.registered().items())

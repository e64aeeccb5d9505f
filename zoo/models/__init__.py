"""Every registered name as a builder: `from zoo.models import lenet5, vgg16`."""

from collections.abc import Callable
from typing import TYPE_CHECKING

from zoo import registry
from zoo.entry import Entry
from zoo.errors import ZooError

if TYPE_CHECKING:
    import keras


def _builder(entry: Entry) -> Callable[..., "keras.Model"]:
    """Return `zoo.create` for one entry; Keras is imported only when it is called."""

    def build(input_shape=None, classes=None, include_top=True, pooling=None, classifier_activation="softmax",
              weights=None, features=False, name=None, input_tensor=None, **overrides):
        from zoo.build import create

        return create(
            entry.name, input_shape, classes, include_top, pooling, classifier_activation, weights, features, name,
            input_tensor, **overrides,
        )

    build.__name__ = build.__qualname__ = entry.name
    build.__doc__ = f"""{entry.summary}.

Build {entry.name} as a keras.Model; the arguments are those of `zoo.create`.
By default the input is {entry.input_shape} (NHWC without the N) and there are {entry.classes} classes.

{entry.paper}"""
    return build


def __getattr__(name):
    try:
        return _builder(registry.entry(name))
    except ZooError:
        raise AttributeError(f"zoo.models has no {name!r}") from None


def __dir__():
    return sorted({*globals(), *registry.entries()})

"""The ImageNet weights of keras.applications, which downloads and caches them, for the nets that it shares."""

from zoo.errors import ZooError
from zoo.layers.channels import channels_last
from zoo.weights.copying import copy_weights

BUILDERS = {
    "vgg16": "VGG16", "vgg19": "VGG19",
    "resnet50_v1": "ResNet50", "resnet101_v1": "ResNet101", "resnet152_v1": "ResNet152",
    "resnet50v2": "ResNet50V2", "resnet101v2": "ResNet101V2", "resnet152v2": "ResNet152V2",
    "inception_v3": "InceptionV3", "inception_resnet_v2": "InceptionResNetV2", "xception": "Xception",
    "densenet121": "DenseNet121", "densenet169": "DenseNet169", "densenet201": "DenseNet201",
    "mobilenet": "MobileNet", "mobilenet_v2": "MobileNetV2",
    "mobilenet_v3_small": "MobileNetV3Small", "mobilenet_v3_large": "MobileNetV3Large",
    "efficientnet_b0": "EfficientNetB0",
}  # fmt: skip


def reference(name, include_top=True, weights="imagenet", input_shape=None, classes=1000):
    """Return keras.applications' model of a registered name; `input_shape` is (height, width, channels)."""
    import keras

    builder = getattr(keras.applications, BUILDERS[name])
    options = {"include_preprocessing": False} if name.startswith("mobilenet_v3") else {}
    with channels_last():
        return builder(include_top=include_top, weights=weights, input_shape=input_shape, classes=classes, **options)


def load_imagenet(model, name, include_top):
    """Copy keras.applications' ImageNet weights into a model built from the registered `name`.

    Raises `ZooError` where it has no such net, where the model's shapes are others, and where the download fails.
    """
    if name not in BUILDERS:
        raise ZooError(
            f"keras.applications has no weights for {name or model.name}; it has them for {', '.join(BUILDERS)}."
        )
    try:
        source = reference(name, include_top)
    except Exception as problem:  # whatever the download runs into
        raise ZooError(f"The weights of {name} can't be had from keras.applications: {problem}") from None
    copy_weights(source, model, include_top)

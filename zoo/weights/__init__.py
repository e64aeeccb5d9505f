"""Weights from files and from other zoos -> a built model's weights, counted and checked before any is set."""

from os import PathLike
from pathlib import Path

from zoo.errors import ZooError, first_line
from zoo.weights.copying import copy_weights
from zoo.weights.imagenet import load_imagenet
from zoo.weights.keras_files import load_file
from zoo.weights.torchvision import load_torchvision

__all__ = ["copy_weights", "load_imagenet", "load_torchvision", "load_weights"]


def load_weights(model, weights, name, include_top=True):
    """Load weights into a model.

    Args:
        model: the Keras model.
        weights: "imagenet" (keras.applications'), "torchvision", or a path: `.keras` or `.weights.h5` of the same
            net, `.pth` or `.safetensors` of PyTorch's.
        name: the registered name that the model was built from.
        include_top: whether the model has its head.

    Raises:
        ZooError: if there are no such weights, or they aren't of the same net.
    """
    if weights == "imagenet":
        return load_imagenet(model, name, include_top)
    if weights == "torchvision":
        return load_torchvision(model, name, include_top)
    if not isinstance(weights, (str, PathLike)):
        raise ZooError(f"weights must be None, 'imagenet', 'torchvision' or a path; got {weights!r}.")
    path = Path(weights)
    if not path.is_file():
        raise ZooError(
            f"There is no weights file {str(path)!r}; weights must be None, 'imagenet', 'torchvision' or a path of one."
        )
    if path.suffix in (".pth", ".pt", ".safetensors"):
        return load_torchvision(model, name, include_top, path)
    if not path.name.endswith((".keras", ".weights.h5")):
        raise ZooError(f"{path} is no weights file: its name must end with .keras, .weights.h5, .pth or .safetensors.")
    try:
        load_file(model, path, include_top)
    except Exception as problem:  # of two libraries, each with its own
        raise ZooError(f"{path} doesn't fit {model.name}: {first_line(problem)}") from None

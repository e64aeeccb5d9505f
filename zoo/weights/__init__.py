"""Weights from files and from other zoos -> a built model's weights, counted and checked before any is set.

Matching shapes don't prove that a net computes the same: where the keys don't show it, `check_outputs` does.
"""

from collections.abc import Callable
from os import PathLike
from pathlib import Path
from typing import Any

import keras

from zoo.annotations import Shape, StrPath
from zoo.errors import ZooError, first_line
from zoo.pretrained import find_stored
from zoo.weights.checking import check_files, check_outputs, tell_doubt
from zoo.weights.copying import copy_weights
from zoo.weights.imagenet import load_imagenet
from zoo.weights.keras_files import load_file
from zoo.weights.pytorch import load_pytorch
from zoo.weights.torch_files import SUFFIXES
from zoo.weights.torchvision import load_torchvision

__all__ = [
    "check_files", "check_outputs", "copy_weights", "load_imagenet", "load_pytorch", "load_torchvision", "load_weights",
]


def load_weights(model: keras.Model, weights: StrPath, name: str | None = None, include_top: bool = True,
                 options: dict[str, Any] | None = None,
                 at_size: Callable[[Shape], keras.Model] | None = None) -> None:
    """Load weights into a model. An error leaves it as it was.

    Args:
        model: the Keras model.
        weights: "imagenet" (keras.applications'), "torchvision", a set that comes with the package, or a path: `.keras`
            or `.weights.h5` of the same net; or PyTorch's: `.pth`, `.pt`, `.th`, `.ckpt`, `.bin`, `.tar`,
            `.safetensors`.
        name: the registered name that the model was built from; None for a layout of the user's own.
        include_top: whether the model has its head.
        options: the overrides that the model was built with.
        at_size: a function that builds the same model for images of another shape, (height, width, channels): with
            it, the layers of a `.keras` file for another size are compared too.

    Raises:
        ZooError: if there are no such weights, or they aren't of the same net.
    """
    if weights == "imagenet":
        return load_imagenet(model, name, include_top)
    if weights == "torchvision":
        return load_torchvision(model, name, include_top, options)
    stored = find_stored(name, weights) if name else None
    if not isinstance(weights, (str, PathLike)):
        raise ZooError(f"weights must be None, 'imagenet', 'torchvision' or a path; got {weights!r}.")
    path = stored.checked_path() if stored else Path(weights)
    if not path.is_file():
        raise ZooError(
            f"There is no weights file {str(path)!r}; weights must be None, 'imagenet', 'torchvision' or a path of one."
        )
    if path.suffix.lower() in SUFFIXES:
        return load_pytorch(model, path, name, include_top, options)
    if not path.name.endswith((".keras", ".weights.h5")):
        raise ZooError(
            f"{path} is no weights file: its name must end with .keras, .weights.h5, or, if it is PyTorch's, with "
            f"{', '.join(SUFFIXES[:-1])} or {SUFFIXES[-1]}."
        )
    try:
        doubt = load_file(model, path, include_top, options or {}, at_size)
    except Exception as problem:  # Keras and h5py each raise their own types
        raise ZooError(f"{path} doesn't fit {model.name}: {first_line(problem)}") from None
    if doubt and not (stored and stored.options == (options or {})):
        tell_doubt(path, doubt)

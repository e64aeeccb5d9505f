"""Weights from files and from other zoos -> a built model's weights, counted and checked before any is set.

Matching shapes don't prove that a net computes the same: where the keys don't show it, `check_outputs` does.
"""

from collections.abc import Callable, Sequence
from os import PathLike
from pathlib import Path
from typing import Any

import keras

from zoo.annotations import InputShape, StrPath
from zoo.errors import ZooError, first_line
from zoo.pretrained import find_stored
from zoo.runs.folder import find_run
from zoo.weights.account import Account
from zoo.weights.checking import check_files, check_outputs, tell_doubt, tell_preparation
from zoo.weights.copying import copy_weights
from zoo.weights.imagenet import load_imagenet
from zoo.weights.keras_files import SUFFIXES as KERAS_SUFFIXES
from zoo.weights.keras_files import load_file
from zoo.weights.matching import Target
from zoo.weights.pytorch import load_pytorch
from zoo.weights.torch_files import SUFFIXES
from zoo.weights.torchvision import load_torchvision

__all__ = [
    "Account", "check_files", "check_outputs", "copy_weights", "load_imagenet", "load_pytorch", "load_torchvision",
    "load_weights",
]


def load_weights(model: keras.Model, weights: StrPath, name: str | None = None, include_top: bool = True,
                 options: dict[str, Any] | None = None, at_size: Callable[[InputShape], keras.Model] | None = None,
                 head: Sequence[str] = (), new_head: bool = False) -> Account:
    """Load weights into a model; return the account of what was taken. An error leaves the model as it was.

    Args:
        model: the Keras model.
        weights: "imagenet" (keras.applications'), "torchvision", a set that comes with the package, or a path: `.keras`
            or `.h5`, of a whole model, also of one in which the net is nested, or of weights alone; PyTorch's: `.pth`,
            `.pt`, `.th`, `.ckpt`, `.bin`, `.tar`, `.safetensors`; or a run's folder.
        name: the registered name that the model was built from; None for a layout of the user's own.
        include_top: whether the model has its head.
        options: the overrides that the model was built with.
        at_size: a function that builds the same model for images of another shape, (height, width, channels): with
            it, the layers of a Keras model for another size are compared too.
        head: the names of the head's layers (`zoo.layout.trace.Trace.head`); all of the model is its body without.
        new_head: whether a head that doesn't fit may stay new: its layers are taken in order as long as their shapes
            fit, and the rest of them keep their initial weights.

    Raises:
        ZooError: if there are no such weights, or they aren't of the same net.
    """
    target = Target(model, name, include_top, options or {}, at_size, tuple(head), new_head)
    if weights == "imagenet":
        return load_imagenet(model, name, include_top, target.head, new_head)
    if weights == "torchvision":
        return load_torchvision(model, name, include_top, options, target.head, new_head)
    stored = find_stored(name, weights) if name else None
    if not isinstance(weights, (str, PathLike)):
        raise ZooError(f"weights must be None, 'imagenet', 'torchvision' or a path; got {weights!r}.")
    path = stored.checked_path() if stored else Path(weights)
    source = path.name
    if path.is_dir():
        path, source = find_run(path).model_path, f"the run {path.resolve().name}"
    elif not path.is_file():
        raise ZooError(
            f"There is no weights file {str(path)!r}, nor a set of weights of that name; `zoo list` tells which sets "
            "there are."
        )
    suffix = path.suffix.lower()
    if suffix in SUFFIXES:
        return load_pytorch(model, path, name, include_top, options, target.head, new_head)
    if suffix not in KERAS_SUFFIXES:
        raise ZooError(
            f"{path} is no weights file: its name must end with .keras, .h5, or, if it is PyTorch's, with "
            f"{', '.join(SUFFIXES[:-1])} or {SUFFIXES[-1]}."
        )
    try:
        account = load_file(target, path, source)
    except Exception as problem:  # h5py and zipfile each raise their own types
        raise ZooError(f"{path} doesn't fit {model.name}: {first_line(problem)}") from None
    if account.doubt and not (stored and stored.options == (options or {})):
        tell_doubt(path, account.doubt)
    if account.preparation:
        tell_preparation(path, account.preparation, model.name)
    return account

"""Weights from files and from other zoos -> a built model's weights, counted and checked before any is set.

Matching shapes don't prove that a net computes the same: where the keys don't show it, `check_outputs` does.
"""

from collections.abc import Callable, Sequence
from typing import Any

import keras

from zoo.annotations import InputShape, StrPath
from zoo.weights.account import Account
from zoo.weights.checking import check_files, check_outputs
from zoo.weights.copying import copy_weights
from zoo.weights.imagenet import load_imagenet
from zoo.weights.matching import Target
from zoo.weights.pytorch import load_pytorch
from zoo.weights.starts import Builder, load_or_start
from zoo.weights.torchvision import load_torchvision

__all__ = [
    "Account", "check_files", "check_outputs", "copy_weights", "load_imagenet", "load_pytorch", "load_torchvision",
    "load_weights",
]


def load_weights(model: keras.Model, weights: StrPath, name: str | None = None, include_top: bool = True,
                 options: dict[str, Any] | None = None, at_size: Callable[[InputShape], keras.Model] | None = None,
                 head: Sequence[str] = (), new_head: bool = False, build: Builder | None = None) -> Account:
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
        build: a function that builds the net of a trace (`zoo.build.build`): with it, weights of a net that this one
            starts from (`zoo.entry.Entry.starts`) are taken, too, as far as both have the same layers.

    Raises:
        ZooError: if there are no such weights, or they aren't of the same net.
    """
    target = Target(model, name, include_top, options or {}, at_size, tuple(head), new_head)
    return load_or_start(target, weights, build)

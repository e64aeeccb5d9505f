"""The classic convolutional networks, paper by paper: layouts as data, built as Keras models.

Importing this package doesn't import Keras; `zoo.create` and `zoo.predictor` do, when they are first used.
"""

from importlib import import_module

from zoo import registry
from zoo.errors import ZooError, ZooWarning
from zoo.facts import info
from zoo.layout import (
    RBF, Activation, Add, Auxiliary, Concat, Conv, ConvTranspose, Crop, Dense, DepthwiseConv, DropPath,
    Dropout, Flatten, GlobalPool, Layout, Multiply, Norm, PadChannels, Pool, Scale, Sequence, Shuffle, Split,
    Stage, Subsample, TableConv, Take, Unpool, Upsample,
)  # fmt: skip
from zoo.layout.trace import trace
from zoo.processor import prepare
from zoo.registry import register
from zoo.versions import __version__

__all__ = [
    "Activation", "Add", "Auxiliary", "Concat", "Conv", "ConvTranspose", "Crop", "Dense", "DepthwiseConv",
    "DropPath", "Dropout", "Flatten", "GlobalPool", "Layout", "Multiply", "Norm", "PadChannels", "Pool",
    "RBF", "Scale", "Sequence", "Shuffle", "Split", "Stage", "Subsample", "TableConv", "Take", "Unpool",
    "Upsample", "ZooError", "ZooWarning", "__version__", "create", "info", "list_models", "register", "trace",
]  # fmt: skip


def list_models(*patterns):
    """Return the registered names that match any of the shell patterns ("resnet*"), or all of them, by year.

    A pattern that matches an alias brings the model that it stands for.
    """
    from fnmatch import fnmatch

    def matches(entry):
        return any(fnmatch(name, pattern) for name in (entry.name, *entry.aliases) for pattern in patterns)

    return [name for name, entry in registry.entries().items() if not patterns or matches(entry)]


def __getattr__(name):
    rooms = {"create": "zoo.build", "predictor": "zoo.inference.predictor"}  # they need Keras
    if name not in rooms:
        raise AttributeError(f"module 'zoo' has no attribute {name!r}")
    prepare()
    return getattr(import_module(rooms[name]), name)

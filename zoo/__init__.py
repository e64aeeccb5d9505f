"""The classic convolutional networks, paper by paper: layouts as data, built as Keras models.

Importing this package doesn't import Keras; `zoo.create` does, when it is first used.
"""

from zoo import registry
from zoo.errors import ZooError
from zoo.layout import (
    RBF, Activation, Add, Concat, Conv, Dense, DepthwiseConv, Dropout, Flatten, GlobalPool, Layout, Norm, Pool,
    Sequence, Stage, Subsample, TableConv, Upsample,
)  # fmt: skip
from zoo.plan import info
from zoo.registry import register
from zoo.trace import trace

__version__ = "0.1.0"
__all__ = [
    "Activation", "Add", "Concat", "Conv", "Dense", "DepthwiseConv", "Dropout", "Flatten", "GlobalPool", "Layout",
    "Norm", "Pool", "RBF", "Sequence", "Stage", "Subsample", "TableConv", "Upsample", "ZooError", "create", "info",
    "list_models", "register", "trace",
]  # fmt: skip


def list_models(*patterns):
    """Return the registered names that match any of the shell patterns ("resnet*"), or all of them, by year."""
    from fnmatch import fnmatch

    return [name for name in registry.entries() if not patterns or any(fnmatch(name, p) for p in patterns)]


def __getattr__(name):
    if name == "create":  # the one name that needs Keras
        from zoo.build import create

        return create
    raise AttributeError(f"module 'zoo' has no attribute {name!r}")

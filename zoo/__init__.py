"""The classic convolutional networks, paper by paper: layouts as data, built as Keras models.

Importing this package doesn't import Keras; `zoo.create`, `zoo.load` and the like do, when they are first used. It only
settles how TensorFlow is to compute (`zoo.processor`), which must be done before TensorFlow is loaded, and that Keras
will know the papers' layers (`zoo.importing`).
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

from zoo import registry as registry
from zoo.errors import ZooError, ZooWarning
from zoo.facts import info
from zoo.importing import register_with_keras
from zoo.layout import (
    RBF, Activation, Add, Auxiliary, Concat, Conv, ConvTranspose, Crop, Dense, DepthwiseConv, DropPath,
    Dropout, Flatten, GlobalPool, Layout, Multiply, Norm, PadChannels, Pool, Scale, Sequence, Shuffle, Split,
    Stage, Subsample, TableConv, Take, Unpool, Upsample,
)
from zoo.layout.trace import trace
from zoo.processor import prepare
from zoo.registry import list_models, register
from zoo.versions import __version__

if TYPE_CHECKING:
    from zoo.build import create as create
    from zoo.inference.predictor import predictor as predictor
    from zoo.inference.trained import load as load, preprocessing as preprocessing
    from zoo.layers.stages import layers_of as layers_of

__all__ = [
    "Activation", "Add", "Auxiliary", "Concat", "Conv", "ConvTranspose", "Crop", "Dense", "DepthwiseConv",
    "DropPath", "Dropout", "Flatten", "GlobalPool", "Layout", "Multiply", "Norm", "PadChannels", "Pool",
    "RBF", "Scale", "Sequence", "Shuffle", "Split", "Stage", "Subsample", "TableConv", "Take", "Unpool",
    "Upsample", "ZooError", "ZooWarning", "__version__", "create", "info", "layers_of", "list_models", "load",
    "preprocessing", "register", "trace",
]

prepare()  # whichever of the zoo's modules a program imports first, this has been done before
register_with_keras()


def __getattr__(name: str) -> Any:
    # they need Keras
    rooms = {"create": "zoo.build", "layers_of": "zoo.layers.stages", "load": "zoo.inference.trained",
             "predictor": "zoo.inference.predictor", "preprocessing": "zoo.inference.trained"}
    if name not in rooms:
        raise AttributeError(f"module 'zoo' has no attribute {name!r}")
    return getattr(import_module(rooms[name]), name)

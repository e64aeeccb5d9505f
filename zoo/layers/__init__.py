"""Keras layers: those of the papers that Keras does not ship, faster forms of its own, and copies of a layer.

Keras needs no more than `import zoo`, before or after its own import, to load a model with the papers' layers.
"""

from zoo.layers.open_sides import BilinearUpsampling, ChannelShuffle, CropToImage, CropToOverlap
from zoo.layers.papers import (
    RBF, Bilinear, CutPooling, LeCunRange, LocalResponseNormalization, MaxUnpooling, Subsampling, TableConv2D,
    scaled_tanh,
)

__all__ = [
    "RBF", "Bilinear", "BilinearUpsampling", "ChannelShuffle", "CropToImage", "CropToOverlap", "CutPooling",
    "LeCunRange", "LocalResponseNormalization", "MaxUnpooling", "Subsampling", "TableConv2D", "scaled_tanh",
]

"""Networks as data, without Keras: words, rows of a paper's table -> with overrides -> a trace of every layer.

`words` defines the words, `checks` validates their fields, `layouts` holds a net's body and head, `rewrite` applies
overrides, `windows` has the arithmetic of padding, stride and dilation, `naming` names the layers, and `trace` computes
each layer's shape and cost.
"""

from zoo.layout.checks import LIKE_INPUT
from zoo.layout.layouts import Layout, all_words, as_layout, map_words, norm_kinds, plain_words
from zoo.layout.windows import pair, sides
from zoo.layout.words import (
    RBF, Activation, Add, Auxiliary, Classes, Composite, Concat, Conv, ConvTranspose, Crop, Dense, DepthwiseConv,
    DropPath, Dropout, Flatten, GlobalPool, Multiply, Norm, PadChannels, Pool, Scale, Sequence, Shuffle, Split, Stage,
    Subsample, TableConv, Take, Unpool, Upsample, Word, as_words,
)

__all__ = [
    "LIKE_INPUT", "RBF", "Activation", "Add", "Auxiliary", "Classes", "Composite", "Concat", "Conv", "ConvTranspose",
    "Crop", "Dense", "DepthwiseConv", "DropPath", "Dropout", "Flatten", "GlobalPool", "Layout", "Multiply", "Norm",
    "PadChannels", "Pool", "Scale", "Sequence", "Shuffle", "Split", "Stage", "Subsample", "TableConv", "Take", "Unpool",
    "Upsample", "Word", "all_words", "as_layout", "as_words", "map_words", "norm_kinds", "pair", "plain_words", "sides",
]

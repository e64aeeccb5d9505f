"""The language of the layouts, one pipeline without Keras: words -> rewrites of them -> a trace of every layer.

`words` are the rows of a paper's table, `checks` the checks of their fields, `rewrite` the overrides that every model
takes, `windows` the arithmetic of padding, stride and dilation, and `trace` follows an input through a layout.
"""

from zoo.layout.words import (
    LIKE_INPUT, RBF, Activation, Add, Auxiliary, Classes, Composite, Concat, Conv, ConvTranspose, Crop, Dense,
    DepthwiseConv, DropPath, Dropout, Flatten, GlobalPool, Layout, Multiply, Norm, PadChannels, Pool, Scale, Sequence,
    Shuffle, Split, Stage, Subsample, TableConv, Take, Unpool, Upsample, Word, all_words, as_layout, as_words,
    map_words, norm_kinds, pair, plain_words, sides,
)  # fmt: skip

__all__ = [
    "LIKE_INPUT", "RBF", "Activation", "Add", "Auxiliary", "Classes", "Composite", "Concat", "Conv", "ConvTranspose",
    "Crop", "Dense", "DepthwiseConv", "DropPath", "Dropout", "Flatten", "GlobalPool", "Layout", "Multiply", "Norm",
    "PadChannels", "Pool", "Scale", "Sequence", "Shuffle", "Split", "Stage", "Subsample", "TableConv", "Take", "Unpool",
    "Upsample", "Word", "all_words", "as_layout", "as_words", "map_words", "norm_kinds", "pair", "plain_words", "sides",
]  # fmt: skip

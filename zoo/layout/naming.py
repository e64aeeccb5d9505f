"""The names of the layers: a word's own `name`, or else its stage, its kind and a number, as in "block3_conv2"."""

from collections.abc import Iterator, Sequence
from dataclasses import replace
from functools import cache
from typing import Any

from zoo.layout import words

_LABELS = {
    words.Conv: "conv", words.DepthwiseConv: "dwconv", words.TableConv: "conv", words.ConvTranspose: "upconv",
    words.Pool: "pool", words.Subsample: "pool", words.Upsample: "up", words.Unpool: "unpool", words.Crop: "crop",
    words.Dropout: "dropout", words.DropPath: "droppath", words.Scale: "scale", words.Split: "split",
    words.Shuffle: "shuffle", words.PadChannels: "pad", words.Flatten: "flatten", words.Dense: "fc",
    words.RBF: "rbf", words.Add: "add", words.Multiply: "gate", words.Concat: "concat", words.Take: "take",
}
_NORM_LABELS = {"batch": "bn", "group": "gn", "lrn": "lrn"}


def label(word: words.Word) -> str:
    """Return the short name of a word's kind, from which its layer is named by default: "conv", "bn"."""
    match word:
        case words.Norm():
            return _NORM_LABELS[word.kind]
        case words.Activation():
            return word.kind or "linear"
        case words.GlobalPool():
            return f"{word.kind}_pool"
    return _LABELS[type(word)]


@cache
def layers_of(word: Any) -> tuple[tuple[words.Word, str], ...]:
    """Return a normalized convolution's layers, as (word, suffix of its name); LRN comes after the activation."""
    norm = word.norm, f"_{label(word.norm)}"
    if word.norm.kind == "lrn":
        return (replace(word, norm=None), ""), norm
    plain = replace(word, norm=None, activation=None), ""
    activation = words.Activation(word.activation), f"_{word.activation}"
    return (plain, norm, activation) if word.activation else (plain, norm)


def names(items: Sequence[words.Word], scope: str) -> Iterator[str]:
    """Yield the names of words in a row; `scope` is their prefix. A kind that occurs once gets no number.

    A word's own name gets no prefix, except that of a composite, which is itself the prefix of the names inside it
    (but not that of an `Auxiliary`, which also names an output of the model).
    """
    labels = [None if word.name else label(word) for word in items]
    seen = dict.fromkeys(labels, 0)
    for word, kind in zip(items, labels):
        seen[kind] += 1
        if word.name:
            scoped = isinstance(word, words.Composite) and not isinstance(word, words.Auxiliary)
            yield scope + word.name if scoped else word.name
        else:
            yield scope + (kind if kind and labels.count(kind) == 1 else f"{kind}{seen[kind]}")

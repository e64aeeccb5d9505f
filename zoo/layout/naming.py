"""The names of the layers: those that words bear, else kind and number within the stage."""

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
    """Return what a layer is called by default: its kind, in short."""
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
    """The layers of a normalized convolution, each with what its name adds: LRN comes after the activation."""
    norm = word.norm, f"_{label(word.norm)}"
    if word.norm.kind == "lrn":
        return (replace(word, norm=None), ""), norm
    plain = replace(word, norm=None, activation=None), ""
    activation = words.Activation(word.activation), f"_{word.activation}"
    return (plain, norm, activation) if word.activation else (plain, norm)


def names(items: Sequence[words.Word], scope: str) -> Iterator[str]:
    """Name the words of one scope: kind and number, without the number where a kind stands alone.

    A word's own name is taken as it is; that of a composite is a prefix too, so it keeps the scope that it is in (but
    an `Auxiliary` bears the name of an output).
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

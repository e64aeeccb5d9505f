"""Layout -> layout: the overrides that any layout takes, such as `norm` and `width`.

Each function returns a new `Layout`, or raises `Unfit` where its change makes no sense for that layout.
"""

import ast
from collections.abc import Callable
from dataclasses import replace
from math import inf, lcm
from typing import Any

from zoo.errors import ZooError, did_you_mean
from zoo.layout import (
    LIKE_INPUT, RBF, Activation, Add, Auxiliary, Classes, Composite, Conv, ConvTranspose, Dense, DepthwiseConv,
    DropPath, Dropout, GlobalPool, Layout, Multiply, Norm, PadChannels, Pool, Scale, Stage, Subsample, TableConv, Take,
    Unpool, Upsample, Word, all_words, as_words, checks, map_words, norm_kinds, pair, plain_words, sides,
)

CONSTANTS = {"true": "True", "false": "False", "none": "None"}  # in lower case -> in Python
CONVS = (Conv, DepthwiseConv, TableConv)
SCORING = (Conv, ConvTranspose, Dense, RBF)  # words that can give class scores
KEEPING = (Activation, DropPath, Dropout, Norm, Pool, Scale, Subsample)  # words that keep the number of channels
STRIDED = (*CONVS, Pool, Subsample)


class Unfit(ZooError):
    """An override that makes no sense for a layout. Its message is to follow the model's name in a sentence."""


def rewrite(layout: Layout, overrides: dict[str, Any]) -> Layout:
    """Apply `overrides`, {name: value}, in the order of `OVERRIDES`. Raises `ZooError` for an unknown name."""
    for key in overrides:
        if key not in OVERRIDES:
            raise ZooError(f"There is no override {key!r}.{did_you_mean(key, OVERRIDES)}")
    for key, function in OVERRIDES.items():
        if key in overrides:
            layout = function(layout, overrides[key])
    return layout


def padding(layout: Layout, value: str | int | tuple) -> Layout:
    """Set the padding of every convolution larger than 1x1; "same" and "valid" are set for the pools, too."""

    def change(word):
        if _convolves(word) and pair(word.kernel) != (1, 1):
            return replace(word, padding=value)
        if isinstance(word, Pool) and isinstance(value, str):
            return replace(word, padding=value)
        return word

    return _body(layout, change, "padding", _convolves)


def stride(layout: Layout, value: int | tuple) -> Layout:
    """Set the stride of the stem, which is the first convolution."""
    stem: Any = next((word for word in plain_words(layout.body) if _convolves(word)), None)
    return _body(layout, lambda word: replace(word, stride=value) if word is stem else word, "stride", _convolves)


def pool(layout: Layout, kind: str) -> Layout:
    """Make every pool "max" or "avg", or replace it by a convolution of the same window and stride ("stride").

    A 1x1 pool only takes every n-th pixel (the shortcuts of ResNet), and stays as it is.
    """
    checks.one_of("max", "avg", "stride")("pool", kind)

    def change(word):
        if not _pools(word):
            return word
        step = word.stride or word.size if isinstance(word, Pool) else word.size
        pads = word.padding if isinstance(word, Pool) else "valid"
        if kind == "stride":
            return Conv(None, word.size, stride=step, padding=pads, name=word.name)
        pooled = Pool(word.size, step, pads, kind, name=word.name)
        return [pooled, Activation(word.activation)] if getattr(word, "activation", None) else pooled

    return _body(layout, change, "pool", _pools)


def _pools(word):
    return isinstance(word, (Pool, Subsample)) and pair(word.size) != (1, 1)


def norm(layout: Layout, kind: str | None) -> Layout:
    """Change the kind of normalization, or add it after each convolution of a net that has none.

    LRN counts as none: `norm="batch"` removes it and adds BatchNorm after every convolution. None removes all
    normalization, and gives a bias to the convolutions that had none because of it.
    """
    checks.one_of(None, "batch", "group", "lrn")("norm", kind)
    kinds = norm_kinds(layout.body)
    has_own = bool(kinds & {"batch", "group"}) or kind in kinds

    def change(word):
        if isinstance(word, Norm):
            return replace(word, kind=kind) if kind and has_own else []
        if _convolves(word) and kind is None:
            return replace(word, norm=None) if isinstance(word, TableConv) else replace(word, norm=None, bias=True)
        if _convolves(word) and word.norm and has_own:
            return replace(word, norm=replace(word.norm, kind=kind))
        return replace(word, norm=kind) if _convolves(word) and not has_own else word

    return _body(layout, change, "norm", _convolves)


def activation(layout: Layout, kind: str | None) -> Layout:
    """Replace every hidden activation, except where a branch of `Multiply` ends, in a gate."""
    gates = {id(gate) for word in all_words(layout.body + layout.head) if isinstance(word, Multiply)
             for branch in word.branches for gate in branch[-1:]}

    def change(word):
        if id(word) in gates:
            return word
        if isinstance(word, Activation):
            return replace(word, kind=kind)
        return replace(word, activation=kind) if getattr(word, "activation", None) else word

    return Layout(map_words(change, layout.body), map_words(change, layout.head))


def dropout(layout: Layout, rate: float) -> Layout:
    """Set the rate of every Dropout; a net that has none gets one before its classifier. 0 removes all."""

    def change(word):
        return (replace(word, rate=rate) if rate else []) if isinstance(word, Dropout) else word

    if any(isinstance(word, Dropout) for word in plain_words(layout.body + layout.head)):
        return Layout(map_words(change, layout.body), map_words(change, layout.head))
    new, last = Dropout(rate), classifier(layout, "dropout")
    return replace(layout, head=map_words(lambda word: [new, word] if word is last and rate else word, layout.head))


def width(layout: Layout, factor: float) -> Layout:
    """Multiply filters and hidden units by `factor`, and dropout rates, if it is below 1; the classes stay.

    In a net with grouped convolutions every count is rounded to a multiple of the groups, so that it can be divided.
    A branch that is added to its own input is given as many filters as that has channels: these can be a sum of
    rounded counts, which may differ from the rounded sum.
    """
    if not isinstance(factor, (int, float)) or isinstance(factor, bool) or not 0 < factor < 1000:
        raise ZooError(f"width must be a positive multiplier such as 0.5; got {factor!r}.")
    scores = _classifiers(layout, "width") if layout.head else []
    ends = [end for word in all_words(layout.body + layout.head) if isinstance(word, Add) and not word.branches[-1]
            for branch in word.branches for end in _last_convolution(branch)]
    groups = lcm(*(word.groups for word in plain_words(layout.body) if isinstance(word, Conv)))

    def scaled(count, step):
        return max(1, round(count * factor / step)) * step

    def change(word):
        if isinstance(word, (TableConv, RBF)):
            raise Unfit("takes no width: its connection table and output codes fix the number of maps.")
        if any(word is score for score in scores):
            return word
        if isinstance(word, Dropout):
            return replace(word, rate=word.rate * min(factor, 1))
        if any(word is end for end in ends):
            return replace(word, filters=LIKE_INPUT)
        if isinstance(word, (Conv, ConvTranspose, PadChannels)) and isinstance(word.filters, int):
            return replace(word, filters=scaled(word.filters, groups))
        return replace(word, units=scaled(word.units, groups)) if isinstance(word, Dense) else word

    return Layout(map_words(change, layout.body), map_words(change, layout.head))


def _last_convolution(branch):
    """Return [the convolution that sets the number of channels at a branch's end], or [] if none does."""
    rest = [word for word in branch if not (isinstance(word, KEEPING) or _is_gate(word))]
    return rest[-1:] if rest and isinstance(rest[-1], Conv) and rest[-1].filters else []


def _is_gate(word):
    return isinstance(word, Multiply) and not word.branches[-1]


def output_stride(layout: Layout, target: int) -> Layout:
    """Limit the body's output stride to `target`: later strides become 1, and the layers after them are dilated.

    Pools, and unpadded convolutions, that lose their stride pad "same", so that the map keeps its size (Chen et al.,
    DeepLab, arXiv:1412.7062). After the first stride that is removed, all later ones are.
    """
    target = checks.count("output_stride", target)
    if any(isinstance(word, (Upsample, ConvTranspose, Unpool)) for word in plain_words(layout.body)):
        raise Unfit("takes no output_stride: its body enlarges the map again.")
    body, stride, rate = _with_stride(layout.body, target, {})
    if stride != target:
        raise Unfit(f"has an output stride of {stride * rate}, which can't be made {target}.")
    return replace(layout, body=body)


def _with_stride(items, target, seen, stride=1, rate=1):
    """Return the words with a total stride of at most `target`, and the stride and the dilation rate at their end.

    `stride` and `rate` are those at their start; `seen` maps each stage so far to those at its end.
    """
    new = []
    for word in as_words(items):
        if isinstance(word, Take):
            new.append(word)
            stride, rate = seen[word.stage]
        elif isinstance(word, Composite):
            ends = [_with_stride(branch, target, seen, stride, rate) for branch in word.branches]
            longest = max(ends, key=lambda end: end[1] * end[2])
            new.append(word.with_branches(end[0] for end in ends))
            if not isinstance(word, Auxiliary):
                stride, rate = longest[1:]
            if isinstance(word, Stage):
                seen[word.name] = stride, rate
        elif isinstance(word, STRIDED):
            kept = _step(word) == 1 or (rate == 1 and stride * _step(word) <= target)
            new.append(_dilated(word, rate, kept))
            stride, rate = (stride * _step(word), rate) if kept else (stride, rate * _step(word))
        else:
            new.append(word)
    return as_words(new), stride, rate


def check_head(before: Layout, after: Layout) -> None:
    """Raise `Unfit` if overrides changed the body's stride and the head enlarges the map by a fixed factor."""
    if not any(isinstance(word, (Upsample, ConvTranspose)) for word in plain_words(after.head)):
        return
    old, new = (_with_stride(layout.body, inf, {})[1] for layout in (before, after))
    if new != old:
        raise Unfit(f"has a head that enlarges the map by a fixed factor: it takes a body of stride {old}, not {new}. "
                    "include_top=False leaves the head off.")


def _step(word):
    step = word.size if isinstance(word, Subsample) else word.stride
    return max(pair(step or word.size))


def _dilated(word, rate, keep):
    if isinstance(word, Subsample):
        if not keep:
            raise Unfit("takes no output_stride: its subsampling can't keep the map's size.")
        return word
    if isinstance(word, Pool):
        return word if keep else replace(word, stride=1, padding="same")
    step = word.stride if keep else 1
    if pair(word.kernel) == (1, 1) or (rate == 1 and keep):
        return replace(word, stride=step)
    if isinstance(word, TableConv):
        raise Unfit("takes no output_stride: a convolution by connection table can't be dilated.")
    if isinstance(word.padding, str):
        padded = word.padding if keep or _step(word) == 1 else "same"
    else:
        padded = tuple(rate * pixels for axis in sides(word.padding) for pixels in axis)
    dilation = tuple(d * rate for d in pair(word.dilation))
    return replace(word, stride=step, dilation=dilation, padding=padded)


def head(layout: Layout, kind: str) -> Layout:
    """ "paper" keeps the head; "gap" replaces it by global average pooling and the classifier."""
    checks.one_of("paper", "gap")("head", kind)
    if kind == "paper":
        return layout
    last: Any = classifier(layout, "head")
    if isinstance(last, RBF):
        raise Unfit("takes no head='gap': its output layer is made of codes.")
    if not isinstance(last, Dense):
        last = Dense(last.filters, name=last.name)
    return replace(layout, head=as_words([GlobalPool("avg"), last]))


OVERRIDES: dict[str, Callable[[Layout, Any], Layout]] = {
    "width": width, "head": head, "norm": norm, "activation": activation, "dropout": dropout,
    "pool": pool, "padding": padding, "stride": stride, "output_stride": output_stride,
}


# ---------------------------------------------------------------------------------------- classes and the top


def classes(layout: Layout, count: int) -> Layout:
    """Set the outputs of the classifier to `count`, and every other number of filters or units that is a `Classes`."""
    scores = _classifiers(layout, "classes")

    def change(word):
        if not any(word is score for score in scores):
            return word
        if isinstance(word, RBF):
            if count == len(word.codes):
                return word
            raise Unfit(f"has output codes for its {len(word.codes)} classes and takes no other number.")
        return replace(word, **{"units" if isinstance(word, Dense) else "filters": Classes(count)})

    return Layout(map_words(change, layout.body), map_words(change, layout.head))


def without_top(layout: Layout, pooling: str | None = None) -> Layout:
    """Return the body without auxiliary classifiers, followed by global pooling if `pooling` is "avg" or "max"."""
    checks.one_of(None, "avg", "max")("pooling", pooling)
    return Layout(_without_auxiliary(layout.body), (GlobalPool(pooling),) if pooling else ())


def _without_auxiliary(items):
    return [word.with_branches(map(_without_auxiliary, word.branches)) if isinstance(word, Composite) else word
            for word in items if not isinstance(word, Auxiliary)]


def classifier(layout: Layout, what: str) -> Word:
    """Return the last word of the head that can give class scores; `what` names the override that needs it."""
    found = [word for word in plain_words(layout.head) if isinstance(word, SCORING)]
    if not found:
        raise Unfit(f"takes no {what}: its layout ends without a classifier.")
    return found[-1]


def _classifiers(layout, what):
    """Return the classifier, and every other word whose number of filters or units is a `Classes`."""
    return [classifier(layout, what)] + [
        word for word in plain_words(layout.body + layout.head)
        if isinstance(getattr(word, "filters", None) or getattr(word, "units", None), Classes)
    ]


def _convolves(word):
    return isinstance(word, CONVS)


def _body(layout, change, what, concerns):
    """Replace each word of the body by `change(word)`. Raises `Unfit`, naming `what`, if it `concerns` none of them."""
    if not any(concerns(word) for word in plain_words(layout.body)):
        raise Unfit(f"takes no {what}: it has no layer that this would change.")
    return replace(layout, body=map_words(change, layout.body))


def literal(text: str) -> Any:
    """Return the Python value of a string such as "0.5", "same", "true" or "none"; a string if it is no literal."""
    try:
        return ast.literal_eval(CONSTANTS.get(text.lower(), text))
    except (ValueError, SyntaxError):
        return text

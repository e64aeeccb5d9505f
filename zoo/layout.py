"""The words of a layout: frozen data, one class a row of a paper's table. Nothing here computes or imports Keras.

A layout is a list of words. Lists nest freely, so a helper may return several rows at once:

    [Conv(6, 5, padding="valid"), Pool(2), [Conv(16, 5), Pool(2)], Flatten(), Dense(10)]

Shapes are NHWC. A size, stride or dilation is an int or a (height, width) pair. Padding is "same" (as TensorFlow
pads: the output has ceil(input / stride) pixels), "valid" (none), or rings of zeros: an int, a (vertical,
horizontal) pair, or the four sides (top, bottom, left, right).
"""

from copy import copy
from dataclasses import dataclass, field, fields

from zoo.errors import ZooError

NORMS = ("batch", "group", "lrn")


@dataclass(frozen=True)
class Word:
    """One row of a layout. `name` fixes the layer's name; otherwise it follows from stage, kind and position."""

    name: str | None = field(default=None, kw_only=True)

    def __post_init__(self):
        for key in (f.name for f in fields(self)):
            check = _CHECKS.get((type(self), key)) or _CHECKS.get(key)
            if check:
                value = check(f"{type(self).__name__}: {key}", getattr(self, key))
                object.__setattr__(self, key, value)


# ---------------------------------------------------------------------------------------------- windows that slide


@dataclass(frozen=True)
class Conv(Word):
    """A convolution as a paper's row means it: kernel, bias, normalization if any, then the activation.

    `filters=None` keeps the number of channels. `norm` is None, "batch", "group" or "lrn" (LRN comes after the
    activation, as in AlexNet). `activation` is any name that Keras knows, "scaled_tanh", or None.
    """

    filters: int | None
    kernel: int | tuple
    stride: int | tuple = 1
    padding: str | int | tuple = "same"
    dilation: int | tuple = 1
    groups: int = 1
    bias: bool = True
    norm: str | None = None
    activation: str | None = "relu"


@dataclass(frozen=True)
class DepthwiseConv(Word):
    """A convolution of each channel by itself, `multiplier` filters a channel."""

    kernel: int | tuple
    stride: int | tuple = 1
    padding: str | int | tuple = "same"
    dilation: int | tuple = 1
    multiplier: int = 1
    bias: bool = True
    norm: str | None = None
    activation: str | None = "relu"


@dataclass(frozen=True)
class TableConv(Word):
    """A convolution whose filter i sees only the input channels `table[i]` (counted from 0), as LeNet-5's C3."""

    table: tuple
    kernel: int | tuple
    stride: int | tuple = 1
    padding: str | int | tuple = "same"
    norm: str | None = None
    activation: str | None = "relu"


@dataclass(frozen=True)
class Pool(Word):
    """The maximum ("max") or mean ("avg") of each window; `stride=None` means the window's own size."""

    size: int | tuple
    stride: int | tuple | None = None
    padding: str | int | tuple = "valid"
    kind: str = "max"


@dataclass(frozen=True)
class Subsample(Word):
    """LeNet's pooling: the window's sum times a trainable coefficient, plus a trainable bias, a pair a channel."""

    size: int | tuple
    activation: str | None = None


@dataclass(frozen=True)
class Upsample(Word):
    """Enlarge the map `size` times, by "nearest" or "bilinear" interpolation."""

    size: int | tuple
    interpolation: str = "nearest"


# ------------------------------------------------------------------------------------------------ point by point


@dataclass(frozen=True)
class Norm(Word):
    """Normalization where it stands alone: "batch", "group" (32 groups, or fewer if channels are few) or "lrn"."""

    kind: str = "batch"


@dataclass(frozen=True)
class Activation(Word):
    """An activation where it stands alone."""

    kind: str = "relu"


@dataclass(frozen=True)
class Dropout(Word):
    """Dropout of the share `rate` of the values, in training only."""

    rate: float = 0.5


# ---------------------------------------------------------------------------------------------------- the head


@dataclass(frozen=True)
class Flatten(Word):
    """Map to vector, rows first, channels last."""


@dataclass(frozen=True)
class GlobalPool(Word):
    """Mean ("avg") or maximum ("max") of each channel over the whole map: map to vector."""

    kind: str = "avg"


@dataclass(frozen=True)
class Dense(Word):
    """A fully connected layer. It takes a vector; no activation unless named."""

    units: int
    activation: str | None = None


@dataclass(frozen=True)
class RBF(Word):
    """Minus the squared distance of a vector to each fixed code (LeNet-5's output layer); codes are rows of +-1.

    Its output is a logit: the softmax of it is the posterior in the paper's equation 9.
    """

    codes: tuple


# ------------------------------------------------------------------------------------------- words made of words


class Composite(Word):
    """A word made of branches, each a tuple of words that starts from the same input."""

    def _set(self, name, branches):
        object.__setattr__(self, "name", name)
        object.__setattr__(self, "branches", tuple(words(branch) for branch in branches))

    def with_branches(self, branches):
        """Return the same word with other branches, each any nesting of words."""
        new = object.__new__(type(self))
        new._set(self.name, branches)
        return new


@dataclass(frozen=True, init=False)
class Sequence(Composite):
    """Words one after the other; the same as a nested list."""

    branches: tuple

    def __init__(self, *items):
        self._set(None, [items])


@dataclass(frozen=True, init=False)
class Stage(Composite):
    """Named words one after the other. The name is a feature's name and the prefix of the layers inside."""

    branches: tuple

    def __init__(self, name, *items):
        self._set(name, [items])


@dataclass(frozen=True, init=False)
class Add(Composite):
    """The sum of the branches and of the shortcut, which is the input itself unless it has words of its own."""

    branches: tuple

    def __init__(self, *branches, shortcut=(), name=None):
        self._set(name, [*branches, shortcut])


@dataclass(frozen=True, init=False)
class Concat(Composite):
    """The branches' channels side by side, in order. An empty branch is the input itself."""

    branches: tuple

    def __init__(self, *branches, name=None):
        self._set(name, branches)


# ------------------------------------------------------------------------------------------------------- layouts


@dataclass(frozen=True)
class Layout:
    """A network: the `body`, which keeps a map, and the `head`, which turns it into class scores.

    Each row is an object of its own, even if one word was given twice, so a rewrite can tell equal rows apart.
    """

    body: tuple
    head: tuple = ()

    def __post_init__(self):
        object.__setattr__(self, "body", map_words(copy, self.body))
        object.__setattr__(self, "head", map_words(copy, self.head))


def as_layout(items):
    """Return `items` as a `Layout`; in a plain list the head starts at the first Flatten or GlobalPool."""
    if isinstance(items, Layout):
        return items
    flat = words(items)
    cut = next((i for i, word in enumerate(flat) if _flattens(word)), len(flat))
    return Layout(flat[:cut], flat[cut:])


def _flattens(word):
    if isinstance(word, Stage):
        return any(map(_flattens, word.branches[0]))
    return isinstance(word, (Flatten, GlobalPool))


def words(items):
    """Return any nesting of lists, tuples and Sequences as one flat tuple of words."""
    if isinstance(items, Sequence):
        return items.branches[0]
    if isinstance(items, Word):
        return (items,)
    if isinstance(items, (list, tuple)):
        return tuple(word for item in items for word in words(item))
    raise ZooError(f"A layout is made of words such as Conv(32, 3) or Pool(2); got {items!r}.")


def map_words(function, items):
    """Return the words with each plain word replaced by what `function` gives: a word, a list of words, or []."""
    new = []
    for word in words(items):
        if isinstance(word, Composite):
            new.append(word.with_branches(map_words(function, branch) for branch in word.branches))
        else:
            new.append(function(word))
    return words(new)


def plain_words(items):
    """Yield every plain word, in order, those inside composites too."""
    for word in words(items):
        if isinstance(word, Composite):
            for branch in word.branches:
                yield from plain_words(branch)
        else:
            yield word


# ------------------------------------------------------------------------------------------ checks of the fields


def pair(value):
    """Return an int or a pair as a (height, width) pair."""
    return (value, value) if isinstance(value, int) else tuple(value)


def sides(padding):
    """Return rings of zeros, in any of the accepted forms, as ((top, bottom), (left, right))."""
    if isinstance(padding, int):
        return (padding, padding), (padding, padding)
    if len(padding) == 2:
        vertical, horizontal = padding
        return (vertical, vertical), (horizontal, horizontal)
    top, bottom, left, right = padding
    return (top, bottom), (left, right)


def _whole(value, least):
    return isinstance(value, int) and not isinstance(value, bool) and value >= least


def _check_pair(what, value):
    value = tuple(value) if isinstance(value, list) else value
    if _whole(value, 1) or (isinstance(value, tuple) and len(value) == 2 and all(_whole(v, 1) for v in value)):
        return value
    raise ZooError(f"{what} must be a positive whole number or a pair of them; got {value!r}.")


def _check_padding(what, value):
    value = tuple(value) if isinstance(value, list) else value
    if value in ("same", "valid") or _whole(value, 0):
        return value
    if isinstance(value, tuple) and len(value) in (2, 4) and all(_whole(v, 0) for v in value):
        return value
    raise ZooError(
        f'{what} must be "same", "valid", or rings of zeros (a whole number, a pair or four sides); got {value!r}.'
    )


def _check_count(what, value):
    if _whole(value, 1):
        return value
    raise ZooError(f"{what} must be a positive whole number; got {value!r}.")


def _check_table(what, value):
    rows = tuple(tuple(row) for row in value)
    if rows and all(row and all(_whole(channel, 0) for channel in row) for row in rows):
        return rows
    raise ZooError(f"{what} must give each filter at least one input channel, counted from 0; got {value!r}.")


def _check_name(what, value):
    if isinstance(value, str) and value and "/" not in value:
        return value
    raise ZooError(f"{what} must be text without a slash; got {value!r}.")


def _check_rate(what, value):
    if isinstance(value, (int, float)) and not isinstance(value, bool) and 0 <= value < 1:
        return value
    raise ZooError(f"{what} must be a number from 0 up to, but not, 1; got {value!r}.")


def _one_of(*choices):
    def check(what, value):
        if value in choices:
            return value
        raise ZooError(f"{what} must be one of {', '.join(map(repr, choices))}; got {value!r}.")

    return check


def _or_none(check):
    return lambda what, value: None if value is None else check(what, value)


_CHECKS = {
    (Conv, "filters"): _or_none(_check_count),
    (Pool, "stride"): _or_none(_check_pair),
    (Pool, "kind"): _one_of("max", "avg"),
    (GlobalPool, "kind"): _one_of("avg", "max"),
    (Norm, "kind"): _one_of(*NORMS),
    (Upsample, "interpolation"): _one_of("nearest", "bilinear"),
    "name": _or_none(_check_name),
    "table": _check_table,
    "kernel": _check_pair,
    "size": _check_pair,
    "stride": _check_pair,
    "dilation": _check_pair,
    "padding": _check_padding,
    "groups": _check_count,
    "multiplier": _check_count,
    "units": _check_count,
    "rate": _check_rate,
    "norm": _one_of(None, *NORMS),
}

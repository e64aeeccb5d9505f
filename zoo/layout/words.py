"""The words of a layout: frozen dataclasses, one for each kind of layer. Nothing here computes or imports Keras.

A layout is a list of words, the rows of a paper's table. Lists may be nested, so a function can return several rows:

    [Conv(6, 5, padding="valid"), Pool(2), [Conv(16, 5), Pool(2)], Flatten(), Dense(10)]

Shapes are NHWC. A size, stride or dilation is an int or a (height, width) pair. Padding is "same" (as TensorFlow
pads: the output has ceil(input / stride) pixels), "valid" (none), or explicit, in pixels of zeros: an int, a (vertical,
horizontal) pair, or (top, bottom, left, right). "ceil" pads at the bottom and right only, so that the output size is
rounded up as in Caffe's pools, as long as the last window starts inside the map; pools leave that padding out.
"""

from collections.abc import Iterable
from copy import copy
from dataclasses import dataclass, field, fields
from functools import cache, lru_cache
from typing import Self, dataclass_transform

from zoo.errors import ZooError
from zoo.layout import checks


class Classes(int):
    """The number of classes. Filters or units of this type are changed by the argument `classes`, not by `width`."""


@dataclass_transform(frozen_default=True)
@dataclass(frozen=True, eq=False, repr=False)
class Word:
    """One row of a layout. `name` is the layer's name; by default it follows from stage, kind and position.

    Every subclass is a frozen dataclass. Methods that all of them share are defined here, since `dataclass` would
    compile them again for each.
    """

    name: str | None = field(default=None, kw_only=True)

    def __init_subclass__(cls):
        dataclass(frozen=True, eq=False, repr=False, init="__init__" not in vars(cls))(cls)

    def __post_init__(self):
        try:
            self.__dict__.update(_checked_before(type(self), **self.__dict__))
        except TypeError:  # a list isn't hashable, so it can't be cached
            self.__dict__.update(_checked(type(self), **self.__dict__))

    def __eq__(self, other):
        return vars(self) == vars(other) if type(other) is type(self) else NotImplemented

    def __hash__(self):
        return hash(tuple(vars(self).values()))

    def __repr__(self):
        return f"{type(self).__name__}({', '.join(f'{f.name}={getattr(self, f.name)!r}' for f in fields(self))})"

    def __copy__(self):
        new = object.__new__(type(self))
        new.__dict__.update(self.__dict__)
        return new


# ------------------------------------------------------------------------------------------------ sliding windows


class Conv(Word):
    """A convolution with bias, normalization if any, and activation, in this order.

    `filters=None` keeps the number of channels; "like input", in a branch of an `Add`, means as many as the `Add`'s
    input has. `norm` is None, "batch", "group", "lrn" (LRN comes after the activation, as in AlexNet) or a `Norm`.
    `activation` is the name of a Keras activation, "scaled_tanh", or None.
    """

    filters: int | str | None
    kernel: int | tuple
    stride: int | tuple = 1
    padding: str | int | tuple = "same"
    dilation: int | tuple = 1
    groups: int = 1
    bias: bool = True
    norm: "str | Norm | None" = None
    activation: str | None = "relu"


class DepthwiseConv(Word):
    """A depthwise convolution: each channel by itself, with `multiplier` filters for each."""

    kernel: int | tuple
    stride: int | tuple = 1
    padding: str | int | tuple = "same"
    dilation: int | tuple = 1
    multiplier: int = 1
    bias: bool = True
    norm: "str | Norm | None" = None
    activation: str | None = "relu"


class TableConv(Word):
    """A convolution whose filter i has only the input channels `table[i]`, indices from 0 (LeNet-5's layer C3)."""

    table: tuple
    kernel: int | tuple
    stride: int | tuple = 1
    padding: str | int | tuple = "same"
    norm: "str | Norm | None" = None
    activation: str | None = "relu"


class ConvTranspose(Word):
    """A transposed convolution: it puts the map's values `stride` pixels apart and spreads each by the kernel.

    Padding "valid" keeps the whole result, "same" crops it to `stride` times the size of the map. With `bilinear` the
    kernel is initialized such that it interpolates each channel bilinearly.
    """

    filters: int | None
    kernel: int | tuple
    stride: int | tuple = 1
    padding: str = "valid"
    bias: bool = True
    activation: str | None = None
    bilinear: bool = False


class Pool(Word):
    """The maximum ("max") or mean ("avg") of each window; `stride=None` means the window's own size."""

    size: int | tuple
    stride: int | tuple | None = None
    padding: str | int | tuple = "valid"
    kind: str = "max"


class Subsample(Word):
    """LeNet's pooling: the window's sum times a trainable coefficient, plus a trainable bias, one each per channel."""

    size: int | tuple
    activation: str | None = None


class Upsample(Word):
    """Enlarge the map `size` times, by "nearest" or "bilinear" interpolation."""

    size: int | tuple
    interpolation: str = "nearest"


class Unpool(Word):
    """Max unpooling: put each value where the max pool named `pool` found its maximum, and zeros elsewhere."""

    pool: str
    size: int | tuple = 2


class Crop(Word):
    """Crop the map: `border` in pixels, in the forms of explicit padding, or "image": all that is outside the image."""

    border: str | int | tuple = "image"


# ------------------------------------------------------------------------------------------------ value by value


class Norm(Word):
    """Normalization: "batch", "group" (32 groups, or their greatest common divisor with the channels) or "lrn".

    `epsilon` is added to the variance; with `scale=False` there is no gamma. LRN uses neither.
    """

    kind: str = "batch"
    epsilon: float = 1e-5
    scale: bool = True


class Activation(Word):
    """An activation as a layer of its own."""

    kind: str = "relu"


class Dropout(Word):
    """Dropout: set the fraction `rate` of the values to 0, in training only."""

    rate: float = 0.5


class DropPath(Word):
    """Stochastic depth: set the whole map of an image to 0 with the probability `rate`, in training only."""

    rate: float


class Scale(Word):
    """Multiply by a constant."""

    factor: float


# ------------------------------------------------------------------------------------------------------- channels


class Split(Word):
    """One of `parts` equal slices of the channels, of index `part` (ShuffleNet's channel split)."""

    part: int
    parts: int = 2


class Shuffle(Word):
    """Channel shuffle: take a channel of each of `groups` groups in turn, so that later groups see all (ShuffleNet)."""

    groups: int = 2


class PadChannels(Word):
    """Add channels of zeros, up to `filters` channels in all (the option A shortcuts of ResNet).

    They come "after" the map's own, or half of them on each side ("both"; of an odd number one more after).
    """

    filters: int
    zeros: str = "after"


# ---------------------------------------------------------------------------------------------------- the head


class Flatten(Word):
    """Flatten a map to a vector, in the order height, width, channels."""


class GlobalPool(Word):
    """Mean ("avg") or maximum ("max") of each channel over the whole map: map to vector."""

    kind: str = "avg"


class Dense(Word):
    """A fully connected layer. It takes a vector; by default it has no activation."""

    units: int
    activation: str | None = None


class RBF(Word):
    """Minus the squared distance of a vector to each fixed code (LeNet-5's output layer); codes are rows of +-1.

    Its output is a logit: the softmax of it is the posterior in the paper's equation 9.
    """

    codes: tuple


# ------------------------------------------------------------------------------------------- words made of words

Words = Word | list | tuple  # any nesting of words


class Composite(Word):
    """A word made of branches, each a tuple of words that starts from the same input."""

    def _set(self, branches, **settings):
        self.__dict__.update(settings | _checked(type(self), **settings), branches=tuple(map(as_words, branches)))

    def with_branches(self, branches: Iterable[Words]) -> Self:
        """Return the same word with other branches, each any nesting of words."""
        new = copy(self)
        new.__dict__.update(branches=tuple(map(as_words, branches)))
        return new


class Sequence(Composite):
    """Words one after the other; the same as a nested list."""

    branches: tuple

    def __init__(self, *items: Words) -> None:
        self._set([items], name=None)


class Stage(Composite):
    """Words one after the other, with a name: that of its output among the features, and the prefix of its layers."""

    branches: tuple

    def __init__(self, name: str, *items: Words) -> None:
        self._set([items], name=name)


class Take(Word):
    """Continue from the output of an earlier stage, by its name; it must be the first word of a branch."""

    stage: str


class Add(Composite):
    """The sum of the branches and of the shortcut, which is the input itself unless it is given words.

    With `crop` the larger maps are cropped to the part of the image that all of them cover.
    """

    branches: tuple
    crop: bool

    def __init__(self, *branches: Words, shortcut: Words = (), crop: bool = False, name: str | None = None) -> None:
        self._set([*branches, shortcut], crop=crop, name=name)


class Multiply(Composite):
    """The product of the branches and of the shortcut, which is the input itself unless it is given words.

    A branch may end in a vector, one value per channel: a gate (squeeze and excitation).
    """

    branches: tuple

    def __init__(self, *branches: Words, shortcut: Words = (), name: str | None = None) -> None:
        self._set([*branches, shortcut], name=name)


class Concat(Composite):
    """The branches' channels concatenated, in order. An empty branch is the input itself.

    With `crop` the larger maps are cropped to the part of the image that all of them cover.
    """

    branches: tuple
    crop: bool

    def __init__(self, *branches: Words, crop: bool = False, name: str | None = None) -> None:
        if not branches:
            raise ZooError("Concat needs a branch, if only an empty one: Concat([], [Conv(8, 3)]).")
        self._set(branches, crop=crop, name=name)


class Auxiliary(Composite):
    """An auxiliary classifier on a side branch, for a loss near early layers; the next word gets the same input.

    In training its loss is multiplied by `weight`; a built model has its class scores as one more output.
    """

    branches: tuple
    weight: float

    def __init__(self, name: str, *items: Words, weight: float = 0.3) -> None:
        self._set([items], weight=weight, name=name)


# ------------------------------------------------------------------------------------------------- words in a row


def as_words(items: Words) -> tuple[Word, ...]:
    """Return any nesting of lists, tuples and Sequences as one flat tuple of words."""
    flat: list[Word] = []
    _flatten((items,), flat)
    return tuple(flat)


def _flatten(items, flat):
    for item in items:
        if isinstance(item, Sequence):
            flat += item.branches[0]
        elif isinstance(item, Word):
            flat.append(item)
        elif isinstance(item, (list, tuple)):
            _flatten(item, flat)
        else:
            raise ZooError(f"A layout is made of words such as Conv(32, 3) or Pool(2); got {item!r}.")


# ------------------------------------------------------------------------------------------ checks of the fields


def _norm(what, value):
    """Return the `Norm` of a kind; None and a `Norm` are returned as they are."""
    return value if value is None or isinstance(value, Norm) else Norm(checks.one_of(None, *checks.NORMS)(what, value))


def _checked(kind, /, **values):
    """Return {field: checked value} where a check changes the value that a word is given. Raises `ZooError`."""
    new = {}
    for key, what, check in _checks_of(kind):
        if key in values and (checked := check(what, values[key])) is not values[key]:
            new[key] = checked
    return new


_checked_before = lru_cache(maxsize=None, typed=True)(_checked)  # papers repeat rows


@cache
def _checks_of(kind):
    """Return (field, its name in messages, check) for a word's fields that have a check."""
    known = checks.FIELDS | {"norm": _norm}
    found = [(f.name, known.get((kind.__name__, f.name)) or known.get(f.name)) for f in fields(kind)]
    return [(key, f"{kind.__name__}: {key}", check) for key, check in found if check]

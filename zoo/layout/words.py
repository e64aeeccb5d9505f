"""The words of a layout: frozen data, one class a row of a paper's table. Nothing here computes or imports Keras.

A layout is a list of words. Lists nest freely, so a helper may return several rows at once:

    [Conv(6, 5, padding="valid"), Pool(2), [Conv(16, 5), Pool(2)], Flatten(), Dense(10)]

Shapes are NHWC. A size, stride or dilation is an int or a (height, width) pair. Padding is "same" (as TensorFlow
pads: the output has ceil(input / stride) pixels), "valid" (none), or rings of zeros: an int, a (vertical,
horizontal) pair, or the four sides (top, bottom, left, right). "ceil" pads below and to the right alone, so far that
the last window starts inside the map (the pools of Caffe, which leave out what lies beyond).
"""

from collections.abc import Iterable
from copy import copy
from dataclasses import dataclass, field, fields
from functools import cache, lru_cache
from typing import Self, dataclass_transform

from zoo.errors import ZooError
from zoo.layout import checks


class Classes(int):
    """The number of classes: a count of filters or units that stands for it follows `classes`, and no `width`."""


@dataclass_transform(frozen_default=True)
@dataclass(frozen=True, eq=False, repr=False)
class Word:
    """One row of a layout. `name` fixes the layer's name; otherwise it follows from stage, kind and position.

    Every subclass is a frozen dataclass. What reads the same for all of them stands here once, since `dataclass`
    would compile it anew for each.
    """

    name: str | None = field(default=None, kw_only=True)

    def __init_subclass__(cls):
        dataclass(frozen=True, eq=False, repr=False, init="__init__" not in vars(cls))(cls)

    def __post_init__(self):
        try:
            self.__dict__.update(_checked_before(type(self), **self.__dict__))
        except TypeError:  # a list can't be remembered
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


# ---------------------------------------------------------------------------------------------- windows that slide


class Conv(Word):
    """A convolution as a paper's row means it: kernel, bias, normalization if any, then the activation.

    `filters=None` keeps the number of channels; "like input", in a branch of an `Add`, gives back as many as the
    branch started from. `norm` is None, "batch", "group", "lrn" (LRN comes after the activation, as in AlexNet) or a
    `Norm`. `activation` is any name that Keras knows, "scaled_tanh", or None.
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
    """A convolution of each channel by itself, `multiplier` filters a channel."""

    kernel: int | tuple
    stride: int | tuple = 1
    padding: str | int | tuple = "same"
    dilation: int | tuple = 1
    multiplier: int = 1
    bias: bool = True
    norm: "str | Norm | None" = None
    activation: str | None = "relu"


class TableConv(Word):
    """A convolution whose filter i sees only the input channels `table[i]` (counted from 0), as LeNet-5's C3."""

    table: tuple
    kernel: int | tuple
    stride: int | tuple = 1
    padding: str | int | tuple = "same"
    norm: "str | Norm | None" = None
    activation: str | None = "relu"


class ConvTranspose(Word):
    """A transposed convolution: it puts the map's values `stride` pixels apart and spreads each by the kernel.

    Padding "valid" keeps all that they are spread to, "same" cuts it to `stride` times the map. With `bilinear` the
    kernel starts as bilinear interpolation of each channel by itself.
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
    """LeNet's pooling: the window's sum times a trainable coefficient, plus a trainable bias, a pair a channel."""

    size: int | tuple
    activation: str | None = None


class Upsample(Word):
    """Enlarge the map `size` times, by "nearest" or "bilinear" interpolation."""

    size: int | tuple
    interpolation: str = "nearest"


class Unpool(Word):
    """Put each value where the maximum stood that the layer `pool` took, in windows of `size`; zeros elsewhere."""

    pool: str
    size: int | tuple = 2


class Crop(Word):
    """Cut off the map's border: so many rings, as padding is written, or "image": all that lies outside the image."""

    border: str | int | tuple = "image"


# ------------------------------------------------------------------------------------------------ point by point


class Norm(Word):
    """Normalization: "batch", "group" (32 groups, or fewer if channels are few) or "lrn".

    `epsilon` is added to the variance; with `scale=False` BatchNorm has no gamma. LRN has neither.
    """

    kind: str = "batch"
    epsilon: float = 1e-5
    scale: bool = True


class Activation(Word):
    """An activation where it stands alone."""

    kind: str = "relu"


class Dropout(Word):
    """Dropout of the share `rate` of the values, in training only."""

    rate: float = 0.5


class DropPath(Word):
    """Drop the whole map with the probability `rate`, image by image, in training only (stochastic depth)."""

    rate: float


class Scale(Word):
    """Multiply by a constant."""

    factor: float


# ------------------------------------------------------------------------------------------------------- channels


class Split(Word):
    """The `part`-th, counted from 0, of `parts` equal slices of the channels."""

    part: int
    parts: int = 2


class Shuffle(Word):
    """Deal the channels of each of `groups` groups out in turn, so that the next groups see all (ShuffleNet)."""

    groups: int = 2


class PadChannels(Word):
    """Channels of zeros beside the map's own, `filters` in all (the option A shortcuts of ResNet).

    They stand "after" the map's own, or half of them on each side ("both"; of an odd number one more after).
    """

    filters: int
    zeros: str = "after"


# ---------------------------------------------------------------------------------------------------- the head


class Flatten(Word):
    """Map to vector, rows first, channels last."""


class GlobalPool(Word):
    """Mean ("avg") or maximum ("max") of each channel over the whole map: map to vector."""

    kind: str = "avg"


class Dense(Word):
    """A fully connected layer. It takes a vector; no activation unless named."""

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
    """Named words one after the other. The name is a feature's name and the prefix of the layers inside."""

    branches: tuple

    def __init__(self, name: str, *items: Words) -> None:
        self._set([items], name=name)


class Take(Word):
    """Go on from the output of the stage of that name, seen earlier, in the place of what came before this word."""

    stage: str


class Add(Composite):
    """The sum of the branches and of the shortcut, which is the input itself unless it has words of its own.

    With `crop` the larger maps are cut to the part of the image that all of them cover.
    """

    branches: tuple
    crop: bool

    def __init__(self, *branches: Words, shortcut: Words = (), crop: bool = False, name: str | None = None) -> None:
        self._set([*branches, shortcut], crop=crop, name=name)


class Multiply(Composite):
    """The product of the branches and of the shortcut, the input itself unless it has words of its own.

    A branch may end in a vector: a gate, one value a channel (squeeze and excitation).
    """

    branches: tuple

    def __init__(self, *branches: Words, shortcut: Words = (), name: str | None = None) -> None:
        self._set([*branches, shortcut], name=name)


class Concat(Composite):
    """The branches' channels side by side, in order. An empty branch is the input itself.

    With `crop` the larger maps are cut to the part of the image that all of them cover.
    """

    branches: tuple
    crop: bool

    def __init__(self, *branches: Words, crop: bool = False, name: str | None = None) -> None:
        if not branches:
            raise ZooError("Concat needs a branch, if only an empty one: Concat([], [Conv(8, 3)]).")
        self._set(branches, crop=crop, name=name)


class Auxiliary(Composite):
    """A classifier of its own on the side, from which the early layers learn; what follows gets the input itself.

    In training its loss counts `weight` times; a built model has its scores as one more output.
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
    """A kind of normalization as the `Norm` of that kind."""
    return value if value is None or isinstance(value, Norm) else Norm(checks.one_of(None, *checks.NORMS)(what, value))


def _checked(kind, /, **values):
    """Return those of a word's fields whose checked value isn't the one given. Raises `ZooError`."""
    new = {}
    for key, what, check in _checks_of(kind):
        if key in values and (checked := check(what, values[key])) is not values[key]:
            new[key] = checked
    return new


_checked_before = lru_cache(maxsize=None, typed=True)(_checked)  # papers repeat their rows


@cache
def _checks_of(kind):
    """Return the checks of a word's fields, each with the field and what to call it."""
    known = checks.FIELDS | {"norm": _norm}
    found = [(f.name, known.get((kind.__name__, f.name)) or known.get(f.name)) for f in fields(kind)]
    return [(key, f"{kind.__name__}: {key}", check) for key, check in found if check]

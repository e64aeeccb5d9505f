"""Checks of the words' fields: (the field's name for messages, its value) -> the value to store, or a `ZooError`."""

from collections.abc import Callable
from functools import partial
from math import inf
from numbers import Integral
from typing import Any

from zoo.errors import ZooError, did_you_mean

NORMS = ("batch", "group", "lrn")
LIKE_INPUT = "like input"  # `filters` in a branch of an `Add`: as many as the `Add`'s input has channels
ACTIVATIONS = (  # Keras's, and LeNet-5's own
    "celu elu exponential gelu glu hard_shrink hard_sigmoid hard_silu hard_swish hard_tanh leaky_relu linear "
    "log_sigmoid log_softmax mish relu relu6 selu sigmoid silu soft_shrink softmax softplus softsign sparse_plus "
    "sparse_sigmoid sparsemax squareplus swish tanh tanh_shrink threshold scaled_tanh"
).split()


def is_whole(value: Any, least: Any) -> bool:
    """Return whether a value is a whole number, Python's or NumPy's, of at least `least`."""
    return isinstance(value, Integral) and not isinstance(value, bool) and value >= least


def _as_int(value):
    """Return a whole number as an int; one that is an int already (also a `Classes`) is returned as it is."""
    return value if isinstance(value, int) else int(value)


def pair(what: str, value: Any) -> int | tuple[int, int]:
    value = tuple(value) if isinstance(value, list) else value
    if is_whole(value, 1):
        return _as_int(value)
    if isinstance(value, tuple) and len(value) == 2 and all(is_whole(v, 1) for v in value):
        return tuple(map(_as_int, value))
    raise ZooError(f"{what} must be a positive whole number or a pair of them; got {value!r}.")


def padding(what: str, value: Any, names: tuple[str, ...] = ("same", "valid", "ceil")) -> str | int | tuple[int, ...]:
    value = tuple(value) if isinstance(value, list) else value
    if isinstance(value, str) and value in names:
        return value
    if is_whole(value, 0):
        return _as_int(value)
    if isinstance(value, tuple) and len(value) in (2, 4) and all(is_whole(v, 0) for v in value):
        return tuple(map(_as_int, value))
    known = ", ".join(f'"{name}"' for name in names)
    raise ZooError(f"{what} must be {known}, or pixels: a whole number, a pair or four of them; got {value!r}.")


def count(what: str, value: Any) -> int:
    if is_whole(value, 1):
        return _as_int(value)
    raise ZooError(f"{what} must be a positive whole number; got {value!r}.")


def index(what: str, value: Any) -> int:
    if is_whole(value, 0):
        return _as_int(value)
    raise ZooError(f"{what} must be a whole number, counted from 0; got {value!r}.")


def _rows(value, is_cell):
    """Return a table as a tuple of tuples; None if it isn't one, or has an empty row or a cell of another kind."""
    if not isinstance(value, (tuple, list)) or not all(isinstance(row, (tuple, list)) for row in value):
        return None
    rows = tuple(map(tuple, value))
    return rows if rows and all(row and all(map(is_cell, row)) for row in rows) else None


def table(what: str, value: Any) -> tuple[tuple[int, ...], ...]:
    if rows := _rows(value, lambda channel: is_whole(channel, 0)):
        return rows
    raise ZooError(f"{what} must give each filter at least one input channel, counted from 0; got {value!r}.")


def codes(what: str, value: Any) -> tuple[tuple[int, ...], ...]:
    if rows := _rows(value, lambda cell: cell in (-1, 1)):
        return rows
    raise ZooError(f"{what} must be rows of 1 and -1, one for each class; got {value!r}.")


def name(what: str, value: Any) -> str:
    if isinstance(value, str) and value and "/" not in value:
        return value
    raise ZooError(f"{what} must be text without a slash; got {value!r}.")


def activation(what: str, value: Any) -> str:
    if name(what, value) in ACTIVATIONS:
        return value
    raise ZooError(f"Keras has no activation {value!r}.{did_you_mean(value, ACTIVATIONS)}")


def positive(what: str, value: Any) -> float:
    if isinstance(value, (int, float)) and not isinstance(value, bool) and value > 0:
        return value
    raise ZooError(f"{what} must be a positive number; got {value!r}.")


def number(what: str, value: Any) -> float:
    if isinstance(value, (int, float)) and not isinstance(value, bool):
        return value
    raise ZooError(f"{what} must be a number; got {value!r}.")


def whole(what: str, value: Any) -> int:
    if is_whole(value, -inf):
        return _as_int(value)
    raise ZooError(f"{what} must be a whole number; got {value!r}.")


def flag(what: str, value: Any) -> bool:
    if isinstance(value, bool):
        return value
    raise ZooError(f"{what} must be True or False; got {value!r}.")


def rate(what: str, value: Any) -> float:
    if isinstance(value, (int, float)) and not isinstance(value, bool) and 0 <= value < 1:
        return value
    raise ZooError(f"{what} must be a number of at least 0 and less than 1; got {value!r}.")


def one_of(*choices: Any) -> Callable[[str, Any], Any]:
    def check(what, value):
        if value in choices:
            return value
        raise ZooError(f"{what} must be one of {', '.join(map(repr, choices))}; got {value!r}.")

    return check


def like(default: Any) -> Callable[[str, Any], Any]:
    """Return the check that a value has its default's type: bool, int or float; other defaults allow any value."""
    return {bool: flag, int: whole, float: number}.get(type(default), lambda what, value: value)


def or_none(check: Callable[[str, Any], Any]) -> Callable[[str, Any], Any]:
    return lambda what, value: None if value is None else check(what, value)


FIELDS = {  # the check of each field of a word: by (class, field), or by field where all classes have the same
    ("Conv", "filters"): lambda what, value: value if value in (None, LIKE_INPUT) else count(what, value),
    ("ConvTranspose", "filters"): or_none(count),
    ("ConvTranspose", "padding"): one_of("same", "valid"),
    ("Pool", "stride"): or_none(pair),
    ("Pool", "kind"): one_of("max", "avg"),
    ("PadChannels", "zeros"): one_of("after", "both"),
    ("Crop", "border"): partial(padding, names=("image",)),
    ("GlobalPool", "kind"): one_of("avg", "max"),
    ("Norm", "kind"): one_of(*NORMS),
    ("Stage", "name"): name,
    ("Auxiliary", "name"): name,
    ("Activation", "kind"): or_none(activation),
    ("Upsample", "interpolation"): one_of("nearest", "bilinear"),
    "name": or_none(name),
    "filters": count,
    "table": table,
    "kernel": pair,
    "size": pair,
    "stride": pair,
    "dilation": pair,
    "padding": padding,
    "groups": count,
    "part": index,
    "parts": count,
    "multiplier": count,
    "units": count,
    "rate": rate,
    "epsilon": positive,
    "scale": flag,
    "bias": flag,
    "bilinear": flag,
    "activation": or_none(activation),
    "codes": codes,
    "factor": number,
    "pool": name,
    "stage": name,
    "crop": flag,
    "weight": positive,
}

"""The search space, parsed from strings and checked: {"learning_rate": "1e-4..1e-2:log", "set.width": "0.5,1"}."""

from dataclasses import fields
from functools import partial
from math import isfinite
from types import NoneType
from typing import TYPE_CHECKING, Any

from zoo.errors import ZooError, did_you_mean
from zoo.layout import rewrite
from zoo.layout.layouts import labels_pixels
from zoo.plan import resolve
from zoo.recipes.defaults import NONE, typed
from zoo.recipes.recipe import Recipe
from zoo.registry import Entry

if TYPE_CHECKING:
    from optuna.distributions import BaseDistribution

FIELDS = {item.name: item for item in fields(Recipe)}
OVERRIDE = "set."  # the prefix of an override of the layout
IN_THE_LOSS = ("loss", "label_smoothing", "rubbish", "balance")  # they change the loss, so losses can't be compared


def read_space(over: dict[str, str], metric: str, training: dict[str, Any],
               entry: Entry) -> "dict[str, BaseDistribution]":
    """Return {name: Optuna's distribution}, parsed from {name: string}.

    A name is a field of the recipe, or "set." and an override of the layout. A string is a range, "1e-4..1e-2", or
    "1e-4..1e-2:log" to sample uniformly in the logarithm; or choices, "adam,sgd", where "flip+crop" is two
    augmentations together. A range is sampled in integers if both ends are written so, unless the field is a float.

    Args:
        over: the strings by name.
        metric: what the trials are compared by, one of `metrics_of`.
        training: the arguments of `train` that all trials share.
        entry: the registry entry of the model.

    Raises:
        ZooError: naming the option, for an unknown name, or an invalid value or range.
    """
    if not over:
        raise ZooError("There is nothing to search: give --over, as in --over learning_rate=1e-4..1e-2:log.")
    known = [*FIELDS, *(OVERRIDE + name for name in (*rewrite.OVERRIDES, *entry.options))]
    other, space = metrics_of(training, entry)[1], {}
    for name, text in over.items():
        if name not in known:
            raise ZooError(f"--over takes no {name!r}.{did_you_mean(name, known)} It takes {', '.join(known)}.")
        try:
            _check_name(name, metric, training, other)
            space[name] = _read(text, partial(_value, name, training["model"], entry))
        except ZooError as problem:
            raise ZooError(f"--over {name}: {problem}") from None
    return space


def metrics_of(training: dict[str, Any], entry: Entry) -> tuple[str, ...]:
    """Return the metrics that the runs of these arguments of `train` have, the loss first, the most telling second."""
    layout = resolve(training["model"], entry.classes or 2, **training.get("options") or {})[2]
    return ("val_loss", "val_mean_iou", "val_pixel_accuracy") if labels_pixels(layout) else ("val_loss", "val_accuracy")


def as_arguments(drawn: dict[str, Any]) -> dict[str, Any]:
    """Return sampled values, {name: value}, as arguments of `train`: recipe fields, and "options", the overrides."""
    fields = {name: _several(name, value) if FIELDS[name].type is tuple else NONE if value is None else value
              for name, value in drawn.items() if name in FIELDS}
    options = {name.removeprefix(OVERRIDE): value for name, value in drawn.items() if name not in FIELDS}
    return fields | {"options": options}


def _check_name(name, metric, training, other):
    fixed = training if name in FIELDS else training.get("options") or {}
    if name.removeprefix(OVERRIDE) in fixed:
        raise ZooError("it is also set to one value; a value is either set or searched.")
    if metric == "val_loss" and name in IN_THE_LOSS:
        raise ZooError(f"it changes the loss itself, so losses can't be compared; add --metric {other}.")


def _read(text, value):
    """Return the distribution of a range or of choices; the function `value` parses and checks one value."""
    from optuna.distributions import CategoricalDistribution, FloatDistribution, IntDistribution

    if ".." not in text:
        choices = tuple(dict.fromkeys(map(value, text.split(","))))
        if len(choices) < 2:
            raise ZooError(f"{text!r} is a single value; write a,b or, for numbers, a range such as 1..4.")
        return CategoricalDistribution(choices)
    ends, colon, scale = text.partition(":")
    low, high = map(value, ends.split("..", 1))
    if not all(isinstance(end, (int, float)) and not isinstance(end, bool) and isfinite(end) for end in (low, high)):
        raise ZooError(f"{ends!r} is no range of numbers; list the choices with commas.")
    if colon and scale != "log":
        raise ZooError(f"{text!r} ends in no known scale; the only one is :log.")
    if not low < high or (colon and low <= 0):
        raise ZooError(f"{text!r} must go from a smaller number{', above 0,' if colon else ''} to a larger one.")
    kind = IntDistribution if isinstance(low, int) and isinstance(high, int) else FloatDistribution
    return kind(low, high, log=bool(colon))


def _value(name, model, entry, text):
    """Return the value that a string stands for. Raises `ZooError` if the field or override can't have it."""
    text = text.strip()
    if name not in FIELDS:
        value = rewrite.literal(text)
        if not isinstance(value, (int, float, str, NoneType)):
            raise ZooError(f"{text} is no single value.")
        resolve(model, entry.classes or 2, **{name.removeprefix(OVERRIDE): value})
        return value
    if FIELDS[name].type is tuple:
        Recipe(**{name: _several(name, text)})
        return text
    value = typed(FIELDS[name], {"true": True, "false": False}.get(text.lower(), text))
    Recipe(**{name: value})
    return value


def _several(name, text):
    """ "flip+crop" -> ("flip", "crop"), "none" -> ()."""
    return () if text == NONE else typed(FIELDS[name], text.replace("+", ","))

"""What a model is and costs, computed without building it: `zoo.info`, `zoo list`, `zoo info`."""

from collections.abc import Sequence
from dataclasses import dataclass
from fnmatch import fnmatch
from typing import Any

from zoo.annotations import InputShape
from zoo.errors import ZooError
from zoo.layout import Layout
from zoo.layout.words import Words
from zoo.plan import Plan, plan
from zoo.pretrained import stored_sets
from zoo.registry import entries, list_models


@dataclass(frozen=True)
class Facts:
    """What `zoo list` shows of a model, computed from its layout.

    Shapes are NHWC without the N; a height or width that is open is None. `macs` are the multiply-adds of convolution
    and dense layers for one image, None if they depend on open sides. `params` counts BatchNorm's moving statistics as
    Keras does. `weights` has a key for each set that `zoo.create(weights=…)` takes: with None if another zoo publishes
    it; with the `test_accuracy` and the number of `test_images` if it comes with the package.
    """

    name: str
    family: str | None
    year: int | None
    input_shape: tuple
    classes: int
    params: int
    macs: int | None
    paper: str | None
    summary: str
    weights: dict


@dataclass(frozen=True)
class Info(Facts):
    """All facts about a model; the fields are the keys of `zoo info --json`.

    `trainable_params` leaves out BatchNorm's moving statistics. `receptive_field` is that of the last feature map, in
    pixels of the image; for one of the `layers` None means the whole image.
    """

    trainable_params: int
    output_shape: tuple
    receptive_field: int | tuple
    layers: tuple


def info(model: str | Layout | Words, input_shape: InputShape | None = None, classes: int | None = None,
         **options: Any) -> Info:
    """Return the `Info` of a registered model or a layout, without building it; the arguments are `zoo.create`'s."""
    planned = plan(model, input_shape, classes, **options)
    traced = planned.trace
    return Info(
        **vars(facts(planned)),
        trainable_params=traced.trainable_params,
        output_shape=traced.output_shape,
        receptive_field=_square(traced.last_map.receptive_field),
        layers=tuple(_row(layer) for layer in traced.layers),
    )


def facts(planned: Plan) -> Facts:
    """Return the `Facts` of a `Plan`."""
    entry, traced = planned.entry, planned.trace
    return Facts(
        name=planned.name,
        family=entry.family if entry else None,
        year=entry.year if entry else None,
        input_shape=traced.input_shape,
        classes=traced.output_shape[-1],
        params=traced.params,
        macs=traced.macs,
        paper=str(entry.paper) if entry and entry.paper else None,
        summary=entry.summary if entry else "",
        weights=_weights(entry) if entry and entry.is_registered else {},
    )


def _weights(entry):
    own = {name: {"test_accuracy": stored.test_accuracy, "test_images": stored.test_images}
           for name, stored in stored_sets(entry.name).items()}
    return own | dict.fromkeys(entry.weights)


def _row(layer):
    return {
        "name": layer.name,
        "kind": layer.kind,
        "output_shape": layer.output.shape,
        "params": layer.params,
        "macs": layer.macs,
        "receptive_field": _square(layer.output.receptive_field),
        "stride": _square(layer.output.stride),
    }


def _square(pair):
    """Return a pair of equal numbers as one number; None (the whole image) stays None."""
    return pair if pair is None else pair[0] if pair[0] == pair[1] else pair


def search(patterns: Sequence[str], family: str | None, year: str | None) -> list[str]:
    """Return the names of the models that match any pattern, of a family, and of a year ("2015" or "2012-2014").

    If no name matches, the patterns are words that family, summary or paper must all contain. `family` is a pattern.

    Raises:
        ZooError: for an invalid year.
    """
    known = entries()
    names = list_models(*patterns)
    if not names:
        texts = {name: f"{entry.family} {entry.summary} {entry.paper}".lower() for name, entry in known.items()}
        names = [name for name in known if all(word.lower() in texts[name] for word in patterns)]
    first, _, last = (year or "").partition("-")
    if not all(part.isdigit() for part in (first, last) if part):
        raise ZooError(f"{year!r} is no year; write 2015 or 2012-2014.")
    years = range(int(first or 0), int(last or first or 9999) + 1)
    found = [known[name] for name in names]
    return [e.name for e in found if fnmatch(e.family, family or "*") and (e.year or 0) in years]

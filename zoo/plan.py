"""A model's name or a layout, and overrides -> a `Plan`: the layout to build and its trace, all without Keras."""

from contextlib import suppress
from dataclasses import dataclass
from typing import Any

from zoo import registry
from zoo.annotations import InputShape
from zoo.entry import Entry
from zoo.errors import ZooError, did_you_mean
from zoo.layout import Layout, as_layout, checks, rewrite
from zoo.layout.trace import Trace, smallest_input, trace
from zoo.layout.windows import OpenSides, OutOfPixels, by, covered, is_open
from zoo.layout.words import Words

LARGE = (4096, 4095, 4097)  # sides of images that a net of open sides should take one of


@dataclass(frozen=True)
class Plan:
    """What `create` builds and `info` describes. `entry` is None for a user's own layout."""

    name: str
    entry: Entry | None
    layout: Layout
    trace: Trace

    @property
    def registered(self) -> str | None:
        """The registered name; None for a layout of the user's own, also for one of a registered model's name."""
        return self.entry.name if self.entry and self.entry.is_registered else None

    @property
    def corner(self) -> tuple | None:
        """Where on the input the net's map begins, (top, left), if it labels each pixel; else None."""
        output = self.trace.output
        if not (self.layout.head and output.grid and output.stride == (1, 1)):
            return None
        return covered(output.shape, output.grid, self.trace.input_shape)


def plan(model: str | Layout | Words, input_shape: InputShape | None = None, classes: int | None = None,
         include_top: bool = True, pooling: str | None = None, name: str | None = None,
         **overrides: Any) -> Plan:
    """Return the `Plan` of a registered model (by name) or of a layout, with the arguments of `zoo.create`.

    `overrides` are those of all layouts (`zoo.layout.rewrite`) and the model's own options. Raises `ZooError` for an
    unknown name, an override that the model doesn't take, an input that is too small (naming the layer that ran out of
    pixels and the smallest size that works), and open sides that a layer needs to know (naming it and the ways out).
    """
    name, entry, layout = resolve(model, classes, include_top, pooling, name, **overrides)
    if input_shape is None and entry:
        input_shape = entry.input_shape
    if input_shape is None:
        raise ZooError(
            f"{name} has no input size of its own; give input_shape=(height, width, channels), or --input HxWxC."
        )
    return Plan(name, entry, layout, _trace(name, entry, layout, input_shape))


def resolve(model: Any, classes: int | None = None, include_top: bool = True,
            pooling: str | None = None, name: str | None = None,
            **overrides: Any) -> tuple[str, Entry | None, Layout]:
    """Return a model's name, its entry (None for a user's own layout), and its layout, all overrides applied.

    Raises `ZooError` as `plan` does, except for an input that is too small, since a layout has no input size.
    """
    entry = registry.entry(model) if isinstance(model, str) else None
    name = checks.or_none(checks.name)("name", name) or (entry.name if entry else "layout")
    classes = None if classes is None else checks.count("classes", classes)
    options = {key: overrides.pop(key) for key in list(overrides) if entry and key in entry.options}
    _check_known(name, entry, overrides)
    try:
        layout = entry.layout(classes, **options) if entry else as_layout(model)
        if classes and include_top:
            layout = rewrite.classes(layout, classes)
        changed = rewrite.rewrite(layout, overrides)
        if not include_top:
            return name, entry, rewrite.without_top(changed, pooling)
        rewrite.check_head(layout, changed)
        return name, entry, changed
    except rewrite.Unfit as unfit:
        raise ZooError(f"{name} {unfit}") from None


def _check_known(name, entry, overrides):
    known = [*rewrite.OVERRIDES, *(entry.options if entry else ())]
    for key in overrides:
        if key not in known:
            near = did_you_mean(key, known)
            raise ZooError(f"{name} takes no option {key!r}.{near} It takes {', '.join(sorted(known))}.")


def _trace(name, entry, layout, input_shape):
    try:
        traced = trace(layout, input_shape)
        if is_open(traced.input_shape):
            _check_some_size(layout, traced.input_shape)
        return traced
    except OpenSides as problem:
        ways = " or ".join(["a fixed input_shape", *_without_open_sides(layout, input_shape)])
        raise ZooError(f"{name}: {problem}. Give {ways}.") from None
    except OutOfPixels as problem:
        channels = input_shape[-1]
        least = smallest_input(layout, channels)
        if least is None:
            raise ZooError(f"{name} takes no input of any size: {problem}.") from None
        tries = [*_same_padding(layout, input_shape), "a larger input", *_smaller_net(entry, input_shape)]
        tries = " or ".join(tries) if len(tries) < 3 else f"{tries[0]}, {tries[1]}, or {tries[2]}"
        raise ZooError(
            f"{name} needs an input of at least {least}x{least}; got {by(input_shape[:2])}, where {problem}. "
            f"Try {tries}."
        ) from None
    except ZooError as problem:
        raise ZooError(f"{name}: {problem}") from None


def _check_some_size(layout, input_shape):
    """Raise `ZooError` if no image of a large size fits open sides: then none that the net is called on would."""
    problem = None
    for size in LARGE:
        try:
            return trace(layout, [n or size for n in input_shape])
        except ZooError as found:
            problem = problem or found
    raise problem


def _without_open_sides(layout, input_shape):
    """Return the changes of the head, as text in a list, with which a layout takes open sides."""
    ways = []
    for way, change in (("head='gap'", lambda: rewrite.head(layout, "gap")),
                        ("include_top=False", lambda: rewrite.without_top(layout))):
        with suppress(ZooError):
            trace(change(), input_shape)
            ways.append(way)
    return ways if layout.head else []


def _same_padding(layout, input_shape):
    """Return the advice to pad "same", in a list; [] if that wouldn't make the input fit."""
    with suppress(ZooError):
        trace(rewrite.padding(layout, "same"), input_shape)
        return ["--set padding=same"]
    return []


def _smaller_net(entry, input_shape):
    """Return [the name of the newest other model made for images of at most this size], or [] if there is none."""
    sized = [other for other in registry.entries().values() if other is not entry and other.input_shape]
    least = min(side for side in input_shape[:2] if side is not None)
    fitting = [other for other in sized if max(other.input_shape[:2]) <= least]
    return [max(fitting, key=lambda other: other.year or 0).name] if fitting else []

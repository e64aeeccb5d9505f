"""A model by name, or a layout, with its options -> the layout to build, traced: all that is known without Keras."""

from dataclasses import dataclass

from zoo import checks, registry, rewrite
from zoo.errors import ZooError, did_you_mean
from zoo.layout import Layout, as_layout
from zoo.trace import Trace, smallest_input, trace
from zoo.windows import OutOfPixels


@dataclass(frozen=True)
class Plan:
    """What `create` builds and `info` tells. `entry` is None for a layout of the user's own."""

    name: str
    entry: registry.Entry | None
    layout: Layout
    trace: Trace


def plan(model, input_shape=None, classes=None, include_top=True, pooling=None, name=None, **overrides):
    """Return the `Plan` of a registered model (by name) or of a layout, with the arguments of `zoo.create`.

    Raises `ZooError` for an unknown name, an option that the model doesn't take, and an input that is too small
    (naming the layer that ran out of pixels and the smallest size that works).
    """
    name, entry, layout = resolve(model, classes, include_top, pooling, name, **overrides)
    if input_shape is None:
        input_shape = entry and entry.input_shape
    if input_shape is None:
        raise ZooError(
            f"{name} has no input size of its own; give input_shape=(height, width, channels), or --input HxWxC."
        )
    return Plan(name, entry, layout, _trace(name, entry, layout, input_shape))


def resolve(model, classes=None, include_top=True, pooling=None, name=None, **overrides):
    """Return a model's name, its entry (None for a layout of the user's own), and its layout, every change applied.

    Raises `ZooError` as `plan` does, but for sizes, which a layout alone doesn't have.
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
        return trace(layout, input_shape)
    except OutOfPixels as problem:
        height, width, channels = input_shape
        least = smallest_input(layout, channels)
        if least is None:
            raise ZooError(f"{name} takes no input of any size: {problem}.") from None
        tries = [*_same_padding(layout, input_shape), "a larger input", *_smaller_net(entry, input_shape)]
        tries = " or ".join(tries) if len(tries) < 3 else f"{tries[0]}, {tries[1]}, or {tries[2]}"
        raise ZooError(
            f"{name} needs an input of at least {least}x{least}; got {height}x{width}, where {problem}. Try {tries}."
        ) from None
    except ZooError as problem:
        raise ZooError(f"{name}: {problem}") from None


def _same_padding(layout, input_shape):
    try:
        trace(rewrite.padding(layout, "same"), input_shape)
    except ZooError:
        return []
    return ["--set padding=same"]


def _smaller_net(entry, input_shape):
    """The first of the newest nets made for images of this size or less, other than the entry's own."""
    sized = [other for other in registry.entries().values() if other is not entry and other.input_shape]
    fitting = [other for other in sized if max(other.input_shape[:2]) <= min(input_shape[:2])]
    return [max(fitting, key=lambda other: other.year or 0).name] if fitting else []


# ---------------------------------------------------------------------------------------------------- what it costs


@dataclass(frozen=True)
class Facts:
    """What `zoo list` tells of a model, computed from its layout.

    Shapes are NHWC without the N. `macs` are the multiply-adds of convolution and dense layers for one image;
    `params` counts BatchNorm's moving statistics as Keras does.
    """

    name: str
    family: str | None
    year: int | None
    input_shape: tuple
    classes: int
    params: int
    macs: int
    paper: str | None
    summary: str


@dataclass(frozen=True)
class Info(Facts):
    """All of a model's facts; the fields are the keys of `zoo info --json`.

    `trainable_params` leaves BatchNorm's moving statistics out. `receptive_field` is that of the last map, in pixels
    of the image; in a layer's row None stands for the whole image.
    """

    trainable_params: int
    output_shape: tuple
    receptive_field: int | tuple
    layers: tuple


def info(model, input_shape=None, classes=None, **options):
    """Return the `Info` of a registered model or a layout, without building it; arguments as `zoo.create`."""
    planned = plan(model, input_shape, classes, **options)
    traced = planned.trace
    return Info(
        **vars(facts(planned)),
        trainable_params=traced.trainable_params,
        output_shape=traced.output_shape,
        receptive_field=_square(traced.last_map.receptive_field),
        layers=tuple(_row(layer) for layer in traced.layers),
    )


def facts(planned):
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
    )


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
    """A pair as one number where both are equal, as in a layout; None (the whole image) stays None."""
    return pair if pair is None else pair[0] if pair[0] == pair[1] else pair

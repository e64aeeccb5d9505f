"""Layout and input shape -> every layer's shape, parameters, multiply-adds, stride and receptive field.

`zoo.build` makes a Keras layer of each traced layer, in their order.
"""

from collections.abc import Iterable
from contextlib import suppress
from dataclasses import dataclass, field, replace
from math import prod
from typing import Any

from zoo.errors import ZooError
from zoo.layout import windows, words
from zoo.layout.checks import LIKE_INPUT, is_whole
from zoo.layout.layers import CropToImage, CropToOverlap, Layer, Signal
from zoo.layout.layouts import Layout, as_layout
from zoo.layout.naming import layers_of, names
from zoo.layout.windows import IMAGE, OpenSides, area, by, is_open, pair, sides

INPUT = "image"  # the name of a network's input
SCORES = ("probabilities", "scores")  # the names of an activation layer after the last word: softmax, or another one


@dataclass(frozen=True)
class Trace:
    """A traced layout: its layers in the order to build them, and its outputs.

    `features` maps each stage that ends in a map to that map, the smallest stride first; `auxiliary` maps each
    `Auxiliary` word's name to its output and the weight of its loss. `head` holds the names of the head's layers,
    `stages` maps each stage to the names of its layers and of all before it. Costs are sums of the layers' own; `macs`
    is None where sides of the image are open, and a layer's depend on them.
    """

    input_shape: tuple
    layers: tuple
    features: dict
    auxiliary: dict
    output: Signal
    head: tuple = ()
    stages: dict = field(default_factory=dict)

    @property
    def params(self) -> int:
        return sum(layer.params for layer in self.layers)

    @property
    def trainable_params(self) -> int:
        return sum(layer.trainable_params for layer in self.layers)

    @property
    def macs(self) -> int | None:
        macs = [layer.macs for layer in self.layers]
        return None if None in macs else sum(filter(None, macs))

    @property
    def output_shape(self) -> tuple:
        return self.output.shape

    @property
    def ends(self) -> tuple:
        """The names of the layers of the head, and of auxiliary heads, if any: what depends on the classes."""
        scopes = tuple(f"{name}_" for name in self.auxiliary)
        return self.head + tuple(layer.name for layer in self.layers if layer.name.startswith(scopes))

    @property
    def last_map(self) -> Signal:
        """The last output that is a map: what the head classifies."""
        maps = [layer.output for layer in self.layers if layer.output.is_map]
        return maps[-1] if maps else Signal(INPUT, self.input_shape, IMAGE)


def trace(layout: Layout | words.Words, input_shape: tuple | list) -> Trace:
    """Trace a layout (a `Layout`, or a list of words) over an image of shape (height, width, channels).

    A height or width of None is open: the net takes images of any. Raises `OutOfPixels`, naming the layer, when a
    window doesn't fit, `OpenSides` when a layer needs a side that is open, and `ZooError` when words can't be combined.
    """
    layout = as_layout(layout)
    sizes = tuple(input_shape) if isinstance(input_shape, (tuple, list)) else ()
    if len(sizes) != 3 or not all(is_whole(n, 1) for n in sizes if n is not None) or sizes[-1] is None:
        raise ZooError(f"An input shape is (height, width, channels), all positive; got {input_shape!r}. Height and "
                       "width may be None, for images of any.")
    sizes = tuple(None if n is None else int(n) for n in sizes)
    tracer = _Tracer(Signal(INPUT, sizes, IMAGE))
    items = layout.body + layout.head
    named = list(zip(items, names(items, "")))
    last = tracer.follow(named[: len(layout.body)], tracer.image)
    body = tuple(tracer.layers)
    output = tracer.follow(named[len(layout.body) :], last)
    _check_all_used(tracer, output)
    features = dict(sorted(tracer.features.items(), key=lambda item: item[1].stride))
    head = tuple(tracer.layers)[len(body) :]
    return Trace(sizes, tuple(tracer.layers.values()), features, tracer.auxiliary, output, head, tracer.stages)


def _check_all_used(tracer, output):
    """Raise `ZooError` for a layer whose output isn't used: one before a `Take` that doesn't start its branch."""
    needed = {output.source, *(signal.source for signal, _ in tracer.auxiliary.values())}
    for layer in reversed(tracer.layers.values()):
        if layer.name not in needed:
            raise ZooError(f"the output of {layer.name} isn't used; Take must be the first word of a branch.")
        needed.update(layer.inputs)


def smallest_input(layout: Layout | words.Words, channels: int, limit: int = 1024) -> int | None:
    """Return the smallest square size, up to `limit` pixels, that the layout takes; None if there is none."""
    for size in range(1, limit + 1):
        with suppress(ZooError):
            trace(layout, (size, size, channels))
            return size
    return None


# ------------------------------------------------------------------------------------------------------ the walk


class _Tracer:
    """Visits the words once, in order, and lists the layers."""

    def __init__(self, image: Signal) -> None:
        self.image = image
        self.layers: dict[str, Layer] = {}
        self.features: dict[str, Any] = {}
        self.auxiliary: dict[str, tuple[Signal, float]] = {}
        self.stages: dict[str, tuple[str, ...]] = {}

    def walk(self, items: tuple, signal: Signal, scope: str) -> Signal:
        """Trace words one after the other; `scope` is the prefix of their names."""
        return self.follow(zip(items, names(items, scope)), signal)

    def follow(self, named: Iterable[tuple[words.Word, str]], signal: Signal) -> Signal:
        """Trace (word, name) pairs one after the other."""
        for word, name in named:
            signal = self.step(word, name, signal)
        return signal

    def step(self, word: words.Word, name: str, signal: Signal) -> Signal:
        match word:
            case words.Stage():
                signal = self.walk(word.branches[0], signal, f"{name}_")
                if name in self.features:
                    raise ZooError(f"there are two stages {name!r}; give one of them another name.")
                self.stages[name] = tuple(self.layers)
                if signal.is_map and signal.source != INPUT:
                    self.features[name] = signal
                return signal
            case words.Take():
                if word.stage not in self.features:
                    raise ZooError(f"there is no stage {word.stage!r} that ends in a map before Take({word.stage!r}).")
                return self.features[word.stage]
            case words.Auxiliary():
                self.auxiliary[name] = self.walk(word.branches[0], signal, f"{name}_"), word.weight
                return signal
            case words.Add() | words.Multiply() | words.Concat():
                return self.merge(word, name, signal)
            case words.Unpool():
                return self.unpool(word, name, signal)
            case words.Conv() | words.DepthwiseConv() | words.TableConv() if word.norm:
                for part, suffix in layers_of(word):
                    signal = self.layer(part, name + suffix, signal)
                return signal
        return self.layer(word, name, signal)

    def merge(self, word: words.Add | words.Multiply | words.Concat, name: str, signal: Signal) -> Signal:
        main = len(word.branches) - (not isinstance(word, words.Concat))
        scopes = [f"{name}_" if main == 1 else f"{name}_branch{i}_" for i in range(1, main + 1)]
        scopes.append(f"{name}_shortcut_")
        branches: list | tuple = word.branches
        if isinstance(word, words.Add):
            branches = [_giving_back(branch, signal.shape[-1]) for branch in branches]
        ends = [self.walk(branch, signal, scope) for branch, scope in zip(branches, scopes)]
        if getattr(word, "crop", False):
            ends = self.cropped(name, ends)
        shape = _merged_shape(word, name, ends)
        grids: list[Any] = [end.grid for end in ends if end.is_map]
        grid: Any = grids[0] if grids else None
        if len(grids) > 1:  # the receptive field leaves out gates, which see the whole map
            grid = grid._replace(receptive_field=tuple(map(max, zip(*(g.receptive_field for g in grids)))))
        return self.add(Layer(name, word, tuple(e.source for e in ends), ends[0].shape, Signal(name, shape, grid)))

    def cropped(self, name: str, ends: list[Any]) -> list[Signal]:
        """Crop each map to the part of the image that all of them cover."""
        if not all(end.is_map for end in ends) or len({end.stride for end in ends}) > 1:
            raise ZooError(f"{name} can't crop: {_shapes(ends)} don't all have the same stride.")
        shapes, scopes = [end.shape for end in ends], [f"{name}_crop{i}" for i in range(1, len(ends) + 1)]
        starts, size = windows.overlap(name, shapes, [end.grid for end in ends])
        if is_open(size):
            return [self.overlapping(scope, i, ends, starts, size) for i, scope in enumerate(scopes)]
        return [
            self.layer(words.Crop(border), scope, end) if any(border) else end
            for end, border, scope in zip(ends, windows.borders(shapes, starts, size), scopes)
        ]

    def overlapping(self, name: str, i: int, ends: list[Any], starts: list[tuple], size: tuple) -> Signal:
        """Crop map `i` to what all of them cover, of open sides, so that the net has to find out how large it is."""
        order = [*(other for other in range(len(ends)) if other != i), i]  # so that Keras lists layers as ever
        end, word = ends[i], CropToOverlap(tuple(starts[place] for place in order))
        output = Signal(name, (*size, end.shape[-1]), windows.from_start(end.grid, starts[i]))
        return self.add(Layer(name, word, tuple(ends[place].source for place in order), end.shape, output))

    def unpool(self, word: words.Unpool, name: str, signal: Signal) -> Signal:
        pool = self.layers.get(word.pool)
        if pool is None or not isinstance(pool.word, words.Pool) or pool.word.kind != "max":
            raise ZooError(f"{name} needs a max pool named {word.pool!r} before it.")
        size = pair(word.size)
        padded_well = pool.word.padding == "valid" or (pool.word.padding == "same" and size == (2, 2))
        if not padded_well or {size} != {pair(pool.word.size), pair(pool.word.stride or size)}:
            raise ZooError(f"{name} needs a pool of windows of {word.size} that don't overlap; {word.pool} isn't one.")
        if pool.output.shape != signal.shape:
            raise ZooError(f"{name} needs the shape that {word.pool} gave; got {_shapes([signal, pool.output])}.")
        source = pool.inputs[0]
        before: Any = self.image if source == INPUT else self.layers[source].output
        grid = before.grid._replace(receptive_field=signal.receptive_field)
        return self.add(Layer(name, word, (signal.source, source), signal.shape, Signal(name, before.shape, grid)))

    def layer(self, word: words.Word, name: str, signal: Any) -> Signal:
        if not signal.is_map and isinstance(word, _ON_MAPS):
            raise ZooError(f"{name} takes a map, but its input is a vector; put it before Flatten() or GlobalPool().")
        if isinstance(word, words.Crop) and word.border == "image":
            if is_open(signal.shape):
                return self.open_to_image(name, signal)
            word = replace(word, border=windows.outside(name, signal.shape, signal.grid, self.image.shape))
        shape, grid, costs = _apply(word, name, signal)
        return self.add(Layer(name, word, (signal.source,), signal.shape, Signal(name, shape, grid), *costs))

    def open_to_image(self, name: str, signal: Any) -> Signal:
        """Crop a map of open sides to the image, which the net has to measure."""
        start = windows.inside(name, signal.grid)
        output = Signal(name, (*self.image.shape[:2], signal.shape[-1]), windows.from_start(signal.grid, start))
        return self.add(Layer(name, CropToImage(start), (signal.source, INPUT), signal.shape, output))

    def add(self, layer: Layer) -> Signal:
        if layer.name in self.layers or layer.name in (INPUT, *SCORES):
            raise ZooError(f"the layer name {layer.name!r} is taken; give the word another name.")
        self.layers[layer.name] = layer
        return layer.output


def _giving_back(branch, channels):
    """Return a branch of an `Add` with `channels`, those of the input, in the place of "like input"."""
    return [replace(word, filters=channels) if getattr(word, "filters", None) == LIKE_INPUT else word
            for word in branch]


def _merged_shape(word, name, ends):
    """Return the output shape of an `Add`, `Multiply` or `Concat`. Raises `ZooError` if the branches don't match."""
    concatenates, maps = isinstance(word, words.Concat), [end for end in ends if end.is_map]
    gates = isinstance(word, words.Multiply) and maps and {end.shape[-1] for end in ends} == {maps[0].shape[-1]}
    joined = maps if gates else ends
    if len({(end.shape[:-1] if concatenates else end.shape, end.stride) for end in joined}) > 1:
        raise ZooError(f"{name} can't join branches of different shapes: {_shapes(ends)}.")
    return (*ends[0].shape[:-1], sum(end.shape[-1] for end in ends)) if concatenates else joined[0].shape


def _shapes(signals):
    """Return shapes for a sentence, with the strides if all shapes are the same."""
    shapes = [by(signal.shape) for signal in signals]
    if len(set(shapes)) > 1:
        return ", ".join(shapes)
    return ", ".join(f"{shape} of stride {signal.stride}" for shape, signal in zip(shapes, signals))


def _apply(word, name, signal):
    """Return the output shape and grid of a word that isn't composite, and its (params, trainable_params[, macs])."""
    shape, grid, channels = signal.shape, signal.grid, signal.shape[-1]
    match word:
        case words.Conv():
            if word.filters == LIKE_INPUT:
                raise ZooError(f'{name} has filters="like input", which only a branch of an Add can have.')
            filters = word.filters or channels
            if channels % word.groups or filters % word.groups:
                raise ZooError(
                    f"{name} can't divide {channels} channels and {filters} filters into {word.groups} groups."
                )
            size, grid = windows.slide(name, shape, grid, word.kernel, word.stride, word.padding, word.dilation)
            weights = prod(pair(word.kernel)) * channels // word.groups * filters
            return (*size, filters), grid, _costs(weights, filters * word.bias, area(size))
        case words.Norm():
            trainable = 0 if word.kind == "lrn" else channels * (1 + word.scale)
            moving = 2 * channels if word.kind == "batch" else 0
            return shape, grid, (trainable + moving, trainable)
        case words.Activation() | words.Dropout() | words.DropPath() | words.Scale():
            return shape, grid, ()
        case words.DepthwiseConv():
            if len(set(pair(word.stride))) > 1:
                raise ZooError(f"{name} must have the same stride in both directions, as TensorFlow's layer does.")
            size, grid = windows.slide(name, shape, grid, word.kernel, word.stride, word.padding, word.dilation)
            filters = channels * word.multiplier
            weights = prod(pair(word.kernel)) * filters
            return (*size, filters), grid, _costs(weights, filters * word.bias, area(size))
        case words.TableConv():
            if max(map(max, word.table)) >= channels:
                raise ZooError(f"{name} has a connection table for more channels than the {channels} that it gets.")
            size, grid = windows.slide(name, shape, grid, word.kernel, word.stride, word.padding)
            weights = prod(pair(word.kernel)) * sum(map(len, word.table))
            return (*size, len(word.table)), grid, _costs(weights, len(word.table), area(size))
        case words.ConvTranspose():
            size, grid = windows.spread(name, shape, grid, word.kernel, word.stride, word.padding)
            filters = word.filters or channels
            weights = prod(pair(word.kernel)) * channels * filters
            return (*size, filters), grid, _costs(weights, filters * word.bias, area(shape))
        case words.Pool():
            size, grid = windows.slide(name, shape, grid, word.size, word.stride or word.size, word.padding)
            return (*size, channels), grid, ()
        case words.Subsample():
            size, grid = windows.slide(name, shape, grid, word.size, word.size, "valid")
            return (*size, channels), grid, _costs(0, 2 * channels, 0)
        case words.Upsample():
            size, grid = windows.enlarge(shape, grid, word.size, word.interpolation)
            return (*size, channels), grid, ()
        case words.Crop():
            size, grid = windows.cut(name, shape, grid, sides(word.border))
            return (*size, channels), grid, ()
        case words.Split():
            if channels % word.parts or word.part >= word.parts:
                raise ZooError(f"{name} can't take slice {word.part} of {channels} channels in {word.parts} parts.")
            return (*shape[:-1], channels // word.parts), grid, ()
        case words.Shuffle():
            if channels % word.groups:
                raise ZooError(f"{name} can't divide {channels} channels into {word.groups} equal groups.")
            return shape, grid, ()
        case words.PadChannels():
            if word.filters < channels:
                raise ZooError(f"{name} can't pad {channels} channels to {word.filters}.")
            return (*shape[:-1], word.filters), grid, ()
        case words.Flatten() if is_open(shape):
            raise OpenSides(f"{name} needs a map of known height and width; here it is {by(shape)}")
        case words.Flatten():
            return (prod(shape),), None, ()
        case words.GlobalPool():
            return (channels,), None, ()
        case words.Dense() | words.RBF() if signal.is_map:
            raise ZooError(f"{name} takes a vector, but its input is a map; put Flatten() or GlobalPool() before it.")
        case words.Dense():
            return (word.units,), None, _costs(channels * word.units, word.units, 1)
        case words.RBF():
            if any(len(code) != channels for code in word.codes):
                raise ZooError(f"{name} compares {channels} values with codes of another length.")
            return (len(word.codes),), None, (channels * len(word.codes),)
    raise ZooError(f"{word!r} is no word that can be traced.")


_ON_MAPS = (
    words.Conv, words.DepthwiseConv, words.TableConv, words.ConvTranspose, words.Pool, words.Subsample,
    words.Upsample, words.Crop, words.Split, words.Shuffle, words.PadChannels, words.GlobalPool,
)


def _costs(weights, biases, positions):
    return weights + biases, weights + biases, None if positions is None else weights * positions

"""Layout and input shape -> every layer's shape, parameters, multiply-adds, stride and receptive field.

All the arithmetic of padding, stride and dilation lives here, and the names of the layers are given here, so that
`build` has only to make what the trace lists, in its order.
"""

from collections import Counter
from dataclasses import dataclass, replace
from math import prod

from zoo import layout as words
from zoo.errors import ZooError

INPUT = "image"  # the name of a network's input
SCORES = ("probabilities", "scores")  # the names of what may stand after a layout's last word


class OutOfPixels(ZooError):
    """A window is larger than the map that it should slide over."""


@dataclass(frozen=True)
class Signal:
    """What flows between layers: the layer that it leaves, and what is known of it there.

    `shape` is (height, width, channels) or (units,). One step on the map is `stride` pixels of the image, and one
    value of it sees `receptive_field` pixels; both are (height, width) pairs, None once the map is flattened.
    """

    source: str
    shape: tuple
    stride: tuple | None = None
    receptive_field: tuple | None = None

    @property
    def is_map(self):
        return len(self.shape) == 3


@dataclass(frozen=True)
class Layer:
    """One layer to build: its word (with nothing left to expand), its inputs by name, and what it costs.

    `params` counts what Keras counts, BatchNorm's moving statistics included; `macs` are the multiply-adds of
    convolution and dense layers for one image.
    """

    name: str
    word: words.Word
    inputs: tuple
    input_shape: tuple
    output: Signal
    params: int = 0
    trainable_params: int = 0
    macs: int = 0

    @property
    def kind(self):
        return type(self.word).__name__


@dataclass(frozen=True)
class Trace:
    """The layers in the order to build them; `features` maps each stage that ends in a map to its last layer."""

    input_shape: tuple
    layers: tuple
    features: dict
    output: Signal

    @property
    def params(self):
        return sum(layer.params for layer in self.layers)

    @property
    def trainable_params(self):
        return sum(layer.trainable_params for layer in self.layers)

    @property
    def macs(self):
        return sum(layer.macs for layer in self.layers)

    @property
    def output_shape(self):
        return self.output.shape

    @property
    def last_map(self):
        """The signal where the network last is a map: what the head looks at."""
        maps = [layer.output for layer in self.layers if layer.output.is_map]
        return maps[-1] if maps else Signal(INPUT, self.input_shape, (1, 1), (1, 1))


def trace(layout, input_shape):
    """Trace a layout (a `Layout`, or a list of words) over an image of shape (height, width, channels).

    Raises `OutOfPixels`, naming the layer, when a window doesn't fit, and `ZooError` when words don't fit together.
    """
    layout = words.as_layout(layout)
    sizes = tuple(input_shape) if isinstance(input_shape, (tuple, list)) else ()
    if len(sizes) != 3 or not all(isinstance(n, int) and n > 0 for n in sizes):
        raise ZooError(f"An input shape is (height, width, channels), all positive; got {input_shape!r}.")
    tracer = _Tracer()
    output = tracer.walk(layout.body + layout.head, Signal(INPUT, sizes, (1, 1), (1, 1)), "")
    return Trace(sizes, tuple(tracer.layers), tracer.features, output)


def smallest_input(layout, channels, limit=1024):
    """Return the smallest square size, up to `limit` pixels, that the layout takes; None if there is none."""
    for size in range(1, limit + 1):
        try:
            trace(layout, (size, size, channels))
        except ZooError:
            continue
        return size
    return None


# ------------------------------------------------------------------------------------------------- the arithmetic


def out_size(size, window, stride, padding, dilation=1):
    """Return how many positions a window takes along one axis; `padding` is "same", "valid" or (before, after)."""
    if padding == "same":
        return -(-size // stride)
    before, after = (0, 0) if padding == "valid" else padding
    return (size + before + after - dilation * (window - 1) - 1) // stride + 1


def _slide(name, signal, window, stride, padding, dilation=1):
    """Return the (height, width), stride and receptive field of a map after a window has slid over it."""
    if not signal.is_map:
        raise ZooError(f"{name} slides over a map, but its input is flat; it must stand before Flatten or GlobalPool.")
    window, stride, dilation = words.pair(window), words.pair(stride), words.pair(dilation)
    if max(stride) > 1 and max(dilation) > 1:
        raise ZooError(f"{name} has a stride and a dilation, and Keras has no layer with both.")
    padding = (padding, padding) if isinstance(padding, str) else words.sides(padding)
    size = tuple(map(out_size, signal.shape[:2], window, stride, padding, dilation))
    if min(size) < 1:
        reach = " (dilated)" if max(dilation) > 1 else ""
        raise OutOfPixels(
            f"{name} ran out of pixels: its {_by(window)} window{reach} doesn't fit on a {_by(signal.shape[:2])} map"
        )
    reach = [r + d * (w - 1) * s for r, d, w, s in zip(signal.receptive_field, dilation, window, signal.stride)]
    return size, tuple(a * b for a, b in zip(signal.stride, stride)), tuple(reach)


def _by(pair):
    return f"{pair[0]}x{pair[1]}"


# ------------------------------------------------------------------------------------------------------ the walk


class _Tracer:
    """Walks the words once, top to bottom, and lists the layers."""

    def __init__(self):
        self.layers = []
        self.features = {}
        self.names = {INPUT, *SCORES}

    def walk(self, items, signal, scope):
        """Trace words one after the other; `scope` is the prefix of their names."""
        for word, name in zip(items, _names(items, scope)):
            signal = self.step(word, name, signal)
        return signal

    def step(self, word, name, signal):
        match word:
            case words.Stage():
                signal = self.walk(word.branches[0], signal, f"{name}_")
                if signal.is_map and signal.source != INPUT:
                    self.features[name] = signal.source
                return signal
            case words.Add() | words.Concat():
                return self.merge(word, name, signal)
            case words.Conv() | words.DepthwiseConv() | words.TableConv() if word.norm:
                return self.normalized(word, name, signal)
        return self.layer(word, name, signal)

    def normalized(self, word, name, signal):
        """A convolution with its normalization: before the activation, but LRN after it."""
        late = word.norm == "lrn"
        signal = self.layer(replace(word, norm=None, activation=word.activation if late else None), name, signal)
        norm = words.Norm(word.norm)
        signal = self.layer(norm, f"{name}_{_label(norm)}", signal)
        if word.activation and not late:
            signal = self.layer(words.Activation(word.activation), f"{name}_{word.activation}", signal)
        return signal

    def merge(self, word, name, signal):
        main = len(word.branches) - isinstance(word, words.Add)
        scopes = [f"{name}_" if main == 1 else f"{name}_branch{i}_" for i in range(1, main + 1)]
        if isinstance(word, words.Add):
            scopes.append(f"{name}_shortcut_")
        ends = [self.walk(branch, signal, scope) for branch, scope in zip(word.branches, scopes)]
        axes = slice(0, 3) if isinstance(word, words.Add) else slice(0, -1)
        if len({end.shape[axes] for end in ends}) > 1 or len({end.stride for end in ends}) > 1:
            shapes = ", ".join("x".join(map(str, end.shape)) for end in ends)
            raise ZooError(f"{name} can't join branches of different shapes: {shapes}.")
        shape = ends[0].shape
        if isinstance(word, words.Concat):
            shape = (*shape[:-1], sum(end.shape[-1] for end in ends))
        seen = None
        if ends[0].is_map:
            seen = tuple(max(end.receptive_field[axis] for end in ends) for axis in (0, 1))
        output = Signal(name, shape, ends[0].stride, seen)
        return self.add(Layer(name, word, tuple(end.source for end in ends), signal.shape, output))

    def layer(self, word, name, signal):
        shape, stride, seen, costs = _apply(word, name, signal)
        return self.add(Layer(name, word, (signal.source,), signal.shape, Signal(name, shape, stride, seen), **costs))

    def add(self, layer):
        if layer.name in self.names:
            raise ZooError(f"the layer name {layer.name!r} is taken; give the word another name.")
        self.names.add(layer.name)
        self.layers.append(layer)
        return layer.output


def _apply(word, name, signal):
    """Return a plain word's output shape, stride, receptive field and costs."""
    stride, seen = signal.stride, signal.receptive_field
    channels = signal.shape[-1]
    match word:
        case words.Conv():
            filters = word.filters or channels
            if channels % word.groups or filters % word.groups:
                raise ZooError(
                    f"{name} can't divide {channels} channels and {filters} filters into {word.groups} groups."
                )
            size, stride, seen = _slide(name, signal, word.kernel, word.stride, word.padding, word.dilation)
            weights = prod(words.pair(word.kernel)) * channels // word.groups * filters
            return (*size, filters), stride, seen, _costs(weights, filters * word.bias, prod(size))
        case words.DepthwiseConv():
            if len(set(words.pair(word.stride))) > 1:
                raise ZooError(f"{name} must have the same stride in both directions, as TensorFlow's layer does.")
            size, stride, seen = _slide(name, signal, word.kernel, word.stride, word.padding, word.dilation)
            filters = channels * word.multiplier
            weights = prod(words.pair(word.kernel)) * filters
            return (*size, filters), stride, seen, _costs(weights, filters * word.bias, prod(size))
        case words.TableConv():
            if max(map(max, word.table)) >= channels:
                raise ZooError(f"{name} has a connection table for more channels than the {channels} that it gets.")
            size, stride, seen = _slide(name, signal, word.kernel, word.stride, word.padding)
            weights = prod(words.pair(word.kernel)) * sum(map(len, word.table))
            return (*size, len(word.table)), stride, seen, _costs(weights, len(word.table), prod(size))
        case words.Pool():
            size, stride, seen = _slide(name, signal, word.size, word.stride or word.size, word.padding)
            return (*size, channels), stride, seen, {}
        case words.Subsample():
            size, stride, seen = _slide(name, signal, word.size, word.size, "valid")
            return (*size, channels), stride, seen, _costs(0, 2 * channels, 0)
        case words.Upsample():
            size, _, _ = _slide(name, signal, 1, 1, "valid")
            scale = words.pair(word.size)
            if word.interpolation == "bilinear":
                seen = tuple(r + s for r, s in zip(seen, stride))
            size = tuple(n * k for n, k in zip(size, scale))
            return (*size, channels), tuple(_ratio(s, k) for s, k in zip(stride, scale)), seen, {}
        case words.Norm():
            trainable = 0 if word.kind == "lrn" else 2 * channels
            moving = 2 * channels if word.kind == "batch" else 0
            return signal.shape, stride, seen, dict(params=trainable + moving, trainable_params=trainable)
        case words.Activation() | words.Dropout():
            return signal.shape, stride, seen, {}
        case words.Flatten():
            return (prod(signal.shape),), None, None, {}
        case words.GlobalPool():
            _slide(name, signal, 1, 1, "valid")
            return (channels,), None, None, {}
        case words.Dense() | words.RBF() if signal.is_map:
            raise ZooError(f"{name} takes a vector, but its input is a map; put Flatten() or GlobalPool() before it.")
        case words.Dense():
            return (word.units,), None, None, _costs(channels * word.units, word.units, 1)
        case words.RBF():
            if any(len(code) != channels for code in word.codes):
                raise ZooError(f"{name} compares {channels} values with codes of another length.")
            return (len(word.codes),), None, None, dict(params=channels * len(word.codes))
    raise ZooError(f"{word!r} is no word that the trace knows.")


def _costs(weights, biases, positions):
    return dict(params=weights + biases, trainable_params=weights + biases, macs=weights * positions)


def _ratio(a, b):
    return a // b if a % b == 0 else a / b


# ----------------------------------------------------------------------------------------------------- the names

_LABELS = {
    words.Conv: "conv", words.DepthwiseConv: "dwconv", words.TableConv: "conv", words.Pool: "pool",
    words.Subsample: "pool", words.Upsample: "up", words.Dropout: "dropout", words.Flatten: "flatten",
    words.Dense: "fc", words.RBF: "rbf", words.Add: "add", words.Concat: "concat",
}  # fmt: skip
_NORM_LABELS = {"batch": "bn", "group": "gn", "lrn": "lrn"}


def _label(word):
    match word:
        case words.Norm():
            return _NORM_LABELS[word.kind]
        case words.Activation():
            return word.kind or "linear"
        case words.GlobalPool():
            return f"{word.kind}_pool"
    return _LABELS[type(word)]


def _names(items, scope):
    """Name the words of one scope: kind and number, without the number where a kind stands alone.

    A word's own name is taken as it is; that of a composite is a prefix too, so it keeps the scope that it is in.
    """
    labels = [None if word.name else _label(word) for word in items]
    total, seen = Counter(labels), Counter()
    for word, label in zip(items, labels):
        seen[label] += 1
        if word.name:
            yield scope + word.name if isinstance(word, words.Composite) else word.name
        else:
            yield scope + (label if total[label] == 1 else f"{label}{seen[label]}")

"""A traced layout -> the same net in PyTorch, as its users write it: NCHW, its own layers, its own initialization."""

from collections.abc import Callable
from functools import reduce
from math import gcd

import torch
from torch import nn
from torch.nn import functional

from zoo.errors import ZooError
from zoo.layout import pair, words
from zoo.layout.trace import INPUT, Trace

ACTIVATIONS = {
    None: nn.Identity, "linear": nn.Identity, "relu": nn.ReLU, "relu6": nn.ReLU6, "tanh": nn.Tanh,
    "sigmoid": nn.Sigmoid, "silu": nn.SiLU, "swish": nn.SiLU, "hard_silu": nn.Hardswish, "hard_swish": nn.Hardswish,
    "hard_sigmoid": nn.Hardsigmoid, "elu": nn.ELU, "selu": nn.SELU, "gelu": nn.GELU, "softplus": nn.Softplus,
}


class TorchNet(nn.Module):
    """From images (N, channels, height, width) to the output of a `Trace`'s last word: class scores, without a softmax.

    `modules_in_order` has a module for each of the trace's layers.

    Raises:
        ZooError: for a word that has no translation to PyTorch.
    """

    def __init__(self, traced: Trace) -> None:
        super().__init__()
        if traced.auxiliary:
            raise ZooError("no translation of auxiliary classifiers to PyTorch is known.")
        self.modules_in_order = nn.ModuleList(map(_module, traced.layers))
        last_use = {source: layer.name for layer in traced.layers for source in layer.inputs}
        self.steps = [
            (layer.name, layer.inputs, [source for source in set(layer.inputs) if last_use[source] == layer.name])
            for layer in traced.layers
        ]
        self.output = traced.output.source

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        maps = {INPUT: x}
        for (name, inputs, done), module in zip(self.steps, self.modules_in_order):
            maps[name] = module(*[maps[source] for source in inputs])
            for source in done:  # so that maps are freed as early as in a net written by hand
                del maps[source]
        return maps[self.output]


class Apply(nn.Module):
    """A module without weights that calls a function."""

    def __init__(self, function: Callable[..., torch.Tensor]) -> None:
        super().__init__()
        self.function = function

    def forward(self, *inputs: torch.Tensor) -> torch.Tensor:
        return self.function(*inputs)


def _module(layer):
    """Return the module of a `Layer`."""
    word, channels = layer.word, layer.input_shape[-1]
    match word:
        case words.Conv():
            return _convolution(layer, lambda padding: nn.Conv2d(
                channels, layer.output.shape[-1], pair(word.kernel), pair(word.stride), padding, pair(word.dilation),
                word.groups, word.bias))
        case words.DepthwiseConv():
            return _convolution(layer, lambda padding: nn.Conv2d(
                channels, channels * word.multiplier, pair(word.kernel), pair(word.stride), padding,
                pair(word.dilation), channels, word.bias))
        case words.Pool():
            return _pool(layer, pair(word.size), pair(word.stride or word.size))
        case words.Norm():
            return _norm(word, channels)
        case words.Dense():
            return nn.Sequential(nn.Linear(channels, word.units), _activation(layer))
        case words.Activation():
            return _activation(layer)
        case words.Dropout():
            return nn.Dropout(word.rate)
        case words.DropPath():
            return Apply(lambda x: x)
        case words.Flatten():
            return nn.Flatten()
        case words.GlobalPool():
            pool = nn.AdaptiveAvgPool2d(1) if word.kind == "avg" else nn.AdaptiveMaxPool2d(1)
            return nn.Sequential(pool, nn.Flatten())
        case words.Add():
            return Apply(lambda *maps: reduce(torch.add, maps))
        case words.Multiply():
            return Apply(lambda *maps: reduce(torch.mul, _gates_as_maps(maps)))
        case words.Concat():
            return Apply(lambda *maps: torch.cat(maps, 1))
        case words.Scale():
            return Apply(lambda x: x * word.factor)
        case words.Split():
            return Apply(lambda x: x.chunk(word.parts, 1)[word.part])
        case words.Shuffle():
            return nn.ChannelShuffle(word.groups)
        case words.PadChannels():
            return Apply(lambda x: functional.pad(x, (0, 0, 0, 0, *layer.zeros)))
    raise _untranslated(layer, layer.kind)


def _convolution(layer, make):
    """Return the convolution that `make(padding)` makes, with the layer's padding in pixels and its activation."""
    (top, bottom), (left, right) = layer.pad_widths
    if (top, left) == (bottom, right):
        return nn.Sequential(make((top, left)), _activation(layer))
    return nn.Sequential(nn.ZeroPad2d((left, right, top, bottom)), make(0), _activation(layer))


def _pool(layer, size, stride):
    """Return a pool. PyTorch's max pool pads with -inf: after a ReLU that has the same result as zeros."""
    (top, bottom), (left, right) = layer.pad_widths
    leaves_out = isinstance(layer.word.padding, str)  # whether a mean leaves the padding out, as Keras's does
    if layer.word.padding == "ceil":
        padding, ceil = (0, 0), True
    elif (top, left) == (bottom, right):
        padding, ceil = (top, left), False
    elif layer.word.kind == "max":
        pad = nn.ConstantPad2d((left, right, top, bottom), float("-inf"))
        return nn.Sequential(pad, nn.MaxPool2d(size, stride))
    else:
        raise _untranslated(layer, "a mean with uneven padding")
    if layer.word.kind == "max":
        return nn.MaxPool2d(size, stride, padding, ceil_mode=ceil)
    return nn.AvgPool2d(size, stride, padding, ceil, count_include_pad=not leaves_out)


def _norm(word, channels):
    if word.kind == "lrn":
        return nn.LocalResponseNorm(5, 5e-4, 0.75, 2.0)  # PyTorch divides alpha by the window's size
    if word.kind == "group":
        norm = nn.GroupNorm(gcd(channels, 32), channels, word.epsilon)
    else:
        norm = nn.BatchNorm2d(channels, word.epsilon)
    norm.weight.requires_grad_(word.scale)
    return norm


def _activation(layer):
    name = layer.word.kind if isinstance(layer.word, words.Activation) else layer.word.activation
    if name not in ACTIVATIONS:
        raise _untranslated(layer, name)
    return ACTIVATIONS[name]()


def _gates_as_maps(maps):
    return [x if x.ndim == 4 or all(other.ndim == 2 for other in maps) else x[:, :, None, None] for x in maps]


def _untranslated(layer, what):
    return ZooError(f"no translation of {what} to PyTorch is known, which {layer.name} needs.")

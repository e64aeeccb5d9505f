"""The weights of one Keras model -> another of the same net, whatever the names of its layers and their order."""

from collections.abc import Iterable
from typing import Any

import keras
import numpy as np
from keras import layers

from zoo.errors import ZooError


def copy_weights(source: keras.Model, target: keras.Model, include_top: bool = True) -> None:
    """Copy the weights of one Keras model into another of the same net.

    The layers are matched by their place in the graph, so names may differ, as between keras.applications' nets and
    the zoo's. A separable convolution matches a depthwise and a pointwise one; a 1x1 convolution a dense layer; a bias
    just before BatchNorm, where the target has none, goes into the moving mean. `include_top` says whether the target
    has its head.

    Raises `ZooError`, naming the first layer that doesn't match, and then nothing has been copied.
    """
    givers, takers = slots(source), slots(target)
    if len(givers) != len(takers):
        raise ZooError(
            f"{source.name} has {len(givers)} layers with weights, where {target.name} takes {len(takers)}: not the "
            "same net."
        )
    assign(takers, fit(_given(givers, takers), takers, include_top))


def _given(givers, takers):
    """Yield each giver's name and arrays, with the biases where the taker has them."""
    bias = None
    for giver, taker in zip(givers, takers):
        given = [np.asarray(weight) for weight in giver.weights]
        if bias is not None:
            *others, mean, variance = given
            given, bias = [*others, mean - bias, variance], None
        if len(given) == len(taker.weights) + 1 and _normalized(giver):
            *given, bias = given
        yield giver.name, given


class Slot:
    """Weights that belong together: those of one layer, or of one half of a separable convolution."""

    def __init__(self, layer: layers.Layer, weights: list[keras.Variable]):
        self.layer, self.name, self.weights = layer, layer.name, weights


def slots(model: keras.Model) -> list[Slot]:
    """Return the model's weights as `Slot`s, in an order that depends on its graph alone.

    Inputs come before what is made of them, in the order in which a layer takes them; of the terms of a sum, whose
    order means nothing, the one behind the most layers comes first.
    """
    found = []
    for layer in _in_order(model):
        if isinstance(layer, layers.SeparableConv2D):
            depthwise, *pointwise = layer.weights
            found += [Slot(layer, [depthwise]), Slot(layer, pointwise)]
        elif _weights(layer) and not isinstance(layer, layers.Normalization):  # that one is preprocessing
            found.append(Slot(layer, layer.weights))
    return found


def fit(given: Iterable[tuple[str, list[np.ndarray]]], takers: list[Any],
        include_top: bool = True) -> list[list[np.ndarray]]:
    """Return each taker's arrays in its shapes, from the (name, arrays) that are given for each in turn.

    A 1x1 convolution's kernel and a dense one differ in ones alone. Raises `ZooError` for the first that doesn't fit.
    """
    values = []
    for (name, arrays), taker in zip(given, takers, strict=True):
        have, want = ([tuple(w.shape) for w in weights] for weights in (arrays, taker.weights))
        if len(have) != len(want) or any(_bare(a) != _bare(b) for a, b in zip(have, want)):
            hint = " include_top=False leaves the head aside." if include_top and taker is takers[-1] else ""
            raise ZooError(f"{name} has weights of shapes {have}, but {taker.name} takes {want}.{hint}")
        values.append([np.reshape(value, shape) for value, shape in zip(arrays, want)])
    return values


def assign(takers: list[Any], values: list[list[np.ndarray]]) -> None:
    """Set each taker's weights, a slot's or a layer's, to what `fit` returned for it."""
    for taker, arrays in zip(takers, values):
        for variable, value in zip(taker.weights, arrays):
            variable.assign(value)


def _bare(shape):
    """A kernel's shape without its spatial ones."""
    return shape[2:] if len(shape) == 4 and shape[:2] == (1, 1) else shape


def _weights(layer):
    return getattr(layer, "weights", ())  # a model may hold bare operations too


def _sources(layer):
    return [tensor._keras_history.operation for tensor in layer._inbound_nodes[0].input_tensors]


def _normalized(slot):
    """Whether the layer's output goes to BatchNorm alone."""
    nodes = slot.layer._outbound_nodes
    return len(nodes) == 1 and isinstance(nodes[0].operation, layers.BatchNormalization)


def _in_order(model):
    behind = {}  # layer -> how many layers with weights are on the longest way to it
    for layer in model.layers:  # Keras lists inputs before what is made of them
        ways = [behind.get(source, 0) for source in _sources(layer)]
        behind[layer] = max(ways, default=0) + bool(_weights(layer))
    ordered, waiting = {}, [tensor._keras_history.operation for tensor in reversed(model.outputs)]
    while waiting:
        layer = waiting[-1]
        sources = _sources(layer)
        if isinstance(layer, layers.Add):
            sources = sorted(sources, key=lambda source: -behind[source])
        missing = [source for source in sources if source not in ordered]
        if missing:
            waiting.append(missing[0])
        else:
            ordered.setdefault(waiting.pop())
    return list(ordered)

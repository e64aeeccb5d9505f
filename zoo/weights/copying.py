"""Copy the weights of one Keras model into another of the same net, whatever its layers' names and order."""

from collections.abc import Iterable
from typing import Any

import keras
import numpy as np
from keras import layers

from zoo.errors import ZooError


def copy_weights(source: keras.Model, target: keras.Model, include_top: bool = True) -> None:
    """Copy the weights of one Keras model into another of the same net.

    The layers are matched by their position in the graph, so names may differ, as between keras.applications' nets and
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
    """Yield each giver's name and arrays; a bias that its taker lacks goes into the next one's moving mean."""
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

    A layer comes after its inputs, which come in the order in which it takes them; the inputs of a sum, whose order
    is arbitrary, come by depth, the deepest first.
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
    """Reshape what is `given`, (name, arrays) for each taker (a slot or layer) in order, to the shapes of its weights.

    Kernels of 1x1 convolutions and dense layers differ in dimensions of 1 only. Raises `ZooError` if shapes don't fit.
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
    """Return a kernel's shape without spatial dimensions of 1x1."""
    return shape[2:] if len(shape) == 4 and shape[:2] == (1, 1) else shape


def _weights(layer):
    return getattr(layer, "weights", ())  # a model may hold bare operations too


def _sources(layer):
    return [tensor._keras_history.operation for tensor in layer._inbound_nodes[0].input_tensors]


def _normalized(slot):
    """Return whether the layer's output goes to BatchNorm alone."""
    nodes = slot.layer._outbound_nodes
    return len(nodes) == 1 and isinstance(nodes[0].operation, layers.BatchNormalization)


def _in_order(model):
    depth = {}  # layer -> number of layers with weights on the longest path to it
    for layer in model.layers:  # Keras lists layers after their inputs
        depths = [depth.get(source, 0) for source in _sources(layer)]
        depth[layer] = max(depths, default=0) + bool(_weights(layer))
    ordered, waiting = {}, [tensor._keras_history.operation for tensor in reversed(model.outputs)]
    while waiting:
        layer = waiting[-1]
        sources = _sources(layer)
        if isinstance(layer, layers.Add):
            sources = sorted(sources, key=lambda source: -depth[source])
        missing = [source for source in sources if source not in ordered]
        if missing:
            waiting.append(missing[0])
        else:
            ordered.setdefault(waiting.pop())
    return list(ordered)

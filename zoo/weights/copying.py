"""Copy the weights of one Keras model into another of the same net, whatever its layers' names and order."""

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

import keras
import numpy as np
from keras import layers

from zoo.errors import ZooError
from zoo.weights.account import Account
from zoo.weights.graphs import consumers, in_order
from zoo.weights.matching import Given, Target, settle
from zoo.weights.nodes import Node, graph


def copy_weights(source: keras.Model, target: keras.Model, include_top: bool = True) -> Account:
    """Copy the weights of one Keras model into another of the same net; return the account.

    The layers are matched by their position in the graph, so names may differ, as between keras.applications' nets and
    the zoo's. A separable convolution matches a depthwise and a pointwise one; a 1x1 convolution a dense layer; a bias
    just before BatchNorm, where the target has none, goes into the moving mean. `include_top` says whether the target
    has its head.

    Raises `ZooError`, naming the first layer that doesn't match, and then nothing has been copied.
    """
    return copy_into(Target(target, include_top=include_top), source)


def copy_into(target: Target, source: keras.Model, name: str | None = None) -> Account:
    """Copy a Keras model's weights as `copy_weights` does; a new head may be made. `name` is the account's source."""
    stored = graph(source.get_config())
    arrays = {path: [keras.ops.convert_to_numpy(weight) for weight in layer.weights]
              for path, layer in _layers_of(source).items()}
    found, takers = places(stored.nodes, stored.outputs, arrays), slots(target.model)
    enough = target.new_head and len(found) >= target.in_body(takers)
    if len(found) != len(takers) and not enough:
        raise ZooError(
            f"{source.name} has {len(found)} layers with weights, where {target.model.name} takes {len(takers)}: not "
            "the same net."
        )
    return settle(given_of(found, takers), takers, target, name or source.name)


class Place(NamedTuple):
    """Weights in a stored net that belong together: a layer's, or those of one half of a separable convolution.

    `is_normalized` says whether the layer's output goes to BatchNorm alone.
    """

    name: str
    node: Node
    arrays: list
    is_normalized: bool


def places(found: Mapping[str, Node], outputs: Sequence[str], arrays: Mapping[str, list]) -> list[Place]:
    """Return the `Place`s before the outputs in the order of `slots`; `arrays` holds layers' weights by their path."""
    weighs = [name for name, node in found.items() if arrays.get(node.path)]
    listed, taken = [], set()
    for name in in_order(dict(found), outputs, weighs):
        node = found[name]
        if not arrays.get(node.path) or node.kind == "Normalization" or node.path in taken:  # that one is preprocessing
            continue
        taken.add(node.path)
        behind = consumers(name, dict(found))
        is_normalized = len(behind) == 1 and found[behind[0]].kind == "BatchNormalization"
        values = arrays[node.path]
        halves = [values[:1], values[1:]] if node.kind == "SeparableConv2D" else [values]
        listed += [Place(name, node, half, is_normalized) for half in halves]
    return listed


def given_of(found: Sequence[Place], takers: Sequence[Any]) -> list[Given]:
    """Return each place's name and arrays; a bias that its taker lacks goes into the next one's moving mean."""
    listed: list[Given] = []
    bias = None
    for i, place in enumerate(found):
        given = [np.asarray(weight) for weight in place.arrays]
        if bias is not None and len(given) > 1:
            *others, mean, variance = given
            given = [*others, mean - bias, variance]
        bias = None
        if i < len(takers) and len(given) == len(takers[i].weights) + 1 and place.is_normalized:
            *given, bias = given
        listed.append((place.name, given))
    return listed


class Slot:
    """Weights that belong together: those of one layer, or of one half of a separable convolution."""

    def __init__(self, layer: layers.Layer, weights: list[keras.Variable], node: Node):
        self.layer, self.name, self.weights, self.node = layer, layer.name, weights, node


def slots(model: keras.Model) -> list[Slot]:
    """Return the model's weights as `Slot`s, in an order that depends on its graph alone.

    A layer comes after its inputs, which come in the order in which it takes them; the inputs of a sum, whose order
    is arbitrary, come by depth, the deepest first.
    """
    own, known = graph(model.get_config()), _layers_of(model)
    weights = {path: layer.weights for path, layer in known.items()}
    return [Slot(known[place.node.path], place.arrays, place.node)
            for place in places(own.nodes, own.outputs, weights)]


def _layers_of(model, path=""):
    """Return {path: layer} of a model's layers with weights, those of nested models too."""
    found = {}
    for layer in model.layers:
        if isinstance(layer, keras.Model) and layer.layers:
            found |= _layers_of(layer, f"{path}{layer.name}/")
        elif getattr(layer, "weights", ()):  # a model may hold bare operations too
            found[f"{path}{layer.name}"] = layer
    return found

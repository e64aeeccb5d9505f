"""keras.applications' nets, recognized in files: by their graph, or in files of weights alone by their layers in order.

Nets that differ in a stride or an epsilon have weights of the same shapes; these here are known to compute the same as
one of the zoo's.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache

import keras
import numpy as np

from zoo import registry
from zoo.errors import ZooError
from zoo.plan import plan
from zoo.weights.graphs import difference, image_shape, prepared
from zoo.weights.imagenet import reference
from zoo.weights.nodes import Graph, Node, graph, snake_case

HEADS = {"fc1", "fc2", "predictions", "conv_preds", "conv_2", "logits"}  # of keras.applications, with weights
HEAD = 8  # layers with weights that a head may have, at most, to be looked at


@dataclass(frozen=True)
class Listed:
    """A net of keras.applications in a file of weights alone.

    `name` is the zoo's net, `graph` the body's, `arrays` the body's by path, `rest` what the file lists behind it,
    `is_named` whether the body's layers have keras.applications' names, too, and `has_head` whether the rest has.
    """

    name: str
    graph: Graph
    arrays: dict[str, list[np.ndarray]]
    rest: dict[str, list[np.ndarray]]
    is_named: bool
    has_head: bool


def recognized(stored: Graph, count: int, first: str | None = None) -> str | None:
    """Return the zoo's net that computes what the body of a stored net of keras.applications does; None for others.

    `count` is the number of layers with weights, `first` the zoo's net to compare with first.
    """
    theirs = _renumbered(prepared(stored).nodes)
    for name in _candidates(count, first):
        found = _reference(name, _shape(stored, theirs))
        if found and not difference(_renumbered(prepared(found[0]).nodes), theirs, whole=False):
            return name
    return None


def listed(arrays: dict[str, list[np.ndarray]], first: str | None = None) -> Listed | None:
    """Return the net of keras.applications whose body's layers a file of weights alone lists first, in Keras's order.

    `arrays` has the layers' weights, in the order of the file.
    """
    count = sum(not _is_normalization(name) for name in arrays)
    for name in _candidates(count, first):
        found = _reference(name)
        if found is None or len(found[1]) > len(arrays):
            continue
        ours, shapes = found
        pairs = list(zip(arrays.items(), shapes.items()))
        if all([tuple(array.shape) for array in given] == shape for (_, given), (_, shape) in pairs):
            rest = dict(list(arrays.items())[len(shapes):])
            named = all(_plain(theirs) == _plain(own) for (theirs, _), (own, _) in pairs)
            body = {own: given for (_, given), (own, _) in pairs}
            return Listed(name, ours, body, rest, named, HEADS.issuperset(rest))
    return None


def told(name: str) -> str:
    """Return whose net it is and what it is in the zoo, as the end of a sentence on "it"."""
    return f"is keras.applications' {registry.entry(name).weights['imagenet']}, which is {name} here"


def _candidates(count, first) -> Iterator[str]:
    """Yield the zoo's nets with a body that so many layers may hold, the likeliest first."""
    sizes = {name: _size(name) for name in registry.with_weights("imagenet")}
    fitting = [name for name, size in sizes.items() if 0 <= count - size <= HEAD]
    yield from sorted(fitting, key=lambda name: (name != first, count - sizes[name]))


@cache
def _size(name):
    """Return the number of layers with weights in the body of keras.applications' net."""
    layers = plan(name, include_top=False).trace.layers
    count = sum(layer.params > 0 for layer in layers)
    separable = sum(layer.kind == "DepthwiseConv" for layer in layers) if name == "xception" else 0
    return count - separable  # a depthwise and a pointwise convolution are one layer of Xception


@cache
def _reference(name: str, shape: tuple = ()) -> tuple[Graph, dict[str, list[tuple]]] | None:
    """Return the body of keras.applications' net: its graph, and {layer's name: shapes of its weights}, as files list
    them, in Keras's order. None if it can't be built for images of that shape, its own by default.
    """
    try:
        with keras.StatelessScope(initialize_variables=False):
            model = reference(name, False, None, shape or None)
    except (ValueError, ZooError):
        return None
    return graph(model.get_config()), {
        layer.name: [tuple(w.shape) for w in (*layer.trainable_weights, *layer.non_trainable_weights)]
        for layer in model.layers if layer.weights
    }


def _shape(stored, theirs):
    shape = image_shape(stored, next((name for name, node in theirs.items() if node.sources), None))
    return shape if all(isinstance(n, int) for n in shape) else ()


def _renumbered(found: dict[str, Node]) -> dict[str, Node]:
    """Return the nodes with the names that Keras numbers by itself ("conv2d_94") numbered anew in each nested model."""
    names: dict[str, str] = {}
    counts: dict[tuple[str, str], int] = {}
    for name, node in found.items():
        own = node.path.rpartition("/")[2] or name
        kind = snake_case(node.kind)
        if re.fullmatch(rf"{kind}(_\d+)?", own):
            scope = node.path[: -len(own)], kind
            counts[scope] = counts.get(scope, 0) + 1
            own = f"{kind}#{counts[scope]}"
        own = own.replace("/", "_")
        names[name] = name if own in names.values() or node.kind == "InputLayer" else own
    return {names[name]: Node(node.kind, node.settings, tuple(names[one] for one in node.sources), node.path)
            for name, node in found.items()}


def _plain(name):
    """Return a layer's name without the number that Keras gives it."""
    return re.sub(r"_\d+$", "", name).replace("/", "_")


def _is_normalization(name):
    return re.fullmatch(r"normalization(_\d+)?", name) is not None

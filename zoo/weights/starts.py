"""Weights of a trained net -> one that starts from it: the layers that both have, dense ones as convolutions.

A fully convolutional net is a classifier slid over the image: its dense layers are convolutions there, with the same
weights (Long et al. 2014, Section 4.1). What a net starts from is told where it is registered (`zoo.entry.Start`).
"""

from collections.abc import Callable
from math import prod
from pathlib import Path

import keras
import numpy as np

from zoo import registry
from zoo.annotations import StrPath
from zoo.entry import Entry, Start
from zoo.errors import ZooError
from zoo.layout.trace import Trace
from zoo.plan import Plan, plan
from zoo.pretrained import find_stored
from zoo.runs.folder import find_run
from zoo.weights.account import Account
from zoo.weights.conventions import recognize
from zoo.weights.hdf5 import read
from zoo.weights.keras_files import SUFFIXES as KERAS_SUFFIXES
from zoo.weights.loading import load
from zoo.weights.matching import Target
from zoo.weights.state_dicts import read_state
from zoo.weights.torch_files import SUFFIXES

Builder = Callable[[Trace, str], keras.Model]  # (a net's trace, its name) -> the net

SHAPING = ("width", "norm", "activation", "pool")  # overrides that a net has in common with the one it starts from
CONVOLVED = "dense layers turned into convolutions"


def load_or_start(target: Target, weights: StrPath, build: Builder | None) -> Account:
    """Load weights of the net itself or, if `build` can build it, of a net that it starts from; return the account.

    Raises `ZooError` if they are of none of these. Then nothing is changed.
    """
    known = registry.entry(target.name) if target.name else None
    if build is None or known is None or not known.starts:
        return load(target, weights)
    problem = None
    for start in _candidates(known, target, weights):
        try:
            return _start(target, start, weights, build) if start else load(target, weights)
        except ZooError as error:
            problem = problem or error
    raise problem or ZooError(f"{weights} fits no net that {known.name} starts from.")


def set_of_start(known: Entry, weights: StrPath) -> Entry | None:
    """Return the entry of the net that `weights` is a published set of, among those that a net starts from."""
    entries = [registry.entry(start.net) for start in known.starts]
    return next((entry for entry in entries if weights in entry.weights), None)


# --------------------------------------------------------------------------------------------- whose weights they are


def _candidates(known: Entry, target: Target, weights: StrPath) -> list[Start | None]:
    """Return the nets that the weights may be of, the likeliest first; None is the net itself."""
    if weights in known.weights or find_stored(known.name, weights):
        return [None]
    if found := set_of_start(known, weights):
        return [start for start in known.starts if start.net == found.name]
    try:
        path = find_run(Path(weights)).model_path if Path(weights).is_dir() else Path(weights)
        suffix = path.suffix.lower() if path.is_file() else ""
        stored = read(path) if suffix in KERAS_SUFFIXES else None
        state = read_state(path) if suffix in SUFFIXES else None
    except Exception:  # what is wrong with the weights is told by their loader
        return [None]
    if stored:
        return _named(known, target, {layer.rpartition("/")[2] for layer in stored.arrays})
    return _recognized(known, state, target) if state else [None]


def _named(known, target, names):
    """Return the net most of whose layers a file has by name; all that it may be of where it has no net's names."""
    found = []
    for start in (None, *known.starts):
        traced = plan(start.net if start else known.name, **_shaping(target)).trace
        layers = [layer.name for layer in traced.layers if layer.params]
        if all(name in names or name in traced.ends for name in layers):
            found.append((sum(name in names for name in layers), -len(layers), start))
    return [max(found, key=lambda one: one[:2])[-1]] if found else [None, *known.starts]


def _recognized(known, state, target):
    """Return the net that a state dict of known keys is of; all that it may be of where its keys are unknown."""
    nets = {net.here for _, net in recognize(state, target.model.input_shape[-1])}
    return [start for start in known.starts if start.net in nets] or ([None] if nets else [None, *known.starts])


# ------------------------------------------------------------------------------------------------- what is taken


def _start(target: Target, start: Start, weights: StrPath, build: Builder) -> Account:
    """Load the weights into the net that they are of, and take what the target has of it."""
    planned = _planned(target, start)

    def at_size(shape):
        return build(plan(planned.layout, shape).trace, start.net)

    net = build(planned.trace, start.net)
    options = {key: value for key, value in _shaping(target).items() if key != "width"}  # shapes show that one
    new_head = target.new_head or not (start.scores and target.head)
    try:
        account = load(Target(net, start.net, True, options, at_size, planned.trace.ends, new_head), weights)
    except ZooError as problem:
        raise ZooError(f"{target.model.name} starts from {start.net}, but {problem}") from None
    return _take(target, start, net, account)


def _planned(target: Target, start: Start) -> Plan:
    """Return the plan of the net to start from, with the channels, overrides and, if it shares them, classes."""
    height, width, _ = registry.entry(start.net).input_shape or target.model.input_shape[1:]
    shape = height, width, target.model.input_shape[-1]
    return plan(start.net, shape, target.classes if start.scores else None, **_shaping(target))


def _shaping(target):
    return {key: value for key, value in target.options.items() if key in SHAPING}


def _take(target: Target, start: Start, net: keras.Model, account: Account) -> Account:
    """Set the target's layers to those of the loaded net that fit; return the account of both."""
    given = {start.here(layer.name): layer for layer in net.layers if layer.weights and layer.name not in account.new}
    values: dict[str, list[np.ndarray]] = {}
    layers = [layer for layer in target.model.layers if layer.weights]
    for layer in layers:
        giver = given.get(layer.name) if start.scores or layer.name not in target.head else None
        if giver and (arrays := _fitted(giver, layer)):
            values[layer.name] = arrays
    for layer in layers:
        if layer.name in values:
            layer.set_weights(values[layer.name])
        elif layer.name in start.zeros:
            layer.set_weights([np.zeros(weight.shape, "float32") for weight in layer.weights])
    body, head = ([layer.name for layer in layers if (layer.name in target.head) == is_head]
                  for is_head in (False, True))
    is_convolved = any(given[name].weights[0].ndim != target.model.get_layer(name).weights[0].ndim for name in values)
    return Account(
        account.source, _taken(body, values), _taken(head, values),
        tuple(name for name in body + head if name not in values),
        (*account.left, *(layer.name for name, layer in given.items() if name not in values)),
        target.classes, account.doubt, account.preparation, CONVOLVED if is_convolved else "",
    )


def _taken(names, values):
    return sum(name in values for name in names), len(names)


def _fitted(giver: keras.layers.Layer, layer: keras.layers.Layer) -> list[np.ndarray] | None:
    """Return a layer's arrays in the shapes of another's; None if they don't fit.

    A dense layer's inputs are rows, columns and channels flattened in this order, which is that of a kernel.
    """
    arrays = [keras.ops.convert_to_numpy(weight) for weight in giver.weights]
    shapes = [tuple(weight.shape) for weight in layer.weights]
    if len(arrays) == len(shapes) and arrays[0].ndim == 2 and len(shapes[0]) == 4:
        *window, units = shapes[0]
        if arrays[0].shape == (prod(window), units):
            arrays[0] = arrays[0].reshape(shapes[0])
    return arrays if [array.shape for array in arrays] == shapes else None

"""Keras's files, `.keras` and `.weights.h5`: the weights of a whole net or of its body, layer by layer."""

import json
from contextlib import contextmanager
from io import BytesIO
from zipfile import ZipFile

import h5py
import keras
import numpy as np

from zoo.errors import ZooError
from zoo.layout.trace import SCORES
from zoo.weights.conventions import alike, is_changed, is_ours
from zoo.weights.copying import assign, copy_weights, fit

SETTINGS = ("strides", "dilation_rate", "groups", "pool_size", "epsilon", "activation")  # that no shape tells


def load_file(model, path, name=None, include_top=True, options=()):
    """Load a file of the same net into a model; without top, one of the whole net will do: its head is left aside.

    A `.keras` file holds the net's graph, so the layers' names may be others; of weights alone the layers are matched
    by name. Returns why the weights may still be another function's; "" where the file shows that they aren't.

    Raises `ZooError` where the file is of another net, and whatever Keras and h5py raise for one that is none.
    """
    with_graph = path.suffix == ".keras"
    doubt, differs = _compared(model, path) if with_graph else (_unseen(name), False)
    if differs and not is_changed(options):
        raise ZooError(f"it {doubt}.")
    if not (with_graph and include_top):
        with _weights_file(path) as file:
            stored = {group["vars"].attrs.get("name"): group["vars"] for group in file["layers"].values()
                      if len(group.get("vars", ()))}  # fmt: skip
            missing = [layer.name for layer in _takers(model) if layer.name not in stored]
            if not missing:
                _load_by_name(model, stored, include_top)
                return doubt
            if not with_graph:
                raise ZooError(f"it has no layer {missing[0]!r}.")
    copy_weights(keras.models.load_model(path, compile=False), model, include_top)
    return doubt


def _compared(model, path):
    """What makes a `.keras` file's net another function than the model, as far as is seen, and whether it surely does.

    That is the first setting of a layer that isn't that of the model's layer of its name.
    """
    with ZipFile(path) as archive:
        layers = json.loads(archive.read("config.json"))["config"].get("layers", ())
    stored = {layer["config"].get("name"): layer["config"] for layer in layers}
    if any(layer.name not in stored for layer in _takers(model)):
        return f"was matched to {model.name} by its graph and the shapes of its weights alone", False
    of_one_size = any(layer.get("batch_shape") == list(model.input_shape) for layer in stored.values())
    for layer in model.layers:
        if isinstance(layer, keras.layers.Activation) and layer.name not in (*SCORES, *stored):
            return f"has no {layer.name}, which the net has", True
        ours, theirs = json.loads(json.dumps(layer.get_config(), default=str)), stored.get(layer.name, {})
        first = "channels_first" in (ours.get("data_format"), theirs.get("data_format"))  # zeros among the channels
        for key in (*SETTINGS, *(["padding"] if of_one_size or first else [])):  # which "same" is depends on the size
            if key in ours and key in theirs and ours[key] != theirs[key] and not isinstance(ours[key], dict):
                return f"has {key} {theirs[key]} in {layer.name}, where the net has {ours[key]}", True
    return "", False


def _unseen(name):
    """What weights alone don't tell: which net it is of those that have the same layers."""
    others = alike(name) if is_ours(name) else []
    return f"has the layers of {name}, and of {' and '.join(others)} as well" if others else ""


def _load_by_name(model, stored, include_top):
    takers = _takers(model)
    if include_top and len(stored) != len(takers):
        raise ZooError(f"it has {len(stored)} layers with weights, the net has {len(takers)}.")
    given = ((layer.name, _arrays(stored[layer.name])) for layer in takers)
    assign(takers, fit(given, takers, include_top))


def _takers(model):
    return [layer for layer in model.layers if layer.weights]


def _arrays(group):
    return [np.asarray(group[key]) for key in sorted(group, key=int)]


@contextmanager
def _weights_file(path):
    """Open a `.weights.h5` file, or the one that a `.keras` file holds."""
    if path.suffix == ".keras":
        with ZipFile(path) as archive:
            path = BytesIO(archive.read("model.weights.h5"))
    with h5py.File(path) as file:
        yield file

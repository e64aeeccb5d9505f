"""Keras's files, `.keras` and `.weights.h5`: the weights of a whole net or of its body, layer by layer."""

from contextlib import contextmanager
from io import BytesIO
from zipfile import ZipFile

import h5py
import keras
import numpy as np

from zoo.errors import ZooError
from zoo.weights.copying import assign, copy_weights, fit


def load_file(model, path, include_top=True):
    """Load a file of the same net into a model; without top, one of the whole net will do: its head is left aside.

    A `.keras` file holds the net's graph, so the layers' names may be others; of weights alone the layers are matched
    by name.

    Raises `ZooError` where the file is of another net, and whatever Keras and h5py raise for one that is none.
    """
    with_graph = path.suffix == ".keras"
    if not (with_graph and include_top):
        with _weights_file(path) as file:
            stored = {group["vars"].attrs.get("name"): group["vars"] for group in file["layers"].values()
                      if len(group.get("vars", ()))}  # fmt: skip
            missing = [layer.name for layer in _takers(model) if layer.name not in stored]
            if not missing:
                return _load_by_name(model, stored, include_top)
            if not with_graph:
                raise ZooError(f"it has no layer {missing[0]!r}.")
    copy_weights(keras.models.load_model(path, compile=False), model, include_top)


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

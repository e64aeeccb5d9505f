"""Keras's files, `.keras` and `.weights.h5`: the weights of a whole net or of its body, layer by layer."""

import json
from collections.abc import Callable, Iterable
from contextlib import contextmanager
from io import BytesIO
from pathlib import Path
from zipfile import ZipFile

import h5py
import keras
import numpy as np

from zoo.annotations import Shape
from zoo.errors import ZooError
from zoo.layout.trace import Trace
from zoo.weights.conventions import is_changed
from zoo.weights.copying import assign, copy_weights, fit
from zoo.weights.graphs import difference, input_shapes, nodes, padding_of

UNSEEN = (
    "was matched to {} by its layers' names and shapes alone, which another stride, pool, padding, epsilon or "
    "activation leaves as they are"
)


def load_file(model: keras.Model, path: Path, include_top: bool = True, options: Iterable[str] = (),
              at_size: Callable[[Shape], Trace] | None = None) -> str:  # fmt: skip
    """Load a file of the same net into a model; without top, one of the whole net will do: its head is left aside.

    A `.keras` file holds the net's graph, so the layers' names may be others; of weights alone the layers are matched
    by name. Returns why the weights may still be another function's; "" where the file shows that they aren't.
    `at_size` is `zoo.weights.load_weights`'s.

    Raises `ZooError` where the file is of another net, and whatever Keras and h5py raise for one that is none.
    """
    with_graph = path.suffix == ".keras"
    doubt, differs = _compared(model, path, include_top, at_size) if with_graph else (UNSEEN.format(model.name), False)
    if differs and not is_changed(options):
        raise ZooError(f"it {doubt}.")
    with _weights_file(path) as file:
        stored = {group["vars"].attrs.get("name"): group["vars"] for group in file["layers"].values()
                  if len(group.get("vars", ()))}  # fmt: skip
        takers = _takers(model)
        missing = [layer.name for layer in takers if layer.name not in stored]
        if not with_graph and missing:
            raise ZooError(f"it has no layer {missing[0]!r}.")
        if not with_graph and include_top and len(stored) != len(takers):
            raise ZooError(f"it has {len(stored)} layers with weights, the net has {len(takers)}.")
        if not missing:
            given = ((layer.name, _arrays(stored[layer.name])) for layer in takers)
            assign(takers, fit(given, takers, include_top))
            return doubt
    copy_weights(keras.models.load_model(path, compile=False), model, include_top)
    return doubt


def _compared(model, path, include_top, at_size):
    """What makes a `.keras` file's net another function than the model, as far as is seen, and whether it surely does.

    That is the first layer that isn't what the model's layer of its name is. The padding of a net for images of another
    size is compared with that of the `Trace` that `at_size` returns for their shape.
    """
    with ZipFile(path) as archive:
        config = json.loads(archive.read("config.json"))["config"]
    ours, theirs, shapes = nodes(model.get_config()), nodes(config), input_shapes(config)
    if any(layer.name not in theirs for layer in _takers(model)):
        return f"was matched to {model.name} by its graph and the shapes of its weights alone", False
    of_one_size = tuple(model.input_shape) in shapes
    differs = difference(ours, theirs, of_one_size, include_top)
    if differs or of_one_size:
        return differs, bool(differs)
    size = "x".join(map(str, shapes[0][1:3]))
    if at_size is None or None in shapes[0][1:]:
        return f"is of a net for images of {size}, so that its padding wasn't compared", False
    for layer in at_size(shapes[0][1:]).layers:
        if hasattr(layer.word, "padding") and layer.name in ours and padding_of(theirs, layer.name) != layer.padding:
            return f"pads {layer.name} otherwise than the net does for images of {size}", True
    return "", False


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

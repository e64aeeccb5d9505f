"""Load Keras's files, `.keras` and `.weights.h5`: the weights of a whole net or of its body, layer by layer."""

import json
from collections.abc import Callable, Iterable
from io import BytesIO
from pathlib import Path
from zipfile import ZipFile

import h5py
import keras
import ml_dtypes
import numpy as np

from zoo.annotations import Shape
from zoo.errors import ZooError
from zoo.layout.checks import is_whole
from zoo.weights.conventions import is_changed
from zoo.weights.copying import assign, copy_weights, fit
from zoo.weights.graphs import difference, image_of, nodes, own_class

UNSEEN = (
    "was matched to {} by its layers' names and shapes alone, which another stride, pool, padding, epsilon or "
    "activation leaves as they are"
)
NO_GRAPH = "it holds a model of a class of its own, not a graph of layers."


def load_file(model: keras.Model, path: Path, include_top: bool = True, options: Iterable[str] = (),
              at_size: Callable[[Shape], keras.Model] | None = None) -> str:
    """Load a file of the same net into a model; without `include_top`, a whole net's file will do: its head is ignored.

    A `.keras` file holds the net's graph, so the layers' names may differ; in a file of weights alone, layers are
    matched by name. Returns why the weights may still belong to another function; "" if the file shows that they don't.
    `at_size` is `zoo.weights.load_weights`'s.

    Raises `ZooError` if the file is of another net, and whatever Keras and h5py raise for files that aren't theirs.
    """
    with_graph, takers = path.suffix == ".keras", [layer for layer in model.layers if layer.weights]
    own, theirs = _graph(path) if with_graph else ("", {})
    doubt, differs = UNSEEN.format(model.name), False
    if with_graph and all(layer.name in theirs for layer in takers):
        doubt, differs = _compared(model, theirs, include_top, at_size)
    if differs and not is_changed(options):
        raise ZooError(f"it {doubt}.")
    doubt = doubt or own and f"is of a model of a class of its own, {own}, whose call isn't seen"
    stored = _stored(path)
    missing = [layer.name for layer in takers if layer.name not in stored]
    if missing and with_graph:
        return _matched_by_graph(model, path, include_top)
    if missing:
        raise ZooError(f"it has no layer {missing[0]!r}.")
    if not with_graph and include_top and len(stored) != len(takers):
        raise ZooError(f"it has {len(stored)} layers with weights, the net has {len(takers)}.")
    assign(takers, fit([(layer.name, stored[layer.name]) for layer in takers], takers, include_top))
    return doubt


def _graph(path):
    """Return the class name of a `.keras` file's model, "" if it is Keras's own, and the model's `nodes`."""
    with ZipFile(path) as archive:
        text = archive.read("config.json")
    try:
        stored = json.loads(text)
        own, has_layers = own_class(stored), "layers" in stored["config"]
        if has_layers or not own:
            return own, nodes(stored["config"])
    except (LookupError, TypeError, AttributeError, ValueError):
        raise ZooError("its config.json isn't that of a Keras model.") from None
    raise ZooError(NO_GRAPH)


def _compared(model, theirs, include_top, at_size):
    """Return how a `.keras` file's net differs from the model, or why that isn't known, and whether it surely differs.

    The difference is the first between layers of one name, in the file and in the model or, for images of another
    shape, in the model that `at_size` builds for these.
    """
    ours = nodes(model.get_config())
    image = image_of(ours, theirs)
    _, *shape = theirs[image].settings["batch_shape"] if image else (None,)
    if tuple(shape) != model.input_shape[1:]:
        if at_size is None or len(shape) != 3 or not all(is_whole(size, 1) for size in shape):
            doubt = f"is of a net for images of another shape, {tuple(shape)}, so that its layers weren't compared"
            return doubt, False
        try:
            ours = nodes(at_size(tuple(shape)).get_config())
        except ZooError:  # they are too small, say
            return f"is of a net for images of {shape[0]}x{shape[1]}, which {model.name} can't take", True
    differs = difference(ours, theirs, include_top)
    return differs, bool(differs)


def _matched_by_graph(model, path, include_top):
    """Load the weights of a net whose layers have other names; return the doubt that remains."""
    source = keras.models.load_model(path, compile=False)
    if not getattr(source, "outputs", None):
        raise ZooError(NO_GRAPH)
    copy_weights(source, model, include_top)
    return f"was matched to {model.name} by its graph and the shapes of its weights alone"


def _stored(path):
    """Return each layer's arrays by its name, from a `.weights.h5` file or the one in a `.keras` file."""
    source = path
    if path.suffix == ".keras":
        with ZipFile(path) as archive:
            source = BytesIO(archive.read("model.weights.h5"))
    with h5py.File(source) as file:
        groups = [group["vars"] for group in file["layers"].values() if len(group.get("vars", ()))]
        return {group.attrs.get("name"): [_array(group[key]) for key in sorted(group, key=int)] for group in groups}


def _array(stored):
    """Return an HDF5 data set as a NumPy array; bfloat16, which HDF5 doesn't know, as float32."""
    if stored.attrs.get("dtype") != "bfloat16":
        return np.asarray(stored)
    return np.asarray(stored).view(ml_dtypes.bfloat16).astype(np.float32)

"""Read Keras's files, of every version: the model's config, as JSON, and its layers' arrays. No code is ever run."""

import json
from collections.abc import Iterator
from dataclasses import dataclass
from io import BytesIO
from itertools import count, takewhile
from math import prod
from pathlib import Path
from typing import Any
from zipfile import BadZipFile, ZipFile

import h5py
import ml_dtypes
import numpy as np

from zoo.errors import ZooError
from zoo.weights.nodes import Graph, entries, graph, is_nested, own_class, snake_case
from zoo.weights.torch_files import refuse_mistaken

LARGEST = 2**32  # bytes of an array: more would be a file made to fill the memory
MOST = 10**6  # entries of an attribute
MODERN = ("layers", "_layer_checkpoint_dependencies")  # the groups of a model's layers in Keras 3's and Keras 2's files


@dataclass(frozen=True)
class Stored:
    """What a file holds.

    `graph` is the model's, None in a file of weights alone, and `own` the name of its class, "" if it is Keras's.
    `arrays` has each layer's by its path (see `zoo.weights.nodes.Node`), in the order of Keras's layers if
    `is_ordered`.
    """

    graph: Graph | None
    own: str
    arrays: dict[str, list[np.ndarray]]
    is_ordered: bool


def read(path: Path) -> Stored:
    """Return what a `.keras` or `.h5` file holds.

    Raises `ZooError`, and whatever h5py raises for damaged files.
    """
    source: Path | BytesIO = path
    with open(path, "rb") as file:
        head = file.read(512)
    if head.startswith(b"PK"):
        try:
            with ZipFile(path) as archive:
                text, source = archive.read("config.json"), BytesIO(archive.read("model.weights.h5"))
        except BadZipFile:
            raise ZooError("it is cut off or damaged: it begins as a ZIP archive and isn't one.") from None
        except KeyError:
            raise ZooError("it is a ZIP archive that Keras didn't write.") from None
    elif head.startswith(b"\x89HDF"):
        text = None
    else:
        _refuse_others(head)
    with h5py.File(source) as file:
        if link := file.visititems_links(_link):
            raise ZooError(f"{link} in it is a link to something else, which isn't followed.")
        text = file.attrs.get("model_config", text)
        config, own, found = _model(text) if text is not None else (None, "", None)
        weights = file.get("model_weights", file)
        if any(group in weights for group in MODERN):
            return Stored(found, own, dict(_modern(weights, config and config["config"])), False)
        if not _listed(weights, "layer_names"):
            raise ZooError("it holds no layers of a Keras model.")
        return Stored(found, own, _legacy(weights, config), True)


def _model(text):
    """Return a model's stored config, the name of its class if it isn't Keras's, and its graph."""
    try:
        stored = json.loads(text)
        own, found = own_class(stored), graph(stored["config"])
    except (LookupError, TypeError, AttributeError, ValueError):
        raise ZooError("its config.json isn't that of a Keras model.") from None
    if own and not found.nodes:
        raise ZooError("it holds a model of a class of its own, not a graph of layers.")
    return stored, own, found


def _refuse_others(head):
    """Refuse a file that begins as neither a `.keras` nor an `.h5` file does."""
    refuse_mistaken(head)
    if head.startswith(b"\x80"):
        raise ZooError("it is pickled, which is code, and code from a file isn't run.")
    raise ZooError("Keras didn't write it, or it is damaged.")


def _link(name, link):
    return name if isinstance(link, (h5py.ExternalLink, h5py.SoftLink)) else None


# ------------------------------------------------------------------------------------- Keras 3's, and its .weights.h5


def _modern(group, config, path="") -> Iterator[tuple[str, list[np.ndarray]]]:
    """Yield (path, arrays) for each layer; without a config, layers have the names that the file tells, if any."""
    stored: Any = next((group[name] for name in MODERN if name in group), {})
    named = {name: key for key in stored if (name := _variables(stored[key]).attrs.get("name"))}
    for key, entry in _keys(stored, config, named):
        name = entry["config"]["name"] if entry else _variables(stored[key]).attrs.get("name", key)
        if any(inner in stored[key] for inner in MODERN):
            if entry is None or is_nested(entry):
                yield from _modern(stored[key], entry and entry["config"], f"{path}{name}/")
        elif len(variables := _variables(stored[key])):
            yield f"{path}{name}", [_array(variables[number]) for number in sorted(variables, key=int)]


def _variables(group):
    """Return the group of a layer's variables; an empty one for a group that has none."""
    return group["vars"] if "vars" in group else _Nothing()


class _Nothing(dict):
    """Stands for the group of variables that isn't there."""

    attrs: dict[str, str] = {}


def _keys(stored, config, named):
    """Yield (its group's key, its entry in the config) for each layer; None for an entry without a config."""
    if config is None:
        yield from ((key, None) for key in stored)
        return
    counts = {}
    for entry in entries(config):
        if (entry.get("module") or "").startswith("keras.src.ops"):  # no layer
            continue
        kind = snake_case(entry["class_name"].rpartition(">")[2])
        counts[kind] = number = counts.get(kind, -1) + 1
        key = named.get(entry["config"].get("name"), f"{kind}_{number}" if number else kind)
        if key in stored:
            yield key, entry


# ------------------------------------------------------------------------------------------------- Keras 2's, "legacy"


def _legacy(group, config):
    """Return {path: arrays} of a file that lists its layers, and each layer's weights, in attributes."""
    nested = {entry["config"]["name"]: entry["config"] for entry in entries(config["config"]) if is_nested(entry)
              } if config else None
    arrays = {}
    for layer in _listed(group, "layer_names"):
        names = _listed(group[layer], "weight_names")
        owners = [name.rpartition("/")[0] for name in names]
        is_model = len(set(owners)) > 1 if nested is None else layer in nested
        known = dict(_paths(nested[layer], f"{layer}/")) if nested and is_model else {}
        for name, owner in zip(names, owners):
            inside = known.get(owner) or known.get(owner.rpartition("/")[2]) or f"{layer}/{owner}"
            arrays.setdefault(inside if is_model else layer, []).append(_array(group[layer][name]))
    return arrays


def _paths(config, path):
    """Yield (name, path) of each layer of a model, those of nested ones too."""
    for entry in entries(config):
        name = entry["config"].get("name")
        if is_nested(entry):
            yield from _paths(entry["config"], f"{path}{name}/")
        else:
            yield name, f"{path}{name}"


def _listed(group, name):
    """Return the texts in an attribute, which may lie in parts: name0, name1, …"""
    parts = (f"{name}{i}" for i in count())
    names = [name] if name in group.attrs else list(takewhile(group.attrs.__contains__, parts))
    if any(prod(group.attrs.get_id(one).shape) > MOST for one in names):
        raise ZooError(f"its attribute {name} is damaged.")
    texts = [text for one in names for text in group.attrs[one]]
    return [text.decode() if isinstance(text, bytes) else str(text) for text in texts]


def _array(stored):
    """Return an HDF5 data set as a NumPy array; bfloat16, which HDF5 doesn't know, as float32."""
    if not isinstance(stored, h5py.Dataset):
        raise ZooError(f"{stored.name} in it is no array.")
    if stored.external or stored.is_virtual or stored.nbytes > LARGEST:
        raise ZooError(f"{stored.name} in it lies in another file, or is larger than 4 GiB.")
    array = np.asarray(stored)
    if stored.attrs.get("dtype") == "bfloat16":
        array = array.view(ml_dtypes.bfloat16)
    return array.astype(np.float32) if array.dtype.kind in "fV" else array

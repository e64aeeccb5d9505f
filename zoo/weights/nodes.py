"""A Keras model's config, of Keras 2 or 3, with nested models or without -> one flat graph of what it computes."""

import json
import re
from dataclasses import dataclass, replace
from graphlib import TopologicalSorter
from typing import Any

import keras

# Settings without effect in inference, those that the weights' shapes show, and (ENDINGS) those of training.
LEFT_ASIDE = {
    "name", "trainable", "dtype", "momentum", "rate", "noise_shape", "seed", "synchronized", "units", "filters",
    "use_bias", "quantization_config", "renorm", "renorm_clipping", "renorm_momentum",
}
ENDINGS = ("_initializer", "_regularizer", "_constraint")
POOLS = {"max": "MaxPooling2D", "avg": "AveragePooling2D"}
MODELS = {"Functional", "Model", "Sequential"}
OPERATIONS = {"TFOpLambda", "TensorFlowOpLayer", "SlicingOpLambda"}  # of TensorFlow, as Keras 2 stored them: no code
OF_TRAINING = {
    "ActivityRegularization", "AlphaDropout", "AugMix", "CutMix", "Dropout", "GaussianDropout", "GaussianNoise",
    "Identity", "MixUp", "RandAugment", "SpatialDropout2D",
}


@dataclass(frozen=True)
class Node:
    """A call of a layer: the name of its class, its settings by Keras's names, and the nodes that are its inputs.

    Settings of our own are `zeros`, explicit padding by ZeroPadding2D before it, [[top, bottom], [left, right]];
    the `rings` of a pool, its own explicit padding (`CutPooling`); and whether it is called with `training` true.
    `path` is the layer's name behind those of the models that it is nested in, joined by "/".
    """

    kind: str
    settings: dict
    sources: tuple
    path: str = ""

    @property
    def is_padding(self) -> bool:
        """Whether it is explicit padding of height and width; other ZeroPadding2D layers are compared as layers."""
        return self.kind == "ZeroPadding2D" and self.settings.get("data_format") != "channels_first"

    @property
    def is_idle(self) -> bool:
        """Whether it does nothing in inference."""
        is_random = self.kind.startswith("Random") and self.kind != "RandomCrop"  # training=True is their default
        is_linear = self.kind == "Activation" and self.settings.get("activation") == "linear"
        return self.kind in OF_TRAINING and not self.settings["training"] or is_random or is_linear

    @property
    def is_foreign(self) -> bool:
        """Whether its code is neither Keras's nor ours."""
        return self.kind == "Lambda" or ">" in self.kind or self.kind.endswith(" of its own")


@dataclass(frozen=True)
class Graph:
    """A model's `nodes` by name, without those that do nothing in inference, and the names of its `outputs`.

    `calls` are the nodes with those, and without explicit padding as a setting.
    """

    nodes: dict[str, Node]
    outputs: tuple[str, ...]
    calls: dict[str, Node]


def graph(config: dict[str, Any]) -> Graph:
    """Return the `Graph` of a model's config; nested models are taken apart, and "pool (call 2)" is a second call.

    A nested layer whose name is taken has its path for a name. Whatever isn't a config raises LookupError, TypeError,
    AttributeError or ValueError.
    """
    calls: dict[str, Node] = {}
    outputs = _add(json.loads(json.dumps(config, default=str)), calls, set())
    TopologicalSorter({name: node.sources for name, node in calls.items()}).prepare()  # refuses a circle
    kept = {name: _padded(node, calls) for name, node in calls.items() if not node.is_idle}
    return Graph(kept, tuple(dict.fromkeys(_through(name, calls) for name in outputs)), calls)


def nodes(config: dict[str, Any]) -> dict[str, Node]:
    """Return the nodes of a model's `graph`."""
    return graph(config).nodes


def own_class(stored: dict[str, Any]) -> str:
    """Return the class name of a stored layer or model if it is neither Keras's nor ours, else ""."""
    name = stored.get("registered_name") or stored["class_name"]
    if "module" in stored:
        is_known = (stored["module"] or "").split(".")[0] == "keras"
    else:  # Keras 2 and .h5 files store the name alone
        is_known = name in MODELS | OPERATIONS or hasattr(keras.layers, name) or hasattr(keras.ops, snake_case(name))
    return "" if name.startswith("zoo>") or is_known else name


def is_nested(entry: dict[str, Any]) -> bool:
    """Return whether a layer's entry in a config is a model, a graph of layers of its own."""
    return entry["class_name"] in MODELS and not own_class(entry) and bool(entries(entry["config"]))


def entries(config: Any) -> list[dict[str, Any]]:
    """Return the entries of a model's layers in its config."""
    return config if isinstance(config, list) else config.get("layers", [])


def snake_case(name: str) -> str:
    """Return a class's name as Keras makes layers' names of it: "BatchNormalization" -> "batch_normalization"."""
    name = re.sub(r"\W+", "", name)
    return re.sub("([a-z])([A-Z])", r"\1_\2", re.sub("(.)([A-Z][a-z]+)", r"\1_\2", name)).lower()


# ------------------------------------------------------------------------------------------------ config -> calls


def _add(config, found, taken, feeds=None, path=""):
    """Add a model's calls to `found`; return the names of its outputs there. `feeds` are a nested model's inputs."""
    stored = [_named(entry, i) for i, entry in enumerate(entries(config))]
    calls = [(entry, _calls(entry)) for entry in stored]
    keys = _keys(calls, taken, path)  # those of the outer models first: names inside them give way
    before, unfed = list(feeds or ()), list(feeds or ())
    if feeds is None and stored and "inbound_nodes" not in stored[0] and stored[0]["class_name"] != "InputLayer":
        before = ["image of the Sequential"]
        found[before[0]] = Node("InputLayer", {"batch_shape": _batch_shape(config, stored[0]), "training": False}, ())
    nested = {entry["config"]["name"] for entry in stored if is_nested(entry)}
    for entry, its_calls in calls:
        name = entry["config"]["name"]
        for number, (references, kwargs) in enumerate(its_calls):
            sources = before if references is None else [_source(one, keys, nested) for one in references]
            before = [keys[name, number]]
            if name in nested:
                for i, end in enumerate(_add(entry["config"], found, taken, sources, f"{path}{name}/")):
                    found[_output(before[0], i)] = Node("Identity", {"training": False}, (end,))
                continue
            kind = _kind(entry)
            if kind == "InputLayer" and feeds is not None:
                kind, sources = "Identity", [unfed.pop(0)]
            found[before[0]] = Node(kind, _settings(entry, kwargs), tuple(sources), f"{path}{name}")
    outputs = config.get("output_layers") if isinstance(config, dict) else None
    return [_source(one, keys, nested) for one in _tensors(outputs)] if outputs else before


def _keys(calls, taken, path):
    """Return the name in the graph of each (layer's name, number of its call)."""
    keys = {}
    for entry, its_calls in calls:
        for number in range(len(its_calls)):
            key = _key(entry["config"]["name"], number)
            keys[entry["config"]["name"], number] = f"{path}{key}" if key in taken else key
            taken.add(keys[entry["config"]["name"], number])
    return keys


def _batch_shape(config, first):
    """Return the shape of the images of a Sequential that doesn't begin with an InputLayer, None if it isn't known."""
    built = config.get("build_input_shape") if isinstance(config, dict) else None
    return first["config"].get("batch_input_shape") or built


def _named(entry, index):
    """Return a layer's entry with its name, which the first files of Keras kept beside the settings alone."""
    name = entry["config"].get("name") if isinstance(entry["config"], dict) else None
    if name:
        return entry
    config = entry["config"] if isinstance(entry["config"], dict) else {"layers": entry["config"]}
    return {**entry, "config": {**config, "name": entry.get("name", f"{snake_case(entry['class_name'])}_{index}")}}


def _calls(entry):
    """Return (references to its inputs, its keywords) of each call of a layer; no references in a Sequential."""
    calls = entry.get("inbound_nodes")
    if calls is None:
        return [(None, {})]
    return [(_tensors(call), _keywords(call)) for call in calls] or [([], {})]


def _keywords(call):
    """Return a call's keywords; Keras 2 has them behind its first input: ["conv1", 0, 0, {"training": False}]."""
    if isinstance(call, dict):
        return call.get("kwargs", {})
    first = call[0] if call and isinstance(call[0], list) else call
    return first[3] if len(first) > 3 and isinstance(first[3], dict) else {}


def _source(reference, keys, nested):
    """Return the name in the graph of the call that a reference (layer's name, call, output) means."""
    name, number, output = reference
    # files of older versions count calls outside the net, too: a layer's only call has index 0 here
    key = keys[name, number if (name, 1) in keys else 0]
    return _output(key, output) if name in nested else key


def _output(key, index):
    return f"{key} (output {index + 1})" if index else key


def _key(name, call):
    return f"{name} (call {call + 1})" if call else name


def _tensors(value):
    """Return (layer's name, call, output) for each layer whose output is anywhere in the arguments of a call."""
    if isinstance(value, dict):
        history = value.get("config", {}).get("keras_history") if isinstance(value.get("config"), dict) else None
        return [tuple(history[:3])] if history else _tensors(list(value.values()))
    if not isinstance(value, list):
        return []
    if len(value) in (3, 4) and isinstance(value[0], str) and all(type(number) is int for number in value[1:3]):
        return [tuple(value[:3]), *_tensors(value[3:])]
    return [tensor for item in value for tensor in _tensors(item)]


def _kind(entry):
    """Return the name of a layer's class; for a class neither Keras's nor ours, a name that no layer of ours has."""
    if own := own_class(entry):
        return own if ">" in own else f"a {own} of its own"
    kind = entry["class_name"].removeprefix("zoo>")
    if kind == "CutPooling":
        return POOLS[entry["config"]["kind"]]
    return kind


def _settings(entry, kwargs):
    """Return the settings of a layer that affect inference, with equivalent ones in the same form."""
    config, kind = entry["config"], entry["class_name"].removeprefix("zoo>")
    kept = {key: _plain(value) for key, value in config.items() if key not in LEFT_ASIDE and not key.endswith(ENDINGS)}
    if kind == "CutPooling":  # a pool whose last windows extend over the edge
        kept |= {"pool_size": kept.pop("size"), "padding": "valid"}
        del kept["kind"]
    elif kind in POOLS.values():
        kept["rings"] = None
    elif kind == "InputLayer" and "batch_input_shape" in kept:
        kept["batch_shape"] = kept.pop("batch_input_shape")
    if kept.get("axis") in (3, [3], [-1]):  # the channels of feature maps
        kept["axis"] = -1
    return kept | {"training": kwargs.get("training") is True}


def _plain(value):
    """Return a setting; for a function or an object, its name."""
    if isinstance(value, dict):
        value = value["config"] if isinstance(value.get("config"), str) else value.get("class_name")
    return value.removeprefix("zoo>") if isinstance(value, str) else value


# -------------------------------------------------------------------------------------------------- calls -> graph


def _padded(node, found):
    """Return a node with the explicit padding before it as its own setting, and with inputs that aren't idle."""
    sources = [_through(name, found) for name in node.sources]
    zeros = None
    while len(sources) == 1 and found[sources[0]].is_padding:
        ring = found[sources[0]].settings["padding"]
        zeros = [[sum(sides) for sides in zip(*axis)] for axis in zip(ring, zeros or [[0, 0], [0, 0]])]
        sources = [_through(name, found) for name in found[sources[0]].sources]
    return replace(node, settings=node.settings | {"zeros": zeros}, sources=tuple(sources))


def _through(name, found):
    """Return the name or, if that node does nothing in inference, the last one before it that does."""
    while found[name].is_idle and found[name].sources:
        (name,) = found[name].sources
    return name

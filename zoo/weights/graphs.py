"""What the config of a Keras model says that it computes: each layer's kind, settings and sources, by its name."""

import json
from dataclasses import dataclass

from zoo.layout.trace import SCORES

# What changes nothing in inference, what the weights' shapes tell, and how weights start.
LEFT_ASIDE = {
    "name", "trainable", "dtype", "momentum", "rate", "noise_shape", "seed", "synchronized", "units", "filters",
    "use_bias", "quantization_config", "renorm", "renorm_clipping", "renorm_momentum",
}  # fmt: skip
ENDINGS = ("_initializer", "_regularizer", "_constraint")
OF_A_SIZE = {"padding", "rings", "target_shape", "cropping"}  # which depend on the size of a map
POOLS = {"max": "MaxPooling2D", "avg": "AveragePooling2D"}


@dataclass(frozen=True)
class Node:
    """A layer: the name of its class, its settings by Keras's names, and the names of the layers that it takes."""

    kind: str
    settings: dict
    sources: tuple

    @property
    def is_of_channels(self):
        """Whether it pads or crops the channels, which no size changes."""
        return self.settings.get("data_format") == "channels_first"


def nodes(config):
    """Return the `Node` of each layer by its name, of a functional model's config; dropout isn't among them."""
    config = json.loads(json.dumps(config, default=str))
    found = {layer["name"]: _node(layer) for layer in config.get("layers", ()) if "name" in layer["config"]}
    return {name: _without_dropout(node, found) for name, node in found.items() if node.kind != "Dropout"}


def input_shapes(config):
    """Return the shapes of the inputs, the batch's size first."""
    return [tuple(layer["config"]["batch_shape"]) for layer in config.get("layers", ())
            if layer["config"].get("batch_shape")]  # fmt: skip


def difference(ours, theirs, of_one_size):
    """Return what makes a stored net another function than ours, the end of a sentence with "it"; "" if nothing does.

    Both are `nodes`. Layers that the stored net has behind those of ours are left aside, and so is padding if the nets
    aren't for images `of_one_size`.
    """
    for name, node in ours.items():
        if name in SCORES or node.kind == "InputLayer" or _is_border(node) and not of_one_size:
            continue
        if name not in theirs:
            return f"has no {name}, which the net has"
        other = theirs[name]
        if node.kind != other.kind:
            return f"has {other.kind} as {name}, where the net has {node.kind}"
        left_aside = set() if of_one_size or node.is_of_channels else OF_A_SIZE
        for key, value in node.settings.items():
            if key in other.settings.keys() - left_aside and value != other.settings[key]:
                return f"has {key} {other.settings[key]} in {name}, where the net has {value}"
        sources, others = (_sources(nodes, name, of_one_size) for nodes in (ours, theirs))
        if sources != others:
            return f"has {' and '.join(others)} before {name}, where the net has {' and '.join(sources)}"
    return ""


def padding_of(stored, name):
    """Return a layer's own padding, and the zeros that are put round its map before, or None."""
    border, settings = stored.get(f"{name}_pad"), stored[name].settings
    zeros = border.settings["padding"] if border else settings.get("rings")
    return settings.get("padding", "valid"), zeros and tuple(map(tuple, zeros))


def _node(layer):
    config = layer["config"]
    kept = {key: _plain(value) for key, value in config.items() if key not in LEFT_ASIDE and not key.endswith(ENDINGS)}
    kind = layer["class_name"]
    if kind == "CutPooling":  # a pool whose last windows reach over the edge, which depends on the map's size
        kind, kept["pool_size"] = POOLS[kept.pop("kind")], kept.pop("size")
    return Node(kind, kept, tuple(_tensors(layer.get("inbound_nodes", ())[:1])))


def _plain(value):
    """A setting, which for a function or an object is its name."""
    if isinstance(value, dict):
        value = value["config"] if isinstance(value.get("config"), str) else value.get("class_name")
    return value.rpartition(">")[2] if isinstance(value, str) else value


def _tensors(value):
    """The names of the layers whose outputs are anywhere in the arguments of a call."""
    if isinstance(value, dict):
        history = value.get("config", {}).get("keras_history") if isinstance(value.get("config"), dict) else None
        return [history[0]] if history else _tensors(list(value.values()))
    return [name for item in value for name in _tensors(item)] if isinstance(value, list) else []


def _without_dropout(node, found):
    return Node(node.kind, node.settings, tuple(_through(name, found, lambda it: it.kind == "Dropout")
                                                for name in node.sources))  # fmt: skip


def _through(name, found, is_passed):
    """The layer of that name, or the first before it that isn't passed over."""
    while is_passed(found[name]):
        (name,) = found[name].sources
    return name


def _is_border(node):
    return node.kind == "ZeroPadding2D" and not node.is_of_channels


def _sources(found, name, of_one_size):
    names = [_through(source, found, lambda it: not of_one_size and _is_border(it)) for source in found[name].sources]
    return ["the image" if found[source].kind == "InputLayer" else source for source in names]

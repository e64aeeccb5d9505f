"""What the config of a Keras model says that it computes: each layer's kind, settings and sources, by its name."""

import json
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from zoo.layout import Crop, sides
from zoo.layout.trace import SCORES, Layer

# What changes nothing in inference, what the weights' shapes tell, and how weights start.
LEFT_ASIDE = {
    "name", "trainable", "dtype", "momentum", "rate", "noise_shape", "seed", "synchronized", "units", "filters",
    "use_bias", "quantization_config", "renorm", "renorm_clipping", "renorm_momentum",
}  # fmt: skip
ENDINGS = ("_initializer", "_regularizer", "_constraint")
OF_A_SIZE = {"padding", "rings"}  # which depend on the size of a map
SCORING = ("Activation", "Softmax")  # what may turn a net's last values into scores
ADDED_POOLS = ("avg_pool", "max_pool")  # what pooling= puts behind a body
POOLS = {"max": "MaxPooling2D", "avg": "AveragePooling2D"}


@dataclass(frozen=True)
class Node:
    """A layer: the name of its class, its settings by Keras's names, and the names of the layers that it takes.

    Settings of our own are a layer's `calls` and the `rings` of a pool: the zeros that its last windows reach over, or
    None.
    """

    kind: str
    settings: dict
    sources: tuple

    @property
    def is_of_channels(self) -> bool:
        """Whether it pads or crops the channels, which no size changes."""
        return self.settings.get("data_format") == "channels_first"


def nodes(config: dict[str, Any]) -> dict[str, Node]:
    """Return the `Node` of each layer by its name, of a model's config; dropout isn't among them."""
    found: dict[str, Node] = {}
    for layer in json.loads(json.dumps(config, default=str)).get("layers", ()):
        name = layer["config"].get("name")
        found[name] = _node(layer, list(found)[-1:])
    return {name: _without_dropout(node, found) for name, node in found.items() if node.kind != "Dropout"}


def input_shapes(config: dict[str, Any]) -> list[tuple]:
    """Return the shapes of the inputs, the batch's size first."""
    return [tuple(layer["config"]["batch_shape"]) for layer in config.get("layers", ())
            if layer["config"].get("batch_shape")]  # fmt: skip


def difference(ours: dict[str, Node], theirs: dict[str, Node], of_one_size: bool, whole: bool) -> str:
    """Return what makes a stored net another function than ours, the end of a sentence with "it"; "" if nothing does.

    Both are `nodes`. Padding is left aside if the nets aren't for images `of_one_size`; so is what the stored net has
    behind the layers of ours, of a `whole` net only an activation of the scores, which is the user's choice.
    """
    for name, node in ours.items():
        if node.kind == "InputLayer" or _is_border(node) and not of_one_size or not whole and name in ADDED_POOLS:
            continue
        if whole and node.kind == "Activation" and not _behind(name, ours):
            told = _at_the_end(name, node, theirs)
        elif name not in theirs:
            told = f"has no {name}, which the net has"
        else:
            scores = whole and not _behind(name, theirs)  # their activation may be the layer's own
            told = _unlike(name, node, theirs[name], of_one_size, {"activation"} if scores else set())
            sources, others = (_sources(found, name, of_one_size) for found in (ours, theirs))
            if not told and sources != others:
                others = others or ["nothing"]
                told = f"has {' and '.join(others)} before {name}, where the net has {' and '.join(sources)}"
        if told:
            return told
    return ""


def _behind(name, found):
    """The names of the layers that take a layer's output."""
    return [other for other, node in found.items() if name in node.sources]


def _at_the_end(name, node, theirs):
    """What the stored net has between the layer of the scores and its end that is no activation of them."""
    (source,) = node.sources
    found = next((one for one in (name, *SCORES) if one in theirs), None)
    if found is None:
        last = _behind(source, theirs)
        found = last[0] if len(last) == 1 and theirs[last[0]].kind in SCORING else None
        if last and not found:
            return f"has {last[0]} behind {source}, where the net ends"
    if found is None:
        return ""
    other = theirs[found]
    if other.kind not in SCORING:
        return f"has {other.kind} as {found}, where the net has {node.kind}"
    if list(other.sources) != [source]:
        return f"has {' and '.join(other.sources)} before {found}, where the net has {source}"
    if other.settings["calls"] > 1:
        return f"has {found} {other.settings['calls']} times, where the net has it once"
    behind = _behind(found, theirs)
    return f"has {behind[0]} behind {found}, where the net ends" if behind else ""


def _unlike(name, node, other, of_one_size, left_aside):
    """What kind or setting of a stored layer isn't that of ours."""
    if node.kind != other.kind:
        return f"has {other.kind} as {name}, where the net has {node.kind}"
    if other.settings["calls"] > 1:
        return f"has {name} {other.settings['calls']} times, where the net has it once"
    left_aside = left_aside | (set() if of_one_size or node.is_of_channels else OF_A_SIZE)
    for key, value in node.settings.items():
        if key not in other.settings or key in left_aside:
            continue
        theirs, ours = other.settings[key], value
        if key == "target_shape" and not of_one_size:
            theirs, ours = theirs[2:], ours[2:]
        if theirs != ours:
            return f"has {key} {other.settings[key]} in {name}, where the net has {value}"
    return ""


def pads_otherwise(stored: dict[str, Node], layers: Iterable[Layer], whole: bool) -> str:
    """Return the name of a layer that pads or crops otherwise than that of a trace for images of the stored net's size.

    `layers` are the trace's; "" if there is none. Of a `whole` net there may be no border that it doesn't have, either.
    """
    expected: set[str] = set()
    for layer in layers:
        if isinstance(layer.word, Crop):
            expected.add(layer.name)
            border: Any = layer.word.border
            if layer.name not in stored or stored[layer.name].settings["cropping"] != _listed(sides(border)):
                return layer.name
        elif hasattr(layer.word, "padding"):
            expected.add(f"{layer.name}_pad")
            pad, settings = stored.get(f"{layer.name}_pad"), stored[layer.name].settings
            zeros = pad.settings["padding"] if pad else settings.get("rings")
            if (settings.get("padding", "valid"), zeros) != (layer.padding[0], _listed(layer.padding[1])):
                return layer.name
    others = [name for name, node in stored.items() if _is_border(node) and name not in expected]
    return others[0] if whole and others else ""


def _listed(pairs):
    return pairs and [list(pair) for pair in pairs]


def _node(layer, before):
    """The `Node` of a layer's config; `before` holds the name of the one before it, which a Sequential's takes."""
    config, calls = layer["config"], layer.get("inbound_nodes")
    kept = {key: _plain(value) for key, value in config.items() if key not in LEFT_ASIDE and not key.endswith(ENDINGS)}
    kept["calls"] = 1 if calls is None else len(calls)
    kind = layer["class_name"]
    if "registered_name" in layer and _is_foreign(layer["registered_name"]):
        kind = layer["registered_name"]
    if kind == "CutPooling":  # a pool whose last windows reach over the edge, which depends on the map's size
        kind, kept["pool_size"], kept["padding"] = POOLS[kept.pop("kind")], kept.pop("size"), "valid"
    elif kind in POOLS.values():
        kept["rings"] = None
    elif kind == "BatchNormalization" and kept.get("axis") == 3:
        kept["axis"] = -1
    return Node(kind, kept, tuple(before if calls is None else _tensors(calls[:1])))


def _is_foreign(registered):
    """Whether a name that was registered with Keras is of another package than Keras and the zoo."""
    return bool(registered) and ">" in registered and not registered.startswith("zoo>")


def _plain(value):
    """A setting, which for a function or an object is its name."""
    if isinstance(value, dict):
        value = value["config"] if isinstance(value.get("config"), str) else value.get("class_name")
    return value.removeprefix("zoo>") if isinstance(value, str) else value


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
    return node.kind in ("ZeroPadding2D", "Cropping2D") and not node.is_of_channels


def _sources(found, name, of_one_size):
    names = [_through(source, found, lambda it: not of_one_size and _is_border(it)) for source in found[name].sources]
    return ["the image" if found[source].kind == "InputLayer" else source for source in names]

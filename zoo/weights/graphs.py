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
OF_A_SIZE = {"padding", "rings", "cropping"}  # which depend on the size of a map
SCORING = ("Activation", "Softmax")  # what may turn a net's last values into scores
ADDED_POOLS = ("avg_pool", "max_pool")  # what pooling= puts behind a body
POOLS = {"max": "MaxPooling2D", "avg": "AveragePooling2D"}
OF_TRAINING = {"Dropout", "SpatialDropout2D", "AlphaDropout", "GaussianDropout", "GaussianNoise", "Identity"}
ORDERLESS = {"Add", "Average", "Maximum", "Minimum", "Multiply"}  # whose sources may change places


@dataclass(frozen=True)
class Node:
    """A call of a layer: the name of its class, its settings by Keras's names, and the nodes that it takes.

    A setting of our own is the `rings` of a pool: the zeros that its last windows reach over, or None.
    """

    kind: str
    settings: dict
    sources: tuple

    @property
    def is_of_channels(self) -> bool:
        """Whether it pads or crops the channels, which no size changes."""
        return self.settings.get("data_format") == "channels_first"


def nodes(config: dict[str, Any]) -> dict[str, Node]:
    """Return a model's `Node`s by the layers' names, of its config; the second call of "pool" is "pool (call 2)".

    Layers that do nothing in inference, as dropout, aren't among them.
    """
    found: dict[str, Node] = {}
    calls: dict[str, int] = {}  # by the layer's name
    for layer in json.loads(json.dumps(config, default=str)).get("layers", ()):
        name, inbound = layer["config"].get("name"), layer.get("inbound_nodes")
        # a Sequential's layer takes the one before it; an input has no calls in a config, but one node
        taken = [[(last, 0) for last in list(found)[-1:]]] if inbound is None else [_tensors(call) for call in inbound]
        calls[name] = len(taken or [[]])
        kind, settings = _kind_and_settings(layer)
        found |= {_key(name, call): Node(kind, settings, tuple(sources)) for call, sources in enumerate(taken or [[]])}
    for name, node in found.items():  # only now are all calls counted
        sources = tuple(_key(source, min(call, calls[source] - 1)) for source, call in node.sources)
        found[name] = Node(node.kind, node.settings, sources)
    return {name: _without_dropout(node, found) for name, node in found.items() if node.kind not in OF_TRAINING}


def _key(name, call):
    return f"{name} (call {call + 1})" if call else name


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
        if node.kind == "InputLayer" or _is_padding(node) and not of_one_size or not whole and name in ADDED_POOLS:
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
    behind = _behind(found, theirs)
    return f"has {behind[0]} behind {found}, where the net ends" if behind else ""


def _unlike(name, node, other, of_one_size, left_aside):
    """What kind or setting of a stored layer isn't that of ours."""
    if node.kind != other.kind:
        return f"has {other.kind} as {name}, where the net has {node.kind}"
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

    `layers` are the trace's, between which no `difference` was found; "" if there is none. Zeros that belong to no
    layer of the trace count, too: of a net that isn't `whole`, those before any of its layers.
    """
    layers, belonging = list(layers), set[str]()
    for layer in layers:
        if isinstance(layer.word, Crop):
            border: Any = layer.word.border
            if stored[layer.name].settings["cropping"] != _listed(sides(border)):
                return layer.name
        elif hasattr(layer.word, "padding"):
            node = stored[layer.name]
            pads = [source for source in node.sources
                    if _is_padding(stored[source]) and _behind(source, stored) == [layer.name]]  # fmt: skip
            zeros = stored[pads[0]].settings["padding"] if pads else node.settings.get("rings")
            if (node.settings.get("padding", "valid"), zeros) != (layer.padding[0], _listed(layer.padding[1])):
                return layer.name
            belonging |= set(pads)
    body = [layer.name for layer in layers if layer.name not in ADDED_POOLS]
    counted = set(stored) if whole else _upstream(body, stored)
    return next((name for name, node in stored.items() if _is_padding(node) and name in counted - belonging), "")


def _upstream(names, found):
    """The names of all nodes that those of `names` take, through others too."""
    seen: set[str] = set()
    new = [name for name in names if name in found]
    while new:
        new = [source for name in new for source in found[name].sources if source not in seen]
        seen |= set(new)
    return seen


def _listed(pairs):
    return pairs and [list(pair) for pair in pairs]


def _kind_and_settings(layer):
    """The name of a layer's class and its settings, of its config; what has the same meaning is written the same."""
    config = layer["config"]
    kept = {key: _plain(value) for key, value in config.items() if key not in LEFT_ASIDE and not key.endswith(ENDINGS)}
    kind = layer["class_name"]
    if "registered_name" in layer and _is_foreign(layer["registered_name"]):
        kind = layer["registered_name"]
    if kind == "CutPooling":  # a pool whose last windows reach over the edge, which depends on the map's size
        kind, kept["pool_size"], kept["padding"] = POOLS[kept.pop("kind")], kept.pop("size"), "valid"
    elif kind in POOLS.values():
        kept["rings"] = None
    if kept.get("axis") in (3, [3], [-1]):  # the channels of maps
        kept["axis"] = -1
    return kind, kept


def _is_foreign(registered):
    """Whether a name that was registered with Keras is of another package than Keras and the zoo."""
    return bool(registered) and ">" in registered and not registered.startswith("zoo>")


def _plain(value):
    """A setting, which for a function or an object is its name."""
    if isinstance(value, dict):
        value = value["config"] if isinstance(value.get("config"), str) else value.get("class_name")
    return value.removeprefix("zoo>") if isinstance(value, str) else value


def _tensors(value):
    """The layers whose outputs are anywhere in the arguments of a call: (its name, the number of its call) of each."""
    if isinstance(value, dict):
        history = value.get("config", {}).get("keras_history") if isinstance(value.get("config"), dict) else None
        return [tuple(history[:2])] if history else _tensors(list(value.values()))
    return [tensor for item in value for tensor in _tensors(item)] if isinstance(value, list) else []


def _without_dropout(node, found):
    return Node(node.kind, node.settings, tuple(_through(name, found, lambda it: it.kind in OF_TRAINING)
                                                for name in node.sources))  # fmt: skip


def _through(name, found, is_passed):
    """The layer of that name, or the first before it that isn't passed over."""
    while is_passed(found[name]):
        (name,) = found[name].sources
    return name


def _is_padding(node):
    return node.kind == "ZeroPadding2D" and not node.is_of_channels


def _sources(found, name, of_one_size):
    node = found[name]
    names = [_through(source, found, lambda it: not of_one_size and _is_padding(it)) for source in node.sources]
    names = ["the image" if found[source].kind == "InputLayer" else source for source in names]
    return sorted(names) if node.kind in ORDERLESS else names

"""What a Keras model computes, by its config: each layer's class, settings and inputs, by its name."""

import json
from dataclasses import dataclass, replace
from typing import Any

from zoo.layout.trace import SCORES

# Settings without effect in inference, those that the weights' shapes show, and (ENDINGS) those of training.
LEFT_ASIDE = {
    "name", "trainable", "dtype", "momentum", "rate", "noise_shape", "seed", "synchronized", "units", "filters",
    "use_bias", "quantization_config", "renorm", "renorm_clipping", "renorm_momentum",
}
ENDINGS = ("_initializer", "_regularizer", "_constraint")
SCORING = ("Activation", "Softmax")  # classes of layers that may turn logits into scores
ADDED_POOLS = ("avg_pool", "max_pool")  # layers that pooling= adds to a body
POOLS = {"max": "MaxPooling2D", "avg": "AveragePooling2D"}
ORDERLESS = {"Add", "Average", "Maximum", "Minimum", "Multiply"}  # layers whose inputs may come in any order
OF_TRAINING = {
    "ActivityRegularization", "AlphaDropout", "AugMix", "CutMix", "Dropout", "GaussianDropout", "GaussianNoise",
    "Identity", "MixUp", "RandAugment", "SpatialDropout2D",
}


@dataclass(frozen=True)
class Node:
    """A call of a layer: the name of its class, its settings by Keras's names, and the nodes that are its inputs.

    Settings of our own are `zeros`, explicit padding by ZeroPadding2D before it, [[top, bottom], [left, right]];
    the `rings` of a pool, its own explicit padding (`CutPooling`); and whether it is called with `training` true.
    """

    kind: str
    settings: dict
    sources: tuple

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


def nodes(config: dict[str, Any]) -> dict[str, Node]:
    """Return a model's `Node`s by the layers' names, from its config; the second call of "pool" is "pool (call 2)".

    Layers that do nothing in inference, such as dropout, are left out.
    """
    found = _calls(config)
    return {name: _padded(node, found) for name, node in found.items() if not node.is_idle}


def own_class(stored: dict[str, Any]) -> str:
    """Return the class name of a stored layer or model if it is neither Keras's nor ours, else ""."""
    name, module = stored.get("registered_name") or stored["class_name"], stored.get("module", "keras")
    return "" if name.startswith("zoo>") or module and module.split(".")[0] == "keras" else name


def image_of(ours: dict[str, Node], theirs: dict[str, Node]) -> str | None:
    """Return the name of a stored net's input that feeds its first layer with a name of ours; None if none does."""
    name = next((name for name in ours if name in theirs and theirs[name].sources), None)
    while name and theirs[name].sources:
        name = theirs[name].sources[0]
    return name


def difference(ours: dict[str, Node], theirs: dict[str, Node], whole: bool) -> str:
    """Return how a stored net's function differs from ours, as the end of a message on "it"; "" if it doesn't.

    Both are from `nodes`, for images of the same size. Layers that the stored net has after ours are ignored; if ours
    is `whole`, with its head, only an activation of the scores is, which is the user's choice.
    """
    images = image_of(ours, ours), image_of(ours, theirs)
    for name, node in ours.items():
        if node.kind == "InputLayer" or node.is_padding or not whole and name in ADDED_POOLS:
            continue
        if whole and node.kind == "Activation" and not _consumers(name, ours):
            message = _end_difference(name, node, theirs)
        elif name not in theirs:
            message = f"has no {name}, which the net has"
        else:
            scores = whole and not _consumers(name, theirs)  # the stored activation may be the layer's own
            message = _node_difference(name, node, theirs[name], {"activation"} if scores else set())
            sources, others = (_sources(found[name], image) for found, image in zip((ours, theirs), images))
            if not message and sources != others:
                others = others or ["nothing"]
                message = f"has {' and '.join(others)} before {name}, where the net has {' and '.join(sources)}"
        if message:
            return message
    return ""


def _consumers(name, found):
    """Return the names of the layers that take a layer's output."""
    return [other for other, node in found.items() if name in node.sources]


def _end_difference(name, node, theirs):
    """Return what the stored net has after its logits other than an activation of them; "" for nothing."""
    (source,) = node.sources
    found = next((one for one in (name, *SCORES) if one in theirs), None)
    if found is None:
        last = _consumers(source, theirs)
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
    behind = _consumers(found, theirs)
    return f"has {behind[0]} behind {found}, where the net ends" if behind else ""


def _node_difference(name, node, other, left_aside):
    """Return how a stored layer's class or settings differ from ours; "" if they don't."""
    if node.kind != other.kind:
        return f"has {other.kind} as {name}, where the net has {node.kind}"
    for key, value in node.settings.items():
        if key in other.settings and key not in left_aside and other.settings[key] != value:
            return f"has {key} {_shown(other.settings[key])} in {name}, where the net has {_shown(value)}"
    return ""


def _shown(value):
    return "none" if value is None else value


def _sources(node, image):
    names = ["the image" if name == image else name for name in node.sources]
    return sorted(names) if node.kind in ORDERLESS else names


def _calls(config):
    """Return the `Node` of each call of each layer, those that do nothing in inference included."""
    found, inputs = {}, {}
    for layer in json.loads(json.dumps(config, default=str)).get("layers", ()):
        name, calls = layer["config"].get("name"), layer.get("inbound_nodes")
        before = [(last, 0) for last in list(found)[-1:]]  # the input of a layer of a Sequential
        inputs[name] = [before] if calls is None else [_tensors(call) for call in calls] or [[]]
        for call, kwargs in enumerate([call.get("kwargs", {}) for call in calls or ()] or [{}]):
            found[_key(name, call)] = Node(_kind(layer), _settings(layer, kwargs), ())
    for name, calls in inputs.items():
        for call, tensors in enumerate(calls):
            # files of older versions count calls outside the net, too: a layer's only call has index 0 here
            sources = [_key(source, number if len(inputs[source]) > 1 else 0) for source, number in tensors]
            found[_key(name, call)] = replace(found[_key(name, call)], sources=tuple(sources))
    return found


def _key(name, call):
    return f"{name} (call {call + 1})" if call else name


def _tensors(value):
    """Return (layer name, index of its call) for each layer whose output is anywhere in the arguments of a call."""
    if isinstance(value, dict):
        history = value.get("config", {}).get("keras_history") if isinstance(value.get("config"), dict) else None
        return [tuple(history[:2])] if history else _tensors(list(value.values()))
    return [tensor for item in value for tensor in _tensors(item)] if isinstance(value, list) else []


def _kind(layer):
    """Return the name of a layer's class; for a class neither Keras's nor ours, a name that no layer of ours has."""
    if own := own_class(layer):
        return own if ">" in own else f"a {own} of its own"
    if layer["class_name"] == "CutPooling":
        return POOLS[layer["config"]["kind"]]
    if layer["class_name"] == "Sequential":  # for augmentation, say
        inner = [node for node in _calls(layer["config"]).values() if node.kind != "InputLayer"]
        return "Identity" if all(node.is_idle for node in inner) else "Sequential"
    return layer["class_name"]


def _settings(layer, kwargs):
    """Return the settings of a layer that affect inference, with equivalent ones in the same form."""
    config, kind = layer["config"], layer["class_name"]
    kept = {key: _plain(value) for key, value in config.items() if key not in LEFT_ASIDE and not key.endswith(ENDINGS)}
    if kind == "CutPooling":  # a pool whose last windows extend over the edge
        kept |= {"pool_size": kept.pop("size"), "padding": "valid"}
        del kept["kind"]
    elif kind in POOLS.values():
        kept["rings"] = None
    if kept.get("axis") in (3, [3], [-1]):  # the channels of feature maps
        kept["axis"] = -1
    return kept | {"training": kwargs.get("training") is True}


def _plain(value):
    """Return a setting; for a function or an object, its name."""
    if isinstance(value, dict):
        value = value["config"] if isinstance(value.get("config"), str) else value.get("class_name")
    return value.removeprefix("zoo>") if isinstance(value, str) else value


def _padded(node, found):
    """Return a node with the explicit padding before it as its own setting, and with inputs that aren't idle."""
    sources = [_through(name, found) for name in node.sources]
    zeros = None
    while len(sources) == 1 and found[sources[0]].is_padding:
        ring = found[sources[0]].settings["padding"]
        zeros = [[sum(sides) for sides in zip(*axis)] for axis in zip(ring, zeros or [[0, 0], [0, 0]])]
        sources = [_through(name, found) for name in found[sources[0]].sources]
    return Node(node.kind, node.settings | {"zeros": zeros}, tuple(sources))


def _through(name, found):
    """Return the name or, if that node does nothing in inference, the last one before it that does."""
    while found[name].is_idle and found[name].sources:
        (name,) = found[name].sources
    return name

"""What the config of a Keras model says that it computes: each layer's kind, settings and sources, by its name."""

import json
from dataclasses import dataclass, replace
from typing import Any

from zoo.layout.trace import SCORES

# What changes nothing in inference, what the weights' shapes tell, and how weights start.
LEFT_ASIDE = {
    "name", "trainable", "dtype", "momentum", "rate", "noise_shape", "seed", "synchronized", "units", "filters",
    "use_bias", "quantization_config", "renorm", "renorm_clipping", "renorm_momentum",
}
ENDINGS = ("_initializer", "_regularizer", "_constraint")
SCORING = ("Activation", "Softmax")  # what may turn a net's last values into scores
ADDED_POOLS = ("avg_pool", "max_pool")  # what pooling= puts behind a body
POOLS = {"max": "MaxPooling2D", "avg": "AveragePooling2D"}
ORDERLESS = {"Add", "Average", "Maximum", "Minimum", "Multiply"}  # whose sources may change places
OF_TRAINING = {
    "ActivityRegularization", "AlphaDropout", "AugMix", "CutMix", "Dropout", "GaussianDropout", "GaussianNoise",
    "Identity", "MixUp", "RandAugment", "SpatialDropout2D",
}


@dataclass(frozen=True)
class Node:
    """A call of a layer: the name of its class, its settings by Keras's names, and the nodes that it takes.

    Settings of our own are `zeros`, what a ZeroPadding2D puts round its input before, [[top, bottom], [left, right]];
    the `rings` of a pool, which its last windows reach over; and whether it is called with `training` true.
    """

    kind: str
    settings: dict
    sources: tuple

    @property
    def is_padding(self) -> bool:
        """Whether it puts zeros round a map; of the channels it is a layer as others are."""
        return self.kind == "ZeroPadding2D" and self.settings.get("data_format") != "channels_first"

    @property
    def is_idle(self) -> bool:
        """Whether it does nothing in inference."""
        is_random = self.kind.startswith("Random") and self.kind != "RandomCrop"  # training=True is their default
        is_linear = self.kind == "Activation" and self.settings.get("activation") == "linear"
        return self.kind in OF_TRAINING and not self.settings["training"] or is_random or is_linear


def nodes(config: dict[str, Any]) -> dict[str, Node]:
    """Return a model's `Node`s by the layers' names, of its config; the second call of "pool" is "pool (call 2)".

    Layers that do nothing in inference, as dropout, aren't among them.
    """
    found = _calls(config)
    return {name: _padded(node, found) for name, node in found.items() if not node.is_idle}


def own_class(stored: dict[str, Any]) -> str:
    """Return the name of the class of a stored layer or model if it is neither Keras's nor ours, else ""."""
    name, module = stored.get("registered_name") or stored["class_name"], stored.get("module", "keras")
    return "" if name.startswith("zoo>") or module and module.split(".")[0] == "keras" else name


def image_of(ours: dict[str, Node], theirs: dict[str, Node]) -> str | None:
    """Return the name of the input that leads to the first of a stored net's layers of our names; None without one."""
    name = next((name for name in ours if name in theirs and theirs[name].sources), None)
    while name and theirs[name].sources:
        name = theirs[name].sources[0]
    return name


def difference(ours: dict[str, Node], theirs: dict[str, Node], whole: bool) -> str:
    """Return what makes a stored net another function than ours, the end of a sentence with "it"; "" if nothing does.

    Both are `nodes`, of nets for images of one size. What the stored net has behind the layers of ours is left aside;
    of a `whole` net only an activation of the scores is, which is the user's choice.
    """
    images = image_of(ours, ours), image_of(ours, theirs)
    for name, node in ours.items():
        if node.kind == "InputLayer" or node.is_padding or not whole and name in ADDED_POOLS:
            continue
        if whole and node.kind == "Activation" and not _behind(name, ours):
            told = _at_the_end(name, node, theirs)
        elif name not in theirs:
            told = f"has no {name}, which the net has"
        else:
            scores = whole and not _behind(name, theirs)  # their activation may be the layer's own
            told = _unlike(name, node, theirs[name], {"activation"} if scores else set())
            sources, others = (_sources(found[name], image) for found, image in zip((ours, theirs), images))
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


def _unlike(name, node, other, left_aside):
    """What kind or setting of a stored layer isn't that of ours."""
    if node.kind != other.kind:
        return f"has {other.kind} as {name}, where the net has {node.kind}"
    for key, value in node.settings.items():
        if key in other.settings and key not in left_aside and other.settings[key] != value:
            return f"has {key} {_told(other.settings[key])} in {name}, where the net has {_told(value)}"
    return ""


def _told(value):
    return "none" if value is None else value


def _sources(node, image):
    names = ["the image" if name == image else name for name in node.sources]
    return sorted(names) if node.kind in ORDERLESS else names


def _calls(config):
    """The `Node` of each call of each layer, all layers among them."""
    found, taken = {}, {}
    for layer in json.loads(json.dumps(config, default=str)).get("layers", ()):
        name, calls = layer["config"].get("name"), layer.get("inbound_nodes")
        before = [(last, 0) for last in list(found)[-1:]]  # which a Sequential's layer takes
        taken[name] = [before] if calls is None else [_tensors(call) for call in calls] or [[]]
        for call, kwargs in enumerate([call.get("kwargs", {}) for call in calls or ()] or [{}]):
            found[_key(name, call)] = Node(_kind(layer), _settings(layer, kwargs), ())
    for name, calls in taken.items():
        for call, tensors in enumerate(calls):
            # of a layer with one call, files of older versions count those outside the net, too
            sources = [_key(source, number if len(taken[source]) > 1 else 0) for source, number in tensors]
            found[_key(name, call)] = replace(found[_key(name, call)], sources=tuple(sources))
    return found


def _key(name, call):
    return f"{name} (call {call + 1})" if call else name


def _tensors(value):
    """The layers whose outputs are anywhere in the arguments of a call: (its name, the number of its call) of each."""
    if isinstance(value, dict):
        history = value.get("config", {}).get("keras_history") if isinstance(value.get("config"), dict) else None
        return [tuple(history[:2])] if history else _tensors(list(value.values()))
    return [tensor for item in value for tensor in _tensors(item)] if isinstance(value, list) else []


def _kind(layer):
    """The name of a layer's class; of a class that is neither Keras's nor ours, one that no layer of ours has."""
    if own := own_class(layer):
        return own if ">" in own else f"a {own} of its own"
    if layer["class_name"] == "CutPooling":
        return POOLS[layer["config"]["kind"]]
    if layer["class_name"] == "Sequential":  # of augmentation, say
        inner = [node for node in _calls(layer["config"]).values() if node.kind != "InputLayer"]
        return "Identity" if all(node.is_idle for node in inner) else "Sequential"
    return layer["class_name"]


def _settings(layer, kwargs):
    """What a layer's config says that it computes; what has the same meaning is written the same."""
    config, kind = layer["config"], layer["class_name"]
    kept = {key: _plain(value) for key, value in config.items() if key not in LEFT_ASIDE and not key.endswith(ENDINGS)}
    if kind == "CutPooling":  # a pool whose last windows reach over the edge
        kept |= {"pool_size": kept.pop("size"), "padding": "valid"}
        del kept["kind"]
    elif kind in POOLS.values():
        kept["rings"] = None
    if kept.get("axis") in (3, [3], [-1]):  # the channels of maps
        kept["axis"] = -1
    return kept | {"training": kwargs.get("training") is True}


def _plain(value):
    """A setting, which for a function or an object is its name."""
    if isinstance(value, dict):
        value = value["config"] if isinstance(value.get("config"), str) else value.get("class_name")
    return value.removeprefix("zoo>") if isinstance(value, str) else value


def _padded(node, found):
    """A node with the zeros round its input as its own, and with the sources that do something in inference."""
    sources = [_through(name, found) for name in node.sources]
    zeros = None
    while len(sources) == 1 and found[sources[0]].is_padding:
        ring = found[sources[0]].settings["padding"]
        zeros = [[sum(sides) for sides in zip(*axis)] for axis in zip(ring, zeros or [[0, 0], [0, 0]])]
        sources = [_through(name, found) for name in found[sources[0]].sources]
    return Node(node.kind, node.settings | {"zeros": zeros}, tuple(sources))


def _through(name, found):
    """The node of that name, or the first before it that does something in inference."""
    while found[name].is_idle and found[name].sources:
        (name,) = found[name].sources
    return name

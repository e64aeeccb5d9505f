"""Whether two Keras models compute the same, by their graphs: each layer's class, settings and inputs, by its name."""

from collections.abc import Iterable
from dataclasses import dataclass, replace
from graphlib import TopologicalSorter

from zoo.layout.checks import is_whole
from zoo.layout.trace import SCORES
from zoo.weights.nodes import Graph, Node

SCORING = ("Activation", "Softmax")  # classes of layers that may turn logits into scores
ADDED_POOLS = ("avg_pool", "max_pool")  # layers that pooling= adds to a body
PREPARING = {"CenterCrop", "Normalization", "Rescaling", "Resizing"}  # layers that may prepare images
KINDS = {"Dense": "Conv2D", "SeparableConv2D": "DepthwiseConv2D"}  # classes whose weights another's may be
ORDERLESS = {"Add", "Average", "Maximum", "Minimum", "Multiply"}  # layers whose inputs may come in any order


@dataclass(frozen=True)
class Prepared:
    """A stored net's `nodes` behind the layers that prepare its images, which are told in `what`; "" for none."""

    nodes: dict[str, Node]
    what: str


def prepared(stored: Graph, known: Iterable[str] = ()) -> Prepared:
    """Take the layers that prepare a net's images (PREPARING) off its start, but those with names that are `known`."""
    gone: dict[str, str] = {}  # a layer's name -> that of the input before it
    names = set(known)
    for name in TopologicalSorter({name: node.sources for name, node in stored.nodes.items()}).static_order():
        node = stored.nodes[name]
        if node.kind in PREPARING and name not in names and len(node.sources) == 1:
            source = gone.get(node.sources[0], node.sources[0])
            if stored.nodes[source].kind == "InputLayer":
                gone[name] = source
    kept = {name: replace(node, sources=tuple(gone.get(one, one) for one in node.sources))
            for name, node in stored.nodes.items() if name not in gone}
    return Prepared(kept, " and ".join(_told(stored.nodes[name]) for name in gone))


def describe(stored: Graph, first: str | None) -> str:
    """Return what stands before a stored net's first layer with weights, as `Prepared.what` tells it."""
    ahead = before(first, stored.nodes) if first else ()
    found = (node for name, node in stored.nodes.items() if name in ahead)
    return " and ".join(_told(node) for node in found if node.kind != "InputLayer" and not node.is_padding)


def before(name: str, found: dict[str, Node]) -> set[str]:
    """Return the names of all nodes that a node depends on."""
    seen: set[str] = set()
    waiting = [name]
    while waiting:
        more = [source for source in found[waiting.pop()].sources if source not in seen]
        seen.update(more)
        waiting += more
    return seen


def _told(node):
    if node.kind == "Rescaling":
        return f"Rescaling (times {node.settings['scale']}, plus {node.settings['offset']})"
    return node.kind


def image_of(ours: dict[str, Node], theirs: dict[str, Node]) -> str | None:
    """Return the name of a stored net's input that feeds its first layer with a name of ours; None if none does."""
    name = next((name for name in ours if name in theirs and theirs[name].sources), None)
    while name and theirs[name].sources:
        name = theirs[name].sources[0]
    return name


def image_shape(stored: Graph, first: str | None) -> tuple:
    """Return the shape (height, width, channels) of the images before a layer, as far as they are told; else ()."""
    size: tuple = ()
    while first is not None:
        node = stored.calls[first]
        shape = tuple(node.settings.get("batch_shape") or ())[1:]
        if len(shape) == 3:
            shape = (*(size or shape[:2]), shape[2])
            if all(is_whole(n, 1) for n in shape) or not node.sources:
                return shape
        if node.kind in ("Resizing", "CenterCrop"):
            size = size or (node.settings["height"], node.settings["width"])
        first = node.sources[0] if node.sources else None
    return ()


def in_order(found: dict[str, Node], outputs: Iterable[str], weighs: Iterable[str]) -> list[str]:
    """Return the names of the nodes before the outputs in an order that depends on the graph alone.

    A layer comes after its inputs, which come in the order in which it takes them; the inputs of a sum, whose order
    is arbitrary, come by depth, the deepest first. `weighs` names the nodes with weights, which make the depth.
    """
    depth: dict[str, int] = {}
    weighs = set(weighs)
    for name in TopologicalSorter({name: node.sources for name, node in found.items()}).static_order():
        depth[name] = max((depth[source] for source in found[name].sources), default=0) + (name in weighs)
    ordered: dict[str, None] = {}
    waiting = list(outputs)[::-1]
    while waiting:
        name = waiting[-1]
        sources = list(found[name].sources)
        if found[name].kind == "Add":
            sources.sort(key=lambda source: -depth[source])
        missing = [source for source in sources if source not in ordered]
        if missing:
            waiting.append(missing[0])
        else:
            ordered.setdefault(waiting.pop())
    return list(ordered)


def consumers(name: str, found: dict[str, Node]) -> list[str]:
    """Return the names of the layers that take a layer's output."""
    return [other for other, node in found.items() if name in node.sources]


def setting_difference(theirs: tuple[str, Node], ours: tuple[str, Node]) -> str:
    """Return how a layer differs from ours in its place, in what its weights' shapes don't show; "" if it doesn't."""
    (name, other), (own, node) = theirs, ours
    kinds = [KINDS.get(kind, kind) for kind in (other.kind, node.kind)]
    if kinds[0] != kinds[1]:
        return f"has {other.kind} as {name}, where the net has {node.kind} as {own}"
    for key in ("strides", "dilation_rate", "epsilon"):
        values = [one.settings.get(key, [1, 1]) for one in (other, node)]
        if values[0] != values[1] and "Dense" not in (other.kind, node.kind):
            return f"has {key} {values[0]} in {name}, where the net has {values[1]} in {own}"
    return ""


def difference(ours: dict[str, Node], theirs: dict[str, Node], whole: bool) -> str:
    """Return how a stored net's function differs from ours, as the end of a message on "it"; "" if it doesn't.

    Both are from `nodes`, for images of the same size. Layers that the stored net has after ours are ignored; if ours
    is `whole`, with its head, only an activation of the scores is, which is the user's choice.
    """
    images = image_of(ours, ours), image_of(ours, theirs)
    for name, node in ours.items():
        if node.kind == "InputLayer" or node.is_padding or not whole and name in ADDED_POOLS:
            continue
        if whole and node.kind == "Activation" and not consumers(name, ours):
            message = _end_difference(name, node, theirs)
        elif name not in theirs:
            message = f"has no {name}, which the net has"
        else:
            scores = whole and not consumers(name, theirs)  # the stored activation may be the layer's own
            message = _node_difference(name, node, theirs[name], {"activation"} if scores else set())
            sources, others = (_sources(found[name], image) for found, image in zip((ours, theirs), images))
            if not message and sources != others:
                others = others or ["nothing"]
                message = f"has {' and '.join(others)} before {name}, where the net has {' and '.join(sources)}"
        if message:
            return message
    return ""


def _end_difference(name, node, theirs):
    """Return what the stored net has after its logits other than an activation of them; "" for nothing."""
    (source,) = node.sources
    found = next((one for one in (name, *SCORES) if one in theirs), None)
    if found is None:
        last = consumers(source, theirs)
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
    behind = consumers(found, theirs)
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

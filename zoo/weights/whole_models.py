"""A stored Keras model -> what it has for each layer of ours, by name or by its place in the graph, and how sure it is.

The graph tells strides, paddings and the like, which shapes don't; a nested model is a part of the graph.
"""

from typing import NamedTuple

from zoo.errors import ZooError
from zoo.layout.checks import is_whole
from zoo.layout.trace import SCORES
from zoo.weights import applications
from zoo.weights.conventions import is_changed, is_ours
from zoo.weights.copying import Place, Slot, given_of, places
from zoo.weights.graphs import before, describe, difference, image_shape, prepared, setting_difference
from zoo.weights.hdf5 import Stored
from zoo.weights.matching import Given, Target, counted
from zoo.weights.nodes import Graph, Node, nodes

BY_GRAPH = "was matched to {} by its graph and the shapes of its weights alone"
OTHER_HEAD = "has a head that was matched by the order and shapes of its weights alone"
POOLS = {"GlobalAveragePooling2D", "GlobalMaxPooling2D"}
KERNELS = {"BatchNormalization", "Conv2D", "Dense", "DepthwiseConv2D", "SeparableConv2D"}


class Matched(NamedTuple):
    """What a file has for each slot of a net in order, why it may be another net's, and what prepares its images."""

    given: list[Given | None]
    doubt: str = ""
    preparation: str = ""


def match_model(target: Target, stored: Stored, theirs: Graph, takers: list[Slot]) -> Matched:
    """Match a stored model, of the graph `theirs`: by its names if it has those of our body, else by the graph.

    Raises `ZooError` if it surely computes something else, or what it computes isn't seen.
    """
    body = [taker.name for taker in takers if taker.name not in target.head]
    by_name = body and all(name in theirs.nodes for name in body)
    found = (_match_by_name if by_name else _match_by_graph)(target, stored, takers, theirs)
    return found._replace(
        doubt=found.doubt or stored.own and f"is of a model of a class of its own, {stored.own}, whose call isn't seen"
    )


def of_applications(target: Target, name: str) -> str:
    """Return the doubt about weights of keras.applications' net that is `name` here; refuse them in another net."""
    if name == target.name:
        changed = [f"{key}={value!r}" for key, value in target.options.items() if is_changed([key])]
        return f"{applications.told(name)}, and it was built with {', '.join(changed)}" if changed else ""
    if is_ours(target.name) and not is_changed(target.options):
        raise ZooError(f"it {applications.told(name)}.")
    return BY_GRAPH.format(target.model.name)


# -------------------------------------------------------------------------------------------------------- by name


def _match_by_name(target, stored, takers, theirs):
    ours, others, doubt = _at_their_size(target, theirs)
    heads = [taker.name for taker in takers if taker.name in target.head]
    differs, of_body = "", ""
    if not doubt:
        body = {name: node for name, node in ours.items() if name not in {*target.head, *SCORES}}
        differs = difference(ours, others.nodes, target.include_top)
        of_body = difference(body, others.nodes, False) if differs and heads else differs
    has_names = all(name in theirs.nodes for name in heads)
    if of_body or differs and has_names and not target.new_head:
        doubt = of_body or differs
        if not is_changed(target.options):
            raise ZooError(f"it {doubt}.")
    listed = places(theirs.nodes, theirs.outputs, stored.arrays)
    arrays = {place.name: (place.name, place.arrays) for place in listed}
    given = [arrays.get(taker.name) for taker in takers if has_names or taker.name not in heads]
    if not has_names:
        behind = [place for place in listed if place.name not in {taker.name for taker in takers}]
        more, of_head = _head(target, takers[len(given):], behind, (ours, others.nodes))
        given, doubt = given + more, doubt or of_head
    elif differs and not doubt:
        given = given[: len(takers) - len(heads)]  # another head, though of the same names
    return Matched(given, doubt, others.what)


def _at_their_size(target, theirs):
    """Return our nodes for images of the stored net's shape, what is `prepared` of theirs, and why the two can't be
    compared, if they can't.

    Raises `ZooError` if the net can't take such images.
    """
    ours = nodes(target.model.get_config())
    others = prepared(theirs, ours)
    shape = image_shape(theirs, next((name for name in ours if name in others.nodes and others.nodes[name].sources),
                                     None))
    if shape == target.model.input_shape[1:]:
        return ours, others, ""
    if target.at_size is None or len(shape) != 3 or not all(n is None or is_whole(n, 1) for n in shape):
        return ours, others, f"is of a net for images of another shape, {shape}, so that its layers weren't compared"
    try:
        return nodes(target.at_size(shape).get_config()), others, ""
    except ZooError:  # they are too small, say
        told = f"is of a net for images of {shape[0]}x{shape[1]}, which {target.model.name} can't take"
    if not is_changed(target.options):
        raise ZooError(f"it {told}.")
    return ours, others, told


# ------------------------------------------------------------------------------------------------------- by graph


def _match_by_graph(target, stored, takers, theirs):
    listed = places(theirs.nodes, theirs.outputs, stored.arrays)
    count = target.in_body(takers)
    name = applications.recognized(theirs, len(listed), target.name)
    doubt = of_applications(target, name) if name else BY_GRAPH.format(target.model.name)
    counted(target, takers, listed)
    _check_code(theirs, listed, count)
    _check_settings(target, listed[:count], takers)
    given = given_of(listed, takers)
    given, heads = given[:count], given[count:]
    if target.include_top and len(takers) > count:
        heads, of_head = _head(target, takers[count:], listed[count:], (nodes(target.model.get_config()), theirs.nodes))
        doubt = doubt or of_head
    return Matched([*given, *heads], doubt, describe(theirs, listed[0].name if listed else None))


def _check_settings(target, body, takers):
    """Refuse a stored net whose layers have other strides, dilations or epsilons than ours in their places."""
    if is_changed(target.options):
        return
    halves = set()
    for place, taker in zip(body, takers):
        told = setting_difference((place.name, place.node), (taker.name, taker.node))
        if told and place.name not in halves:
            raise ZooError(f"it {told}.")
        halves.add(place.name)


def _check_code(theirs, listed, count):
    """Refuse a stored net with layers in its body whose code would come from the file, or with weights beside it."""
    if not 0 < count <= len(listed):
        return
    first, last = (before(listed[i].name, theirs.nodes) for i in (0, count - 1))
    for name, node in theirs.nodes.items():
        if name in last - first and node.is_foreign:
            raise ZooError(f"it has {node.kind} as {name}, which is code, and code from a file isn't run.")
    for place in listed[count:]:
        if listed[count - 1].name not in before(place.name, theirs.nodes) | {place.name}:
            raise ZooError(f"it has {place.name} beside {listed[count - 1].name}, where the net has nothing.")


# ------------------------------------------------------------------------------------------------------- the head


def _head(target: Target, takers: list[Slot], behind: list[Place],
          both: tuple[dict[str, Node], dict[str, Node]]) -> tuple[list[Given | None], str]:
    """Return what the layers behind a stored body give to the head's takers, in order, and the doubt about it.

    `both` are our nodes and theirs. A head on another kind of global pool gives nothing.
    """
    alike = True
    for i, (taker, place) in enumerate(zip(takers, behind)):
        own, other = (_between(name, found, i == 0) for name, found in zip((taker.name, place.name), both))
        pools = [set(steps) & POOLS for steps in (own, other)]
        if all(pools) and pools[0] != pools[1]:
            if target.new_head:
                return [], ""
            raise ZooError(f"it has {pools[1].pop()} before {place.name}, where the net has {pools[0].pop()}.")
        alike = alike and own == other
    return list(given_of(behind, takers)), "" if alike else OTHER_HEAD


def _between(name, found, is_first):
    """Return what stands between a layer of a head and the one with a kernel before it: classes and activations.

    Activations before a head's first layer are the body's.
    """
    steps = []
    while len(found[name].sources) == 1:
        (name,) = found[name].sources
        node = found[name]
        activation = node.settings.get("activation", "relu" if node.kind == "ReLU" else "linear")
        if activation != "linear" and not is_first:
            steps.append(activation)
        if node.kind in KERNELS:
            break
        if node.kind not in ("Activation", "ReLU"):
            steps.append(node.kind)
    return steps

"""A PyTorch state dict -> a built model's weights: which module is which layer, and how certain that is."""

import re
from collections.abc import Sequence
from dataclasses import replace
from math import prod
from pathlib import Path
from typing import Any

import keras
import numpy as np
from keras import layers

from zoo import registry
from zoo.annotations import StrPath
from zoo.errors import ZooError
from zoo.weights.account import Account
from zoo.weights.checking import tell_doubt
from zoo.weights.conventions import SAME_FUNCTION, is_ours, recognize, used
from zoo.weights.copying import slots
from zoo.weights.matching import Target, settle
from zoo.weights.order import in_order
from zoo.weights.state_dicts import TENSORS, read_state
from zoo.weights.told_names import told_name

OLD_DENSE_LAYER = re.compile(r"(denselayer\d+\.(?:norm|conv))\.([12])\.")  # how the published files spell norm1, conv1
COUNT = "num_batches_tracked"  # of BatchNorm, needed only for training with momentum=None
LOST_ORDER = " A .safetensors file has lost the order of its modules: a .pth file would have it."


def load_pytorch(model: keras.Model, path: StrPath, name: str | None = None, include_top: bool = True,
                 options: dict[str, Any] | None = None, head: Sequence[str] = (), new_head: bool = False) -> Account:
    """Load a PyTorch checkpoint, of a public net or of one of the user's own, into a model; return the account.

    A public net is recognized by its keys (see `zoo.weights.conventions`); if the model is another net, it is an error.
    Otherwise modules are matched by their order and shapes alone, and a `ZooWarning` says so.

    Args:
        model: the Keras model.
        path: the file; see `zoo.weights.torch_files`.
        name: the registered name that the model was built from; None for a layout of the user's own.
        include_top: whether the model has its head; without it the checkpoint's is ignored.
        options: the overrides that the model was built with.
        head, new_head: as `zoo.weights.load_weights` takes them.

    Raises:
        ZooError: if the file isn't a checkpoint of the net. Then nothing is changed.
    """
    state = read_state(path)
    try:
        account = set_state(model, state, name, include_top, options or {}, Path(path), tuple(head), new_head)
    except ZooError as problem:
        raise ZooError(f"{path} doesn't fit {model.name}: {problem}") from None
    if account.doubt:
        tell_doubt(path, account.doubt)
    return replace(account, source=Path(path).name)


def set_state(model: keras.Model, state: dict[str, np.ndarray], name: str | None = None, include_top: bool = True,
              options: dict[str, Any] | tuple[()] = (), path: Path | None = None, head: Sequence[str] = (),
              new_head: bool = False) -> Account:
    """Set a model's weights from a state dict of NumPy arrays; return the account: its `doubt` is "" where keys prove.

    Modules of unknown names must come in the order in which the net applies them. The `path` of the file is asked
    where its keys leave several nets. Raises `ZooError` before any weight is set.
    """
    state = {OLD_DENSE_LAYER.sub(r"\1\2.", key): value for key, value in state.items() if not key.endswith(COUNT)}
    found = _told_apart(recognize(state, model.input_shape[-1]), path) if is_ours(name) else []
    if found and not any(_fits(net, name, options) for _, net in found):
        raise ZooError(f"its keys are those of {' or '.join(map(_described, found))}.")
    convention = found[0][0] if found else None
    modules, takers = _modules(state, convention), slots(model)
    left = []
    if not include_top:
        body = _body(modules, convention, len(takers))
        modules, left = body, [module for module in modules if module not in body]
    target = Target(model, name, include_top, dict(options), head=tuple(head), new_head=new_head)
    enough = new_head and len(modules) >= target.in_body(takers)
    if len(modules) != len(takers) and not enough:
        raise ZooError(f"it has {len(modules)} modules with weights, the net has {len(takers)}.")
    try:
        given = [*_given(modules, takers), *((module, []) for module in list(modules)[len(takers):])]
        account = settle(given, takers, target, "the state dict")
    except ZooError as problem:
        is_lost = path and path.suffix.lower() == ".safetensors" and not convention
        raise ZooError(f"{problem}{LOST_ORDER if is_lost else ''}") from None
    return replace(account, left=(*account.left, *left), doubt=_doubt(found, model.name, name, options))


# ------------------------------------------------------------------------------------------------- what is known


def _told_apart(found, path):
    """Return the nets, or the one of them whose name the file bears."""
    told = told_name(path, [net.name for _, net in found]) if path and len(found) > 1 else None
    return [pair for pair in found if told in (None, pair[1].name)]


def _fits(net, name, options):
    own = registry.entry(name).options
    return net.here == name and all(
        dict(options).get(key, own[key]) == value for key, value in net.options.items()
    )


def _described(found):
    """Return whose public net a (convention, net) pair is, and what it is in the zoo."""
    convention, net = found
    if net.differs:
        here = f"isn't among the zoo's: {net.differs}"
    else:
        options = " and ".join(f"{key}={value!r} (--set {key}={value})" for key, value in net.options.items())
        here = f"is {net.here}{' with ' if options else ''}{options} here"
    return f"{convention} {net.name}, which {here}"


def _doubt(found, model, name, options):
    """Return why the weights may belong to another function; "" if the keys show that they don't."""
    if not found:
        return (f"was matched to {model} by the order and shapes of its weights alone, which another stride, padding "
                "or epsilon leaves as they are")
    others = [pair for pair in found if not _fits(pair[1], name, options)]
    if others:
        ours = next(f"{whose} {net.name}" for whose, net in found if _fits(net, name, options))
        return f"has the keys of {ours}, which is {name} here, and of {' and '.join(map(_described, others))}"
    needed = {key for _, net in found for key in net.options}
    changed = [f"{key}={value!r}" for key, value in dict(options).items() if key not in SAME_FUNCTION | needed]
    whose, net = found[0]
    return f"is {whose} {net.name}, and {name} was built with {', '.join(changed)}" if changed else ""


# -------------------------------------------------------------------------------------------- modules -> layers


def _modules(state, convention):
    """Return the modules' tensors by name, in the order in which the net applies them."""
    modules = {}
    for key, value in (used(state, convention) if convention else state).items():
        module, _, tensor = key.rpartition(".")
        modules.setdefault(module, {})[tensor] = value
    return {module: modules[module] for module in in_order(modules, convention.order)} if convention else modules


def _body(modules, convention, count):
    """Return the modules without the head, which is known by name or comes after the first `count` modules."""
    if convention:
        return {name: tensors for name, tensors in modules.items() if name.partition(".")[0] not in convention.head}
    return dict(list(modules.items())[:count])


def _given(modules, takers):
    """Yield each module's name and its tensors in Keras's layout."""
    for (module, tensors), taker in zip(_folded(modules, takers), takers):
        unknown = tensors.keys() - set(TENSORS)
        if unknown:
            raise ZooError(f"{module} has a tensor {min(unknown)!r}, which no layer here takes.")
        yield module, [_to_keras(tensors[tensor], taker.layer) for tensor in TENSORS if tensor in tensors]


def _folded(modules, takers):
    """Return (name, tensors) pairs; the scale of a BatchNorm whose taker has none goes into what it normalizes.

    scale * (w x - mean) / deviation is ((scale * w) x - scale * mean) / deviation, of whatever sign, and of 0.
    """
    given = [(name, dict(tensors)) for name, tensors in modules.items()]
    for (_, before), (_, tensors), giver, taker in zip(given, given[1:], takers, takers[1:]):
        scale = None if getattr(taker.layer, "scale", True) else tensors.get("weight")
        if scale is None or not _is_linear_into(giver.layer, taker.layer):
            continue
        if "running_mean" in tensors and all(value.shape[:1] == scale.shape for value in before.values()):
            del tensors["weight"]
            tensors["running_mean"] = scale * tensors["running_mean"]
            before |= {key: value * scale.reshape(-1, *[1] * (value.ndim - 1)) for key, value in before.items()}
    return given


def _is_linear_into(layer, norm):
    """Return whether a layer is a convolution or dense, without an activation, whose output goes to `norm` alone."""
    return (
        isinstance(layer, (layers.Conv2D, layers.DepthwiseConv2D, layers.Dense))
        and layer.activation is keras.activations.linear
        and [node.operation for node in layer._outbound_nodes] == [norm]
    )


def _to_keras(value, layer):
    """Return a tensor in Keras's layout: kernels HWIO, dense ones (inputs, outputs), flattened inputs in HWC order."""
    if value.ndim == 4 and isinstance(layer, layers.Dense) and _flattened(layer) == (*value.shape[2:], value.shape[1]):
        return value.transpose(2, 3, 1, 0).reshape(-1, len(value))  # a dense layer, stored as a convolution
    if value.ndim == 4:
        depthwise = isinstance(layer, layers.DepthwiseConv2D)
        return value.transpose((2, 3, 0, 1) if depthwise else (2, 3, 1, 0))
    if value.ndim != 2:
        return value
    shape = _flattened(layer)
    if shape and prod(shape) == value.shape[1]:
        height, width, channels = shape
        value = value.reshape(-1, channels, height, width).transpose(0, 2, 3, 1).reshape(value.shape)
    return value.T


def _flattened(layer):
    """Return the (height, width, channels) of the feature map that is flattened for a dense layer, or None."""
    while not isinstance(layer, layers.Flatten):
        layer = layer._inbound_nodes[0].input_tensors[0]._keras_history.operation
        if not isinstance(layer, (layers.Flatten, layers.Dropout)):
            return None
    return layer.input.shape[1:]

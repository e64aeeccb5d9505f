"""Checkpoints of training scripts -> a state dict of NumPy arrays, unwrapped and all float32."""

import warnings
from pathlib import Path

import numpy as np

from zoo.annotations import StrPath
from zoo.errors import ZooError, ZooWarning
from zoo.weights.order import in_order
from zoo.weights.torch_files import MODULE, StandIn, Unusable, read, told

TENSORS = ("weight", "bias", "running_mean", "running_var")  # of a module, in the order of Keras's layers
PLAIN = ("state_dict", "model_state_dict", "model_state", "model", "net", "network")  # keys under which weights lie
WRAPPING = ("module", "_orig_mod")  # the parts of names that DataParallel and torch.compile add
HOLDERS = ("model", "net", "network", "backbone")  # prefixes of all names, by Lightning's modules and scripts


def read_state(path: StrPath) -> dict[str, np.ndarray]:
    """Return the weights in a file as a dict of float32 NumPy arrays by name, in the order of the modules.

    Whatever else it holds (an optimizer, the epoch, arguments) is left out, and so are wrappers' prefixes that all
    names have. Half precision, bfloat16 and float64 become float32. A .safetensors file doesn't keep the order of
    the modules: they are sorted by name (`zoo.weights.order`).

    Raises:
        ZooError: for a file that holds no weights, can't be read, or would run code; the message says which.
    """
    path = Path(path)
    try:
        content, aliases = read(path)
        state = _without_prefixes(_state_dict(content, path) | {key: content[name] for key, name in aliases.items()})
        if path.suffix.lower() == ".safetensors":
            rank = {name: i for i, name in enumerate(in_order(key.rpartition(".")[0] for key in state))}
            state = dict(sorted(state.items(), key=lambda item: rank[item[0].rpartition(".")[0]]))
        arrays = {key: _as_array(key, value) for key, value in state.items()}
    except ImportError as missing:
        raise ZooError(f"Reading {path.name} needs {missing.name}: pip install {missing.name}.") from None
    except Exception as problem:  # PyTorch and safetensors each raise their own types
        raise ZooError(f"{path} is no checkpoint: {told(problem)}") from None
    return {key: array for key, array in arrays.items() if array is not None}


def _state_dict(content, path):
    """Return the one dict of tensors in what a training script saved, at whatever depth it lies."""
    found = dict(_state_dicts(content))
    if len(found) > 1:  # weights without a module aren't a net's
        found = {name: state for name, state in found.items() if any("." in key for key in state)} or found
    if not found:
        kinds = [content, *(content.values() if isinstance(content, dict) else ())]
        is_module = any(isinstance(kind, StandIn) and kind.is_module for kind in kinds)
        raise Unusable(MODULE if is_module else "it holds no dict of tensors.")
    ranks = {name: PLAIN.index(_last(name)) for name in found if _last(name) in PLAIN}
    chosen = "" if "" in found else min(ranks, key=ranks.get) if ranks else next(iter(found))
    others = [name for name in found if name != chosen]
    if others and chosen not in ("", *ranks):
        raise Unusable(f"it holds several nets ({', '.join(found)}); save the one as a file of its own.")
    if others:
        warnings.warn(
            f"{path} holds other weights too, under {', '.join(others)}; taken were those "
            f"{f'under {chosen}' if chosen else 'at its top'}.", ZooWarning, stacklevel=2,
        )
    return found[chosen]


def _state_dicts(content, name=""):
    """Yield (name, dict) for each dict with a module's tensors; the name is its path of keys, joined by dots."""
    if not isinstance(content, dict):
        return
    tensors = {key: value for key, value in content.items() if isinstance(key, str) and hasattr(value, "dtype")}
    if any(_last(key) in TENSORS for key in tensors):
        yield name, tensors
    for key, value in content.items():
        yield from _state_dicts(value, f"{name}.{key}".lstrip("."))


def _without_prefixes(state):
    """Return the weights by the names that the net itself has, without wrappers' prefixes."""
    short = {".".join(part for part in key.split(".") if part not in WRAPPING): value for key, value in state.items()}
    state = short if len(short) == len(state) else state
    modules = [key for key in state if "." in key]  # scalars, such as a moving average's counter, have none
    while modules and (first := modules[0].partition(".")[0]) in HOLDERS and _all_in(modules, first):
        state = {key.removeprefix(f"{first}."): value for key, value in state.items()}
        modules = [key.removeprefix(f"{first}.") for key in modules]
    return state


def _all_in(keys, first):
    return all(key.startswith(f"{first}.") and key.count(".") > 1 for key in keys)


def _as_array(key, tensor):
    """Return a tensor as a float32 array; None for one that no layer has, such as BatchNorm's counter of batches."""
    kind = str(tensor.dtype).rpartition(".")[2]
    if getattr(tensor, "is_quantized", False) or not kind.startswith(("float", "bfloat", "half", "double")):
        if _last(key) in TENSORS:
            raise Unusable(f"{key} is of the type {kind}; weights must be floating-point numbers.")
        return None
    if tensor.ndim == 0 and "." not in key:
        return None
    if hasattr(tensor, "detach"):
        if tensor.is_meta:
            raise Unusable(f"{key} has a shape and no values.")
        tensor = tensor.detach().to_dense().float().numpy()
    array = tensor.astype("float32")
    if _last(key) in TENSORS and not np.isfinite(array).all():
        raise Unusable(f"{key} holds values that aren't finite numbers in float32.")
    return array


def _last(key):
    return key.rpartition(".")[2]

"""Layers of a model -> copies of them, with changed arguments, and with their weights and statistics."""

from contextlib import contextmanager
from typing import Any

import keras
import numpy as np
from keras import layers, ops

from zoo.errors import ZooError
from zoo.layers import fast

PROBES = (64, 256, 512)  # pixels to try for a side whose size a model leaves open


def again(layer: keras.Operation, **changes: Any) -> keras.Operation:
    """Return a new layer with this one's config and `changes`, of the class that is faster in inference."""
    kind = type(layer)
    if not isinstance(layer, layers.Layer):  # one of `keras.ops`, which computes in its inputs' dtype
        changes = {}
    elif isinstance(layer, layers.BatchNormalization):
        kind = fast.BatchNormalization
    elif isinstance(layer, fast.Conv2D):
        kind = layers.Conv2D
    with _copying(layer):
        config = layer.get_config()
        initializers = {key: "zeros" for key in config if key.endswith("_initializer")}  # weights are set later
        merged = {"lora_rank": None} if "lora_rank" in config else {}  # LoRA is saved as a part of the kernel
        return kind.from_config(config | initializers | merged | changes)


def take_state(new: layers.Layer, old: keras.Operation) -> None:
    """Copy the state of the layer `old` into `new`, as Keras saves it: weights, and statistics of adapted layers."""
    if not getattr(old, "weights", None):
        return
    with _copying(old):
        for target, source in zip(new._flatten_layers(), old._flatten_layers(), strict=True):
            state: dict = {}
            source.save_own_variables(state)
            target.load_own_variables(state)


@contextmanager
def _copying(layer):
    """Return a context in which any exception becomes the `ZooError` that the layer can't be copied."""
    try:
        yield
    except Exception:
        raise _no_copy(f"layer {layer.name!r} ({type(layer).__name__})") from None


def _no_copy(what):
    return ZooError(
        f"The model's {what} can't be copied: its get_config() doesn't give all that its constructor takes."
    )


def check_foreign(model: keras.Model, copy: keras.Model) -> None:
    """Raise `ZooError` if a copy's outputs differ, for models with layers of neither Keras nor this package."""
    foreign = [layer for layer in model.layers if type(layer).__module__.split(".")[0] not in ("keras", "zoo")]
    x = _probe(model) if foreign else None
    if x is None:
        return
    for own, other in zip(_outputs(model, x), _outputs(copy, x)):
        if not np.allclose(own, other, rtol=1e-3, atol=1e-3 * np.abs(own).max(), equal_nan=True):
            raise _no_copy(f"layers {', '.join(repr(layer.name) for layer in foreign)}")


def _probe(model):
    """Return random images that a model accepts, or None if it accepts none of the sizes tried."""
    random = np.random.default_rng(0)
    for probe in PROBES:
        shape = [model.input_shape[0] or 4, *(side or probe for side in model.input_shape[1:])]
        x = 3 * random.standard_normal(shape).astype(model.inputs[0].dtype)
        try:
            model(x, training=False)
            return x
        except Exception:  # too small an input: each backend raises an exception of its own
            continue
    return None


def _outputs(model, x):
    return [ops.convert_to_numpy(ops.cast(one, "float32")) for one in keras.tree.flatten(model(x, training=False))]

"""Weights from files and from other nets -> a built model's weights, counted and checked before any is set."""

from pathlib import Path

import h5py
import keras

from zoo.errors import ZooError


def load_weights(model, path):
    """Load a `.keras` or `.weights.h5` file into `model`. Raises `ZooError` if it isn't one of the same net."""
    path = Path(path)
    if not path.is_file():
        raise ZooError(f"There is no weights file {str(path)!r}; weights must be None or the path of one.")
    if not path.name.endswith((".keras", ".weights.h5")):
        raise ZooError(f"{path} is no weights file: its name must end with .keras or .weights.h5.")
    try:
        if path.suffix == ".keras":
            copy_weights(keras.models.load_model(path, compile=False), model)
        else:
            _check_count(path, model)
            model.load_weights(path)
    except (ValueError, TypeError, OSError) as problem:
        raise ZooError(f"{path} doesn't fit {model.name}: {str(problem).splitlines()[0]}") from None


def _check_count(path, model):
    """Refuse a file of a net with more layers: Keras would load the first of them and say nothing."""
    with h5py.File(path) as file:
        have = sum(len(layer.get("vars", ())) > 0 for layer in file.get("layers", {}).values())
    want = sum(bool(layer.weights) for layer in model.layers)
    if have != want:
        raise ZooError(f"it has {have} layers with weights, the net has {want}.")


def copy_weights(source, target):
    """Copy the weights of one Keras model into another of the same net, layer by layer in their order.

    The layers' names may differ, as between keras.applications' nets and the zoo's; shapes may not. Raises
    `ZooError`, naming the first layer that doesn't match, and then nothing has been copied.
    """
    givers = [layer for layer in source.layers if layer.weights]
    takers = [layer for layer in target.layers if layer.weights]
    if len(givers) != len(takers):
        raise ZooError(
            f"{source.name} has {len(givers)} layers with weights, {target.name} has {len(takers)}: not the same net."
        )
    for giver, taker in zip(givers, takers):
        have, want = ([tuple(w.shape) for w in layer.weights] for layer in (giver, taker))
        if have != want:
            raise ZooError(f"{giver.name} has weights of shapes {have}, but {taker.name} takes {want}.")
    for giver, taker in zip(givers, takers):
        taker.set_weights(giver.get_weights())

"""Weights from files and from other nets -> a built model's weights, counted and checked before any is set."""

from pathlib import Path

import keras

from zoo.errors import ZooError


def load_weights(model, path):
    """Load a `.keras` or `.weights.h5` file into `model`. Raises `ZooError` if it isn't one of the same net."""
    path = Path(path)
    if not path.is_file():
        raise ZooError(f"There is no weights file {str(path)!r}; weights must be None or the path of one.")
    if path.name.endswith(".weights.h5"):
        try:
            model.load_weights(path)
        except (ValueError, OSError) as problem:
            raise ZooError(f"{path} doesn't fit {model.name}: {str(problem).splitlines()[0]}") from None
        return
    if path.suffix != ".keras":
        raise ZooError(f"{path} is no weights file: its name must end with .keras or .weights.h5.")
    copy_weights(keras.models.load_model(path, compile=False), model)


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

"""Check that weights were matched correctly: the outputs are those of the net that they come from."""

import warnings
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import ArrayLike

from zoo.annotations import StrPath
from zoo.errors import ZooError, ZooWarning, first_line

if TYPE_CHECKING:
    import keras

PROOF = "only a comparison of outputs proves it (zoo.weights.check_outputs, or --check IMAGES.npy OUTPUTS.npy)."
TOLERANCE = 1e-3  # as a share of the largest output


def check_outputs(model: "keras.Model", images: ArrayLike, outputs: ArrayLike,
                  tolerance: float = TOLERANCE) -> float:
    """Compare a model's outputs with those that the original net gave for the same images.

    Args:
        model: the Keras model.
        images: the original net's inputs, preprocessed: (N, height, width, channels) as the model takes them, or
            (N, channels, height, width) as in PyTorch. The shape decides; if it fits both, the former is assumed.
        outputs: the original net's outputs in inference: (N, classes) logits or probabilities, recognized by
            their sums of 1; for a model without its head (N, height, width, channels) or (N, channels, …).
        tolerance: the largest difference allowed, as a share of the largest output.

    Returns:
        The largest difference between two outputs, as a share of the largest of the original's.

    Raises:
        ZooError: if they differ by more than the tolerance, or their shapes don't fit.
    """
    import keras

    inputs = _channels_last("images", images, model.input_shape)
    expected = _channels_last("outputs", outputs, model.output_shape)
    if len(inputs) != len(expected):
        raise ZooError(f"There are {len(inputs)} images to check with, but {len(expected)} outputs.")
    given = _before_softmax(model).predict(inputs, verbose=0)
    if expected.ndim == 2 and (expected >= 0).all() and np.allclose(expected.sum(-1), 1, atol=1e-3):
        given = keras.ops.convert_to_numpy(keras.ops.softmax(given))
    difference = float(abs(given - expected).max() / abs(expected).max())
    if not difference <= tolerance:
        raise ZooError(
            f"{model.name} with these weights isn't the net that the outputs come from: they differ by "
            f"{difference:.2g} of the largest one, where {tolerance:g} is allowed."
        )
    return difference


def tell_doubt(path: StrPath, doubt: str) -> None:
    """Warn that weights may belong to another function, and say what would prove that they don't."""
    warnings.warn(f"{path} {doubt}: {PROOF}", ZooWarning, stacklevel=3)


def tell_preparation(path: StrPath, preparation: str, name: str) -> None:
    """Warn that a file's net prepares its images by layers of its own, which ours hasn't."""
    warnings.warn(
        f"{path} has {preparation} before the net: images must be given to {name} as they come out of that.",
        ZooWarning, stacklevel=3,
    )


def check_files(model: "keras.Model", images: StrPath, outputs: StrPath) -> float:
    """Run `check_outputs` on two .npy files."""
    return check_outputs(model, _array(images), _array(outputs))


def _array(path):
    try:
        with open(path, "rb") as file:
            return np.lib.format.read_array(file, allow_pickle=False)
    except (OSError, ValueError, EOFError) as problem:
        raise ZooError(f"{path} can't be read as a NumPy array (.npy): {first_line(problem)}") from None


def _channels_last(what, array, shape):
    """Return the array as float32, with channels last, if it has the shape of a model's tensor, (None, …)."""
    array, own = np.asarray(array), tuple(shape)
    if array.dtype.kind not in "fiu" or not array.size or not np.isfinite(array).all():
        raise ZooError(f"The {what} to check with must be an array of finite numbers; got the type {array.dtype}.")
    moved = np.moveaxis(array, 1, -1) if array.ndim == 4 else array
    for candidate in (array, moved):
        if candidate.ndim == len(own) and all(n in (None, m) for n, m in zip(own[1:], candidate.shape[1:])):
            return candidate.astype("float32")
    raise ZooError(f"The {what} to check with must have the shape {('N', *own[1:])}; got {array.shape}.")


def _before_softmax(model):
    """Return the model up to its logits: probabilities near 0 and 1 hide differences."""
    import keras

    last = model.layers[-1]
    is_softmax = isinstance(last, keras.layers.Activation) and last.activation is keras.activations.softmax
    return keras.Model(model.input, last.input) if is_softmax else model

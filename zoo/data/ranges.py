"""Infer the pixel value of white in images of floats and 32-bit integers, whose files don't define it.

It is the first of 1, 255 and 65535 that fits all such images of a data set, and a run keeps it for later images: a
single dark image would be ambiguous. If none fits, it is an error. A value fits if no pixel lies above it, or below 0,
by more than a hundredth of it (resizing may overshoot), and if the brightest pixel is at least a quarter of it (not
required of 1, the smallest).
"""

import warnings
from collections.abc import Sequence

import numpy as np
from numpy.typing import ArrayLike

from zoo.annotations import StrPath
from zoo.errors import ZooError, ZooWarning
from zoo.names import line

WHITES = (1, 255, 65535)
TOLERANCE = 0.01
BRIGHT = 0.25
WHAT = "floats or 32-bit integers, of which the file doesn't tell what is white"


def common_white(paths: Sequence[StrPath], extents: Sequence[tuple[float, float]],
                 white: float | None = None) -> tuple[float, str]:
    """Return the value of white that fits all of the image files, and a note on it.

    `extents` holds the minimum and maximum pixel of each file, `white` is the value if it is known already. Raises
    `ZooError`, which names a file, if none fits.
    """
    low, high = np.transpose(extents)
    for path, values in zip(paths, extents):
        _check_numbers(path, values)
    if white:
        for index in (low.argmin(), high.argmax()):
            check_within(paths[index], extents[index], white)
    else:
        white = _fitting(paths[high.argmax()], low.min(), high.max())
    note = f"{len(paths):,} of the images hold {WHAT}: 0 is taken as black and {white} as white."
    dark = (high > 0) & (high <= max((1 + TOLERANCE) * other if other < white else 0 for other in WHITES))
    if dark.any():
        first = int(dark.argmax())
        note += f" {dark.sum():,} of them are nearly black so, as {line(paths[first])}: {high[first]:g} at most."
    return white, note


def white_of(path: StrPath, values: np.ndarray) -> float:
    """Return the value of white that fits the pixels of one file, and warn of it. Raises `ZooError` if none does."""
    _check_numbers(path, values)
    white = _fitting(path, np.min(values), np.max(values))
    message = f"{line(path)} holds {WHAT}: 0 is taken as black and {white} as white."
    warnings.warn(message, ZooWarning, stacklevel=2)
    return white


def check_within(path: StrPath, values: ArrayLike, white: float) -> None:
    """Raise `ZooError` if pixels lie outside 0..`white` by more than `TOLERANCE`."""
    _check_numbers(path, values)
    low, high = np.min(values), np.max(values)
    if low < -TOLERANCE * white or high > (1 + TOLERANCE) * white:
        raise ZooError(
            f"{line(path)} has pixels from {low:g} to {high:g}, but in the images of the training 0 is black and "
            f"{white} is white."
        )


def _check_numbers(path, values):
    if not np.isfinite(values).all():
        raise ZooError(f"{line(path)} holds pixels that are no finite numbers (NaN or infinity).")


def _fitting(path, low, high):
    for white in WHITES:
        if low >= -TOLERANCE * white and high <= (1 + TOLERANCE) * white and (white == 1 or high >= BRIGHT * white):
            return white
    raise ZooError(
        f"Images such as {line(path)} hold {WHAT}, and their pixels, from {low:g} to {high:g}, fit neither 0 to 1 "
        "nor 0 to 255 nor 0 to 65535; save them with 8 or 16 bits."
    )

"""Transparent images are composited on white; a note or an error reports those that are blank there."""

from collections.abc import Callable, Sequence
from typing import Any, TypeVar

import numpy as np

from zoo.errors import ZooError

T = TypeVar("T")
LOOKED_AT = 100  # images sampled, evenly spaced, where decoding all would take too long
BARELY = 250  # of 255: on white, only darker pixels are visible
BLANK = (
    "all white once it is put on white, as transparent images are: its alpha channel hides it, or it is drawn in white "
    "on transparency; give it a background, or leave the alpha channel away."
)


def on_white(images: Any) -> Any:
    """Composite images (…, 2 or 4), 0..255, NumPy's or TensorFlow's, on white; the last channel, alpha, is dropped."""
    alpha = images[..., -1:] / 255
    return images[..., :-1] * alpha + 255 * (1 - alpha)


def are_blank(images: np.ndarray, seen: np.ndarray) -> np.ndarray:
    """Return (N,) bool: which of the images (N, height, width, 4) uint8 are blank; `seen` is the same on white."""
    has_holes = images[..., 3].min((1, 2)) < 255
    return has_holes & (seen.min((1, 2, 3)) >= BARELY)


def spread(items: Sequence[T]) -> list[T]:
    """Return a sample of a list: at most `LOOKED_AT` items, evenly spaced."""
    indices = np.linspace(0, len(items) - 1, min(len(items), LOOKED_AT)).round().astype(int)
    return [items[i] for i in indices]


def notes_on(blank: Sequence[bool] | np.ndarray, name_of: Callable[[int], str],
             is_most: bool = True) -> list[str]:
    """Return a list of one note on the images, among those sampled, that are blank; an empty list if none is.

    `name_of(index)` names an image; `is_most` is whether most images of the data set have an alpha channel: then
    `ZooError` is raised if there are several images and all are blank.
    """
    indices = np.flatnonzero(blank)
    if is_most and 1 < len(indices) == len(blank):
        raise ZooError(f"{name_of(0)} is {BLANK}")
    return [
        f"{len(indices)} of {len(blank)} transparent images that were looked at are blank on white, on which they are "
        f"put, as {name_of(indices[0])}."
    ] if len(indices) else []

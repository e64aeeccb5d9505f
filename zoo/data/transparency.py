"""Transparent images are put on white; what can't be seen there is told, or refused if it is all there is."""

from collections.abc import Callable, Sequence
from typing import Any, TypeVar

import numpy as np

from zoo.errors import ZooError

T = TypeVar("T")
LOOKED_AT = 100  # images, evenly spread, where all would take too long to decode
BARELY = 250  # of 255: on white, nothing is seen that isn't darker
BLANK = (
    "all white once it is put on white, as transparent images are: its alpha channel hides it, or it is drawn in white "
    "on transparency; give it a background, or leave the alpha channel away."
)


def on_white(images: Any) -> Any:
    """Return images (…, 2 or 4), 0..255, NumPy's or TensorFlow's, without their last channel, alpha, laid on white."""
    alpha = images[..., -1:] / 255
    return images[..., :-1] * alpha + 255 * (1 - alpha)


def are_blank(images: np.ndarray, seen: np.ndarray) -> np.ndarray:
    """Return (N,) bool: which of the images (N, height, width, 4) uint8 show nothing in what is `seen` on white."""
    has_holes = images[..., 3].min((1, 2)) < 255
    return has_holes & (seen.min((1, 2, 3)) >= BARELY)


def spread(items: Sequence[T]) -> list[T]:
    """Return those of a list to look at: at most `LOOKED_AT`, evenly spread over it."""
    places = np.linspace(0, len(items) - 1, min(len(items), LOOKED_AT)).round().astype(int)
    return [items[i] for i in places]


def notes_on(blank: Sequence[bool] | np.ndarray, name_of: Callable[[int], str],
             is_most: bool = True) -> list[str]:
    """Return the note, in a list that is empty if there is none, on which of the images that were looked at are blank.

    `name_of(place)` names one of them, `is_most` says whether most images of the data set have an alpha channel: then
    `ZooError` is raised if all of several are blank.
    """
    places = np.flatnonzero(blank)
    if is_most and 1 < len(places) == len(blank):
        raise ZooError(f"{name_of(0)} is {BLANK}")
    return [
        f"{len(places)} of {len(blank)} transparent images that were looked at are blank on white, on which they are "
        f"put, as {name_of(places[0])}."
    ] if len(places) else []

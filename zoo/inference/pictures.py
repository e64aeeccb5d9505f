"""Pictures as a user gives them, files or arrays -> raw images for a net, or a sentence on what is wrong with them."""

import warnings
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from zoo.annotations import StrPath
from zoo.data import brightness
from zoo.data.images import is_blank, peak, read_head, read_image
from zoo.data.transparency import BLANK, on_white
from zoo.errors import ZooError, ZooWarning
from zoo.names import line


def read_pictures(paths: Sequence[StrPath], white: float | None = None) -> list[np.ndarray]:
    """Return the images in files, (height, width, 1 or 3) uint8 each; a `ZooWarning` tells which are nearly black.

    `white` is that of `zoo.data.images.read_image`. Raises `ZooError` if a file is missing, not an image, or blank on
    white.
    """
    pictures = [read_image(Path(path), white=white) for path in paths]
    for path in paths:
        if is_blank(path):
            raise ZooError(f"{line(path)} is {BLANK}")
        for note in brightness.notes_on([peak(path)], read_head(path).bits, [line(path)].__getitem__):
            warnings.warn(note, ZooWarning, stacklevel=3)
    return pictures


def as_batch(images: Any) -> np.ndarray:
    """Return one raw image, or several of a size, as (N, height, width, 1 or 3); alpha is composited on white.

    Raises `ZooError` for another shape, and for pixels that aren't in 0..255.
    """
    images = np.asarray(images)
    if images.dtype.kind not in "uif":
        raise ZooError(f"Images are numbers, 0 to 255; got an array of {images.dtype}.")
    if images.ndim == 2 or images.ndim == 3 and images.shape[-1] not in (1, 2, 3, 4):
        images = images[..., None]  # grey
    batch = images[None] if images.ndim == 3 else images
    if batch.ndim != 4 or not batch.size or batch.shape[-1] not in (1, 2, 3, 4):
        raise ZooError(f"Images have the shape (N, height, width, 1 to 4) or (height, width, 1 to 4); got "
                       f"{np.shape(images)}.")
    low, high = batch.min(), batch.max()
    if not (low >= 0 and high <= 255):
        raise ZooError(f"Raw images have pixels from 0 to 255; got {low:g} to {high:g}.")
    if batch.dtype.kind == "f" and 0 < high <= 1:
        raise ZooError(f"Raw images have pixels from 0 to 255; got floats up to {high:g}: multiply them by 255.")
    return on_white(batch) if batch.shape[-1] % 2 == 0 else batch

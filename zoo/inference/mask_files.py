"""Image files -> their masks, as pictures: the mask itself, and the image with the classes' colours laid over."""

import io
import os
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from zoo.annotations import StrPath
from zoo.data.class_names import normalized
from zoo.errors import ZooError
from zoo.inference.pictures import read_pictures
from zoo.names import line
from zoo.runs.palette import class_colours

if TYPE_CHECKING:
    from zoo.inference.trained import Trained


def write_masks(trained: "Trained", paths: Sequence[StrPath], folder: StrPath) -> list[dict[str, Any]]:
    """Label the pixels of image files, and write two PNGs for each into a folder: its mask and an overlay.

    The mask, `<name>-mask.png`, has the image's size, a palette, and the indices of `trained.class_names` as values.
    The overlay, `<name>-overlay.png`, is the image with the classes' colours laid over, but for the background: the
    class of that name, or else the first.

    Returns:
        For each file a dict: `image`, `mask` and `overlay` (paths), and `shares`, the share of pixels of each class,
        the largest first.

    Raises:
        ZooError: if an image can't be read, or one of the PNGs exists already: nothing is written then; and if the
            folder can't be written to.
    """
    pictures = read_pictures(paths, trained.white)
    places = [(Path(folder, f"{stem}-mask.png"), Path(folder, f"{stem}-overlay.png")) for stem in _distinct(paths)]
    for place in (place for pair in places for place in pair):
        if os.path.lexists(place):
            raise ZooError(f"{line(place)} exists already: move it, or say with --output which folder to write to.")
    colours = np.array(class_colours(len(trained.class_names), trained.colours), np.uint8)
    _make(Path(folder))
    answers = []
    for path, picture, (mask_path, overlay_path) in zip(paths, pictures, places):
        mask = trained.masks(picture[None])[0]
        _write(mask_path, _indexed(mask, colours))
        _write(overlay_path, _overlay(picture, mask, colours, trained.class_names))
        shares = _shares(mask, trained.class_names)
        answers.append({"image": str(path), "mask": str(mask_path), "overlay": str(overlay_path), "shares": shares})
    return answers


def _distinct(paths):
    """Return the files' names without suffixes, numbered where they are the same (also but for case)."""
    found: dict[str, str] = {}
    for stem in (Path(path).stem for path in paths):
        name, number = stem, 1
        while name.casefold() in found:
            number += 1
            name = f"{stem}-{number}"
        found[name.casefold()] = name
    return list(found.values())


def _make(folder):
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as problem:
        raise ZooError(f"The folder {line(folder)} can't be made: {problem.strerror}.") from None


def _write(path, image):
    """Write a PNG that doesn't exist yet: as a whole, or not at all."""
    encoded = io.BytesIO()
    image.save(encoded, "PNG")
    try:
        with open(path, "xb") as file:
            file.write(encoded.getvalue())
    except FileExistsError:
        raise ZooError(f"{line(path)} has come to be in the meantime; it is left as it is.") from None
    except OSError as problem:
        with suppress(OSError):
            path.unlink()
        raise ZooError(f"{line(path)} can't be written: {problem.strerror}.") from None


def _indexed(mask, colours):
    """Return a mask (height, width) as a Pillow image with a palette."""
    from PIL import Image

    image = Image.fromarray(mask)
    image.putpalette(colours.tobytes())
    return image


def _overlay(picture, mask, colours, class_names):
    """Return a picture (height, width, 1 or 3) with the colours of its mask half over it, as a Pillow image."""
    from PIL import Image

    mixed = (picture.astype(np.uint16) + colours[mask] + 1) // 2
    is_background = (mask == _background(class_names))[..., None]
    return Image.fromarray(np.where(is_background, picture, mixed).astype(np.uint8))


def _background(class_names):
    """Return the index of the class that an overlay doesn't colour."""
    return next((i for i, name in enumerate(class_names) if normalized(name) == "background"), 0)


def _shares(mask, class_names):
    shares = np.bincount(mask.ravel(), minlength=len(class_names)) / mask.size
    return {class_names[i]: round(float(shares[i]), 6) for i in np.argsort(-shares, kind="stable")}

"""A file of a mask -> its numbers or colours, as the file holds them and upright as its image; nothing is rounded."""

from dataclasses import dataclass
from pathlib import Path

import numpy as np

from zoo.data.images import Head, opened, raw_mode
from zoo.errors import ZooError
from zoo.names import line

LOSSY = ("JPEG", "MPO")  # formats that never keep numbers
RED, GREEN = 2**16, 2**8  # what a colour's levels count for in its number, blue's 1


@dataclass(frozen=True)
class Mask:
    """`pixels` (height, width): numbers or, if it is `in_colours`, red, green and blue in one number (`as_number`).

    `palette` (colours, 3) are the colours of an indexed mask's numbers; None for others.
    """

    pixels: np.ndarray
    in_colours: bool = False
    palette: np.ndarray | None = None


def as_number(colours: np.ndarray) -> np.ndarray:
    """Return colours (..., 3) as one number each, int32."""
    red, green, blue = np.moveaxis(np.asarray(colours), -1, 0).astype(np.int32)
    return red * RED + green * GREEN + blue


def as_colour(number: int) -> tuple[int, int, int]:
    """Return (red, green, blue) of a colour's number."""
    return number // RED, number // GREEN % 256, number % 256


def check_head(path: Path, mask: Head, image_path: Path, image: Head) -> None:
    """Raise `ZooError` for a mask in a lossy format, or of another size than its image."""
    if mask.kind in LOSSY:
        raise ZooError(f"{line(path)} is a JPEG, which doesn't keep the numbers of a mask: save masks as PNG.")
    if (mask.height, mask.width) != (image.height, image.width):
        turned = image.is_turned and not mask.is_turned and (mask.width, mask.height) == (image.height, image.width)
        hint = "; it says in its EXIF data that it is to be turned upright: turn its mask likewise" if turned else ""
        raise ZooError(
            f"{line(path)} is {mask.height}x{mask.width} pixels, but its image {line(image_path)} is "
            f"{image.height}x{image.width}{hint}."
        )


def read_mask(path: str | Path) -> Mask:
    """Read a mask of numbers (grey of up to 16 bits, indexed) or of colours; of several frames the first.

    A mask in which red, green and blue are the same everywhere may be of either: it is in colours.

    Raises:
        ZooError: if the file can't be read, has transparent pixels or holds neither.
    """
    from PIL import ImageOps

    with opened(path) as image:
        spread = 85 if ";2" in raw_mode(image) else 17 if ";4" in raw_mode(image) else 1  # Pillow's, to 8 bits
        ImageOps.exif_transpose(image, in_place=True)
        if image.mode in ("LA", "PA", "RGBA"):
            if image.getchannel("A").getextrema()[0] < 255:
                raise ZooError(f"{line(path)} has transparent pixels: save masks without an alpha channel.")
            image = image.convert("RGB" if image.mode == "RGBA" else image.mode[0])
        if image.mode == "P":
            return Mask(np.array(image), palette=np.reshape(image.getpalette("RGB"), (-1, 3)))
        if image.mode == "RGB":
            return Mask(as_number(np.asarray(image)), in_colours=True)
        if image.mode == "L":
            return Mask(np.asarray(image) // np.uint8(spread))
        if image.mode in ("1", "I") or image.mode.startswith("I;16"):
            return Mask(np.array(image).astype(np.uint8 if image.mode == "1" else np.int32))
        raise ZooError(f"{line(path)} holds neither numbers nor colours, but {image.mode}: save masks as PNG.")

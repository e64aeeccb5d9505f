"""Image file -> pixels: the same way in training, evaluation and prediction, whatever its mode and bit depth."""

import struct
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np

from zoo.annotations import Size, StrPath
from zoo.data.ranges import check_within, white_of
from zoo.data.transparency import BARELY
from zoo.errors import ZooError
from zoo.names import line

# Pillow knows these suffixes, but decodes them only with the help of other programs or packages, or not at all.
NO_PICTURES = {"BUFR", "EPS", "FITS", "GRIB", "HDF5", "MPEG", "WMF"}
ONE_PICTURE = {"MPO", "PSD"}  # further frames are depth maps or layers, not further pictures
ORIENTATION, UPRIGHT = 0x0112, 1  # the EXIF tag, and its value that changes nothing
ON_ITS_SIDE = (5, 6, 7, 8)  # its values that swap height and width
BITS_PER_SAMPLE, PHOTOMETRIC, WHITE_IS_ZERO = 258, 262, 0  # TIFF tags, and a value of the last
PNG_SIGNATURE, PNG_TEXTS = 8, (b"tEXt", b"zTXt", b"iTXt")  # length in bytes; types of chunks
PNG_ORIENTATIONS = (b"Raw profile type exif\0", b"XML:com.adobe.xmp\0")  # keywords of texts that can hold it
FILLED = 0.95  # an image with a smaller share of visible pixels is a drawing on transparency
GIT_LFS = b"version https://git-lfs."
BROKEN = (OSError, SyntaxError, ValueError, TypeError, LookupError, ArithmeticError, EOFError, struct.error, zlib.error)


@dataclass(frozen=True)
class Head:
    """What an image file's header tells: its size when upright, 1 or 3 channels, and whether it has more frames.

    `white` is the pixel value of white; None for floats and 32-bit integers, whose files don't define it. `has_alpha`
    is whether there may be transparent pixels. `bits` is 8 for bit depths up to 8, 16 for others. `kind` is the format,
    as Pillow calls it. `is_turned` is whether the file says that its pixels are to be turned upright.
    """

    height: int
    width: int
    channels: int
    white: int | None
    has_more: bool
    has_alpha: bool
    bits: int
    kind: str
    is_turned: bool


@cache
def suffixes() -> frozenset[str]:
    """Return the suffixes, in lower case, of the image files that this machine's Pillow decodes."""
    from PIL import Image

    known = Image.registered_extensions()
    decoded = Image.OPEN.keys() - NO_PICTURES | {"MPO"}  # which the JPEG plugin opens
    return frozenset(suffix for suffix, kind in known.items() if kind in decoded)


def read_head(path: StrPath) -> Head:
    """Return the `Head` of an image file without decoding its pixels. Raises `ZooError` if it can't be read."""
    with opened(path) as image:
        width, height = image.size
        if image.format == "TIFF":
            width, height = image.tag_v2[256], image.tag_v2[257]  # as stored: Pillow's versions differ in `size`
        orientation = _orientation(image)
        if orientation in ON_ITS_SIDE:
            width, height = height, width
        has_more = getattr(image, "is_animated", False) and image.format not in ONE_PICTURE
        white = _white(image)
        bits = 8 if white == 255 and ";16" not in raw_mode(image) else 16
        return Head(height, width, 1 if _is_grey(image) else 3, white, has_more, image.has_transparency_data, bits,
                    image.format or "", orientation != UPRIGHT)


def read_image(path: StrPath, channels: int | None = None, size: Size | None = None,
               white: float | None = None) -> np.ndarray:
    """Decode an image file: (height, width, 1) uint8 if it is grey, else (height, width, 3), upright, on white.

    Of several frames the first is read; an alpha channel or a transparent colour is composited on white.

    Args:
        path: the file.
        channels: 3 to get three equal channels from a grey image, too.
        size: (height, width) to resize to, by bilinear interpolation with antialiasing, as in the networks'
            preprocessing; by default the image's own.
        white: the pixel value of white in images of floats and 32-bit integers, whose files don't define it; by
            default `zoo.data.ranges` infers it from this file alone, with a warning.

    Raises:
        ZooError: if the file can't be read (the message names it), or pixels lie beyond `white`.
    """
    from PIL import Image, ImageOps

    with opened(path) as image:
        target = "L" if _is_grey(image) and channels != 3 else "RGB"
        key, own_white, inverted = _transparent_value(image), _white(image), _is_inverted(image)
        ImageOps.exif_transpose(image, in_place=True)
        image, alpha = _with_alpha(image, key)
        if own_white != 255:
            image = _to_bytes(path, image, own_white, white, inverted)
        image = image if image.mode == target else image.convert(target)
        if alpha:
            image = _on_white(image, alpha)
        if size and image.size != (size[1], size[0]):
            image = image.resize((size[1], size[0]), Image.Resampling.BILINEAR)
        return np.asarray(image).reshape(image.height, image.width, -1)


def is_blank(path: StrPath) -> bool:
    """Return whether an image file is all white once composited on white: it is transparent, or drawn in white."""
    with opened(path) as image:
        if not image.has_transparency_data:
            return False
        _, alpha = _with_alpha(image, _transparent_value(image))
        has_holes = alpha.getextrema()[0] < 255
    return has_holes and read_image(path).min() >= BARELY


def peak(path: StrPath) -> float | None:
    """Return the brightest value in an image file as a share of white; None if the file doesn't define white.

    It is None, too, for drawings on transparency, whose brightness is that of the background they are put on.
    """
    with opened(path) as image:
        if image.format == "JPEG" and _is_bright(image):
            return 1.0
    with opened(path) as image:
        key, white, inverted = _transparent_value(image), _white(image), _is_inverted(image)
        if not white:
            return None
        image, alpha = _with_alpha(image, key)
        values = np.asarray(image if white != 255 else image.convert("L" if _is_grey(image) else "RGB"))
    return brightest(white - values if inverted else values, white, alpha and np.asarray(alpha))


def brightest(colours: np.ndarray, white: float, alpha: np.ndarray | None = None) -> float | None:
    """Return the brightest visible value (alpha above 0) as a share of white; None for a drawing on transparency."""
    if alpha is not None:
        visible = alpha > 0
        if visible.mean() < FILLED:
            return None
        colours = colours[visible]
    return float(colours.max()) / white


def _is_bright(image):
    """Return whether a JPEG is certainly bright, judged at an eighth of its size, which decodes fast."""
    image.draft(image.mode, (1, 1))
    return np.asarray(image.convert("L")).max() > 128


def extent(path: StrPath) -> tuple[float, float]:
    """Return the value range (minimum, maximum) of an image file's pixels as they are stored."""
    with opened(path) as image:
        values = np.asarray(image)
        return float(values.min()), float(values.max())


# --------------------------------------------------------------------------------------------- what the file tells


def _is_grey(image):
    return image.mode in ("1", "L", "LA", "La", "I", "F") or image.mode.startswith("I;16")


def _orientation(image):
    """Return the EXIF orientation. Pillow decodes a whole PNG to find it: done only if the file may have one."""
    if image.format == "PNG" and not _may_have_orientation(image.fp):
        return UPRIGHT
    return image.getexif().get(ORIENTATION, UPRIGHT)


def _may_have_orientation(file):
    """Return whether a PNG has a chunk that can hold an orientation, before or after its pixels."""
    position = file.tell()
    try:
        file.seek(PNG_SIGNATURE)
        while len(head := file.read(8)) == 8 and head[4:] != b"IEND":
            end = file.tell() + int.from_bytes(head[:4], "big") + 4  # of the chunk, after its checksum
            if head[4:] == b"eXIf" or head[4:] in PNG_TEXTS and file.read(32).startswith(PNG_ORIENTATIONS):
                return True
            file.seek(end)
        return False
    finally:
        file.seek(position)


def _white(image):
    """Return the pixel value of white that the file's format defines, or None if it defines none."""
    if image.mode.startswith("I;16"):
        return 4095 if _tag(image, BITS_PER_SAMPLE) == (12,) else 65535
    if image.mode == "I" and image.format in ("PNG", "PPM"):  # 16-bit grey; PPM's other depths are scaled to it
        return 65535
    return None if image.mode in ("I", "F") else 255


def raw_mode(image: Any) -> str:
    """Return Pillow's decoder arguments with the raw mode, how pixels are stored; "" once they are decoded."""
    return str(image.tile[0][3] if image.tile else "")


def _is_inverted(image):
    """Return whether 0 means white and Pillow doesn't invert it, as it does for up to 8 bits."""
    return _white(image) != 255 and _tag(image, PHOTOMETRIC) == WHITE_IS_ZERO


def _tag(image, number):
    return image.tag_v2.get(number) if image.format == "TIFF" else None


def _transparent_value(image):
    """Return the value or colour that a PNG declares transparent, scaled as Pillow scales its pixels, or None.

    Pillow scales pixels of 2 and 4 bits, and colours of 16 bits, to 8 bits, but it doesn't scale this value.
    """
    value = image.info.get("transparency")
    if value is None or image.mode not in ("L", "RGB") and not image.mode.startswith("I"):
        return None
    mode = raw_mode(image)
    if ";16" in mode and image.mode == "RGB":
        return tuple(level >> 8 for level in value)
    return value * (85 if ";2" in mode else 17 if ";4" in mode else 1)


# ----------------------------------------------------------------------------------------------------- its pixels


def _with_alpha(image, key):
    """Return the image and its alpha channel, an image of mode "L", or None; pixels equal to `key` are transparent."""
    from PIL import Image

    if key is not None:
        image.info.pop("transparency", None)
        same = np.asarray(image) == key
        if same.ndim == 3:
            same = same.all(-1)
        return image, Image.fromarray(np.where(same, 0, 255).astype(np.uint8))
    if not image.has_transparency_data:
        return image, None
    if image.mode == "La":
        image = image.convert("LA")
    image = image.convert("RGBA")
    return image, image.getchannel("A")


def _to_bytes(path, image, own_white, white, inverted):
    """Return a grey image of another bit depth as uint8, rounded to nearest."""
    from PIL import Image

    values = np.asarray(image, np.float64)
    if own_white is None and white:
        check_within(path, values, white)
    values = (values / (own_white or white or white_of(path, values))).clip(0, 1)
    return Image.fromarray(np.round(255 * (1 - values if inverted else values)).astype(np.uint8))


def _on_white(image, alpha):
    """Composite an image on white."""
    from PIL import Image

    background = Image.new(image.mode, image.size, "white")
    background.paste(image, mask=alpha)
    return background


@contextmanager
def opened(path: StrPath) -> Iterator[Any]:
    """Open an image file; an error, then or when it is decoded, is raised as a `ZooError` with one message."""
    from PIL import Image

    try:
        # Given a path, Pillow would memory-map some TIFFs, and scramble the pixels of those that have to be rotated.
        with open(path, "rb") as file, Image.open(file) as image:
            yield image
    except ZooError:
        raise
    except FileNotFoundError:
        raise ZooError(f"There is no image file {line(path)!r}.") from None
    except (*BROKEN, Image.DecompressionBombError) as problem:
        reason = _reason(path, problem)
        raise ZooError(f"{line(path)} can't be read as an image ({reason}); mend or remove it.") from None


def _reason(path, problem):
    if Path(path).is_file():
        with open(path, "rb") as file:
            start = file.read(len(GIT_LFS))
        if not start:
            return "it is empty"
        if start == GIT_LFS:
            return "it is a pointer of Git LFS, which fetches the file itself by git lfs pull"
    if "identify" in str(problem):
        return "cannot identify image file"
    return getattr(problem, "strerror", None) or str(problem) or type(problem).__name__

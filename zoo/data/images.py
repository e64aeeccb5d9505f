"""An image file -> its pixels: one way for training, evaluation and prediction, whatever mode and depth it has."""

import struct
import zlib
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import numpy as np

from zoo.annotations import Size, StrPath
from zoo.data.ranges import check_within, white_of
from zoo.data.transparency import BARELY
from zoo.errors import ZooError
from zoo.names import line

# Pillow knows these by their suffix, but draws them with other programs' help, with another package's, or not at all.
NO_PICTURES = {"BUFR", "EPS", "FITS", "GRIB", "HDF5", "MPEG", "WMF"}
ONE_PICTURE = {"MPO", "PSD"}  # further frames are depth maps or layers, not further pictures
ORIENTATION, ON_ITS_SIDE = 0x0112, (5, 6, 7, 8)  # the EXIF tag, and some of its values
BITS_PER_SAMPLE, PHOTOMETRIC, WHITE_IS_ZERO = 258, 262, 0  # TIFF's tags, and a value of the last
PNG_SIGNATURE, PNG_TEXTS = 8, (b"tEXt", b"zTXt", b"iTXt")  # bytes; kinds of chunks
PNG_ORIENTATIONS = (b"Raw profile type exif\0", b"XML:com.adobe.xmp\0")  # keywords of texts that can tell it
FILLED = 0.95  # a picture of which less is visible is a drawing on transparency
GIT_LFS = b"version https://git-lfs."
BROKEN = (OSError, SyntaxError, ValueError, TypeError, LookupError, ArithmeticError, EOFError, struct.error, zlib.error)


@dataclass(frozen=True)
class Head:
    """What the head of an image file tells: the size upright, 1 channel or 3, and whether there are further pictures.

    `white` is the value of white pixels; None for floats and 32-bit integers, whose files don't tell it. `has_alpha`
    is whether there may be transparent pixels. `bits` are 8 for values of up to so many, 16 for others.
    """

    height: int
    width: int
    channels: int
    white: int | None
    has_more: bool
    has_alpha: bool
    bits: int


@cache
def suffixes() -> frozenset[str]:
    """Return the suffixes, in lower case, of the image files that this machine's Pillow decodes."""
    from PIL import Image

    known = Image.registered_extensions()
    taken = Image.OPEN.keys() - NO_PICTURES | {"MPO"}  # which JPEG's reader opens
    return frozenset(suffix for suffix, kind in known.items() if kind in taken)


def read_head(path: StrPath) -> Head:
    """Return the `Head` of an image file, of which no pixel is decoded. Raises `ZooError` if it can't be read."""
    with _opened(path) as image:
        width, height = image.size
        if image.format == "TIFF":
            width, height = image.tag_v2[256], image.tag_v2[257]  # as stored: Pillow's versions differ in `size`
        if _orientation(image) in ON_ITS_SIDE:
            width, height = height, width
        has_more = getattr(image, "is_animated", False) and image.format not in ONE_PICTURE
        white = _white(image)
        bits = 8 if white == 255 and ";16" not in _raw_mode(image) else 16
        return Head(height, width, 1 if _is_grey(image) else 3, white, has_more, image.has_transparency_data, bits)


def read_image(path: StrPath, channels: int | None = None, size: Size | None = None,
               white: float | None = None) -> np.ndarray:
    """Decode an image file: (height, width, 1) uint8 if it is grey, else (height, width, 3), upright, on white.

    The first frame is taken of several; alpha, and a transparent colour, are composited on white.

    Args:
        path: the file.
        channels: 3 to get three equal ones of a grey image, too.
        size: (height, width) to resize to, by bilinear interpolation with antialiasing, as the networks' preprocessing
            does it; by default the image's own.
        white: the value of white in images of floats and of 32-bit integers, of which the file doesn't tell it; by
            default what `zoo.data.ranges` makes of this file alone, with a warning that says so.

    Raises:
        ZooError: if the file can't be read, naming it; for pixels beyond `white`.
    """
    from PIL import Image, ImageOps

    with _opened(path) as image:
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
    """Return whether an image file shows nothing once it is put on white: it is transparent, or drawn in white."""
    with _opened(path) as image:
        if not image.has_transparency_data:
            return False
        _, alpha = _with_alpha(image, _transparent_value(image))
        has_holes = alpha.getextrema()[0] < 255
    return has_holes and read_image(path).min() >= BARELY


def peak(path: StrPath) -> float | None:
    """Return the brightest value in an image file as a share of white; None where the file doesn't tell what that is.

    It is None, too, for drawings on transparency, which are as bright as the page that they are put on.
    """
    with _opened(path) as image:
        if image.format == "JPEG" and _is_bright(image):
            return 1.0
    with _opened(path) as image:
        key, white, inverted = _transparent_value(image), _white(image), _is_inverted(image)
        if not white:
            return None
        image, alpha = _with_alpha(image, key)
        values = np.asarray(image if white != 255 else image.convert("L" if _is_grey(image) else "RGB"))
    return brightest(white - values if inverted else values, white, alpha and np.asarray(alpha))


def brightest(colours: np.ndarray, white: float, alpha: np.ndarray | None = None) -> float | None:
    """Return the brightest of the colours that `alpha` doesn't hide, as a share of white; None for a drawing."""
    if alpha is not None:
        visible = alpha > 0
        if visible.mean() < FILLED:
            return None
        colours = colours[visible]
    return float(colours.max()) / white


def _is_bright(image):
    """Whether a JPEG is surely bright, seen at an eighth of its size, at which it is decoded in a moment."""
    image.draft(image.mode, (1, 1))
    return np.asarray(image.convert("L")).max() > 128


def extent(path: StrPath) -> tuple[float, float]:
    """Return the least and the greatest value in an image file, as its pixels are stored."""
    with _opened(path) as image:
        values = np.asarray(image)
        return float(values.min()), float(values.max())


# --------------------------------------------------------------------------------------------- what the file tells


def _is_grey(image):
    return image.mode in ("1", "L", "LA", "La", "I", "F") or image.mode.startswith("I;16")


def _orientation(image):
    """The EXIF orientation. Pillow decodes a whole PNG to look for it, so that is done for a reason only."""
    if image.format == "PNG" and not _can_be_turned(image.fp):
        return 1
    return image.getexif().get(ORIENTATION, 1)


def _can_be_turned(file):
    """Whether a PNG has a chunk that can tell its orientation, before its pixels or behind them."""
    place = file.tell()
    try:
        file.seek(PNG_SIGNATURE)
        while len(head := file.read(8)) == 8 and head[4:] != b"IEND":
            end = file.tell() + int.from_bytes(head[:4], "big") + 4  # of the chunk, behind its checksum
            if head[4:] == b"eXIf" or head[4:] in PNG_TEXTS and file.read(32).startswith(PNG_ORIENTATIONS):
                return True
            file.seek(end)
        return False
    finally:
        file.seek(place)


def _white(image):
    """The value of white by the file's own kind, or None if it tells none."""
    if image.mode.startswith("I;16"):
        return 4095 if _tag(image, BITS_PER_SAMPLE) == (12,) else 65535
    if image.mode == "I" and image.format in ("PNG", "PPM"):  # 16 bits of grey, to which Pillow scales PPM's others
        return 65535
    return None if image.mode in ("I", "F") else 255


def _raw_mode(image):
    """Pillow's name, among other arguments, for how the pixels lie in the file: before they are decoded."""
    return str(image.tile[0][3] if image.tile else "")


def _is_inverted(image):
    """Whether 0 is white and Pillow leaves it so: it doesn't for up to 8 bits."""
    return _white(image) != 255 and _tag(image, PHOTOMETRIC) == WHITE_IS_ZERO


def _tag(image, number):
    return image.tag_v2.get(number) if image.format == "TIFF" else None


def _transparent_value(image):
    """The value or the colour that a PNG declares transparent, on the scale of the pixels that Pillow gives, or None.

    Pillow scales pixels of 2 and 4 bits to 8, and colours of 16 bits, but not the value that is compared with them.
    """
    value = image.info.get("transparency")
    if value is None or image.mode not in ("L", "RGB") and not image.mode.startswith("I"):
        return None
    depth = _raw_mode(image)
    if ";16" in depth and image.mode == "RGB":
        return tuple(level >> 8 for level in value)
    return value * (85 if ";2" in depth else 17 if ";4" in depth else 1)


# ----------------------------------------------------------------------------------------------------- its pixels


def _with_alpha(image, key):
    """Return the image and its alpha channel, an image of mode "L", or None where it has none."""
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
    """Return grey of another depth as bytes, to the nearest."""
    from PIL import Image

    values = np.asarray(image, np.float64)
    if own_white is None and white:
        check_within(path, values, white)
    values = (values / (own_white or white or white_of(path, values))).clip(0, 1)
    return Image.fromarray(np.round(255 * (1 - values if inverted else values)).astype(np.uint8))


def _on_white(image, alpha):
    """Return the image on a white page."""
    from PIL import Image

    page = Image.new(image.mode, image.size, "white")
    page.paste(image, mask=alpha)
    return page


@contextmanager
def _opened(path):
    """Open an image file; whatever is wrong with it, then or when it is decoded, is said in one sentence."""
    from PIL import Image

    try:
        # By its name, Pillow would map some TIFFs into memory, and mix up the pixels of those that lie on their sides.
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

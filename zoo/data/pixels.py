"""Arrays of images in any usual value range -> (N, height, width, 1 or 3) uint8, one range for all splits."""

import numpy as np

from zoo.data.dataset import chunks
from zoo.data.transparency import are_blank, notes_on, on_white
from zoo.errors import ZooError

TOLERANCE = 0.01  # pixels may lie outside a value range by this share of it, as after resizing
FAINT = 64  # non-integers with a maximum above 1 but below this are hardly in 0..255
DARK = 16  # of 255: a split with no pixel above this share of white gets a note: it may be 0..16, or 4 bits deep
DEEP = 2**14  # uint16 with a maximum below this may have a bit depth of 10, 12 or 14
TRAINING = "x_train"
MEND = "store them as uint8 from 0 to 255"


def as_images(file: str, arrays: dict[str, np.ndarray]) -> tuple[dict[str, np.ndarray], list[str]]:
    """Return (images by key, notes) from a dict of arrays (N, height, width[, channels]) of any numeric type.

    All have one value range: 0..1, -1..1, 0..255, or 0..65535 for uint16; a note reports it unless they are plain
    uint8. An alpha channel is composited on white.

    Raises:
        ZooError: for arrays of other shapes, values that aren't finite numbers, and value ranges that are none of these
            or differ between the arrays.
    """
    arrays = {key: _with_channels(file, key, array) for key, array in arrays.items()}
    shapes = {array.shape[1:] for array in arrays.values()}
    if len(shapes) > 1:
        raise ZooError(f"{file} has images of different sizes in its splits: {', '.join(map(str, shapes))}.")
    value_range, notes = _value_range(file, arrays)
    images = {key: _to_uint8(array, *value_range) for key, array in arrays.items()}
    height, width, channels = shapes.pop()
    if min(height, width) < 5 <= max(height, width) // 2:
        thin = min(height, width)
        notes.append(f"The images of {file} are {height}x{width} pixels; if {thin} counts channels, store these last.")
    if channels == 4:
        notes.append(f"The images of {file} have an alpha channel: they are laid on white.")
        for key, array in images.items():
            images[key], more = _composited(file, key, array)
            notes += more
    return images, notes


def _with_channels(file, key, array):
    """Return the array as (N, height, width, channels)."""
    if array.dtype.kind not in "buif":
        raise ZooError(f"{file} needs numbers as pixels; {key} holds {array.dtype}: {MEND}.")
    if array.ndim not in (3, 4) or 0 in array.shape[1:]:
        raise ZooError(f"{file} needs images (N, height, width[, channels]); {key} is {array.shape}.")
    if array.ndim == 3:
        return array[..., None]
    if array.shape[1] in (1, 3, 4) and array.shape[3] not in (1, 2, 3, 4):
        raise ZooError(
            f"{file} has its channels first, {key} is {array.shape}: store {key}.transpose(0, 2, 3, 1) in its place."
        )
    return array


def _value_range(file, arrays):
    """Return the value range (black, white), and the notes on it."""
    ranges = {key: (float(array.min()), float(array.max())) for key, array in arrays.items() if array.size}
    if not ranges:
        return (0, 255), []
    for key, extent in ranges.items():
        if not np.isfinite(extent).all():
            raise ZooError(f"{file} has pixels that are no finite number (NaN or infinite) in {key}.")
    low, high = min(low for low, _ in ranges.values()), max(high for _, high in ranges.values())
    kinds = " and ".join(dict.fromkeys(array.dtype.name for array in arrays.values()))
    value_range = _infer_range(arrays, low, high)
    if value_range is None:
        raise ZooError(
            f"{file} has pixels ({kinds}) from {low:.6g} to {high:.6g}, which isn't clearly 0 to 1, -1 to 1, 0 to 255 "
            f"or (uint16) 0 to 65535: {MEND}."
        )
    black, white = value_range
    odd = [key for key in ranges if _differs(key, arrays[key], *ranges[key], *value_range)]
    if odd:
        other = max(ranges, key=lambda key: ranges[key][1] - ranges[key][0])
        spans = [f"from {ranges[key][0]:.6g} to {ranges[key][1]:.6g} in {key}" for key in (odd[0], other)]
        raise ZooError(f"{file} has pixels {spans[0]}, but {spans[1]}, which is another scale: {MEND} in all splits.")
    least = DEEP if white > 255 else white * DARK / 255  # no pixel above it: dark
    faint = [f"in {key} too, where none is above {most:.6g}" for key, (_, most) in ranges.items() if most <= least]
    is_dark = high <= least
    if kinds == "uint8" and white == 255 and not faint:
        return value_range, []
    even = "".join(f", {one}" for one in faint) if faint and not is_dark else ""
    dark = f"; if {high:.6g} is white, {MEND}" if is_dark and high else ""
    taken = f"are taken as {black} (black) to {white} (white){even}{dark}"
    return value_range, [f"The pixels of {file}, {kinds} from {low:.6g} to {high:.6g}, {taken}."]


def _infer_range(arrays, low, high):
    """Return the value range (black, white) of pixels from `low` to `high`; None if it is ambiguous."""
    floats = [array for array in arrays.values() if array.dtype.kind == "f"]
    if 0 <= low and high == 1 or floats and _is_within(low, high, 0, 1):
        return 0, 1
    if floats and _is_within(low, high, -1, 1) and _is_within(-1, 1, low, high):
        return -1, 1
    if floats and _is_within(low, high, 0, 255) or 0 <= low and high <= 255:
        return (0, 255) if high >= FAINT or all(map(_are_whole, floats)) else None
    if low >= 0 and high >= DEEP and all(array.dtype.name == "uint16" for array in arrays.values()):
        return 0, 65535
    return None


def _is_within(low, high, black, white):
    beyond = TOLERANCE * (white - black)
    return black - beyond <= low and high <= white + beyond


def _differs(key, array, low, high, black, white):
    """Return whether a split seems to have another value range than the file as a whole.

    A split of integers 0 and 1 may be dark images in 0..255, but nothing could be learnt from such training images.
    """
    if black < 0:
        return low >= 0
    if white == 255:
        return 0 < high <= 1 + TOLERANCE and (key == TRAINING or array.dtype == bool or not _are_whole(array))
    return white > 255 >= high


def _are_whole(array):
    return array.dtype.kind != "f" or all((array[chunk] == np.round(array[chunk])).all() for chunk in _chunks(array))


def _to_uint8(array, black, white):
    """Return the pixels as uint8, with black..white rescaled to 0..255."""
    if array.dtype == np.uint8 and (black, white) == (0, 255):
        return array
    images = np.empty(array.shape, np.uint8)
    for chunk in _chunks(array):
        images[chunk] = np.round((array[chunk].astype(float) - black) * (255 / (white - black))).clip(0, 255)
    return images


def _composited(file, key, images):
    """Composite (N, height, width, 4) uint8 on white; return (N, height, width, 3) and the notes on it."""
    colours, blank = np.empty((*images.shape[:3], 3), np.uint8), np.zeros(len(images), bool)
    for chunk in _chunks(images):
        colours[chunk] = np.round(on_white(images[chunk]))
        blank[chunk] = are_blank(images[chunk], colours[chunk])
    return colours, notes_on(blank, lambda index: f"{key}[{index}] of {file}")


def _chunks(array):
    return chunks(np.arange(len(array)))

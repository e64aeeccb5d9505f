"""Arrays of masks (numbers, or one-hot) -> class names, and masks (N, height, width) uint8 of class indices."""

from collections.abc import Mapping, Sequence

import numpy as np

from zoo.data.dataset import IGNORED, chunks
from zoo.data.mask_numbers import classes_of, looked_up, occurring
from zoo.errors import ZooError

UNLABELLED = -1  # what arrays of signed integers often have for pixels that don't count


def are_masks(file: str, arrays: Mapping[str, np.ndarray]) -> bool:
    """Return whether arrays of labels have one for each pixel. Raises `ZooError` if some have, but not all."""
    masks = [key for key, array in arrays.items() if array.ndim > 2]
    if masks and len(masks) < len(arrays):
        other = next(key for key in arrays if key not in masks)
        raise ZooError(f"{file} has a label for each pixel in {masks[0]}, but one for each image in {other}.")
    return bool(masks)


def as_masks(file: str, arrays: Mapping[str, np.ndarray], size: tuple[int, int], names: Sequence[str] | None = None,
             are_text: bool = True) -> tuple[list[str], dict[str, np.ndarray], list[str]]:
    """Return (the class names, the masks by key, the notes) of a dict of arrays of masks.

    Masks are numbers, (N, height, width) or (N, height, width, 1), or one-hot, (N, height, width, classes), of the
    images' `size`. What numbers mean is told by `zoo.data.mask_numbers`; -1, too, marks pixels that don't count.

    Raises:
        ZooError: for other shapes and types, and for numbers that are no classes.
    """
    notes = _notes_on_types(file, arrays)
    columns = {array.shape[3] for array in arrays.values() if _is_one_hot(array)}
    masks = {key: _numbers(file, key, array, tuple(size)) for key, array in arrays.items()}
    if len(columns) > 1:
        raise ZooError(f"{file} has one-hot masks of {' and '.join(map(str, sorted(columns)))} classes in its splits.")
    if columns and names is not None and columns != {len(names)}:
        raise ZooError(f"{file} has one-hot masks of {columns.pop()} classes, but {len(names)} names in classes.")
    if columns and names is None:
        names = list(map(str, range(*columns)))
    found: dict[int, str] = {}
    for key, array in masks.items():
        found = {number: f"{key} of {file}" for number in occurring(array).tolist()} | found
    if found.pop(UNLABELLED, None):
        notes.append(f"The masks of {file} hold -1, which is taken to mark pixels to ignore, as 255 does.")
    class_names, index_of, more = classes_of(file, found, names, are_text)
    index_of = {UNLABELLED: IGNORED} | index_of
    return class_names, {key: _indices(array, index_of) for key, array in masks.items()}, notes + more


def _is_one_hot(array):
    return array.ndim == 4 and array.shape[3] > 1


def _notes_on_types(file, arrays):
    kinds = [array.dtype for array in arrays.values() if array.dtype.kind == "f" and not _is_one_hot(array)]
    return [f"The masks of {file} are {kinds[0]}; being whole, they are taken as numbers of classes."] if kinds else []


def _numbers(file, key, array, size):
    """Return masks as whole numbers (N, height, width)."""
    if array.dtype.kind not in "buif":
        raise ZooError(f"{file} needs whole numbers in masks; {key} holds {array.dtype}.")
    if array.ndim > 4 or array.shape[1:3] != size:
        raise ZooError(
            f"{file} needs a label for each image, or for each of its {size[0]}x{size[1]} pixels; {key} is "
            f"{array.shape}.{_channels_first(key, array, size)}"
        )
    if _is_one_hot(array):
        return _columns(file, key, array)
    array = array.reshape(array.shape[:3])
    if array.dtype.kind == "f":
        return _whole(file, key, array)
    return array.astype(np.uint8) if array.dtype == bool else array


def _channels_first(key, array, size):
    if array.ndim != 4 or array.shape[2:] != size:
        return ""
    order = f"{key}[:, 0]" if array.shape[1] == 1 else f"{key}.transpose(0, 2, 3, 1)"
    return f" Store {order} in its place."


def _whole(file, key, array):
    whole = np.empty(array.shape, np.int32)
    for chunk in chunks(np.arange(len(array))):
        part = array[chunk]
        odd = part[~((part == np.round(part)) & (abs(part) < 2**24))]
        if odd.size:
            raise ZooError(f"{file} needs whole numbers in masks; {key} holds {odd[0]:g}.")
        whole[chunk] = part
    return whole


def _columns(file, key, array):
    """Return the indices (N, height, width) of the single 1 in each pixel of one-hot masks."""
    indices = np.empty(array.shape[:3], np.uint8 if array.shape[3] <= IGNORED else np.int32)
    for chunk in chunks(np.arange(len(array))):
        ones = array[chunk] == 1
        wrong = ~(ones | (array[chunk] == 0)).all(-1) | (ones.sum(-1) != 1)
        if wrong.any():
            index = int(chunk[wrong.any((1, 2)).argmax()])
            raise ZooError(
                f"{file} needs one 1 and else 0 in each pixel of masks (N, height, width, classes); {key}[{index}] has "
                "others: numbers (N, height, width) are taken, too, but no colours."
            )
        indices[chunk] = ones.argmax(-1)
    return indices


def _indices(numbers, index_of):
    """Return the masks with class indices in the place of numbers."""
    masks = np.empty(numbers.shape, np.uint8)
    for chunk in chunks(np.arange(len(numbers))):
        masks[chunk] = looked_up(numbers[chunk], index_of)
    return masks

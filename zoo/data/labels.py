"""Arrays of labels (integers, one-hot rows or names) -> class names, and int32 labels that are class indices."""

import re
from typing import Any

import numpy as np

from zoo.data.class_names import in_order, listed
from zoo.errors import ZooError, did_you_mean

WHOLE = re.compile(r"[+-]?\d{1,15}(\.0*)?")  # text of an integer


def as_classes(file: str, arrays: dict[str, np.ndarray], names: list[str] | None = None,
               are_text: bool = True) -> tuple[list[str], dict[str, np.ndarray], list[str]]:
    """Return (the class names, the labels by key, the notes) of a dict of arrays of labels.

    Labels are integers or names, (N,) or (N, 1), or one-hot, (N, classes). With `names`, integers are class indices
    or, if the names are numbers too, may be the names themselves. If they could be either, they are class indices, with
    a note, where the file has its names as text (`are_text`); where it has them as numbers, it is an error.
    Without `names`, each integer or name that occurs in any split is a class of that name, in sorted order; and so is
    each column of one-hot rows.

    Raises:
        ZooError: for other types of labels, and if they don't match each other or the names.
    """
    values = {key: _values(file, key, array) for key, array in arrays.items()}
    if len({array.dtype.kind == "U" for array in values.values()}) > 1:
        raise ZooError(f"{file} has names as labels in one split and numbers in another.")
    columns = _column_count(file, arrays, names)
    notes: list[str] = []
    single = [array for key, array in values.items() if not _is_one_hot(arrays[key])]
    found = sorted(set().union(*(np.unique(array).tolist() for array in single)))
    index_of: dict[Any, int]
    if found and isinstance(found[0], str):
        names = names or in_order(found)
        index_of = {name: i for i, name in enumerate(names)}
    elif names:
        index_of, notes = by_name_or_index(file, found, names, are_text)
    elif columns:
        names = list(map(str, range(columns)))
        index_of = {i: i for i in range(columns)}
    else:
        names, index_of = list(map(str, found)), {value: i for i, value in enumerate(found) if value >= 0}
        if found != list(range(len(found))):
            notes.append(f"The labels of {file} leave numbers out: the classes are those that occur, {listed(names)}.")
    _check(file, found, index_of, names)
    if floats := [array for array in arrays.values() if array.dtype.kind == "f" and not _is_one_hot(array)]:
        notes.append(f"The labels of {file} are {floats[0].dtype}; being whole, they are taken as numbers of classes.")
    return names, {key: array.astype(np.int32) if _is_one_hot(arrays[key]) else _class_indices(array, index_of)
                   for key, array in values.items()}, notes


def by_name_or_index(file: str, found: list[int], names: list[str],
                     are_text: bool) -> tuple[dict[int, int], list[str]]:
    """Return {label: class index} and the notes: labels are indices of `names` or, if these are numbers, the names.

    Raises `ZooError` if they could be either, with different results, and the file has the names as numbers.
    """
    values = [int(float(name)) if WHOLE.fullmatch(name.strip()) else None for name in names]
    are_names = all(values.count(label) == 1 for label in found)
    are_indices = set(found) <= set(range(len(names)))
    differing = [label for label in found if are_names and are_indices and values[label] != label]
    if differing and not are_text:
        raise ZooError(
            f"{file} has the labels {listed(list(map(str, found)))} and the classes {listed(names)}: it isn't clear "
            "whether they count the classes from 0 or name them; store the names themselves as labels, as text "
            "(if they count: classes.astype(str)[y])."
        )
    if are_names and not differing:
        return {label: values.index(label) for label in found}, []
    notes = [f"The labels of {file} count its classes from 0: {label} is the class {names[label]!r}."
             for label in differing[:1]]
    return {index: index for index in range(len(names))}, notes


def _column_count(file, arrays, names):
    """Return the number of columns of the one-hot labels; 0 if there are none."""
    counts = {array.shape[1] for array in arrays.values() if _is_one_hot(array)}
    if len(counts) > 1:
        raise ZooError(f"{file} has one-hot labels of {' and '.join(map(str, sorted(counts)))} columns in its splits.")
    if counts and names and counts != {len(names)}:
        raise ZooError(f"{file} has one-hot labels of {counts.pop()} columns, but {len(names)} names in classes.")
    return counts.pop() if counts else 0


def _is_one_hot(array):
    return array.ndim == 2 and array.shape[1] > 1 and array.dtype.kind not in "US"


def _values(file, key, array):
    """Return the labels (N,) as integers or as str."""
    if _is_one_hot(array):
        return _columns(file, key, array)
    if array.ndim == 2 and array.shape[1] == 1:
        array = array[:, 0]
    if array.ndim != 1:
        raise ZooError(f"{file} needs labels (N,), or one-hot (N, classes); {key} is {array.shape}.")
    if array.dtype.kind in "US":
        return as_text(file, key, array)
    if array.dtype.kind not in "buif":
        raise ZooError(f"{file} needs whole numbers or names as labels; {key} holds {array.dtype}.")
    if array.dtype.kind == "f":
        exact = 2.0 ** (np.finfo(array.dtype).nmant + 1)  # integers up to this are exact
        odd = array[~((array == np.round(array)) & (abs(array.astype(np.float64)) <= exact))]
        if odd.size:
            raise ZooError(f"{file} needs whole numbers or names as labels; {key} holds {odd[0]:g}.")
    return array if array.dtype.kind in "iu" else array.astype(np.int64)


def _columns(file, key, array):
    """Return the column indices (N,) of the single 1 in each row of one-hot labels (N, classes)."""
    ones, zeros = array == 1, array == 0
    wrong = ~(ones | zeros).all(1) | (ones.sum(1) != 1)
    if wrong.any():
        row = int(wrong.argmax())
        holds = f"{ones[row].sum() or 'no'} ones" if (ones | zeros)[row].all() else "other numbers"
        raise ZooError(f"{file} needs one 1 and else 0 in each row of one-hot labels; row {row} of {key} has {holds}.")
    return ones.argmax(1)


def as_text(file: str, key: str, array: np.ndarray) -> np.ndarray:
    """Return an array of text or UTF-8 bytes as text. Raises `ZooError` for other bytes."""
    try:
        return np.char.decode(array, "utf-8") if array.dtype.kind == "S" else array
    except UnicodeDecodeError:
        raise ZooError(f"{file} has names in {key} that aren't UTF-8; store them as np.array(names, str).") from None


def _check(file, found, index_of, names):
    """Raise `ZooError` for a label that isn't a known class."""
    unknown = [value for value in found if value not in index_of]
    if unknown and isinstance(unknown[0], str):
        near = did_you_mean(unknown[0], names)
        raise ZooError(f"{file} has the label {unknown[0]!r}, which isn't among its classes.{near}")
    if unknown and unknown[0] < 0:
        raise ZooError(f"{file} has the label {found[0]}: number the classes from 0, and leave unlabelled images out.")
    if unknown:
        raise ZooError(
            f"{file} has the label {unknown[0]}, but {len(names)} classes, {listed(names)}, which labels count from 0."
        )


def _class_indices(values, index_of):
    """Return the labels' class indices (N,) int32."""
    known, inverse = np.unique(values, return_inverse=True)
    return np.array([index_of[value] for value in known.tolist()], np.int32)[inverse]

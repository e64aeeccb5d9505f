"""Load Keras-style .npz files: x_train, y_train, x_test, y_test, optionally x_val and y_val, and class names."""

import zlib
from pathlib import Path
from zipfile import BadZipFile, ZipFile

import numpy as np

from zoo.data.class_names import listed
from zoo.data.dataset import Dataset, Split, make_dataset
from zoo.data.labels import as_classes, as_text
from zoo.data.mask_arrays import are_masks, as_masks
from zoo.data.pixels import as_images
from zoo.errors import ZooError, first_line

SPLITS = {"train": ("train",), "validation": ("val", "valid", "validation"), "test": ("test",)}


def load_npz(path: Path) -> Dataset:
    """Read a .npz of images (N, height, width[, channels]) with labels (N,), (N, 1) or one-hot (N, classes), or masks.

    `zoo.data.pixels`, `zoo.data.labels` and `zoo.data.mask_arrays` describe what they may hold. `classes`, if
    present, holds the class names.

    Raises:
        ZooError: if the file can't be read, lacks x_train or y_train, or its arrays don't fit together.
    """
    arrays, others = _read(path)
    classes = arrays.pop("classes", None)
    names = None if classes is None else _names(path.name, classes)
    images, notes = as_images(path.name, {key: array for key, array in arrays.items() if key[0] == "x"})
    labelled = {key: array for key, array in arrays.items() if key[0] == "y"}
    are_text = classes is None or classes.dtype.kind not in "iu"
    if are_masks(path.name, labelled):
        size = next(iter(images.values())).shape[1:3]
        class_names, labels, more = as_masks(path.name, labelled, size, names, are_text)
    else:
        class_names, labels, more = as_classes(path.name, labelled, names, are_text)
    splits = {}
    for split, keys in SPLITS.items():
        for key in keys:
            if f"x_{key}" in images:
                x, y = images[f"x_{key}"], labels[f"y_{key}"]
                if len(x) != len(y):
                    hint = f" np.moveaxis(x_{key}, -1, 0) brings the images first." * (x.shape[-1] == len(y))
                    raise ZooError(f"{path.name} has {len(x)} images in x_{key}, but {len(y)} labels in y_{key}.{hint}")
                splits[split] = Split(x, y)
    notes += more
    if others:
        notes.append(f"Not read from {path.name}: {listed(others)}.")
    return make_dataset(path.stem, class_names, splits, notes)


def _read(path):
    """Return the arrays of images, labels and class names by key, and the file's other keys."""
    try:
        ZipFile(path).close()  # np.load reads other kinds of file too, and returns another type then
        with np.load(path, allow_pickle=False) as file:
            wanted = _wanted(path, file.files)
            return {key: _array(path, file, key) for key in wanted}, [key for key in file.files if key not in wanted]
    except ZooError:
        raise
    except (OSError, ValueError, BadZipFile, EOFError, zlib.error, RuntimeError) as problem:
        raise ZooError(f"{path} can't be read as an .npz file: {first_line(problem).rstrip('.')}.") from None


def _wanted(path, keys):
    """Return the keys to read: x and y of each split, and the classes."""
    wanted = []
    for names in SPLITS.values():
        pairs = [name for name in names if f"x_{name}" in keys and f"y_{name}" in keys]
        wanted += [f"{axis}_{name}" for name in pairs[-1:] for axis in "xy"]
    if "x_train" not in wanted:
        raise ZooError(f"{path} needs x_train and y_train; it has {', '.join(keys) or 'nothing'}.")
    return wanted + ["classes"] * ("classes" in keys)


def _array(path, file, key):
    try:
        return np.asarray(file[key])
    except ValueError as problem:
        if "pickle" not in str(problem):
            raise
        raise ZooError(
            f"{path} holds Python objects in {key}, which aren't read: store one array of numbers there or, for names, "
            f"np.array(names, str)."
        ) from None


def _names(file, classes):
    """Return the class names as a list of str."""
    if classes.ndim == 2 and 1 in classes.shape:
        classes = classes.ravel()
    if classes.ndim != 1 or classes.dtype.kind not in "USiu":
        raise ZooError(f"{file} needs names (classes,) in classes; it is {classes.shape} of {classes.dtype}.")
    return as_text(file, "classes", classes).astype(str).tolist()

"""Keras-style .npz files: x_train, y_train, x_test, y_test, perhaps x_val and y_val, perhaps the classes' names."""

import zlib
from zipfile import BadZipFile, ZipFile

import numpy as np

from zoo.data.dataset import Split, make_dataset
from zoo.errors import ZooError

SPLITS = {"train": ("train",), "validation": ("val", "valid", "validation"), "test": ("test",)}


def load_npz(path):
    """Read a .npz of images (N, height, width[, channels]) and labels (N,), (N, 1) or one-hot (N, classes).

    Images are uint8, or floats from 0 to 1 or from 0 to 255. `classes`, if present, holds the names.

    Raises:
        ZooError: if the file can't be read, lacks x_train or y_train, or its arrays don't fit together.
    """
    try:
        ZipFile(path).close()  # np.load takes other kinds of file too, and returns something else then
        with np.load(path, allow_pickle=False) as file:
            arrays = {key: file[key] for key in file.files}
    except (OSError, ValueError, BadZipFile, EOFError, zlib.error) as problem:
        raise ZooError(f"{path} can't be read as an .npz file: {problem}.") from None
    splits = {}
    for split, keys in SPLITS.items():
        for key in keys:
            if f"x_{key}" in arrays and f"y_{key}" in arrays:
                splits[split] = _split(path, key, arrays[f"x_{key}"], arrays[f"y_{key}"])
    if "train" not in splits:
        raise ZooError(f"{path} lacks x_train and y_train; it has {', '.join(arrays) or 'nothing'}.")
    sizes = {split.images.shape[1:] for split in splits.values()}
    if len(sizes) > 1:
        raise ZooError(f"{path} has images of different sizes in its splits: {', '.join(map(str, sizes))}.")
    if "classes" in arrays:
        names = arrays["classes"].astype(str).tolist()
    else:
        names = map(str, range(1 + max(split.labels.max(initial=0) for split in splits.values())))
    return make_dataset(path.stem, names, splits)


def _split(path, key, images, labels):
    if labels.ndim == 2:
        labels = labels.argmax(-1) if labels.shape[1] > 1 else labels[:, 0]
    if images.ndim == 3:
        images = images[..., None]
    if images.ndim != 4 or labels.ndim != 1 or len(images) != len(labels):
        raise ZooError(
            f"{path} needs images (N, height, width[, channels]) and as many labels; x_{key} is {images.shape} and "
            f"y_{key} {labels.shape}."
        )
    if not np.issubdtype(labels.dtype, np.integer):
        raise ZooError(f"{path} needs whole numbers as labels; y_{key} holds {labels.dtype}.")
    if images.shape[-1] == 4:
        images = images[..., :3]  # without the alpha channel
    return Split(_bytes(path, key, images), labels.astype(np.int32))


def _bytes(path, key, images):
    """Return the images as uint8; floats up to 1 are taken as 0..1, others as 0..255."""
    if images.dtype == np.uint8 or not len(images):
        return images.astype(np.uint8)
    if images.dtype.kind not in "buif":
        raise ZooError(f"{path} needs numbers as pixels; x_{key} holds {images.dtype}.")
    low, high = images.min(), images.max()
    if not (low >= 0 and high <= 255):
        raise ZooError(f"{path} needs pixels from 0 to 1 or from 0 to 255; x_{key} goes from {low:g} to {high:g}.")
    unit = np.issubdtype(images.dtype, np.floating) and high <= 1
    return np.round(images * 255 if unit else images).astype(np.uint8)

"""A folder of class folders, with or without train, test and val above them."""

import os
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from functools import cache, partial

import numpy as np

from zoo.data.dataset import StreamedSplit, chunks, make_dataset
from zoo.errors import ZooError, did_you_mean

SUFFIXES = {".png", ".jpg", ".jpeg", ".bmp", ".gif", ".webp", ".tif", ".tiff", ".ppm", ".pgm"}
SPLITS = {"train": "train", "val": "validation", "valid": "validation", "validation": "validation", "test": "test"}
ORIENTATION = 0x0112  # the EXIF tag
THREADS = min(os.cpu_count() or 1, 16)  # that decode; more get into each other's way


def load_folder(path, size):
    """Find every image below the class folders of `path`; the folders' names, sorted, are the classes.

    Images that all have one size keep it; others are resized to `size`, (height, width). They are grey if all of
    them are, else RGB. They stay in their files (`StreamedSplit`).

    Raises:
        ZooError: if there are no images, a single class, an image that can't be read (named), or a split with a
            class that the training images lack.
    """
    files, empty = _find_splits(path)
    names = sorted({name for name, _ in files["train"]})
    number = {name: i for i, name in enumerate(names)}
    for found in files.values():
        for name, file in found:
            if name not in number:
                raise ZooError(f"{file.parent} is no class of the training images.{did_you_mean(name, names)}")
    shape, notes = _common_shape([file for found in files.values() for _, file in found], size)
    if empty:
        notes.append(f"Left out, for no image lies there: {', '.join(empty)}.")
    splits = {}
    for split, found in files.items():
        paths = np.array([str(file) for _, file in found], object)
        labels = np.array([number[name] for name, _ in found], np.int32)
        splits[split] = StreamedSplit(paths, labels, shape, partial(_read_images, shape))
    return make_dataset(path.resolve().name, names, splits, notes)


def _find_splits(path):
    """Return (class, file) pairs by split, and the names of the training folders in which there are no images."""
    folders = _visible(path, is_folder=True)
    above = {SPLITS[folder.name.lower()]: folder for folder in folders if folder.name.lower() in SPLITS}
    if "train" not in above:
        above = {"train": path}
    files = {
        split: [(folder.name, file) for folder in _visible(top, is_folder=True) for file in _images(folder)]
        for split, top in above.items()
    }
    if not files["train"]:
        raise ZooError(f"{above['train']} has no folders of images, one a class ({', '.join(sorted(SUFFIXES))}).")
    found = {name for name, _ in files["train"]}
    return files, [folder.name for folder in _visible(above["train"], is_folder=True) if folder.name not in found]


def _visible(path, is_folder=False):
    return [item for item in sorted(path.iterdir()) if item.name[0] != "." and item.is_dir() == is_folder]


def _images(folder):
    return [file for file in _visible(folder) if file.suffix.lower() in SUFFIXES]


def _common_shape(paths, size):
    """Return the (height, width, channels) that the images get, and what is said about it; only their heads are read.

    Once both are settled, that sizes differ and that there is colour, the other files needn't be opened.
    """
    from tqdm import tqdm

    sizes, channels = set(), 1
    with tqdm(total=len(paths), desc="files", delay=2, leave=False, disable=None) as progress:
        for some in chunks(paths):
            for *own, depth in map(_shape, some):
                sizes.add(tuple(own))
                channels = max(channels, depth)
            if len(sizes) > 1 and channels == 3:
                break
            progress.update(len(some))
    if len(sizes) > 1:
        return (*size, channels), [f"The images' sizes differ: all are resized to {size[0]}x{size[1]}."]
    return (*sizes.pop(), channels), []


def _shape(path):
    """Return (height, width, channels) from the head of an image file."""
    with _opened(path) as image:
        width, height = image.size
        exif = {} if image.format == "PNG" and "exif" not in image.info else image.getexif()  # else PNGs are decoded
        if exif.get(ORIENTATION, 1) > 4:  # on its side
            width, height = height, width
        return height, width, 1 if _is_grey(image) else 3


def _read_images(shape, paths):
    """Decode the files on several threads into (len(paths), *shape)."""
    images, mode = np.empty((len(paths), *shape), np.uint8), "L" if shape[-1] == 1 else "RGB"

    def fill(places):
        for i in places:
            images[i] = read_image(paths[i], mode, shape[:2])

    list(_threads().map(fill, np.array_split(np.arange(len(paths)), THREADS)))
    return images


@cache
def _threads():
    return ThreadPoolExecutor(THREADS, thread_name_prefix="images")


def read_image(path, mode=None, size=None):
    """Decode an image file: (height, width, 1) uint8 if it is grey, else (height, width, 3), upright.

    `mode` "L" or "RGB" asks for one of the two, `size` (height, width) for this size, by bilinear interpolation with
    antialiasing, as the networks' own front does it. Raises `ZooError`, naming the file, if it can't be read.
    """
    from PIL import Image, ImageOps

    with _opened(path) as image:
        image = ImageOps.exif_transpose(image)
        grey = _is_grey(image)
        if image.mode.startswith("I;16") or image.mode in ("I", "F"):  # 16 bits of grey and more
            image = Image.fromarray((np.asarray(image, np.float64) / 257).clip(0, 255).astype(np.uint8))
        image = image.convert(mode or ("L" if grey else "RGB"))
        if size and image.size != (size[1], size[0]):
            image = image.resize((size[1], size[0]), Image.Resampling.BILINEAR)
        return np.asarray(image).reshape(image.height, image.width, -1)


def _is_grey(image):
    return image.mode in ("1", "L", "LA", "I", "F") or image.mode.startswith("I;16")


@contextmanager
def _opened(path):
    """Open an image file; whatever is wrong with it, then or when it is decoded, is said in one sentence."""
    from PIL import Image

    try:
        with Image.open(path) as image:
            yield image
    except FileNotFoundError:
        raise ZooError(f"There is no image file {str(path)!r}.") from None
    except (OSError, SyntaxError, ValueError, Image.DecompressionBombError) as problem:
        reason = "cannot identify image file" if "identify" in str(problem) else str(problem)
        raise ZooError(f"{path} can't be read as an image ({reason}); mend or remove it.") from None

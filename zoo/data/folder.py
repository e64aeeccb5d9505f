"""A folder of class folders, with or without train, test and val above them."""

from concurrent.futures import ThreadPoolExecutor

import numpy as np

from zoo.data.dataset import Split, make_dataset
from zoo.errors import ZooError, did_you_mean

SUFFIXES = {".png", ".jpg", ".jpeg", ".bmp", ".gif", ".webp", ".tif", ".tiff", ".ppm", ".pgm"}
SPLITS = {"train": "train", "val": "validation", "valid": "validation", "validation": "validation", "test": "test"}


def load_folder(path, size):
    """Read every image below the class folders of `path`; the folders' names, sorted, are the classes.

    Images that all have one size keep it; others are resized to `size`, (height, width). They are grey if all of
    them are, else RGB.

    Raises:
        ZooError: if there are no images, a single class, an image that can't be read (named), or a split with a
            class that the training images lack.
    """
    files = _find_splits(path)
    names = sorted({name for name, _ in files["train"]})
    for found in files.values():
        for name, file in found:
            if name not in names:
                raise ZooError(f"{file.parent} is no class of the training images.{did_you_mean(name, names)}")
    paths = [file for found in files.values() for _, file in found]
    images, notes = _one_size(_read_all(paths), size)
    splits, start = {}, 0
    for split, found in files.items():
        labels = np.array([names.index(name) for name, _ in found], np.int32)
        splits[split] = Split(images[start : start + len(found)], labels)
        start += len(found)
    return make_dataset(path.resolve().name, names, splits, notes)


def _find_splits(path):
    """Return (class, file) pairs by split."""
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
    return files


def _visible(path, is_folder=False):
    return [item for item in sorted(path.iterdir()) if item.name[0] != "." and item.is_dir() == is_folder]


def _images(folder):
    return [file for file in _visible(folder) if file.suffix.lower() in SUFFIXES]


def _read_all(paths):
    """Decode the files on several threads; a progress bar appears when it takes long."""
    from tqdm import tqdm

    with ThreadPoolExecutor() as pool:
        decoded = list(tqdm(pool.map(read_image, paths), "images", len(paths), delay=2, leave=False))
    if all(image.shape[-1] == 1 for image in decoded):
        return decoded
    return [np.repeat(image, 3, axis=-1) if image.shape[-1] == 1 else image for image in decoded]


def read_image(path, mode=None):
    """Decode an image file: (height, width, 1) uint8 if it is grey, else (height, width, 3), upright.

    `mode` "L" or "RGB" asks for one of the two. Raises `ZooError`, naming the file, if it can't be read.
    """
    from PIL import Image, ImageOps

    try:
        with Image.open(path) as image:
            image = ImageOps.exif_transpose(image)
            if image.mode.startswith("I;16") or image.mode in ("I", "F"):  # 16 bits of grey and more
                image = Image.fromarray((np.asarray(image, np.float64) / 257).clip(0, 255).astype(np.uint8))
            image = image.convert(mode or ("L" if image.mode in ("1", "L", "LA") else "RGB"))
            return np.asarray(image).reshape(image.height, image.width, -1)
    except FileNotFoundError:
        raise ZooError(f"There is no image file {str(path)!r}.") from None
    except (OSError, SyntaxError, ValueError, Image.DecompressionBombError) as problem:
        reason = "cannot identify image file" if "identify" in str(problem) else str(problem)
        raise ZooError(f"{path} can't be read as an image ({reason}); mend or remove it.") from None


def _one_size(images, size):
    """Return the images as one array, and what was done to them."""
    if len({image.shape for image in images}) == 1:
        return np.stack(images), []
    from keras import ops  # the resizing that the networks' own front uses, so that training and export agree

    resized = [ops.image.resize(image.astype("float32"), size, "bilinear", antialias=True) for image in images]
    array = np.stack([np.clip(np.round(ops.convert_to_numpy(image)), 0, 255).astype(np.uint8) for image in resized])
    return array, [f"The images' sizes differ: all are resized to {size[0]}x{size[1]}."]

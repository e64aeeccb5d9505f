"""One `Dataset` from four sources: the embedded digits, TFDS, a folder of class folders, a Keras-style .npz."""

import re
from pathlib import Path

from zoo.errors import ZooError


def load(name, data_dir=None, size=(224, 224), limit=None, classes=None):
    """Return the `Dataset` of a name or path.

    Its images are in memory if they fit into 1 GiB when decoded, else they stay in the files of the folder or of TFDS,
    and `zoo.data.stream` reads them in batches.

    Args:
        name: "digits", a folder, an .npz file, or the name of any image-classification set of TFDS.
        data_dir: where TFDS keeps its sets; its own default if None.
        size: (height, width) to give to images whose own sizes differ.
        limit: the most images that a split keeps, each class in proportion and always the same; all if None.
        classes: names of the only classes to keep, two or more, in the order of their new labels; all if None.

    Raises:
        ZooError: if there is no such data or class, or it can't be read; for fewer than two classes or no images.
    """
    from zoo.data.dataset import hold
    from zoo.data.selection import at_most, only

    if limit is not None and limit < 1:
        raise ZooError(f"limit must be greater than 0; got {limit}.")
    dataset = _open(name, data_dir, tuple(size))
    if classes is not None:
        dataset = only(dataset, classes)
    if limit is not None:
        dataset = at_most(dataset, limit)
    return hold(dataset)


def load_source(source):
    """Return the `Dataset` of what a run's config.json holds under "data": `load`'s arguments, its name "dataset"."""
    return load(source["dataset"], **{key: value for key, value in source.items() if key != "dataset"})


def _open(name, data_dir, size):
    path = Path(name).expanduser()
    if str(name) == "digits":
        from zoo.data.digits import load_digits

        return load_digits()
    if path.suffix == ".npz" and path.is_file():
        from zoo.data.npz import load_npz

        return load_npz(path)
    if path.is_dir():
        from zoo.data.folder import load_folder

        return load_folder(path, size)
    if path.exists() or path.suffix == ".npz" or re.match(r"[.~/\\]", str(name)) or str(name).count("/") > 1:
        raise ZooError(f"There is no folder of images or .npz file {str(name)!r}.")
    from zoo.data.tfds import load_tfds

    return load_tfds(str(name), data_dir, size)

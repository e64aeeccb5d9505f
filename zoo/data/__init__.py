"""One `Dataset` from four sources: the embedded digits, TFDS, a folder of class folders, a Keras-style .npz."""

import re
from pathlib import Path

from zoo.errors import ZooError


def load(name, data_dir=None, size=(224, 224)):
    """Return the `Dataset` of a name or path.

    Args:
        name: "digits", a folder, an .npz file, or the name of any image-classification set of TFDS.
        data_dir: where TFDS keeps its sets; its own default if None.
        size: (height, width) to give to images whose own sizes differ.

    Raises:
        ZooError: if there is no such data, or it can't be read.
    """
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

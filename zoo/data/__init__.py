"""One `Dataset` from five sources: embedded ones, TFDS, folders of classes, folders of masks, a Keras-style .npz.

The sources are `digits` and `shapes`, `npz` (with `pixels`, `labels` and `mask_arrays`), `folder` (with `tree`,
`images` and `ranges`), `mask_folder` (with `mask_pairs`, `mask_files`, `mask_classes` and `mask_codes`) and `tfds`
(with `records`, `tfds_masks` and `stored`, the notes on how its images are stored). `mask_numbers` says for all of them
what the numbers in masks mean. Each source ends in `dataset.make_dataset`. `splitting` and `selection` take parts of a
data set, `crops` cuts images that keep their sizes (`own_sizes`), `stream` reads its batches, `matching` renumbers its
classes as a model has them, and `preprocessing` leads from its images to the net.
"""

import re
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from zoo.annotations import Size, StrPath
from zoo.errors import ZooError
from zoo.names import line

if TYPE_CHECKING:
    from zoo.data.dataset import Dataset

FILES = (".npz",)  # the suffixes of data sets that are one file each
EMBEDDED = ("digits", "shapes", "shapes:object")  # the names of those that are in the package


def load(name: StrPath, data_dir: StrPath | None = None, size: Size = (224, 224), limit: int | None = None,
         classes: Sequence[str] | None = None, order: str = "natural",
         white: float | None = None, masks: bool | None = None, crop: Sequence[int] | None = None,
         covered: Sequence[int] | None = None) -> "Dataset":
    """Return the `Dataset` that a name or path stands for.

    Its images are in memory if they fit into 1 GiB when decoded, else they stay in the files of the folder or of TFDS,
    and `zoo.data.stream` reads them in batches.

    Args:
        name: "digits"; "shapes" or "shapes:object", which have masks; a folder of class folders, or of the folders
            images and masks; an .npz file; or the name of any set of TFDS with labels or masks.
        data_dir: where TFDS keeps its sets; its own default if None.
        size: (height, width) to give to images whose own sizes differ.
        limit: the most images to keep of each split, stratified by class and always the same; all if None.
        classes: names of the only classes to keep, two or more, in the order of their new labels; all if None.
        order: how a folder's classes are sorted: "natural" by number if all names are numbers, "text" always as text.
        white: the pixel value of white in a folder's images of floats or 32-bit integers; inferred from them if None.
        masks: whether to have a label for each pixel, a mask, in the place of one for each image. By default it is as
            the data is; of sets of TFDS that have both, as oxford_iiit_pet, the labels of images are taken.
        crop: (height, width) of parts of images with masks, in the place of images resized to `size`: training images
            are cut at random, in each epoch anew, and the others into tiles that cover each pixel once, which are the
            images of these splits then. What is added where images are smaller doesn't count.
        covered: (top, left, height, width) of the part of a crop that a net labels, if that isn't all of it: tiles
            overlap then, so that these parts cover each pixel once.

    Raises:
        ZooError: if there is no such data or class, or it can't be read; for fewer than two classes or no images; if
            there are no masks or labels where `masks` asks for them; for a `crop` of images without masks.
    """
    from zoo.data.crops import check_masks, checked_crop, cropped
    from zoo.data.dataset import into_memory
    from zoo.data.selection import at_most, only

    if limit is not None and limit < 1:
        raise ZooError(f"limit must be greater than 0; got {limit}.")
    cut = None if crop is None else checked_crop(crop)
    dataset = _open(name, data_dir, tuple(size), order, white, masks if cut is None else True, cut is not None)
    if cut is not None:
        check_masks(dataset)
    if masks is not None and masks != dataset.has_masks:
        if masks:
            raise ZooError(
                f"{dataset.name} has one label for each image, and no masks, which nets that label each pixel need; "
                "shapes has them, and folders of images/ and masks/."
            )
        raise ZooError(f"{dataset.name} has a label for each pixel, a mask, and none for each image.")
    if classes is not None:
        dataset = only(dataset, classes)
    if limit is not None:
        dataset = at_most(dataset, limit)
    return into_memory(dataset) if cut is None else cropped(dataset, cut, covered and tuple(covered))  # type: ignore[arg-type]


def load_source(source: dict[str, Any]) -> "Dataset":
    """Load the `Dataset` that a run's config.json has under "data": `load`'s arguments, `name` being "dataset".

    Runs without an "order" are of versions that knew "text" only; which images are sampled for testing depends on it.
    """
    arguments = {"order": "text"} | {key: value for key, value in source.items() if key != "dataset"}
    try:
        return load(source["dataset"], **arguments)
    except ZooError as problem:
        path = Path(source["dataset"]).expanduser()
        if "order" in source or path.is_absolute() or path.exists():
            raise
        raise ZooError(
            f"{problem} If {line(path)} is a path, it leads on from the folder in which the run began, not from "
            f"{line(Path.cwd())}: go there, or say with --dataset where the data lies."
        ) from None


def whereabouts(name: StrPath) -> str:
    """Return a data set's name, or its absolute path if it is a folder or a file: valid in any working directory."""
    path = Path(name).expanduser()
    is_data = path.is_dir() or path.suffix.lower() in FILES and path.is_file()
    return str(_from_root(path)) if is_data and str(name) not in EMBEDDED else str(name)


def is_same(one: StrPath, other: StrPath) -> bool:
    """Return whether two names or paths refer to the same data set, with symbolic links followed."""
    paths = Path(one).expanduser(), Path(other).expanduser()
    if all(path.exists() for path in paths):
        return paths[0].samefile(paths[1])
    return whereabouts(one) == whereabouts(other)


def folder_from_root(data_dir: StrPath | None) -> str | None:
    """Return the absolute path of a folder, which need not exist; None and URLs (gs://…) are returned unchanged."""
    if data_dir is None or "://" in str(data_dir):
        return None if data_dir is None else str(data_dir)
    return str(_from_root(Path(data_dir).expanduser()))


def _from_root(path):
    """Return the absolute path, with .. and links resolved except in its last part: a link's own name can matter."""
    return path.resolve() if path.name in ("", "..") else path.parent.resolve() / path.name


def _open(name, data_dir, size, order, white, masks, as_they_are):
    """Return the data set; if they are to stay `as_they_are`, those with masks keep the sizes of their images."""
    own_size = None if as_they_are else size
    path = Path(name).expanduser()
    if str(name) == "digits":
        from zoo.data.digits import load_digits

        return load_digits()
    if str(name) in EMBEDDED:
        from zoo.data.shapes import load_shapes

        return load_shapes(one_object=str(name) == "shapes:object")
    if path.suffix.lower() == ".npz" and path.is_file():
        from zoo.data.npz import load_npz

        return load_npz(path)
    if path.is_dir():
        from zoo.data.mask_pairs import holds_masks

        if holds_masks(path):
            from zoo.data.mask_folder import load_mask_folder

            return load_mask_folder(path, own_size, white)
        from zoo.data.folder import load_folder

        return load_folder(path, size, order, white)
    is_path = path.suffix.lower() in FILES or re.match(r"[.~/\\]", str(name)) or str(name).count("/") > 1
    if is_path or path.exists() and path.suffix:
        where = "" if path.is_absolute() else f" in {line(Path.cwd())}"
        raise ZooError(f"There is no folder of images or .npz file {line(name)!r}{where}.")
    from zoo.data.tfds import load_tfds

    return load_tfds(str(name), data_dir, own_size, masks)

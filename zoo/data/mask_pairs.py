"""Which files of a folder are images, which are their masks, and of which splits."""

from pathlib import Path

from zoo.data.class_names import listed
from zoo.data.tree import SPLITS, Folder, read_tree
from zoo.errors import ZooError, did_you_mean
from zoo.names import line

IMAGES, MASKS = "images", "masks"  # the folders' names, in any case
Pairs = list[tuple[Path, Path]]  # of an image and its mask


def holds_masks(path: Path) -> bool:
    """Return whether a folder, or a folder in it that is a split by its name, has the folders images and masks."""
    folders = _folders(path)
    return _are_both(folders) or any(_are_both(_folders(one)) for one in folders if one.name.lower() in SPLITS)


def _folders(path):
    try:
        return [item for item in path.iterdir() if item.is_dir()]
    except OSError:  # whoever reads the folder tells it
        return []


def _are_both(folders):
    return {IMAGES, MASKS} <= {folder.name.lower() for folder in folders}


def find_pairs(path: Path) -> tuple[dict[str, Pairs], list[str]]:
    """Return {split: pairs of an image and its mask}, at least for "train", and the notes on what is left out.

    The splits' folders stand above images and masks (train/images) or below them (images/train). A mask has its
    image's name and place, whatever the suffix.

    Raises:
        ZooError: for an image without a mask or a mask without an image, and if there is no training split.
    """
    root = read_tree(path)
    tops = _splits(root)
    splits: dict[str, Pairs] = {}
    folders: dict[str, Folder] = {}
    for folder, images, masks in tops:
        split = SPLITS.get(folder.name.lower(), "train") if folder is not root else "train"
        if split in splits:
            raise ZooError(f"{line(path)} has two folders for one split: {folders[split].name} and {folder.name}.")
        splits[split], folders[split] = _paired(images, masks), folder
    if "train" not in splits:
        raise ZooError(f"{line(path)} has no folder train with the folders {IMAGES} and {MASKS}.")
    taken = {id(folder) for top in tops for folder in top}
    above = [images for _, images, _ in tops] + [masks for _, _, masks in tops]
    parents = [root] + [one for one in root.folders if any(one.path == part.path.parent for part in above)]
    left = [one for parent in parents for one in parent.classes() if one not in parents and id(one) not in taken]
    stray = sum(len(parent.images) for parent in parents)
    parts = [f"images in {line(listed([str(one.path.relative_to(path)) for one in left]))}"] if left else []
    parts += [f"{stray} images beside the folders {IMAGES} and {MASKS}"] if stray else []
    return splits, [f"Left out: {' and '.join(parts)}."] if parts else []


def _splits(root):
    """Return (the split's folder, its images, its masks) of each split; the folder is `root` if there are no splits."""
    images, masks = _named(root, IMAGES), _named(root, MASKS)
    if not images or not masks:
        parts = [(one, _named(one, IMAGES), _named(one, MASKS)) for one in root.folders if one.name.lower() in SPLITS]
        return [(one, images, masks) for one, images, masks in parts if images and masks]
    inner = [one for one in images.classes() if one.name.lower() in SPLITS]
    if not inner:
        return [(root, images, masks)]
    if images.images or len(inner) < len(images.classes()):
        names = line(listed([one.name for one in inner]))
        raise ZooError(
            f"{line(images.path)} has splits, {names}, and images beside these; move one or the other elsewhere."
        )
    pairs = [(one, next((two for two in masks.folders if two.name.lower() == one.name.lower()), None)) for one in inner]
    return [(one, one, two) for one, two in pairs if two]


def _named(folder, name):
    return next((one for one in folder.folders if one.name.lower() == name), None)


def _paired(images, masks):
    """Return the pairs of an image and its mask, in the images' order."""
    image_of, mask_of = _by_name(images), _by_name(masks)
    if not image_of:
        raise ZooError(f"{line(images.path)} holds no images.")
    for name, image in image_of.items():
        if name not in mask_of:
            near = line(did_you_mean(name, mask_of))
            raise ZooError(f"{line(image)} has no mask: there is no image {line(name)} in {line(masks.path)}.{near}")
    for name, mask in mask_of.items():
        if name not in image_of:
            raise ZooError(f"{line(mask)} is a mask without an image: there is no {line(name)} in {line(images.path)}.")
    return [(image, mask_of[name]) for name, image in image_of.items()]


def _by_name(folder):
    """Return {its place and name, without the suffix: the file} of each image file in and below a folder."""
    found: dict[str, Path] = {}
    for file in folder.all_images():
        name = file.relative_to(folder.path).with_suffix("").as_posix()
        if name in found:
            raise ZooError(f"{line(found[name])} and {line(file)} differ by their suffixes alone; remove one.")
        found[name] = file
    return found

"""Which folders below a data set's are splits, which are classes, and which files are their images."""

import re
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path

from zoo.data.class_names import listed
from zoo.data.images import suffixes
from zoo.errors import ZooError
from zoo.names import line

SPLITS = {"train": "train", "training": "train", "val": "validation", "valid": "validation",
          "validation": "validation", "test": "test", "testing": "test"}  # fmt: skip


@dataclass
class Folder:
    """A folder: the image files in it, how many others by suffix, and the folders in it; hidden ones don't count."""

    path: Path
    images: list = field(default_factory=list)
    others: Counter = field(default_factory=Counter)
    folders: list = field(default_factory=list)

    @property
    def name(self):
        return self.path.name

    @property
    def has_images(self):
        return bool(self.images) or any(folder.has_images for folder in self.folders)

    def all_images(self):
        """The images in it and below it: its own first, then those of each folder."""
        return self.images + [image for folder in self.folders for image in folder.all_images()]

    def all_others(self):
        return sum((folder.all_others() for folder in self.folders), self.others)

    def classes(self):
        """The folders in it that have images."""
        return [folder for folder in self.folders if folder.has_images]


def read_tree(path, above=()):
    """Return the `Folder` of a path, all below it included; links are followed, but for those to a folder above."""
    try:
        items = sorted((item for item in path.iterdir() if item.name[0] != "."), key=lambda item: item.name)
        above = (*above, path.resolve())
    except OSError as problem:
        raise ZooError(f"The folder {line(path)} can't be read: {problem.strerror}.") from None
    tree = Folder(path)
    for item in items:
        if item.is_dir():
            if item.resolve() not in above:
                tree.folders.append(read_tree(item, above))
        elif item.suffix.lower() in suffixes():
            tree.images.append(item)
        else:
            tree.others[item.suffix.lower() or "no suffix"] += 1
    return tree


def find_splits(root):
    """Return the `Folder` of each split that a data set's folder has, by the split's name; at least "train".

    A folder with a split's name is a split if class folders lie in it, and a class if images do. Where it could be
    either, a `ZooError` says so.
    """
    named = [folder for folder in root.classes() if folder.name.lower() in SPLITS]
    beside = [folder for folder in root.classes() if folder not in named]
    splits = [folder for folder in named if folder.classes()]
    plain = [folder for folder in splits if not folder.images]
    training = [folder for folder in splits if SPLITS[folder.name.lower()] == "train"]
    if training and (not beside or len(plain) > 1 and training[0] in plain):
        return _by_split(root, splits)
    if plain and beside:
        raise ZooError(
            f"{line(plain[0].path)} holds folders of images, as a split does, but {_names(beside)} beside it, as "
            "classes do; move one or the other elsewhere."
        )
    if named and not beside:
        raise ZooError(
            f"{line(root.path)} has {_names(named)}, which name splits, but no folder train with a folder of "
            "images for each class."
        )
    return _by_likeness(root) or {"train": root}


def _by_likeness(root):
    """The splits of other names, which classes don't look like: they all hold the same folders.

    Where a word in their names doesn't tell which they are ("training_set", "val2017"), they are refused, and so are
    those that lie in folders of their own.
    """
    tops = [folder for folder in root.classes() if len(_inside(folder).classes()) > 1]
    held = [{part.name for part in _inside(top).classes()} for top in tops]
    if len(tops) < 2 or held[0] & SPLITS.keys():  # the latter are splits within classes, which `nested` refuses
        return None
    is_named = all(_split_named(top.name) for top in tops)
    if is_named and set.union(*held) in held and all(_inside(top) is top for top in tops):
        return _by_split(root, tops)
    if all(names == held[0] for names in held) and (is_named or len(tops) == len(root.classes())):
        raise ZooError(
            f"{line(root.path)} has {_names(tops)}, which hold the same folders ({line(listed(sorted(held[0])))}), as "
            "splits do: if they are splits, name them train, val and test, with the class folders directly in them; if "
            "they are classes, move their images into them."
        )
    return None


def _inside(folder):
    """The folder, or what lies in it alone, as archives have it that wrap a folder in another."""
    while not folder.images and len(folder.classes()) == 1:
        (folder,) = folder.classes()
    return folder


def _split_named(name):
    """The split that a word of a folder's name tells, or None where none does, or several do."""
    words = {word if word in SPLITS else word.removesuffix("set") for word in re.split("[^a-z]+", name.lower())}
    found = {SPLITS[word] for word in words & SPLITS.keys()}
    return found.pop() if len(found) == 1 else None


def _by_split(root, folders):
    splits = {}
    for folder in folders:
        other = splits.setdefault(_split_named(folder.name), folder)
        if other is not folder:
            raise ZooError(f"{line(root.path)} has two folders for one split: {other.name} and {folder.name}.")
    return splits


def left_out(root, splits):
    """Return the sentence on what isn't taken below a data set's folder, in a list that is empty if there is nothing.

    These are files beside the class folders, files that are no images by their suffixes, class folders without images,
    and folders of images beside the splits.
    """
    within = [folder for split in splits.values() for folder in split.folders]
    tops = {id(top): top for top in (root, *splits.values())}.values()
    beside = sum(len(top.images) + top.others.total() for top in tops)
    others = sum((folder.all_others() for folder in within), Counter())
    empty = [folder for folder in within if not folder.has_images]
    extra = [folder for folder in root.classes() if root not in splits.values() and folder not in splits.values()]
    parts = []
    if beside:
        parts.append(f"{_count(beside, 'file')} beside the class folders")
    if others:
        kinds = line(", ".join(sorted(others)))
        parts.append(f"{_count(others.total(), 'file')} in class folders whose suffix is no image's ({kinds})")
    if empty:
        parts.append(f"{_count(len(empty), 'class folder')} without images ({_names(empty)})")
    if extra:
        count = sum(len(folder.all_images()) for folder in extra)
        parts.append(f"{_count(count, 'image')} in folders beside the splits ({_names(extra)})")
    return [f"Left out: {', '.join(parts[:-1]) + ' and ' if parts[1:] else ''}{parts[-1]}."] if parts else []


def renamed(root, splits):
    """Return the sentence on splits by other names, in a list that is empty if there are none."""
    folders = [folder for folder in splits.values() if folder is not root and folder.name.lower() not in SPLITS]
    told = [f"{line(folder.name)} as {_split_named(folder.name)}" for folder in folders]
    return [f"By their names and what they hold, folders are taken for splits: {', '.join(told)}."] if told else []


def nested(splits):
    """Return the sentence on images in folders within a class's, in a list that is empty if there are none.

    Raises `ZooError` if these are splits: the images to test on would be trained on.
    """
    found = [folder for split in splits.values() for part in split.classes() for folder in part.classes()]
    for folder in found:
        if SPLITS.get(folder.name.lower()) == "train":
            right = f"{folder.name}/{line(folder.path.parent.name)}"
            raise ZooError(f"{line(folder.path)} is a split within a class; put splits above classes: {right}.")
    count = sum(len(folder.all_images()) for folder in found)
    where = f"{found[0].path.parent.name}/{found[0].name}" if found else ""
    within = f"{_count(count, 'image')} in folders within a class's folder, as {line(where)}, are of that class."
    return [within] if found else []


def _names(folders):
    return listed([line(folder.name) for folder in folders])


def _count(number, what):
    return f"{number:,} {what}{'s' if number != 1 else ''}"

"""Find which folders of a data set are splits, which are classes, and which files are their images."""

import re
from collections import Counter, defaultdict
from dataclasses import dataclass, field
from pathlib import Path

from zoo.data.class_names import listed
from zoo.data.images import suffixes
from zoo.errors import ZooError
from zoo.names import line

SPLITS = {"train": "train", "training": "train", "val": "validation", "valid": "validation",
          "validation": "validation", "test": "test", "testing": "test", "trainval": "train"}


@dataclass
class Folder:
    """A folder: its image files, a count of its other files by suffix, and its subfolders; hidden ones are ignored."""

    path: Path
    images: list = field(default_factory=list)
    others: Counter = field(default_factory=Counter)
    folders: list = field(default_factory=list)

    @property
    def name(self) -> str:
        return self.path.name

    @property
    def has_images(self) -> bool:
        return bool(self.images) or any(folder.has_images for folder in self.folders)

    def all_images(self) -> list[Path]:
        """Return the images in it and below it: its own first, then those of each subfolder."""
        return self.images + [image for folder in self.folders for image in folder.all_images()]

    def all_others(self) -> Counter[str]:
        return sum((folder.all_others() for folder in self.folders), self.others)

    def classes(self) -> list["Folder"]:
        """Return its subfolders that contain images, at any depth."""
        return [folder for folder in self.folders if folder.has_images]


def read_tree(path: Path, above: tuple[Path, ...] = ()) -> Folder:
    """Read a path as a `Folder`, recursively; links are followed, except those to a parent folder, in `above`."""
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


def find_splits(root: Folder) -> dict[str, Folder]:
    """Return {split: `Folder`} for the splits that a data set's folder has, at least "train".

    A folder with a split's name is a split if it contains class folders, and a class if it contains images. Raises
    `ZooError` if it could be either.
    """
    named = [folder for folder in root.classes() if folder.name.lower() in SPLITS]
    beside = [folder for folder in root.classes() if folder not in named]
    splits = [folder for folder in named if folder.classes()]
    plain = [folder for folder in splits if not folder.images]
    training = [folder for folder in splits if SPLITS[folder.name.lower()] == "train"]
    if training and (not beside or len(plain) > 1 and training[0] in plain):
        return _by_split(root, splits)
    if found := _splits_by_word(root):
        return found
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
    _refuse_ambiguous(root)
    return {"train": root}


def _splits_by_word(root):
    """Return {split: `Folder`} if all names contain a split ("training_set", "val2017") and share classes, or {}."""
    tops = root.classes()
    training = _training_folder(tops) if all(_split_named(top.name) for top in tops) else None
    if training is None or training is not _inside(training):
        return {}
    return _by_split(root, [top for top in tops if _held(top)])


def _training_folder(folders):
    """Return the folder that names the training split, if another one holds a class folder of the same name as it."""
    training = next((top for top in folders if _split_named(top.name) == "train" and _held(top)), None)
    others = [top for top in folders if top is not training] if training else []
    return training if any(_held(top) & _held(training) for top in others) else None


def _refuse_ambiguous(root):
    """Raise `ZooError` for folders that could be either splits or classes, by their names or contents."""
    tops = root.classes()
    named = [top for top in tops if _split_named(top.name)]
    wide = [top for top in tops if len(_held(top)) > 1]
    are_alike = _training_folder(named) is not None
    divided = {top.name for parts in _divided(tops) for top in parts}
    if len(named) > 1 and (named == tops and any(map(_held, named)) or are_alike):
        _refuse_unless_nested(root, named)
    elif divided:
        _refuse_unless_nested(root, [top for top in tops if top.name in divided])
    elif len(wide) > 1 and all(_held(top) == _held(wide[0]) for top in wide):
        _refuse_unless_nested(root, wide)


def _divided(tops):
    """Return the lists of folders that are parts of one class by their names, as cats_train and cats_test are."""
    found = []
    for name, parts in _parts(tops).items():
        folders, plain = sum(parts.values(), []), sum(top.name.lower() in SPLITS for top in sum(parts.values(), []))
        if len(parts.keys() - {None}) > 1 and (name or 0 < plain < len(folders)):  # train and test1, not train and test
            found.append(folders)
    return found


def _parts(tops):
    """Return {class name: {split or None: folders}} for all readings of the folders' names."""
    found = defaultdict(lambda: defaultdict(list))
    for top in tops:
        for name, split in _readings(top.name):
            found[name][split].append(top)
    return found


def _refuse_unless_nested(root, tops):
    """Raise `ZooError` for folders that look like splits; classes that contain splits are left to `nested`."""
    held = sorted(set().union(*map(_held, tops)))
    within = f" or by holding the same folders ({line(listed(held))})" if held else ""
    if not _are_splits(held):
        raise ZooError(
            f"{line(root.path)} has {_names(tops)}, which look like splits by their names{within}. If they are splits, "
            "name them train, val and test, with the class folders directly in them and nothing beside them; if they "
            "are classes, move their images into them, or give them other names."
        )


def _are_splits(names):
    """Return whether sibling folders are splits by their names: one is "train", or there are two different ones."""
    kinds = {SPLITS[name.lower()] for name in names if name.lower() in SPLITS}
    return "train" in kinds or len(kinds) > 1


def _held(folder):
    """Return the names of the class folders in a folder, case-folded."""
    return {part.name.casefold() for part in _inside(folder).classes()}


def _inside(folder):
    """Return the folder or, if it only wraps one of the same name, as unpacked archives do, the inner one."""
    while not folder.images and [part.name for part in folder.classes()] == [folder.name]:
        (folder,) = folder.classes()
    return folder


def _readings(name):
    """Return the possible readings of a folder's name: a set of (class name, split or None).

    Numbers may be part of the class name or not: "cats_test_1" is read both ways.
    """
    words, split = _words(name), _split_named(name)
    if split:
        rest = [word for word in words if word not in SPLITS]
        return {(" ".join(rest), split), (" ".join(word for word in rest if not word.isdigit()), split)}
    whole = " ".join(words)
    behind = {(whole.removesuffix(word), split) for word, split in SPLITS.items() if whole.endswith(word)}
    before = {(whole.removeprefix(word), split) for word, split in SPLITS.items() if whole.startswith(word)}
    return {(whole, None)} | behind | {(rest, split) for rest, split in before if len(rest) > 3}  # not "trainers"


def _words(name):
    """Return the words and numbers in a folder's name, in lower case; "trainset" counts as "train"."""
    apart = re.sub("(?<=[a-z])(?=[A-Z])", " ", name)  # catsTrain
    words = re.findall(r"[^\W\d_]+|\d+", apart.lower())
    return [word if word in SPLITS or word.removesuffix("set") not in SPLITS else word[:-3] for word in words]


def _split_named(name):
    """Return the split that a folder's name contains; None for none or several, but "train" for train_val."""
    words = [name.lower()] if name.lower() in SPLITS else _words(name)
    found = {SPLITS[word] for word in words if word in SPLITS}
    return "train" if found == {"train", "validation"} else found.pop() if len(found) == 1 else None


def _by_split(root, folders):
    splits = {}
    for folder in folders:
        other = splits.setdefault(_split_named(folder.name), folder)
        if other is not folder:
            raise ZooError(f"{line(root.path)} has two folders for one split: {other.name} and {folder.name}.")
    return splits


def left_out(root: Folder, splits: dict[str, Folder]) -> list[str]:
    """Return a list of one note on what is ignored in a data set's folder; an empty list if nothing is.

    Ignored are files beside the class folders, files without an image's suffix, class folders without images,
    and folders of images beside the splits.
    """
    within = [folder for split in splits.values() for folder in split.folders]
    tops = {id(top): top for top in (root, *splits.values())}.values()
    beside = sum(len(top.images) + top.others.total() for top in tops)
    others: Counter[str] = sum((folder.all_others() for folder in within), Counter())
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


def renamed(root: Folder, splits: dict[str, Folder]) -> list[str]:
    """Return a list of one note on splits with other names; an empty list if there are none."""
    folders = [folder for folder in splits.values() if folder is not root and folder.name.lower() not in SPLITS]
    pairs = [f"{line(folder.name)} as {_split_named(folder.name)}" for folder in folders]
    return [f"By their names and what they hold, folders are taken for splits: {', '.join(pairs)}."] if pairs else []


def beside(splits: dict[str, Folder]) -> list[str]:
    """Return a list of one note on classes whose names make them look like parts of others, or an empty list."""
    pairs = [parts for split in splits.values() for name, parts in _parts(split.classes()).items()
             if name and None in parts]
    whole = {top.name for parts in pairs if len(parts) > 1 for top in parts[None]}
    other = {top.name for parts in pairs for split in parts.keys() - {None} for top in parts[split]}
    wholes, others = (line(listed(sorted(names))) for names in (whole, other))
    return [f"Taken for classes of their own, not for parts of {wholes}: {others}."] if other else []


def nested(splits: dict[str, Folder]) -> list[str]:
    """Return a list of one note on images in subfolders of class folders; an empty list if there are none.

    Raises `ZooError` if the subfolders are splits: test images would be trained on.
    """
    found = [folder for split in splits.values() for part in split.classes() for folder in part.classes()]
    for folder in found:
        beside = [part.name for part in found if part.path.parent == folder.path.parent]
        if folder.name.lower() in SPLITS and _are_splits(beside):
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

"""Load a folder of class folders, with or without train, test and val folders above them."""

import os
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from functools import cache, partial
from pathlib import Path

import numpy as np

from zoo.annotations import Shape, Size
from zoo.data import brightness
from zoo.data.class_names import in_order
from zoo.data.dataset import Dataset, StreamedSplit, make_dataset
from zoo.data.images import Head, extent, is_blank, peak, read_head, read_image
from zoo.data.ranges import common_white
from zoo.data.transparency import notes_on, spread
from zoo.data.tree import beside, find_splits, left_out, nested, read_tree, renamed
from zoo.errors import ZooError, did_you_mean
from zoo.names import line

THREADS = min(os.cpu_count() or 1, 16)  # for decoding; more of them slow each other down


def load_folder(path: Path, size: Size, order: str = "natural", white: float | None = None) -> Dataset:
    """Load every image below the class folders of `path`; the folders' names are the class names.

    Classes are sorted by number if all names are numbers, else as text, as torchvision and Keras do; with `order`
    "text", always as text.

    If all images have one size, they keep it; else all are resized to `size`, (height, width). They are grey if all
    of them are, else RGB. They stay in their files (`StreamedSplit`). `white` is `zoo.data.images.read_image`'s; by
    default it is inferred from all images together (`zoo.data.ranges`).

    Raises:
        ZooError: if there are no images, a single class, an image that can't be read (named), a split with a class
            that the training images lack, transparent images that are all blank on white, or folders that
            could be either classes or splits.
    """
    root = read_tree(path)
    tops = find_splits(root)
    names = _class_names(tops["train"], order)
    index_of = {name: i for i, name in enumerate(names)}
    found = {}
    for split, top in tops.items():
        for part in top.classes():
            if part.name not in index_of:
                near = line(did_you_mean(part.name, names))
                raise ZooError(f"{line(part.path)} is no class of the training images.{near}")
        found[split] = [(file, index_of[part.name]) for part in top.classes() for file in part.all_images()]
    paths = [file for pairs in found.values() for file, _ in pairs]
    heads = read_heads(paths)
    shape, notes = common_shape(heads, size)
    white, more = common_white_and_notes(paths, heads, white)
    notes += more + renamed(root, tops) + beside(tops) + nested(tops) + left_out(root, tops)
    splits = {}
    for split, pairs in found.items():
        files = np.array([str(file) for file, _ in pairs], object)
        labels = np.array([label for _, label in pairs], np.int32)
        splits[split] = StreamedSplit(files, labels, shape, partial(read_images, shape, white))
    return replace(make_dataset(path.resolve().name, names, splits, notes), white=white)


def _class_names(top, order):
    names = sorted(part.name for part in top.classes())
    if not names:
        raise ZooError(f"{line(top.path)} has no folders of images, one a class.")
    if len(names) == 1 and len(top.classes()[0].classes()) > 1:
        inner = line(top.classes()[0].path)
        raise ZooError(f"{line(top.path)} has one folder only; is {inner} the data set?")
    return in_order(names) if order == "natural" else names


def read_heads(paths: Sequence[Path]) -> list[Head]:
    """Return the head of each file."""
    from tqdm import tqdm

    return [read_head(path) for path in tqdm(paths, "files", delay=2, leave=False, disable=None)]


def common_shape(heads: Sequence[Head], size: Size) -> tuple[Shape, list[str]]:
    """Return the (height, width, channels) that images have or, where they differ, are to get; and a note on that."""
    shape: Size = (heads[0].height, heads[0].width)
    notes = []
    if any((head.height, head.width) != shape for head in heads):
        shape = size
        notes.append(f"The images' sizes differ: all are resized to {size[0]}x{size[1]}.")
    return (*shape, common_channels(heads)), notes


def common_channels(heads: Sequence[Head]) -> int:
    """Return the channels that images are read with: 1 if all of them are grey, else 3."""
    return max(head.channels for head in heads)


def common_white_and_notes(paths: Sequence[Path], heads: Sequence[Head],
                           white: float | None) -> tuple[float | None, list[str]]:
    """Return the images' pixel value of white, and the notes on their pixels.

    Beside the heads only the pixels of a sample of the images and of those whose heads don't define white are read.
    """
    from tqdm import tqdm

    notes = []
    if several := [path for path, head in zip(paths, heads) if head.has_more]:
        first = line(several[0])
        notes.append(f"{len(several):,} of the files hold several pictures, as {first}: the first is taken.")
    if undefined := [path for path, head in zip(paths, heads) if not head.white]:
        extents = [extent(path) for path in tqdm(undefined, "ranges", delay=2, leave=False, disable=None)]
        white, note = common_white(undefined, extents, white)
        notes.append(note)
    for bits in brightness.LIMITS:
        sampled = spread([path for path, head in zip(paths, heads) if head.white and head.bits == bits])
        notes += brightness.notes_on(_inspected(peak, sampled), bits, list(map(line, sampled)).__getitem__)
    if transparent := [path for path, head in zip(paths, heads) if head.has_alpha]:
        sampled = spread(transparent)
        is_most = 2 * len(transparent) >= len(paths)
        notes += notes_on(_inspected(is_blank, sampled), list(map(line, sampled)).__getitem__, is_most)
    return white, notes


def _inspected(function, paths):
    """Return the function's value for each file, None if that can't be read: the image may never be used."""

    def inspect(path):
        try:
            return function(path)
        except ZooError:
            return None

    return list(threads().map(inspect, paths))


def read_images(shape: Shape, white: float | None, paths: np.ndarray) -> np.ndarray:
    """Decode the files on several threads into (len(paths), *shape) uint8."""
    images = np.empty((len(paths), *shape), np.uint8)

    def fill(indices):
        for i in indices:
            images[i] = read_image(paths[i], shape[-1], shape[:2], white)

    list(threads().map(fill, np.array_split(np.arange(len(paths)), THREADS)))
    return images


@cache
def threads() -> ThreadPoolExecutor:
    """Return the threads that decode files."""
    return ThreadPoolExecutor(THREADS, thread_name_prefix="images")

"""The one shape that every source of images ends in, in memory or left in its files."""

from collections.abc import Callable
from dataclasses import dataclass, replace
from math import prod

import numpy as np

from zoo.errors import ZooError

SEED = 0  # splits are carved with this seed, whatever the training's, so that every run sees the same test images
HELD_BYTES = 2**30  # a set of more bytes, decoded, stays in its files
CHUNK = 128  # images decoded at a time where all of them are read


@dataclass(frozen=True)
class Split:
    """`images` (N, height, width, channels) uint8, and `labels` (N,) int32."""

    images: np.ndarray
    labels: np.ndarray

    def __len__(self):
        return len(self.labels)

    @property
    def image_shape(self):
        """(height, width, channels)."""
        return self.images.shape[1:]

    def take(self, indices):
        return Split(self.images[indices], self.labels[indices])

    def read(self, places):
        """Return the images at these places, (len(places), height, width, channels) uint8."""
        return self.images[places]


@dataclass(frozen=True)
class StreamedSplit:
    """As a `Split`, with images that stay in their files until they are read.

    `decode(items)` returns the images of some of the `items`, whatever these are to it (paths, numbers of records),
    as (len(items), *image_shape) uint8. It may be called from several threads.
    """

    items: np.ndarray
    labels: np.ndarray
    image_shape: tuple
    decode: Callable

    def __len__(self):
        return len(self.labels)

    def take(self, indices):
        return replace(self, items=self.items[indices], labels=self.labels[indices])

    def read(self, places):
        """Return the images at these places, (len(places), height, width, channels) uint8."""
        return self.decode(self.items[places])

    @property
    def images(self):
        """All of them, decoded anew at each call: for a split that is known to fit into memory."""
        from tqdm import tqdm

        images = np.empty((len(self), *self.image_shape), np.uint8)
        with tqdm(total=len(self), desc="images", delay=2, leave=False, disable=None) as progress:
            for places in chunks(np.arange(len(self))):
                images[places] = self.read(places)
                progress.update(len(places))
        return images


@dataclass(frozen=True)
class Dataset:
    """Images of one size in three splits; label i is the class `class_names[i]`. `notes` are sentences to print.

    The splits are of one kind: each a `Split`, or each a `StreamedSplit`. `white` is the value of white in the images'
    files where these don't tell it (`zoo.data.ranges`), else None.
    """

    name: str
    class_names: tuple
    train: Split | StreamedSplit
    validation: Split | StreamedSplit
    test: Split | StreamedSplit
    notes: tuple = ()
    white: float | None = None

    @property
    def image_shape(self):
        """(height, width, channels)."""
        return self.train.image_shape

    @property
    def is_held(self):
        """Whether the images are in memory."""
        return isinstance(self.train, Split)

    def map(self, function):
        """Return the data set with `function` of each of its splits in their place."""
        return replace(self, train=function(self.train), validation=function(self.validation), test=function(self.test))


def chunks(places):
    """Yield the places, `CHUNK` at a time."""
    for start in range(0, len(places), CHUNK):
        yield places[start : start + CHUNK]


def make_dataset(name, class_names, splits, notes=()):
    """Return the `Dataset` of a dict of splits: "train", and "validation" and "test" where the source has them.

    A missing test split is carved from the training images (20 %), then a missing validation split (10 % of what
    is left); both are stratified and always the same. The notes say so.

    Raises:
        ZooError: if there are fewer than two classes, labels out of their range, too few images to split, or images
            that are neither grey nor colour.
    """
    class_names, splits, notes = tuple(class_names), dict(splits), list(notes)
    for split, images in splits.items():
        if not len(images):
            raise ZooError(f"{name} has no images in its {split} split.")
        if images.labels.min() < 0 or images.labels.max() >= len(class_names):
            raise ZooError(f"{name} has labels outside 0..{len(class_names) - 1} in its {split} split.")
        if images.image_shape[-1] not in (1, 3):
            raise ZooError(
                f"{name} has images of {images.image_shape[-1]} channels; 1 (grey) or 3 (colour) are understood."
            )
    if len(class_names) < 2:
        raise ZooError(f"{name} has one class only ({', '.join(class_names)}); there is nothing to tell apart.")
    for split, share, what in (("test", 0.2, "Test"), ("validation", 0.1, "Validation")):
        if split not in splits:
            splits["train"], splits[split] = carve(name, splits["train"], share)
            notes.append(f"{what}: {share:.0%} of the training images, for {name} has no {split} split of its own.")
    return Dataset(name, class_names, splits["train"], splits["validation"], splits["test"], tuple(notes))


def carve(name, split, share):
    """Return (the rest, the carved `share`) of a split, each class in proportion.

    A class of a single image can't be in both; then the share is drawn without regard to classes.
    """
    if len(split) < 3:
        raise ZooError(f"{name} has {len(split)} training images, too few to hold any back for testing.")
    return draw(split, max(1, round(share * len(split))))


def draw(split, count):
    """Return (the rest, the `count` drawn) of a split: each class in proportion where that can be, always the same."""
    from sklearn.model_selection import train_test_split

    present, sizes = np.unique(split.labels, return_counts=True)
    stratified = sizes.min() > 1 and len(present) <= min(count, len(split) - count)
    rest, drawn = train_test_split(
        np.arange(len(split)), test_size=count, random_state=SEED, stratify=split.labels if stratified else None
    )
    return split.take(rest), split.take(drawn)


def hold(dataset):
    """Return the data set with its images in memory, or with a note where they are too many for that (`HELD_BYTES`)."""
    if dataset.is_held:
        return dataset
    size = sum(map(len, (dataset.train, dataset.validation, dataset.test))) * prod(dataset.image_shape)
    if size <= HELD_BYTES:
        return dataset.map(lambda split: Split(split.images, split.labels))
    note = f"The images, {size / 2**30:.1f} GiB when decoded, stay in their files and are read as they are needed."
    return replace(dataset, notes=(*dataset.notes, note))

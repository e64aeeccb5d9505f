"""The `Dataset` that every source of images is loaded as, in memory or streamed from its files."""

from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Any, Self

import numpy as np

from zoo.annotations import Shape
from zoo.data.class_names import listed, normalized
from zoo.data.splitting import size_of_share, split_off
from zoo.errors import ZooError

IN_MEMORY_BYTES = 2**30  # a data set of more bytes, decoded, stays in its files
IGNORED = 255  # the label of a pixel that doesn't count: in no loss and no metric
CHUNK = 128  # images decoded at a time when a whole split is read


class BaseSplit:
    """What both kinds of split have in common: images that are whole, and the same in each epoch."""

    labels: Any
    has_masks: Any
    read: Callable[[Any], np.ndarray]
    read_labels: Callable[[Any], np.ndarray]

    @property
    def strata(self: Any) -> np.ndarray:
        """The labels (N,) by which samples are stratified: all the same if the images have masks."""
        return np.zeros(len(self), np.int32) if self.has_masks else self.labels

    @property
    def varies(self) -> bool:
        """Whether the split has other images in each epoch."""
        return False

    def in_epoch(self, seed: int, epoch: int) -> Self:
        """Return the split as it is in an epoch, counted from 0, of a training with this seed."""
        return self

    def whole_images(self, places: np.ndarray) -> Iterator[np.ndarray]:
        """Yield arrays (…, channels) of all pixels of the images at these indices, also where it has parts of them."""
        yield self.read(places)

    def whole_masks(self, places: np.ndarray) -> Iterator[np.ndarray]:
        """Yield arrays of all pixels of the masks at these indices likewise."""
        yield self.read_labels(places)


@dataclass(frozen=True)
class Split(BaseSplit):
    """`images` (N, height, width, channels) uint8, and `labels`: (N,) int32, or masks (N, height, width) uint8."""

    images: np.ndarray
    labels: np.ndarray

    def __len__(self) -> int:
        return len(self.labels)

    @property
    def image_shape(self) -> Shape:
        """(height, width, channels)."""
        return self.images.shape[1:]

    @property
    def has_masks(self) -> bool:
        """Whether each pixel has a label, instead of each image."""
        return self.labels.ndim == 3

    def take(self, indices: np.ndarray) -> "Split":
        return Split(self.images[indices], self.labels[indices])

    def read(self, places: np.ndarray | slice) -> np.ndarray:
        """Return the images at the indices `places`, (len(places), height, width, channels) uint8."""
        return self.images[places]

    def read_labels(self, places: np.ndarray | slice) -> np.ndarray:
        """Return these images' labels, (len(places),) int32, or masks, (len(places), height, width) uint8."""
        return self.labels[places]

    def relabelled(self, indices: np.ndarray) -> "Split":
        """Return the split with `indices[label]` in the place of each label, those of masks included."""
        return replace(self, labels=new_masks(indices, self.labels) if self.has_masks else indices[self.labels])

    def without_masks(self) -> "Split":
        """Return the split with a label for each image, whatever it means, so that masks needn't be read."""
        return replace(self, labels=self.strata)

    def in_memory(self) -> "Split":
        return self

@dataclass(frozen=True)
class StreamedSplit(BaseSplit):
    """Like a `Split`, with images, and masks if they have these, that stay in their files until they are read.

    `decode(items)` returns the images of some of the `items`, which are whatever it needs (paths, indices of records),
    as (len(items), *image_shape) uint8; `decode_masks(items)` their masks, (len(items), height, width) uint8. Both may
    be called from several threads. A split has either `labels` (N,) int32 or `decode_masks`; the other is None.
    """

    items: np.ndarray
    labels: np.ndarray | None
    image_shape: tuple
    decode: Callable[[np.ndarray], np.ndarray]
    decode_masks: Callable[[np.ndarray], np.ndarray] | None = None

    def __len__(self) -> int:
        return len(self.items)

    @property
    def has_masks(self) -> bool:
        """Whether each pixel has a label, instead of each image."""
        return self.labels is None

    def take(self, indices: np.ndarray) -> "StreamedSplit":
        labels = None if self.labels is None else self.labels[indices]
        return replace(self, items=self.items[indices], labels=labels)

    def read(self, places: np.ndarray | slice) -> np.ndarray:
        """Return the images at the indices `places`, (len(places), height, width, channels) uint8."""
        return self.decode(self.items[places])

    def read_labels(self, places: np.ndarray | slice) -> np.ndarray:
        """Return these images' labels, (len(places),) int32, or masks, (len(places), height, width) uint8."""
        return self.decode_masks(self.items[places]) if self.decode_masks else self.labels[places]  # type: ignore[index]

    def relabelled(self, indices: np.ndarray) -> "StreamedSplit":
        """Return the split with `indices[label]` in the place of each label, those of masks included."""
        if self.decode_masks is None:
            return replace(self, labels=indices[self.labels])
        decode = self.decode_masks
        return replace(self, decode_masks=lambda items: new_masks(indices, decode(items)))

    def without_masks(self) -> "StreamedSplit":
        """Return the split with a label for each image, whatever it means, so that masks needn't be read."""
        return replace(self, labels=self.strata, decode_masks=None)

    def in_memory(self) -> Split:
        """Decode everything; only for a split that is known to fit into memory."""
        from tqdm import tqdm

        images = np.empty((len(self), *self.image_shape), np.uint8)
        labels = np.empty(images.shape[:3], np.uint8) if self.labels is None else self.labels
        with tqdm(total=len(self), desc="images", delay=2, leave=False, disable=None) as progress:
            for indices in chunks(np.arange(len(self))):
                images[indices] = self.read(indices)
                labels[indices] = self.read_labels(indices)
                progress.update(len(indices))
        return Split(images, labels)


def new_masks(indices: np.ndarray, masks: np.ndarray) -> np.ndarray:
    """Return masks with `indices[label]` in the place of each label but `IGNORED`."""
    table = np.full(IGNORED + 1, IGNORED, np.uint8)
    table[: len(indices)] = indices
    return table[masks]


AnySplit = Split | StreamedSplit


@dataclass(frozen=True)
class Dataset:
    """Images of one size in three splits; label i means `class_names[i]`. `notes` are messages to print.

    The splits are of one kind: each a `Split`, or each a `StreamedSplit`, with one label an image (classification) or
    one a pixel (segmentation): a mask, in which `IGNORED` marks pixels that don't count. `white` is the pixel value of
    white in image files whose format doesn't define it (`zoo.data.ranges`), else None. `colours` are those of the
    classes in pictures of masks, (red, green, blue) each, if the source has them.
    """

    name: str
    class_names: tuple
    train: AnySplit
    validation: AnySplit
    test: AnySplit
    notes: tuple = ()
    white: float | None = None
    colours: tuple = ()

    @property
    def image_shape(self) -> Shape:
        """(height, width, channels)."""
        return self.train.image_shape

    @property
    def is_in_memory(self) -> bool:
        """Whether the images are in memory."""
        return isinstance(self.train, Split)

    @property
    def has_masks(self) -> bool:
        """Whether each pixel has a label, instead of each image."""
        return self.train.has_masks

    def map(self, function: Callable[[AnySplit], AnySplit]) -> "Dataset":
        """Return the data set with `function` applied to each of its splits."""
        return replace(self, train=function(self.train), validation=function(self.validation), test=function(self.test))


def chunks(places: np.ndarray) -> Iterator[np.ndarray]:
    """Yield the indices `places`, `CHUNK` at a time."""
    for start in range(0, len(places), CHUNK):
        yield places[start : start + CHUNK]


def make_dataset(name: str, class_names: Iterable[str], splits: Mapping[str, AnySplit],
                 notes: Iterable[str] = ()) -> Dataset:
    """Make a `Dataset` from a dict of splits: "train", and "validation" and "test" where the source has them.

    A missing test split is split off the training images (20 %), then a missing validation split (10 % of the
    rest); both are stratified and always the same. The notes report it.

    Raises:
        ZooError: if there are fewer than two classes, two of the same name, labels out of range, too few images to
            split, or images of neither 1 nor 3 channels.
    """
    class_names, splits, notes = tuple(class_names), dict(splits), list(notes)
    _check(name, class_names, splits)
    spelled = Counter(map(normalized, class_names))
    if alike := [one for one in class_names if spelled[normalized(one)] > 1]:
        notes.append(f"Classes whose names differ by case, spaces or zeros alone: {listed(alike)}.")
    given = splits["train"]
    for split, share, what in (("test", 0.2, "Test"), ("validation", 0.1, "Validation")):
        if split not in splits:
            whole = splits["train"]
            splits["train"], splits[split] = split_off(name, whole, share, "testing" if split == "test" else split)
            part = f"{share:.0%}" if len(splits[split]) == size_of_share(whole, share) else len(splits[split])
            notes.append(f"{what}: {part} of the training images, for {name} has no {split} split of its own.")
    singles = [one for one, count in zip(class_names, np.bincount(given.strata)) if count == 1]
    if not given.has_masks and singles and given is not splits["train"]:
        notes.append(f"Classes of a single image, which stays in training: {listed(singles)}.")
    return Dataset(name, class_names, splits["train"], splits["validation"], splits["test"], tuple(notes))


def _check(name, class_names, splits):
    for split, images in splits.items():
        if not len(images):
            raise ZooError(f"{name} has no images in its {split} split.")
        if images.labels is not None:  # masks in files are checked where they are read
            known = images.labels[images.labels != IGNORED] if images.has_masks else images.labels
            if not known.size:
                raise ZooError(f"{name} has masks that are {IGNORED} throughout in its {split} split: no pixel counts.")
            low, high = known.min(initial=0), known.max(initial=0)
            if low < 0 or high >= len(class_names):
                raise ZooError(
                    f"{name} has labels outside 0..{len(class_names) - 1} in its {split} split: "
                    f"{low if low < 0 else high}."
                )
        if images.image_shape[-1] not in (1, 3):
            raise ZooError(
                f"{name} has images of {images.image_shape[-1]} channels; 1 (grey) or 3 (colour) are understood."
            )
    if len(class_names) < 2:
        raise ZooError(f"{name} has one class only ({', '.join(class_names)}); there is nothing to tell apart.")
    if twice := [one for one, count in Counter(class_names).items() if count > 1]:
        raise ZooError(f"{name} has more than one class of the name {twice[0]!r}; give each its own.")


def class_counts(dataset: Dataset) -> np.ndarray:
    """Return how many training images, or pixels of their masks, each class has, (classes,)."""
    from tqdm import tqdm

    if not dataset.has_masks:
        return np.bincount(dataset.train.strata, minlength=len(dataset.class_names))
    counts, places = np.zeros(256, np.int64), list(chunks(np.arange(len(dataset.train))))
    for indices in tqdm(places, "classes", delay=2, leave=False, disable=None):
        for masks in dataset.train.whole_masks(indices):
            counts += np.bincount(masks.ravel(), minlength=256)
    return counts[: len(dataset.class_names)]


def into_memory(dataset: Dataset) -> Dataset:
    """Read the images into memory if they fit into `IN_MEMORY_BYTES`; else leave them in their files and add a note.

    Notes also list the classes without a training image or without a test image.
    """
    notes = (*dataset.notes, *_notes_on_absent_classes(dataset))
    if dataset.is_in_memory:
        return replace(dataset, notes=notes)
    height, width, channels = dataset.image_shape
    images = sum(map(len, (dataset.train, dataset.validation, dataset.test)))
    size = images * height * width * (channels + dataset.has_masks)
    if size <= IN_MEMORY_BYTES:
        return replace(dataset.map(lambda split: split.in_memory()), notes=notes)
    return replace(dataset, notes=(*notes, note_on_files(size)))


def note_on_files(size: int) -> str:
    """Return the note on images of so many bytes, decoded, which stay in their files."""
    return f"The images, {size / 2**30:.1f} GiB when decoded, stay in their files and are read as they are needed."


def _notes_on_absent_classes(dataset):
    """Yield notes on classes without training images, which can't be learnt, and on those without test images."""
    if dataset.has_masks:
        return
    names = np.array(dataset.class_names, object)
    learnt, tested = (np.bincount(split.labels, minlength=len(names)) for split in (dataset.train, dataset.test))
    if unlearnt := names[learnt == 0].tolist():
        mistakes = tested[learnt == 0].sum()
        ends = f"; their {mistakes} test images count as mistakes" if mistakes else ""
        yield f"Classes without a training image, which can't be learnt: {listed(unlearnt)}{ends}."
    if untested := names[(learnt > 0) & (tested == 0)].tolist():
        yield f"Classes without a test image, whose accuracy isn't measured: {listed(untested)}."

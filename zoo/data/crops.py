"""Parts of one size of images with masks that keep their own: cut at random for training, else tiles.

Every part is a place, (image, top, left), at which a window of the crop's size lies on the image. What lies outside of
the image is 0, and `IGNORED` in the mask. A net without padding labels only what is `covered`, (top, left, height,
width), in a window: it is these parts then that lie within images or side by side, and images are mirrored beyond their
borders.
"""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from functools import lru_cache, partial

import numpy as np

from zoo.annotations import Size
from zoo.data import dataset as datasets
from zoo.data.dataset import IGNORED, Dataset, StreamedSplit
from zoo.data.folder import threads
from zoo.data.own_sizes import OwnSizes, own_sizes
from zoo.errors import ZooError
from zoo.layout import checks

CUTS = 1  # tells the random numbers of cuts from those of the images' order, which seed and epoch give, too
KEPT = 4  # decoded images that are kept for their next tiles, in the next batch

Covered = tuple[int, int, int, int]  # top, left, height, width


@dataclass(frozen=True)
class RandomCrops(StreamedSplit):
    """A window of each image of the split `whole`, at another place in each epoch (`in_epoch`).

    `items` (N, 3) are the windows' places, of which `covered` is labelled; `image_shape` is that of windows.
    """

    whole: OwnSizes = field(kw_only=True)
    covered: Covered = field(kw_only=True)

    @property
    def varies(self) -> bool:
        return True

    def in_epoch(self, seed: int, epoch: int) -> "RandomCrops":
        return replace(self, items=random_places(self.whole.sizes, self.covered, seed, epoch)[self.items[:, 0]])

    def relabelled(self, indices: np.ndarray) -> "RandomCrops":
        """Return the split with `indices[label]` in the place of each label, also in whole masks."""
        masks = super().relabelled(indices).decode_masks
        return replace(self, decode_masks=masks, whole=self.whole.relabelled(indices))

    def whole_images(self, places: np.ndarray) -> Iterator[np.ndarray]:
        for index in self.items[places, 0]:
            yield from self.whole.read(slice(index, index + 1))

    def whole_masks(self, places: np.ndarray) -> Iterator[np.ndarray]:
        for index in self.items[places, 0]:
            yield from self.whole.read_labels(slice(index, index + 1))


def checked_crop(crop: Sequence[int]) -> Size:
    """Return a crop as (height, width). Raises `ZooError` if it is none."""
    if len(crop) != 2:
        raise ZooError(f"crop is a height and a width, for the images keep their channels; got {tuple(crop)}.")
    return checks.count("crop", crop[0]), checks.count("crop", crop[1])


def check_masks(dataset: Dataset) -> None:
    """Raise `ZooError` if the images of a data set that is to be cropped have one label each."""
    if not dataset.has_masks:
        raise ZooError(f"{dataset.name} has one label for each image, and a crop may not show what it names: only "
                       "images with masks can be cropped.")


def cropped(dataset: Dataset, size: Size, covered: Covered | None = None) -> Dataset:
    """Return a data set of images with masks as one of windows of (height, width): cuts of the training images, tiles.

    Images are held in memory if all of them fit into it when decoded, else they stay in their files. The notes tell of
    both.

    Args:
        dataset: of splits in memory, or of `OwnSizes`.
        size: the windows' (height, width).
        covered: the part of a window that a net labels, (top, left, height, width); all of it if None.
    """
    covered = (0, 0, *size) if covered is None else covered
    train, validation, test = splits = tuple(map(own_sizes, (dataset.train, dataset.validation, dataset.test)))
    decoded = sum(split.num_bytes for split in splits)
    small = sum(int((split.sizes < covered[2:]).any(1).sum()) for split in splits)
    tiled, tested = (_tiles(split, size, covered) for split in (validation, test))
    own, labelled = f"{size[0]}x{size[1]}", f"{covered[2]}x{covered[3]}"
    notes = [f"The images keep their sizes: each is cut to {own} at random in each epoch; those for validation and "
             f"testing, {len(validation):,} and {len(test):,}, are cut into {len(tiled):,} and {len(tested):,} tiles."]
    if labelled != own:
        notes.append(f"Of these the net labels the inner {labelled}: tiles overlap by the rest.")
    if small:
        notes.append(f"{small:,} of the images are smaller than {labelled}: what is added doesn't count.")
    if decoded <= datasets.IN_MEMORY_BYTES:
        train, validation, test = (split.held() for split in splits)
        tiled, tested = (_tiles(split, size, covered) for split in (validation, test))
    else:
        notes.append(datasets.note_on_files(decoded))
    cut = _random(train, size, covered)
    return replace(dataset, train=cut, validation=tiled, test=tested, notes=(*dataset.notes, *notes))


def random_places(sizes: np.ndarray, covered: Covered, seed: int, epoch: int) -> np.ndarray:
    """Return a random place (image, top, left) for each of the sizes (N, 2); each depends on its own size alone.

    The covered part of a window lies within its image or, where that is smaller, the image within this part.
    """
    chosen = np.random.default_rng((seed, epoch, CUTS)).random((len(sizes), 2))
    spare = sizes - np.array(covered[2:])
    corners = np.minimum(spare, 0) + np.floor(chosen * (np.abs(spare) + 1)).astype(int)
    return np.column_stack([np.arange(len(sizes)), corners - np.array(covered[:2])])


def tile_places(sizes: np.ndarray, covered: Covered) -> np.ndarray:
    """Return the places (image, top, left) of tiles that cover each pixel of images of the sizes (N, 2) once."""
    top, left, tile_height, tile_width = covered
    return np.array([
        (index, y - top, x - left) for index, (height, width) in enumerate(sizes.tolist())
        for y in range(0, height, tile_height) for x in range(0, width, tile_width)
    ])


def _random(whole, size, covered):
    places, shape = random_places(whole.sizes, covered, 0, 0), (*size, whole.image_shape[-1])
    return RandomCrops(places, None, shape, *_decoders(whole, size, covered), whole=whole, covered=covered)


def _tiles(whole, size, covered):
    places, shape = tile_places(whole.sizes, covered), (*size, whole.image_shape[-1])
    return StreamedSplit(places, None, shape, *_decoders(whole, size, covered, lru_cache(KEPT)))


def _decoders(whole: OwnSizes, size: Size, covered: Covered, keep: Callable = lambda function: function):
    """Return the functions from places to windows of the images, and to those of the masks.

    `keep` is applied to the functions from an image's index to the image, and to its mask.
    """
    def image(index):
        return whole.read(slice(index, index + 1))[0]

    def mask(index):
        return whole.read_labels(slice(index, index + 1))[0]

    shape = (*size, whole.image_shape[-1])
    copy = _copy if covered[2:] == size else _copy_mirrored
    return partial(_windows, keep(image), shape, 0, copy), partial(_windows, keep(mask), size, IGNORED, _copy)


def _windows(read, shape, outside, copy, places):
    """Return windows (len(places), *shape) uint8 of the images that `read` gives for their indices.

    Each image is read once, however many of the windows lie on it.
    """
    windows = np.full((len(places), *shape), outside, np.uint8)

    def fill(index):
        image = read(index)
        for i in np.flatnonzero(places[:, 0] == index):
            copy(image, windows[i], *places[i, 1:])

    list(threads().map(fill, np.unique(places[:, 0]).tolist()))
    return windows


def _copy(image, window, top, left):
    """Copy what of an image lies in the window whose upper left corner is at (top, left) on it."""
    height, width = window.shape[:2]
    part = image[max(top, 0) : top + height, max(left, 0) : left + width]
    below, right = max(-top, 0), max(-left, 0)
    window[below : below + part.shape[0], right : right + part.shape[1]] = part


def _copy_mirrored(image, window, top, left):
    """Copy an image, mirrored at its borders, to the window likewise."""
    rows = _mirrored(top + np.arange(window.shape[0]), image.shape[0])
    columns = _mirrored(left + np.arange(window.shape[1]), image.shape[1])
    window[:] = image[rows[:, None], columns]


def _mirrored(places, length):
    period = max(2 * (length - 1), 1)
    places = np.abs(places) % period
    return np.minimum(places, period - places)

"""A split of images with masks that keep their own sizes, from which `zoo.data.crops` cuts parts of one size."""

from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from functools import partial

import numpy as np

from zoo.data.dataset import AnySplit, StreamedSplit, new_masks
from zoo.data.folder import threads


@dataclass(frozen=True)
class OwnSizes(StreamedSplit):
    """Like a `StreamedSplit`, but what it decodes, one after the other, are lists of images and masks of any size.

    `sizes` (N, 2) are their heights and widths, `image_shape` is (None, None, channels).
    """

    sizes: np.ndarray = field(kw_only=True)

    def take(self, indices: np.ndarray) -> "OwnSizes":
        return replace(self, items=self.items[indices], sizes=self.sizes[indices])

    def relabelled(self, indices: np.ndarray) -> "OwnSizes":
        return replace(self, decode_masks=_each(partial(new_masks, indices), self.decode_masks))

    @property
    def num_bytes(self) -> int:
        """The size of the images and masks when decoded."""
        return int(self.sizes.prod(1).sum()) * (self.image_shape[-1] + 1)

    def held(self) -> "OwnSizes":
        """Return the split with all images and masks in memory; only for one that is known to fit into it."""
        from tqdm import tqdm

        def pair(i):
            return self.read(slice(i, i + 1))[0], self.read_labels(slice(i, i + 1))[0]

        decoded = threads().map(pair, range(len(self)))
        return of_arrays(*zip(*tqdm(decoded, "images", len(self), delay=2, leave=False, disable=None)))


def own_sizes(split: AnySplit) -> OwnSizes:
    """Return a split of images with masks, in memory or of this kind already, as one of this kind."""
    return split if isinstance(split, OwnSizes) else of_arrays(split.read(slice(None)), split.read_labels(slice(None)))


def one_by_one(split: StreamedSplit, sizes: np.ndarray) -> OwnSizes:
    """Return a streamed split, which decodes images of one size together, as one of images of these sizes (N, 2)."""
    def alone(decode):
        return lambda items: [decode(items[i : i + 1])[0] for i in range(len(items))]

    channels = split.image_shape[-1]
    decode, decode_masks = alone(split.decode), alone(split.decode_masks)
    return OwnSizes(split.items, None, (None, None, channels), decode, decode_masks, sizes=sizes)


def of_arrays(images: Iterable[np.ndarray], masks: Iterable[np.ndarray]) -> OwnSizes:
    """Return the split of images (height, width, channels) and masks (height, width) in memory."""
    images, masks = list(images), list(masks)
    sizes, channels = np.array([mask.shape for mask in masks]), images[0].shape[-1]
    decode, decode_masks = _picked(images), _picked(masks)
    return OwnSizes(np.arange(len(images)), None, (None, None, channels), decode, decode_masks, sizes=sizes)


def _picked(arrays):
    return lambda places: [arrays[place] for place in places]


def _each(function, decode):
    return lambda items: [function(array) for array in decode(items)]

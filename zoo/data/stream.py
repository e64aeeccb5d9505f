"""The batches of a split, prefetched by threads: for data sets that stay in their files, and any other."""

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from functools import lru_cache
from typing import Any

import keras
import numpy as np

from zoo.data.dataset import AnySplit
from zoo.errors import ZooError

AHEAD = 4  # batches that are prefetched while the network computes


class Stream(keras.utils.PyDataset):
    """The batches of a split for Keras's `fit`, `evaluate` and `predict`, prefetched by other threads.

    Each is (images, labels): (batch, height, width, channels) uint8 and (batch,) int32; or ((images, masks), masks),
    with masks (batch, height, width) uint8, which augmentation moves with the images (`example`). Without a seed, every
    image comes once, in the split's order. With a seed it is infinite: the images are reshuffled each epoch, an
    incomplete last batch is dropped, and `fit` needs `steps_per_epoch=stream.steps`. Batch i depends on seed, epoch and
    i only, also where images are cut anew in each epoch (`Split.in_epoch`).

    Args:
        split: a `Split` or `StreamedSplit`; with a seed, of `batch_size` images at least.
        batch_size: images per batch.
        seed: the shuffling's, an integer from 0.
        epoch: the epoch to begin with, counted from 0.
        steps: how many batches an epoch has; by default, as many as there are images for.
        local: the slice of each batch that this process reads, where others read the rest.

    Attributes:
        steps: how many batches an epoch has.
        problem: the `ZooError` of an image that couldn't be read, or None.
    """

    def __init__(self, split: AnySplit, batch_size: int, seed: int | None = None, epoch: int = 0,
                 steps: int | None = None, local: slice = slice(None)):
        super().__init__(workers=1)  # Keras's own workers can repeat batches of an epoch that they had begun
        self.split, self.batch_size, self.seed, self.epoch = split, batch_size, seed, epoch
        full, rest = divmod(len(split), batch_size)
        self.steps = steps or full + (seed is None and rest > 0)
        self.local = local
        self.problem = None
        self._cached_epoch = lru_cache(2)(self._in_epoch)
        self._threads = ThreadPoolExecutor(2)  # one ends a batch while the other begins the next; each uses all cores
        self._ahead: dict[int, Any] = {}

    @property
    def num_batches(self) -> int | None:
        """The number of batches, for Keras; None if infinite."""
        return self.steps if self.seed is None else None

    def __getitem__(self, number):
        last = number + AHEAD if self.num_batches is None else min(number + AHEAD, self.steps - 1)
        self._ahead = {
            i: self._ahead.get(i) or self._threads.submit(self._read, i) for i in range(number, last + 1)
        }
        try:
            return self._ahead.pop(number).result()
        except ZooError as problem:
            self.problem = problem
            raise

    def _read(self, number):
        epoch, step = divmod(number, self.steps)
        split, order = self._cached_epoch(self.epoch + epoch)
        indices = order[step * self.batch_size : (step + 1) * self.batch_size][self.local]
        return example(split.read(indices), split.read_labels(indices))

    def _in_epoch(self, epoch):
        """Return the split as it is in an epoch, and the order of its images there."""
        if self.seed is None:
            return self.split, np.arange(len(self.split))
        order = np.random.default_rng((self.seed, epoch)).permutation(len(self.split))
        return self.split.in_epoch(self.seed, epoch), order


def example(images: Any, labels: Any) -> tuple[Any, Any]:
    """Return what a step of Keras's takes, inputs and targets: masks are both, for they change with their images."""
    return ((images, labels), labels) if len(labels.shape) == 3 else (images, labels)


@contextmanager
def own_errors(*streams: "Stream") -> Iterator[None]:
    """Re-raise a stream's `ZooError`, for an image that can't be read, where TensorFlow raises another in its place."""
    try:
        yield
    except Exception:
        for stream in streams:
            if stream.problem:
                raise stream.problem from None
        raise

"""The batches of a split, read ahead by threads: for data sets that stay in their files, and any other."""

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from functools import lru_cache
from typing import Any

import keras
import numpy as np

from zoo.data.dataset import AnySplit
from zoo.errors import ZooError

AHEAD = 4  # batches that are read while the network works


class Stream(keras.utils.PyDataset):
    """The batches of a split, as Keras's `fit`, `evaluate` and `predict` take them, read ahead on other threads.

    Each is (images, labels): (batch, height, width, channels) uint8 and (batch,) int32. Without a seed, every image
    comes once, in the split's order. With a seed there is no end: the images are reshuffled each epoch, those that
    don't fill its last batch are left out, and `fit` needs `steps_per_epoch=stream.steps`. Batch i depends on seed,
    epoch and i only.

    Args:
        split: a `Split` or `StreamedSplit`; with a seed, of `batch_size` images at least.
        batch_size: images a batch.
        seed: of the order, a whole number from 0.
        epoch: the number, from 0, of the epoch to begin with.
        steps: how many batches an epoch has; by default, as many as the images fill.
        local: the slice of each batch that this process reads, where others read the rest.

    Attributes:
        steps: how many batches an epoch has.
        problem: the `ZooError` of an image that couldn't be read, or None.
    """

    def __init__(self, split: AnySplit, batch_size: int, seed: int | None = None, epoch: int = 0,
                 steps: int | None = None, local: slice = slice(None)):
        super().__init__(workers=1)  # Keras's own workers can repeat batches of an epoch that they had begun
        self.split, self.batch_size, self.seed, self.epoch = split, batch_size, seed, epoch
        whole, rest = divmod(len(split), batch_size)
        self.steps = steps or whole + (seed is None and rest > 0)
        self.local = local
        self.problem = None
        self._shuffled = lru_cache(2)(self._order)
        self._threads = ThreadPoolExecutor(2)  # one ends a batch while the other begins the next; each uses all cores
        self._ahead: dict[int, Any] = {}

    @property
    def num_batches(self) -> int | None:
        """For Keras: None if there is no end."""
        return self.steps if self.seed is None else None

    def __getitem__(self, number):
        last = number + AHEAD if self.num_batches is None else min(number + AHEAD, self.steps - 1)
        self._ahead = {
            i: self._ahead.get(i) or self._threads.submit(self._read, self._places(i)) for i in range(number, last + 1)
        }
        try:
            return self._ahead.pop(number).result()
        except ZooError as problem:
            self.problem = problem
            raise

    def _read(self, places):
        return self.split.read(places), self.split.labels[places]

    def _places(self, number):
        epoch, step = divmod(number, self.steps)
        return self._shuffled(self.epoch + epoch)[step * self.batch_size : (step + 1) * self.batch_size][self.local]

    def _order(self, epoch):
        if self.seed is None:
            return np.arange(len(self.split))
        return np.random.default_rng((self.seed, epoch)).permutation(len(self.split))


@contextmanager
def own_errors(*streams: "Stream") -> Iterator[None]:
    """Let a stream's `ZooError`, for an image that can't be read, pass as it is; TensorFlow makes another of it."""
    try:
        yield
    except Exception:
        for stream in streams:
            if stream.problem:
                raise stream.problem from None
        raise

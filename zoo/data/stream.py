"""A split's batches, one after the other: for sets that stay in their files, and for any other."""

from contextlib import contextmanager

import keras
import numpy as np

from zoo.errors import ZooError

AHEAD = 4  # batches that wait, decoded, for the network


class Stream(keras.utils.PyDataset):
    """The batches of a split, as Keras's `fit`, `evaluate` and `predict` take them, decoded while the network works.

    Each is (images, labels): (batch, height, width, channels) uint8 and (batch,) int32. With a seed the images are
    shuffled anew each epoch, from `epoch` on; the order follows from seed and epoch alone, and images that don't fill
    a last batch wait for another epoch. Without one they come as they are in the split, every one.

    Args:
        split: a `Split` or `StreamedSplit`.
        batch_size: images a batch.
        seed: of the order, a whole number from 0; None keeps the split's own.
        epoch: the number, from 0, of the first epoch.
    """

    def __init__(self, split, batch_size, seed=None, epoch=0):
        super().__init__(workers=2, max_queue_size=AHEAD)  # each batch is decoded on all cores already
        self.split, self.batch_size, self.seed, self.epoch = split, batch_size, seed, epoch
        self.problem = None
        self._arrange()

    def __len__(self):
        """The number of batches in an epoch."""
        whole, rest = divmod(len(self.split), self.batch_size)
        return whole + (self.seed is None and rest > 0)

    def __getitem__(self, number):
        places = self.order[number * self.batch_size : (number + 1) * self.batch_size]
        try:
            return self.split.read(places), self.split.labels[places]
        except ZooError as problem:
            self.problem = problem
            raise

    def on_epoch_end(self):
        self.epoch += 1
        self._arrange()

    def _arrange(self):
        count = len(self.split)
        shuffled = self.seed is not None
        self.order = np.random.default_rng((self.seed, self.epoch)).permutation(count) if shuffled else np.arange(count)


@contextmanager
def own_errors(*streams):
    """Let a stream's `ZooError`, for an image that can't be read, pass as it is; TensorFlow makes another of it."""
    try:
        yield
    except Exception:
        for stream in streams:
            if stream.problem:
                raise stream.problem from None
        raise

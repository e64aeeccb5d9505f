"""The epochs of a run: its callbacks, its data as `fit` takes it, and the call of Keras's `fit`."""

import time
from collections.abc import Callable, Iterator
from contextlib import nullcontext
from itertools import chain
from typing import Any

import keras
import numpy as np

from zoo.data.stream import Stream, example, own_errors
from zoo.runs.folder import Run
from zoo.runs.job import Job
from zoo.runs.tracking import tracked
from zoo.training.building import Period
from zoo.training.checkpoint import Best, Checkpoint
from zoo.training.classifier import block_sizes, steps_per_epoch
from zoo.training.distribution import Devices
from zoo.training.optimizing import Plateau


def run_epochs(period: Period, job: Job, run: Run | None, devices: Devices, history: list[dict[str, float]],
               verbose: str | int, watch: Callable[[list[dict[str, float]]], None] | None) -> None:
    """Train the epochs of a period that `history` lacks, and append their metrics; write the best one's weights.

    Without a run (in a worker that isn't the chief), nothing is written. `watch` is that of `zoo.training.train`.
    """
    recipe, best = job.recipe, Best(run, history) if run else keras.callbacks.Callback()
    images, is_in_memory = len(period.dataset.train), period.dataset.is_in_memory
    steps = steps_per_epoch(images, recipe.batch_size, is_in_memory)  # type: ignore[arg-type]
    callbacks = [
        Throughput(recipe.batch_size * steps),  # type: ignore[operator]
        *([best] if recipe.ema is None else _averaged(best)),
        Checkpoint(run, recipe, history, steps, period.end),
    ]
    if watch:
        now = {"on_train_begin": lambda logs: watch(history), "on_epoch_end": lambda epoch, logs: watch(history)}
        callbacks.append(keras.callbacks.LambdaCallback(**now))
    if recipe.schedule == "plateau":
        callbacks.insert(0, Plateau(recipe, history))  # before the checkpoint, which saves the learning rate
    with tracked(run, job) if run else nullcontext([]) as trackers:  # type: ignore[attr-defined]
        _fit_from(period, recipe, devices, len(history), verbose=verbose, callbacks=callbacks + trackers)


def _averaged(best):
    """Return callbacks to validate and keep the weights' moving average; training and checkpoints have the weights."""
    average = keras.callbacks.SwapEMAWeights()
    swap_in = keras.callbacks.LambdaCallback(on_epoch_end=lambda *_: average.on_test_begin())
    swap_out = keras.callbacks.LambdaCallback(on_epoch_end=lambda *_: average.on_test_end())
    return [average, swap_in, best, swap_out]


def _fit_from(period, recipe, devices, epoch, **options):
    """Call Keras's `fit` from this epoch on: in blocks if images are in memory and devices allow, else by batches."""
    classifier, dataset = period.classifier, period.dataset
    order, local = (recipe.batch_size, recipe.seed, epoch), devices.local_slice(recipe.batch_size)
    options |= {"epochs": recipe.epochs, "initial_epoch": epoch, "shuffle": False}
    if dataset.is_in_memory and devices.take_blocks:
        classifier.cache_on_device(dataset.train.images, dataset.train.labels)
        return classifier.fit(
            generated(classifier.blocks(*order, local)),
            steps_per_epoch=block_sizes(len(dataset.train), recipe.batch_size)[1],
            validation_data=in_batches(dataset.validation.images, dataset.validation.labels, recipe.batch_size),
            validation_batch_size=recipe.batch_size,  # where these are arrays
            **options,
        )
    steps = steps_per_epoch(len(dataset.train), recipe.batch_size, dataset.is_in_memory)
    stream = Stream(dataset.train, *order, steps, local)
    validation = Stream(dataset.validation, devices.even(recipe.batch_size, len(dataset.validation)))
    with own_errors(stream, validation):
        return classifier.fit(stream, steps_per_epoch=steps, validation_data=validation, **options)


class Throughput(keras.callbacks.Callback):
    """Report the throughput of training, "images/s", in the progress bar, the epoch's logs and metrics.csv.

    `images` is the number of training images per epoch. The time of validation doesn't count.
    """

    def __init__(self, images: int) -> None:
        super().__init__()
        self.images = images

    def on_epoch_begin(self, epoch: int, logs: Any = None) -> None:
        self.start = time.perf_counter()

    def on_train_batch_end(self, batch: int, logs: Any = None) -> None:
        done = self.images * (batch + 1) / self.params["steps"]
        self.rate = logs["images/s"] = round(done / (time.perf_counter() - self.start), 1)

    def on_epoch_end(self, epoch: int, logs: Any = None) -> None:
        logs["images/s"] = self.rate


# ---------------------------------------------------------------------- data in memory, as Keras's `fit` takes it
# On TensorFlow it is a tf.data.Dataset without autotuning: an autotuning thread can sleep for up to a minute after its
# dataset is released, and the process waits for it. Keras's own datasets of generators and arrays have autotuning.


def generated(batches: Iterator[tuple[np.ndarray, ...]]) -> Any:
    """Return data for `fit` from a generator of tuples of arrays of constant shapes; it can be iterated once."""
    if keras.backend.backend() != "tensorflow":
        return batches
    import tensorflow as tf

    first = next(batches)
    signature = tuple(tf.TensorSpec(array.shape, array.dtype) for array in first)
    return _untuned(tf.data.Dataset.from_generator(lambda: chain([first], batches), output_signature=signature))


def in_batches(images: np.ndarray, labels: np.ndarray, batch_size: int) -> Any:
    """Return data for `fit` from images (N, height, width, channels) and their labels (N,) or masks, in order."""
    if keras.backend.backend() != "tensorflow":
        return example(images, labels)
    import tensorflow as tf

    return _untuned(tf.data.Dataset.from_tensor_slices(example(images, labels)).batch(batch_size))


def _untuned(dataset):
    import tensorflow as tf

    options = tf.data.Options()
    options.autotune.enabled = False
    return dataset.prefetch(1).with_options(options)

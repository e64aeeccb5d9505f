"""Data in memory, as Keras's `fit` takes it.

On TensorFlow it is a data set without tf.data's autotuning: a thread of that can sleep on for up to a minute when the
data is let go, and the process waits for it. Keras makes data sets with it of generators and arrays.
"""

from itertools import chain

import keras


def generated(batches):
    """Return what stands, once, for a generator of tuples of arrays, whose shapes stay the same."""
    if keras.backend.backend() != "tensorflow":
        return batches
    import tensorflow as tf

    first = next(batches)
    signature = tuple(tf.TensorSpec(array.shape, array.dtype) for array in first)
    return _untuned(tf.data.Dataset.from_generator(lambda: chain([first], batches), output_signature=signature))


def in_batches(images, labels, batch_size):
    """Return what stands for images (N, height, width, channels) and their labels (N,), in order."""
    if keras.backend.backend() != "tensorflow":
        return images, labels
    import tensorflow as tf

    return _untuned(tf.data.Dataset.from_tensor_slices((images, labels)).batch(batch_size))


def _untuned(dataset):
    import tensorflow as tf

    options = tf.data.Options()
    options.autotune.enabled = False
    return dataset.prefetch(1).with_options(options)

"""Small nets on TensorFlow's CPU: each core has images of its own to train on, instead of a share in every op.

An op on LeNet's maps is over before another core has woken up for its share in it.
"""

import os

import keras
from keras import layers, ops

from zoo import registry
from zoo.errors import ZooError
from zoo.layout import Norm
from zoo.plan import plan

SMALL = 10_000_000  # multiply-adds an image; the ops of larger nets are worth sharing
LEAST = 8  # images that are worth a core


class SideBySide(layers.Layer):
    """A net that trains on a batch in so many parts, which TensorFlow computes at the same time."""

    def __init__(self, net, parts):
        super().__init__()
        self.net, self.parts = net, parts

    def call(self, images, training=None):
        if not training:
            return self.net(images, training=training)
        size = -(-ops.shape(images)[0] // self.parts)
        outputs = [self.net(images[i * size : (i + 1) * size], training=True) for i in range(self.parts)]
        return keras.tree.map_structure(lambda *ends: ops.concatenate(ends), *outputs)


def parts_of(batch_size, model, options):
    """Return in how many parts, one a core, a model with these options trains on a batch: 1 if it gains nothing."""
    return max(1, min(_cores(), batch_size // LEAST)) if _gains(model, options) else 1


def settle_threads(model, options):
    """Have TensorFlow compute each op on one core, if the model trains in parts and nothing was computed yet."""
    if not _gains(model, options):
        return
    import tensorflow as tf

    try:
        tf.config.threading.set_intra_op_parallelism_threads(1)
    except RuntimeError:  # it has begun; parts are the faster way then too, but by less
        pass


def _gains(model, options):
    """Whether a net is small at the input size that it was made for, and computes each image by itself."""
    if keras.backend.backend() != "tensorflow":
        return False
    import tensorflow as tf

    if tf.config.list_physical_devices("GPU"):  # Keras's own list would have TensorFlow begin
        return False
    try:
        trace = plan(model, classes=registry.entry(model).classes or 2, **options).trace
    except ZooError:  # it has no such size
        return False
    mixes_images = any(isinstance(layer.word, Norm) and layer.word.kind == "batch" for layer in trace.layers)
    return trace.macs <= SMALL and not mixes_images


def _cores():
    """How many cores this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1

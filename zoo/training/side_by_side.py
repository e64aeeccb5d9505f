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

SMALL = 2_000_000  # multiply-adds an image, and weights; the ops of larger nets are worth sharing
LEAST = 8  # images that are worth a core
BATCH = 128  # where the recipe leaves its size to the data


class SideBySide(layers.Layer):
    """A net that trains on a batch in so many parts, which TensorFlow computes at the same time.

    Other batches, of which the last may have fewer images than there are parts, stay in one piece.
    """

    def __init__(self, net, parts):
        super().__init__()
        self.net, self.parts = net, parts

    def call(self, images, training=None):
        if not training:
            return self.net(images, training=training)
        count = ops.shape(images)[0]
        ends = [count * i // self.parts for i in range(self.parts + 1)]
        outputs = [self.net(images[start:end], training=True) for start, end in zip(ends, ends[1:])]
        return keras.tree.map_structure(lambda *some: ops.concatenate(some), *outputs)


def parts_of(batch_size, trace):
    """Return in how many parts, one a core, a net with this trace trains on a batch: 1 if it gains nothing by them.

    It gains if it is small and computes each image by itself, without BatchNorm.
    """
    if keras.backend.backend() != "tensorflow":
        return 1
    import tensorflow as tf

    if tf.config.list_physical_devices("GPU"):  # Keras's own list would have TensorFlow begin
        return 1
    mixes_images = any(isinstance(layer.word, Norm) and layer.word.kind == "batch" for layer in trace.layers)
    if mixes_images or max(trace.macs, trace.params) > SMALL:
        return 1
    return max(1, min(_cores(), batch_size // LEAST))


def foreseen_parts(model, options, image_size=None, batch_size=None):
    """Return `parts_of` a model before its data is known, at its own input size and `BATCH` if no other is given.

    It is 1 for a model without a size of its own.
    """
    entry = registry.entry(model)
    if not (entry.input_shape or len(image_size or ()) == 3):
        return 1
    shape = (*image_size, *(entry.input_shape or ())[2:])[:3] if image_size else None
    try:
        return parts_of(batch_size or BATCH, plan(model, shape, entry.classes or 2, **options).trace)
    except ZooError:  # too small for it, as the user will be told
        return 1


def one_core_an_op():
    """Have TensorFlow compute each op of this process on one core, unless it was told otherwise, or has begun.

    Parts are the faster way then too, but by less.
    """
    import tensorflow as tf

    if "TF_NUM_INTRAOP_THREADS" in os.environ or tf.config.threading.get_intra_op_parallelism_threads():
        return
    try:
        tf.config.threading.set_intra_op_parallelism_threads(1)
    except RuntimeError:
        pass


def _cores():
    """How many cores this process may use, as far as TensorFlow was told to."""
    available = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    return min(available, int(os.environ.get("TF_NUM_INTEROP_THREADS", available)))

"""Nets of short ops on TensorFlow's CPU: each core has images of its own to train on, instead of a share in every op.

An op on LeNet's maps is over before another core has woken up for its share in it.
"""

import os
from typing import Any

import keras
from keras import layers, ops

from zoo.errors import ZooError
from zoo.layers.fast import BatchNormalization
from zoo.layout import Norm
from zoo.layout.trace import Trace
from zoo.plan import plan

SMALL = 2_000_000  # multiply-adds an image, and weights, in float32; the ops of larger nets are worth sharing
SHORT = 4_000_000  # multiply-adds of a layer, on average, in bfloat16
NARROW = 128  # channels of BatchNorm: in parts its gradient takes a 1x1 convolution of them all
LEAST = 8  # images that are worth a core
BATCH = 128  # where the recipe leaves its size to the data


class SideBySide(layers.Layer):
    """A front and the net behind it, Keras models, that train on so many parts of a batch at the same time."""

    def __init__(self, front: keras.Model, net: keras.Model, parts: int) -> None:
        super().__init__()
        self.front, self.net, self.parts = front, net, parts

    def call(self, images: keras.KerasTensor, training: bool | None = None) -> dict[str, keras.KerasTensor]:
        if not training:
            return self.net(self.front(images), training=training)
        count = ops.shape(images)[0]
        ends = [count * i // self.parts for i in range(self.parts + 1)]
        parts = [self.front(images[start:end]) for start, end in zip(ends, ends[1:])]
        return {name: ops.concatenate(outputs) for name, outputs in _layer_by_layer(self.net, parts).items()}


def _layer_by_layer(net, parts):
    """Return what a net, whose outputs are a dict, makes of the parts of a batch in training: a list of each output.

    All parts go through a layer before the next, so that BatchNorm meets them together.
    """
    values = {id(net.inputs[0]): parts}
    for layer in net.operations:
        if isinstance(layer, layers.InputLayer) or id(layer.output) in values:
            continue
        inputs = zip(*(values[id(tensor)] for tensor in keras.tree.flatten(layer.input)))
        if isinstance(layer, BatchNormalization):
            relu = _relu_of(layer)
            values[id((relu or layer).output)] = layer.call_on_parts([part for (part,) in inputs], relu is not None)
        else:
            values[id(layer.output)] = [layer(list(part) if part[1:] else part[0]) for part in inputs]
    return {name: values[id(output)] for name, output in net.output.items()}


def _relu_of(norm):
    """The layer of ReLU that alone takes what BatchNorm gives, or None."""
    match [node.operation for node in norm._outbound_nodes]:
        case [layers.Activation(activation=keras.activations.relu) as relu]:
            return relu


def shards_for(batch_size: int, trace: Trace, precision: str) -> int:
    """Return in how many parts, one a core, a net with this trace trains on a batch: 1 if it gains nothing by them."""
    if keras.backend.backend() != "tensorflow":
        return 1
    import tensorflow as tf

    if tf.config.list_physical_devices("GPU"):  # Keras's own list would have TensorFlow begin
        return 1
    return max(1, min(_cores(), batch_size // LEAST)) if _gains(trace, precision) else 1


def _gains(trace, precision):
    """Whether a net trains faster in parts: its ops are short, and sharing BatchNorm's statistics costs it little."""
    norms = [layer for layer in trace.layers if isinstance(layer.word, Norm) and layer.word.kind == "batch"]
    if precision == "bfloat16":
        weighted = sum(layer.macs > 0 for layer in trace.layers)
        return trace.macs <= SHORT * weighted and all(norm.output.shape[-1] <= NARROW for norm in norms)
    return not norms and max(trace.macs, trace.params) <= SMALL


def foreseen_shards(asked: Any) -> int:
    """Return in how many shards a `Request` will train, before its images are known: at its own size or the net's.

    It is 1 for a model without a size of its own.
    """
    size, own = asked.image_size, asked.entry.input_shape
    if not (own or len(size or ()) == 3):
        return 1
    shape = (*size, *(own or ())[2:])[:3] if size else None
    try:
        trace = plan(asked.model, shape, asked.entry.classes or 2, **asked.options).trace
        return shards_for(asked.recipe.batch_size or BATCH, trace, asked.recipe.precision)
    except ZooError:  # too small for it, as the user will be told
        return 1


def use_single_threaded_ops() -> None:
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
    """How many cores this process may use, as far as TensorFlow was told to, with a number other than 0."""
    available = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    told = os.environ.get("TF_NUM_INTEROP_THREADS", "")
    return min(available, int(told)) if told.isdecimal() and int(told) else available

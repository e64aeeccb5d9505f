"""Data parallelism over CPU cores: one shard of the batch per core, for nets whose ops are too short to multithread.

An op on LeNet's feature maps ends before a second thread has started on it; so each core runs all ops on a shard of
its own. BatchNorm still normalizes by the statistics of the whole batch. TensorFlow only.
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

SMALL = 2_000_000  # most multiply-adds per image, and weights, in float32; ops of larger nets gain from multithreading
SHORT = 4_000_000  # most multiply-adds per layer, on average, in bfloat16
NARROW = 128  # most channels of BatchNorm, whose gradient with shards takes a 1x1 convolution over all of them
LEAST = 8  # fewest images in a shard
BATCH = 128  # the batch size that is assumed where the recipe leaves it to the data


class ShardedNet(layers.Layer):
    """The preprocessing and the net, two Keras models, that in training compute the shards of a batch in parallel."""

    def __init__(self, preprocessing: keras.Model, net: keras.Model, shards: int) -> None:
        super().__init__()
        self.preprocessing, self.net, self.shards = preprocessing, net, shards

    def call(self, images: keras.KerasTensor, training: bool | None = None) -> dict[str, keras.KerasTensor]:
        if not training:
            return self.net(self.preprocessing(images), training=training)
        count = ops.shape(images)[0]
        ends = [count * i // self.shards for i in range(self.shards + 1)]
        shards = [self.preprocessing(images[start:end]) for start, end in zip(ends, ends[1:])]
        return {name: ops.concatenate(outputs) for name, outputs in _layer_by_layer(self.net, shards).items()}


def _layer_by_layer(net, shards):
    """Return the training outputs of a net for each shard of a batch: a dict from output names to lists of tensors.

    All shards go through a layer before any goes on to the next, so that BatchNorm can combine their statistics.
    """
    values = {id(net.inputs[0]): shards}
    for layer in net.operations:
        if isinstance(layer, layers.InputLayer) or id(layer.output) in values:
            continue
        inputs = zip(*(values[id(tensor)] for tensor in keras.tree.flatten(layer.input)))
        if isinstance(layer, BatchNormalization):
            relu = _relu_of(layer)
            values[id((relu or layer).output)] = layer.call_on_shards([shard for (shard,) in inputs], relu is not None)
        else:
            values[id(layer.output)] = [layer(list(shard) if shard[1:] else shard[0]) for shard in inputs]
    return {name: values[id(output)] for name, output in net.output.items()}


def _relu_of(norm):
    """Return the ReLU layer if it is the only consumer of a BatchNorm's output, else None."""
    match [node.operation for node in norm._outbound_nodes]:
        case [layers.Activation(activation=keras.activations.relu) as relu]:
            return relu


def shards_for(batch_size: int, trace: Trace, precision: str) -> int:
    """Return the number of shards for a net's batches, at most one per core; 1 if more wouldn't be faster."""
    if keras.backend.backend() != "tensorflow":
        return 1
    import tensorflow as tf

    if tf.config.list_physical_devices("GPU"):  # Keras's list_devices would initialize TensorFlow
        return 1
    return max(1, min(_cores(), batch_size // LEAST)) if _is_faster(trace, precision) else 1


def _is_faster(trace, precision):
    """Return whether shards are faster: the net's ops are short, and combining BatchNorm's statistics costs little."""
    norms = [layer for layer in trace.layers if isinstance(layer.word, Norm) and layer.word.kind == "batch"]
    if precision == "bfloat16":
        weighted = sum(layer.macs > 0 for layer in trace.layers)
        return trace.macs <= SHORT * weighted and all(norm.output.shape[-1] <= NARROW for norm in norms)
    return not norms and max(trace.macs, trace.params) <= SMALL


def foreseen_shards(asked: Any) -> int:
    """Return the number of shards that a `Request` will train in, before its data is loaded.

    The input size is the one asked for, else the net's own; the number is 1 for a model that has none.
    """
    size, own = asked.image_size, asked.entry.input_shape
    if not (own or len(size or ()) == 3):
        return 1
    shape = (*size, *(own or ())[2:])[:3] if size else None
    try:
        trace = plan(asked.model, shape, asked.entry.classes or 2, **asked.options).trace
        return shards_for(asked.recipe.batch_size or BATCH, trace, asked.recipe.precision)
    except ZooError:  # the input is too small, for which `make_job` raises
        return 1


def use_single_threaded_ops() -> None:
    """Let TensorFlow use one thread per op in this process, unless the user set that, or TensorFlow is initialized.

    With more threads per op, shards still help, but less.
    """
    import tensorflow as tf

    if "TF_NUM_INTRAOP_THREADS" in os.environ or tf.config.threading.get_intra_op_parallelism_threads():
        return
    try:
        tf.config.threading.set_intra_op_parallelism_threads(1)
    except RuntimeError:
        pass


def _cores():
    """Return the number of cores that this process may use, at most TF_NUM_INTEROP_THREADS."""
    available = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    limit = os.environ.get("TF_NUM_INTEROP_THREADS", "")
    return min(available, int(limit)) if limit.isdecimal() and int(limit) else available

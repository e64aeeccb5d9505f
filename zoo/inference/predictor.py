"""A trained model -> a fast inference function: BatchNorm folded into other layers, weights frozen, any precision."""

from collections.abc import Callable
from typing import Any

import keras
import numpy as np
from keras import layers, ops
from numpy.typing import ArrayLike
from tqdm import tqdm

from zoo.data.dataset import AnySplit
from zoo.data.stream import Stream
from zoo.errors import ZooError, no_such
from zoo.layers import fast
from zoo.layers.copying import again, check_foreign, take_state
from zoo.layout import checks
from zoo.processor import PRECISIONS, check_bfloat16

FOLDING = (layers.Conv2D, fast.Conv2D, layers.DepthwiseConv2D, layers.Dense)


def predictor(model: keras.Model, precision: str = "float32",
              batch_size: int = 32) -> Callable[[ArrayLike], Any]:
    """Compile a Keras model for inference; return the function from its input to its output, as NumPy arrays.

    The function takes images (N, height, width, channels) of any N from 1, computes `batch_size` of them at a time in
    `precision`, "float32" or "bfloat16" (softmax is float32 either way), and returns float32, (N, classes) for a
    classifier; a dict if the model's output is one. Its weights are those that the model has now; quantized layers
    stay so, whatever the precision.

    Raises:
        ZooError: for an unknown precision or one that isn't available here, an invalid batch size, a model that isn't
            a graph of layers with one input, and a layer that can't be copied. The function raises it for images of
            another shape.
    """
    if precision not in PRECISIONS:
        raise no_such("precision", precision, PRECISIONS)
    if precision == "bfloat16":
        check_bfloat16()
    batch_size, model = checks.count("batch size", batch_size), _of_layers(model)
    shape, answer = model.input_shape[1:], compiled(in_precision(fold(model), precision))

    def predict(images):
        images = np.asarray(images)
        if not _fits(images.shape, shape):
            raise ZooError(f"The model takes images of shape (N, {', '.join(map(str, shape))}); got {images.shape}.")
        return _joined(answer, (images[i : i + batch_size] for i in range(0, len(images), batch_size)))

    return predict


def _of_layers(model):
    """Return the model, a sequential one made functional, so that it can be cloned with other layers."""
    if isinstance(model, keras.Sequential) and model.built:
        model = keras.Model(model.inputs[0], model.outputs[0], name=model.name)
    if len(getattr(model, "inputs", ())) != 1:
        raise ZooError("A predictor is made of a functional or a sequential Keras model with one input.")
    return model


def _fits(found, shape):
    """Return whether images have the shape (N, *shape), where None is any size; TensorFlow doesn't check it."""
    return len(found) == len(shape) + 1 and found[0] > 0 and all(b in (None, a) for a, b in zip(found[1:], shape))


def predict_split(model: keras.Model, split: AnySplit, batch_size: int, what: str = "test") -> np.ndarray:
    """Return the outputs (len(split), …) of a Keras model for the images of a split, in memory or streamed.

    `what` stands beside the progress bar.

    Raises:
        ZooError: for an image of a streamed split that can't be read.
    """
    batches = Stream(split.without_masks(), batch_size)
    rounds = tqdm(range(batches.steps), what, delay=2, leave=False, disable=None)
    return _joined(compiled(model), (batches[i][0] for i in rounds))


def _joined(answer, batches):
    return keras.tree.map_structure(lambda *parts: np.concatenate(parts), *map(answer, batches))


# -------------------------------------------------------------------------------------------- model -> faster model


def fold(model: keras.Model) -> keras.Model:
    """Return the model for inference, with BatchNorm folded into the convolution or dense layer before it.

    gamma (w x + b - mean) / deviation + beta is the same layer with other weights. BatchNorm isn't folded if it follows
    an activation, if its input is used elsewhere too, or if it is applied to another input, too.
    """
    ends = {tensor._keras_history.operation for tensor in model.outputs}
    norms = {layer: norm for layer in model.layers if layer not in ends and (norm := _norm_of(layer))}
    gone, copies = set(norms.values()), {}

    def clone(layer):
        new = again(layer, **{"use_bias": True} if layer in norms else {})
        copies[new] = layer
        return new

    def call(layer, x, *others, **options):
        return x if copies.get(layer) in gone else layer(x, *others, **options)

    folded = keras.models.clone_model(model, clone_function=clone, call_function=call)
    for new, old in copies.items():
        if old in norms:
            new.set_weights(_folded_weights(old, norms[old]))
        elif old not in gone:
            take_state(new, old)
    check_foreign(model, folded)
    return folded


def _norm_of(layer):
    """Return the BatchNorm that can be folded into the layer, or None."""
    plain = type(layer) in FOLDING and not getattr(layer, "quantization_mode", None)
    linear = plain and layer.activation is keras.activations.linear
    after = [node.operation for node in layer._outbound_nodes] if linear else []
    if len(after) != 1 or not isinstance(norm := after[0], layers.BatchNormalization) or len(norm._inbound_nodes) != 1:
        return None
    if norm._inbound_nodes[0].arguments.kwargs.get("training"):  # uses the batch's statistics in inference, too
        return None
    rank = len(norm.input.shape)
    channels = 1 if getattr(layer, "data_format", None) == "channels_first" else rank - 1
    return norm if norm.axis % rank == channels else None


def _folded_weights(layer, norm):
    """Return kernel and bias of the layer with its BatchNorm folded in."""
    weights = [layer.kernel, layer.bias] if layer.use_bias else [layer.kernel]  # LoRA's product is a part of the kernel
    kernel, *biases = (ops.convert_to_numpy(weight).astype("float64") for weight in weights)
    values = {weight.name: ops.convert_to_numpy(weight) for weight in norm.weights}
    scale = values.get("gamma", 1) / np.sqrt(values["moving_variance"] + norm.epsilon)
    bias = scale * (sum(biases) - values["moving_mean"]) + values.get("beta", 0)
    own = kernel.shape[2:] if isinstance(layer, layers.DepthwiseConv2D) else -1  # (input channels, depth multiplier)
    return [kernel * scale.reshape(own), bias]


def in_precision(model: keras.Model, precision: str) -> keras.Model:
    """Return the model with weights and computation in "float32" or "bfloat16"; softmax is always in float32.

    Quantized layers stay as they are.
    """
    copies = {}

    def clone(layer):
        if getattr(layer, "quantization_mode", None):
            new = again(layer)
        else:
            exact = isinstance(layer, layers.Softmax) or layer.get_config().get("activation") == "softmax"
            new = again(layer, dtype="float32" if exact else precision)
        copies[new] = layer
        return new

    model = keras.models.clone_model(model, clone_function=clone)
    for new, old in copies.items():
        take_state(new, old)
    return model


# ------------------------------------------------------------------------------------------------ model -> function


def compiled(model: keras.Model) -> Callable[[ArrayLike], Any]:
    """Compile a Keras model; return the function from a batch of images (N, …) to its output (N, …), NumPy float32."""
    answer = {"tensorflow": _frozen, "jax": _jitted}.get(keras.backend.backend(), _plain)(model)
    return lambda images: keras.tree.map_structure(_as_array, answer(images))


def _as_array(tensor):
    return np.asarray(ops.convert_to_numpy(tensor), "float32")


def _frozen(model):
    """Trace the model with convolution kernels as constants, which oneDNN reorders once, not in each call.

    Dense ones stay variables: they are large, and TensorFlow copies constants many times.
    """
    import tensorflow as tf

    variables = [weight for weight in model.weights if len(weight.shape) == 4]
    values = [variable.numpy() for variable in variables]

    def answer(images):
        with keras.StatelessScope(list(zip(variables, map(tf.constant, values)))):
            return model(images, training=False)

    signature = tf.TensorSpec(model.input_shape, "float32")
    traced = tf.function(answer, autograph=False).get_concrete_function(signature)
    return lambda images: traced(tf.constant(images, "float32"))


def _jitted(model):
    import jax

    return jax.jit(lambda images: model(images, training=False))


def _plain(model):
    return model.predict_on_batch

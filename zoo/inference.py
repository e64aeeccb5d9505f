"""A trained model -> the function that answers fastest: BatchNorm folded away, weights frozen, in any precision."""

import keras
import numpy as np
from keras import layers, ops
from tqdm import tqdm

from zoo import kernels
from zoo.data.stream import Stream
from zoo.errors import no_such
from zoo.training.recipe import PRECISIONS

FOLDING = (layers.Conv2D, kernels.Conv2D, layers.DepthwiseConv2D, layers.Dense)


def predictor(model, precision="float32", batch_size=32):
    """Compile a Keras model for inference; return the function from its input to its output, as NumPy arrays.

    The function takes images (N, height, width, channels) of any N from 1, computes `batch_size` of them at a time in
    `precision`, "float32" or "bfloat16" (softmax is float32 either way), and returns float32, (N, classes) for a
    classifier. Its weights are those that the model has now.

    Raises:
        ZooError: for another precision.
    """
    if precision not in PRECISIONS:
        raise no_such("precision", precision, PRECISIONS)
    answer = compiled(in_precision(fold(model), precision))
    return lambda images: _joined(answer, (images[i : i + batch_size] for i in range(0, len(images), batch_size)))


def predict_split(model, split, batch_size):
    """Return the outputs (len(split), …) of a Keras model for the images of a split, in memory or streamed.

    Raises:
        ZooError: for an image of a streamed split that can't be read.
    """
    batches = Stream(split, batch_size)
    rounds = tqdm(range(batches.steps), "test", delay=2, leave=False)
    return _joined(compiled(model), (batches[i][0] for i in rounds))


def _joined(answer, batches):
    return np.concatenate([answer(batch) for batch in batches])


# -------------------------------------------------------------------------------------------- model -> faster model


def fold(model):
    """Return the model for inference: BatchNorm that follows a convolution or a dense layer is a part of it.

    gamma (w x + b - mean) / deviation + beta is the same layer with other weights. BatchNorm stays where an activation
    stands before it, or where what it normalizes is used elsewhere too.
    """
    ends = {tensor._keras_history.operation for tensor in model.outputs}
    norms = {layer: norm for layer in model.layers if layer not in ends and (norm := _norm_of(layer))}
    gone = {norm.name for norm in norms.values()}

    def clone(layer):
        return _again(layer, **{"use_bias": True} if layer in norms else {})

    def call(layer, x, *others, **options):
        return x if layer.name in gone else layer(x, *others, **options)

    folded = keras.models.clone_model(model, clone_function=clone, call_function=call)
    for layer in filter(lambda layer: layer.weights, folded.layers):
        old = model.get_layer(layer.name)
        layer.set_weights(_absorbed(old, norms[old]) if old in norms else old.get_weights())
    return folded


def _norm_of(layer):
    """The BatchNorm that can be a part of the layer, or None."""
    linear = type(layer) in FOLDING and layer.activation is keras.activations.linear
    after = [node.operation for node in layer._outbound_nodes] if linear else []
    return after[0] if len(after) == 1 and isinstance(after[0], layers.BatchNormalization) else None


def _absorbed(layer, norm):
    """Kernel and bias of the layer with its BatchNorm."""
    kernel, *biases = (weight.astype("float64") for weight in layer.get_weights())
    values = {weight.name: ops.convert_to_numpy(weight) for weight in norm.weights}
    scale = values.get("gamma", 1) / np.sqrt(values["moving_variance"] + norm.epsilon)
    bias = scale * (sum(biases) - values["moving_mean"]) + values.get("beta", 0)
    own = kernel.shape[2:] if isinstance(layer, layers.DepthwiseConv2D) else -1  # a channel in, and its multiples
    return [kernel * scale.reshape(own), bias]


def in_precision(model, precision):
    """Return the model with all weights in "float32" or "bfloat16", and computing in it, but for softmax."""

    def clone(layer):
        exact = layer.get_config().get("activation") == "softmax"
        return _again(layer, dtype="float32" if exact else precision)

    new = keras.models.clone_model(model, clone_function=clone)
    new.set_weights(model.get_weights())
    return new


def _again(layer, **changes):
    """Return a new layer as this one, of the class that is the faster in inference."""
    kind = type(layer)
    if isinstance(layer, layers.BatchNormalization):
        kind = kernels.BatchNormalization
    elif isinstance(layer, kernels.Conv2D):
        kind = layers.Conv2D
    return kind.from_config(layer.get_config() | changes)


# ------------------------------------------------------------------------------------------------ model -> function


def compiled(model):
    """Return the function of a Keras model from a batch of images (N, …) to its output (N, …), NumPy float32."""
    answer = {"tensorflow": _frozen, "jax": _jitted}.get(keras.backend.backend(), _plain)(model)
    return lambda images: np.asarray(answer(images), "float32")


def _frozen(model):
    """The kernels of convolutions are constants, which oneDNN lays out once as it likes them, not in each call.

    Dense ones aren't: they are large, and TensorFlow copies constants many times.
    """
    import tensorflow as tf

    variables = [weight for weight in model.weights if len(weight.shape) == 4]
    values = [variable.numpy() for variable in variables]

    def answer(images):
        with keras.StatelessScope(list(zip(variables, map(tf.constant, values)))):
            return tf.cast(model(images, training=False), "float32")

    signature = tf.TensorSpec(model.input_shape, "float32")
    traced = tf.function(answer, autograph=False).get_concrete_function(signature)
    return lambda images: traced(tf.constant(images, "float32"))


def _jitted(model):
    import jax

    return jax.jit(lambda images: model(images, training=False))


def _plain(model):
    return lambda images: ops.convert_to_numpy(model(images, training=False))

"""The fast layers are Keras's: the same outputs, gradients, statistics and files."""

import re
import subprocess
import sys

import keras
import numpy as np
import pytest
import tensorflow as tf
from miniatures import miniature

from zoo.layers import fast

random = np.random.default_rng(0)
BATCH = {"momentum": 0.9, "epsilon": 1e-5}


def in_bfloat16(tolerance):
    return pytest.param("mixed_bfloat16", tolerance, marks=pytest.mark.bfloat16)


def trained(kind, x, *arguments, lean=0, **options):
    """What a layer of a kind made of x: output, gradients of a fixed function of it, and all weights afterwards.

    `lean` is the mean of that function's gradient.
    """
    layer = kind(*arguments, **options)
    layer.build(x.shape)
    for weight in layer.trainable_weights:
        weight.assign(np.random.default_rng(1).uniform(0.5, 2, weight.shape))
    x = tf.cast(x, layer.compute_dtype)
    towards = lean + np.random.default_rng(2).standard_normal(layer.compute_output_shape(x.shape), "float32")

    @tf.function
    def step():
        with tf.GradientTape() as tape:
            tape.watch(x)
            y = layer(x, training=True)
            loss = tf.reduce_sum(tf.cast(y, "float32") * towards)
        return [y, *tape.gradient(loss, [x, *(weight.value for weight in layer.trainable_weights)])]

    got = step()
    assert got[0].dtype == layer.compute_dtype and all(weight.dtype == "float32" for weight in layer.weights)
    return [np.asarray(tf.cast(value, "float32")) for value in (*got, *layer.weights)]


def ops_of(function, *arguments):
    """The kinds of op that TensorFlow makes of a function, in functions inside too."""
    graph = tf.function(function).get_concrete_function(*arguments).graph.as_graph_def()
    return set(re.findall(r'^ *op: "(\w+)"$', str(graph), re.MULTILINE))


def assert_close(both, tolerance):
    """The values of both layers, by the largest of each."""
    for got, expected in zip(*both, strict=True):
        np.testing.assert_allclose(got, expected, atol=tolerance * max(np.abs(expected).max(), 1))


@pytest.mark.parametrize("policy, tolerance", [("float32", 2e-4), in_bfloat16(2**-8)])
@pytest.mark.parametrize("options", [{}, {"scale": False}, {"center": False}, {"trainable": False}])
@pytest.mark.parametrize("shape", [(8, 5, 7, 6), (1, 1, 1, 6), (9, 6)])
def test_batchnorm_is_kerass(shape, options, policy, tolerance):
    """A map of one value has the variance 0, not 0/0; what is frozen keeps its statistics."""
    x = random.normal(3, 2, shape)
    assert_close([trained(kind, x, **BATCH, **options, dtype=policy)
                  for kind in (fast.BatchNormalization, keras.layers.BatchNormalization)], tolerance)


@pytest.mark.parametrize("room, is_one_op", [(fast, True), (keras.layers, False)])
def test_batchnorm_in_bfloat16_is_one_op(room, is_one_op):
    layer = room.BatchNormalization(dtype="mixed_bfloat16")
    for training in (True, False):
        ops = ops_of(lambda x: layer(x, training=training), tf.zeros((8, 5, 7, 6), "bfloat16"))
        assert ("FusedBatchNormV3" in ops) == is_one_op


class InParts(keras.layers.Layer):
    """BatchNorm of 8 images in shards of 3, 3 and 2."""

    def __init__(self, dtype, **options):
        super().__init__(dtype=dtype)
        self.norm = fast.BatchNormalization(dtype=dtype, **options)

    def build(self, shape):
        self.norm.build(shape)

    def compute_output_shape(self, shape):
        return shape

    def call(self, inputs, training):
        return tf.concat(self.norm.call_on_shards([inputs[:3], inputs[3:6], inputs[6:]]), 0)


@pytest.mark.parametrize("policy, tolerance", [("float32", 2e-4), in_bfloat16(2**-7)])
@pytest.mark.parametrize("options", [{}, {"scale": False}, {"center": False}, {"trainable": False}])
def test_batchnorm_of_shards_is_that_of_the_whole(options, policy, tolerance):
    x = random.normal(np.linspace(-3, 3, 8).reshape(8, 1, 1, 1), 2, (8, 5, 7, 6))  # each part has a mean of its own
    assert_close([trained(kind, x, **BATCH, **options, dtype=policy)
                  for kind in (InParts, keras.layers.BatchNormalization)], tolerance)


@pytest.mark.bfloat16
@pytest.mark.parametrize("mean, lean", [(30, 0), (0, 30)])
def test_batchnorm_of_shards_has_an_exact_gradient_far_from_zero(mean, lean):
    """In bfloat16 nothing may depend on a difference of numbers as large as a mean, of the map or of what comes back.

    The means are 30 deviations here.
    """
    x = random.normal(mean, 1, (8, 5, 7, 6))
    (_, got, *_), (_, expected, *_) = (trained(kind, x, **BATCH, lean=lean, dtype="mixed_bfloat16")
                                       for kind in (InParts, keras.layers.BatchNormalization))
    np.testing.assert_allclose(got.mean((0, 1, 2)), expected.mean((0, 1, 2)), atol=2e-3)


@pytest.mark.parametrize("options", [{"axis": 1}, {"axis": 3}, {"renorm": True}])
def test_batchnorm_of_other_kinds_is_kerass(options):
    x = random.normal(3, 2, (8, 5, 7, 6))
    assert_close([trained(kind, x, **BATCH, **options)
                  for kind in (fast.BatchNormalization, keras.layers.BatchNormalization)], 2e-4)


def test_batchnorm_heeds_a_mask():
    x, mask = random.normal(3, 2, (4, 5, 7, 6)), tf.constant(random.random((4, 5, 7)) > 0.5)
    both = [kind() for kind in (fast.BatchNormalization, keras.layers.BatchNormalization)]
    assert_close([[norm(x, training=True, mask=mask), *norm.get_weights()] for norm in both], 1e-6)


@pytest.mark.bfloat16
@pytest.mark.parametrize("policy", ["float16", "bfloat16"])
@pytest.mark.parametrize("training", [True, False])
def test_batchnorm_is_kerass_with_all_weights_in_half_precision(policy, training):
    """The op's own statistics are float32."""
    x, results = random.normal(3, 2, (8, 5, 7, 6)), []
    for kind in (fast.BatchNormalization, keras.layers.BatchNormalization):
        norm = kind(dtype=policy)
        results.append([norm(x, training=training), *norm.weights])
        assert all(value.dtype == policy for value in results[-1])
    assert_close([[np.asarray(tf.cast(value, "float32")) for value in result] for result in results], 2**-8)


def rounded(values):
    """The values as bfloat16 holds them, in float64."""
    return np.asarray(tf.cast(tf.cast(values, "bfloat16"), "float64"))


def convolved_exactly(x, filters, kernel, padding):
    """What `trained` gives for a convolution of the rounded values, by NumPy in float64: y, dx, dkernel and dbias."""
    height, width = kernel if isinstance(kernel, tuple) else (kernel, kernel)
    margin = [((size - 1) // 2, size // 2) if padding == "same" else (0, 0) for size in (height, width)]
    x = np.pad(rounded(x), ((0, 0), *margin, (0, 0)))
    shapes = (height, width, x.shape[-1], filters), (filters,)
    weights, bias = (rounded(np.random.default_rng(1).uniform(0.5, 2, shape)) for shape in shapes)
    windows = np.lib.stride_tricks.sliding_window_view(x, (height, width), (1, 2))  # N, h, w, channels, kernel h, w
    y = np.einsum("nijcab,abcf->nijf", windows, weights) + bias
    dy = rounded(np.random.default_rng(2).standard_normal(y.shape, "float32"))
    dx = np.zeros_like(x)
    for a, b in np.ndindex(height, width):
        dx[:, a : a + y.shape[1], b : b + y.shape[2]] += dy @ weights[a, b].T
    (top, bottom), (left, right) = margin
    dx = dx[:, top : dx.shape[1] - bottom, left : dx.shape[2] - right]
    return y, dx, np.einsum("nijcab,nijf->abcf", windows, dy), dy.sum((0, 1, 2))


def off_by(got, exact):
    """How far the values are off, by the largest of each."""
    return [np.abs(one - other).max() / np.abs(other).max() for one, other in zip(got, exact)]


@pytest.mark.parametrize(
    "kernel, padding, map_size, channels",
    [(3, "same", (2, 2), 64), (3, "valid", (4, 3), 96), ((2, 5), "same", (3, 2), 64), (1, "same", (9, 8), 16)],
)
@pytest.mark.bfloat16
def test_convolution_is_exact_to_rounding(kernel, padding, map_size, channels, monkeypatch):
    """Where the kernel is large beside the map, in bfloat16: its gradient is made of matrix products then.

    These are off by a few roundings of the largest value whatever the processor; the other ops are Keras's, so that
    they are off by as much as Keras's layer is.
    """
    calls = []
    monkeypatch.setattr(
        fast,
        "_gradient_by_products",
        lambda *parts, own=fast._gradient_by_products: calls.append(1) or own(*parts),
    )
    x = random.standard_normal((5, *map_size, channels), "float32")
    exact = convolved_exactly(x, 128, kernel, padding)
    ours, kerass = (off_by(trained(kind, x, 128, kernel, padding=padding, dtype="mixed_bfloat16"), exact)
                    for kind in (fast.Conv2D, keras.layers.Conv2D))
    assert calls
    assert all(a <= max(b, 2**-8) for a, b in zip(ours, kerass))
    assert max(ours[2:]) <= 2**-7, "the gradients of kernel and bias"


@pytest.mark.bfloat16
@pytest.mark.parametrize("options", [{"strides": 2}, {"dilation_rate": 2}, {"groups": 2}, {"dtype": "float32"}])
def test_other_convolutions_are_left_to_keras(options, monkeypatch):
    monkeypatch.setattr(fast, "_gradient_by_products", None)
    x = random.standard_normal((2, 2, 2, 64), "float32")
    trained(fast.Conv2D, x, 128, 3, padding="same", **{"dtype": "mixed_bfloat16"} | options)


def test_channels_that_come_first_are_left_to_keras(monkeypatch):
    """TensorFlow computes them on some processors alone."""
    monkeypatch.setattr(keras.layers.Conv2D, "call", lambda *_: "Keras's")
    layer = fast.Conv2D(16, 1, data_format="channels_first", dtype="mixed_bfloat16")
    layer.build((2, 8, 3, 4))
    assert layer.call(tf.zeros((2, 8, 3, 4), "bfloat16")) == "Keras's"


def test_a_saved_model_holds_kerass_layers(tmp_path):
    """So that it loads where this package isn't installed."""
    net = miniature("vgg11_bn")
    own = [layer for layer in net.layers if type(layer).__name__ in ("Conv2D", "BatchNormalization")]
    assert {type(layer) for layer in own} == {fast.Conv2D, fast.BatchNormalization}
    net.save(tmp_path / "net.keras")
    code = (
        "import sys; sys.modules['zoo'] = None; from keras import layers, models; net = models.load_model(sys.argv[1]);"
        "print(sum(type(layer) in (layers.Conv2D, layers.BatchNormalization) for layer in net.layers))"
    )
    done = subprocess.run([sys.executable, "-c", code, tmp_path / "net.keras"], capture_output=True, text=True)
    assert done.stdout.strip() == str(len(own)), done.stderr


@pytest.mark.parametrize(
    "options", [{}, {"global_clipnorm": 0.1}, {"gradient_accumulation_steps": 2}, {"amsgrad": True}]
)
@pytest.mark.parametrize("kind", ["Adam", "AdamW"])
def test_adam_is_kerass(kind, options):
    """And one op, but for AMSGrad."""
    weights, ops = [], []
    for room in (fast, keras.optimizers):
        random = np.random.default_rng(0)
        variable = keras.Variable(random.standard_normal((5, 4), "float32"))
        optimizer = getattr(room, kind)(keras.optimizers.schedules.CosineDecay(0.1, 10), **options)
        optimizer.build([variable])
        apply = tf.function(lambda gradient: optimizer.apply([gradient], [variable]))
        ops.append(ops_of(apply, tf.zeros((5, 4))))
        for _ in range(8):
            apply(tf.constant(random.standard_normal((5, 4), "float32")))
        weights.append([np.asarray(value) for value in (variable, *optimizer.variables)])
    assert_close(weights, 1e-5)
    assert ["ResourceApplyAdam" in some for some in ops] == ["amsgrad" not in options, False]
    assert np.abs(weights[0][0] - np.random.default_rng(0).standard_normal((5, 4), "float32")).max() > 0.1

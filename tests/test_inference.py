"""What is computed faster stays the same: folded BatchNorm, the fused one in training, other precisions, batches."""

import subprocess
import sys

import keras
import numpy as np
import pytest
import tensorflow as tf
from miniatures import miniature, stirred

import zoo
from zoo import data
from zoo import layers as own
from zoo.inference import fold, predict_split, predictor

random = np.random.default_rng(0)


def images(model, count):
    return random.standard_normal((count, *model.input_shape[1:]), "float32")


def norms(model):
    return [layer for layer in model.layers if isinstance(layer, keras.layers.BatchNormalization)]


@pytest.mark.parametrize(
    "name", ["vgg11_bn", "resnet20", "mobilenet_v2", "shufflenet_v2_x1_0", "efficientnet_b0", "inception_v3",
             "resnet50v2", "densenet121"],
)  # fmt: skip
def test_a_folded_net_gives_the_same_answers(name):
    """BatchNorm is left where the layer before it is none that has a kernel, as in pre-activation."""
    net = stirred(miniature(name, classifier_activation=None))
    before, x = net.get_weights(), images(net, 3)
    folded = fold(net)
    expected = np.asarray(net(x))
    sources = [norm.input._keras_history.operation for norm in norms(net)]
    left = [source for source in sources if not hasattr(source, "kernel")]
    assert len(norms(folded)) == len(left) < len(sources)
    np.testing.assert_allclose(folded(x), expected, rtol=1e-4, atol=1e-4 * np.abs(expected).max())
    np.testing.assert_allclose(predictor(net)(x), expected, rtol=1e-4, atol=1e-4 * np.abs(expected).max())
    for weight, kept in zip(net.get_weights(), before):
        np.testing.assert_array_equal(weight, kept)


def test_depthwise_multiples_a_bias_and_dense_fold():
    inputs = keras.Input((6, 6, 3))
    x = keras.layers.DepthwiseConv2D(3, depth_multiplier=2)(inputs)
    x = keras.layers.BatchNormalization(scale=False)(x)
    x = keras.layers.Flatten()(x)
    x = keras.layers.BatchNormalization(center=False)(keras.layers.Dense(5)(x))
    net = stirred(keras.Model(inputs, x))
    folded, x = fold(net), random.standard_normal((4, 6, 6, 3), "float32")
    assert not norms(folded)
    np.testing.assert_allclose(folded(x), net(x), rtol=1e-4, atol=1e-5)


def test_what_batchnorm_cannot_be_a_part_of():
    inputs = keras.Input((6, 6, 3))
    rectified = keras.layers.BatchNormalization()(keras.layers.Conv2D(4, 1, activation="relu")(inputs))
    twice = keras.layers.Conv2D(4, 1)(rectified)
    shared = keras.layers.Add()([twice, keras.layers.BatchNormalization()(twice)])
    seen = keras.layers.Conv2D(4, 1)(shared)
    net = stirred(keras.Model(inputs, [keras.layers.BatchNormalization()(seen), seen]))
    folded, x = fold(net), random.standard_normal((4, 6, 6, 3), "float32")
    assert len(norms(folded)) == 3
    for got, expected in zip(folded(x), net(x)):
        np.testing.assert_allclose(got, expected, rtol=1e-4, atol=1e-5)


def test_a_predictor_in_bfloat16_takes_any_number_of_images():
    net = stirred(miniature("resnet20"))
    x = images(net, 7)
    exact, half = predictor(net), predictor(net, "bfloat16", batch_size=3)
    assert half(x).dtype == exact(x).dtype == np.float32
    assert half(x).sum(axis=1) == pytest.approx(1, abs=1e-6)  # bfloat16 has three digits, softmax has seven
    np.testing.assert_allclose(half(x), exact(x), atol=0.02)
    assert np.abs(half(x) - exact(x)).max() > 1e-6
    np.testing.assert_allclose(half(x)[:2], half(x[:2]), atol=1e-6)


def test_a_predictor_keeps_the_weights_of_its_time():
    net = miniature("vgg11_bn")
    x = images(net, 2)
    answer = predictor(net)
    before = answer(x)
    stirred(net)
    np.testing.assert_array_equal(answer(x), before)
    assert np.abs(predictor(net)(x) - before).max() > 1e-4


def test_a_wrong_precision_is_refused():
    with pytest.raises(zoo.ZooError, match="There is no precision 'bfloat61'. Did you mean bfloat16"):
        predictor(miniature("lenet1"), "bfloat61")


def test_a_split_is_predicted_in_its_order():
    digits = data.load("digits").test
    net = zoo.create([zoo.Conv(4, 3), zoo.Flatten(), zoo.Dense(10)], digits.image_shape)
    np.testing.assert_allclose(predict_split(net, digits, 100), net.predict(digits.images, verbose=0), atol=1e-6)


# --------------------------------------------------------------------------------------------- BatchNorm in training


def trained(kind, x, towards, **options):
    """Output, gradients and statistics of a BatchNorm that saw x, whose output's gradient is given."""
    layer = kind(momentum=0.9, epsilon=1e-5, **options)
    layer.build(x.shape)
    for weight in layer.trainable_weights:
        weight.assign(np.linspace(0.5, 2, x.shape[-1]))
    variables = [weight.value for weight in layer.trainable_weights]
    x = tf.cast(x, layer.compute_dtype)

    @tf.function
    def step():
        with tf.GradientTape() as tape:
            tape.watch(x)
            y = layer(x, training=True)
            loss = tf.reduce_sum(tf.cast(y, "float32") * towards)
        return [y, *tape.gradient(loss, [x, *variables])]

    got = step()
    assert got[0].dtype == layer.compute_dtype and all(weight.dtype == "float32" for weight in layer.weights)
    return [np.asarray(tf.cast(value, "float32")) for value in (*got, layer.moving_mean, layer.moving_variance)]


@pytest.mark.parametrize("policy", ["float32", "mixed_bfloat16"])
@pytest.mark.parametrize("scale", [True, False])
@pytest.mark.parametrize("shape", [(8, 5, 7, 6), (1, 1, 1, 6), (9, 6)])
def test_the_fused_op_is_kerass_layer(shape, scale, policy):
    """Forward, backward and moving statistics; a map of one value has the variance 0, not 0/0."""
    x, towards = random.normal(3, 2, shape), random.standard_normal(shape, "float32")
    both = [trained(kind, x, towards, scale=scale, dtype=policy)
            for kind in (own.BatchNormalization, keras.layers.BatchNormalization)]  # fmt: skip
    for got, expected in zip(*both):
        size = max(np.abs(expected).max(), 1)
        np.testing.assert_allclose(got, expected, atol=size * (2e-4 if policy == "float32" else 2**-8))


def test_frozen_batchnorm_keeps_its_statistics():
    layer = own.BatchNormalization(trainable=False)
    x = random.normal(3, 2, (8, 5, 5, 2))
    np.testing.assert_allclose(layer(x, training=True), x, rtol=1e-3)
    np.testing.assert_array_equal(layer.moving_mean, 0)


def test_a_saved_model_holds_kerass_batchnorm(tmp_path):
    """So that it loads where this package isn't installed."""
    net = miniature("vgg11_bn")
    assert all(type(layer) is own.BatchNormalization for layer in norms(net))
    net.save(tmp_path / "net.keras")
    code = (
        "import sys; sys.modules['zoo'] = None; import keras; net = keras.models.load_model(sys.argv[1]);"
        "print(sum(type(layer) is keras.layers.BatchNormalization for layer in net.layers))"
    )
    done = subprocess.run([sys.executable, "-c", code, tmp_path / "net.keras"], capture_output=True, text=True)
    assert done.stdout.strip() == str(len(norms(net))), done.stderr

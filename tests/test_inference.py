"""A net for inference answers as the one that it was made of: BatchNorm folded, other precisions, any batch."""

import keras
import numpy as np
import pytest
from miniatures import images, miniature, stirred
from tqdm import tqdm

import zoo
from zoo import data, inference
from zoo.inference import fold, predict_split, predictor

random = np.random.default_rng(0)


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


def by_numpy(net, x):
    """What a net of 1x1 convolutions and BatchNorm makes of x, in float64."""
    for layer in net.layers[1:]:
        weights = [np.asarray(weight, "float64") for weight in layer.weights]
        if isinstance(layer, keras.layers.BatchNormalization):
            gamma, beta, mean, variance = weights
            x = np.moveaxis(x, layer.axis, -1)
            x = np.moveaxis((x - mean) / np.sqrt(variance + layer.epsilon) * gamma + beta, -1, layer.axis)
        else:
            channels = 1 if layer.data_format == "channels_first" else 3
            x = np.moveaxis(np.moveaxis(x, channels, -1) @ weights[0][0, 0] + weights[1], -1, channels)
    return x


@pytest.mark.parametrize(
    "data_format, axis, folds",
    [
        ("channels_last", 1, False),
        ("channels_last", 3, True),
        ("channels_first", 1, True),
        ("channels_first", 3, False),
    ],
)
def test_batchnorm_folds_along_the_channels_alone(data_format, axis, folds):
    """The nets are computed by NumPy: TensorFlow takes channels that come first on some processors alone."""
    inputs = keras.Input((6, 7, 5))
    x = keras.layers.Conv2D(4, 1, data_format=data_format)(inputs)
    net = stirred(keras.Model(inputs, keras.layers.BatchNormalization(axis)(x)))
    folded, x = fold(net), random.standard_normal((2, 6, 7, 5))
    assert bool(norms(folded)) != folds
    np.testing.assert_allclose(by_numpy(folded, x), by_numpy(net, x), rtol=1e-4, atol=1e-5)


def test_a_batchnorm_that_normalizes_twice_stays():
    inputs, norm = keras.Input((6, 6, 3)), keras.layers.BatchNormalization()
    x = keras.layers.ReLU()(keras.layers.Conv2D(4, 1)(inputs))
    net = stirred(keras.Model(inputs, [norm(keras.layers.Conv2D(4, 1)(inputs)), norm(x)]))
    x = random.standard_normal((4, 6, 6, 3), "float32")
    for got, expected in zip(fold(net)(x), net(x)):
        np.testing.assert_allclose(got, expected, rtol=1e-4, atol=1e-5)


@pytest.mark.bfloat16
@pytest.mark.parametrize("name", ["resnet50v2", "lenet5_1998"])
def test_batchnorm_that_stays_and_codes_go_into_bfloat16(name):
    net = stirred(miniature(name, classifier_activation=None))
    x = images(net, 3)
    exact = predictor(net)(x)
    np.testing.assert_allclose(predictor(net, "bfloat16")(x), exact, atol=0.03 * np.abs(exact).max())


def test_a_predictor_gives_the_maps_of_features():
    net = zoo.create("resnet20", (32, 32, 3), features=True, width=0.25)
    x = images(net, 5)
    found = predictor(net, batch_size=2)(x)
    assert list(found) == list(net.output)
    for name, expected in net(x).items():
        np.testing.assert_allclose(found[name], expected, rtol=1e-4, atol=1e-5)


@pytest.mark.bfloat16
def test_a_predictor_takes_nets_that_the_zoo_did_not_build():
    """A sequential one, and one with functions of `keras.ops` between its layers; the softmax of both is float32."""
    layers = [keras.layers.Conv2D(4, 3), keras.layers.BatchNormalization(), keras.layers.Flatten(),
              keras.layers.Dense(5), keras.layers.Softmax()]  # fmt: skip
    sequential = stirred(keras.Sequential([keras.Input((6, 6, 3)), *layers]))
    inputs = keras.Input((6, 6, 3))
    functional = keras.Model(inputs, layers[-1](layers[-2](layers[-3](keras.ops.relu(layers[0](inputs)) + 1.0))))
    x = random.standard_normal((3, 6, 6, 3), "float32")
    for net in (sequential, functional):
        np.testing.assert_allclose(predictor(net)(x), net(x), rtol=1e-4, atol=1e-6)
        assert predictor(net, "bfloat16")(x).sum(axis=1) == pytest.approx(1, abs=1e-6)


@pytest.mark.bfloat16
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


def test_what_is_no_net_or_no_batch_size_is_refused():
    two = [keras.Input((6, 6, 3)), keras.Input((6, 6, 3))]
    for other in (keras.Model(two, keras.layers.Add()(two)), keras.Sequential([keras.layers.Flatten()]), "lenet1"):
        with pytest.raises(zoo.ZooError, match="a functional or a sequential Keras model with one input"):
            predictor(other)
    with pytest.raises(zoo.ZooError, match="batch size must be a positive whole number; got 0"):
        predictor(miniature("lenet1"), batch_size=0)


@pytest.mark.parametrize("shape", [(6, 6, 3), (0, 6, 6, 3), (2, 6, 7, 3), (2, 6, 6, 4), (2, 108)])
def test_images_of_another_shape_are_refused(shape):
    """TensorFlow ends the process by an abort for some, and computes something for others."""
    net = zoo.create([zoo.Conv(4, 3), zoo.GlobalPool(), zoo.Dense(5)], (6, 6, 3))
    with pytest.raises(zoo.ZooError, match=r"takes images of shape \(N, 6, 6, 3\); got \("):
        predictor(net)(np.zeros(shape))


def test_a_split_is_predicted_in_its_order():
    digits = data.load("digits").test
    net = zoo.create([zoo.Conv(4, 3), zoo.Flatten(), zoo.Dense(10)], digits.image_shape)
    np.testing.assert_allclose(predict_split(net, digits, 100), net.predict(digits.images, verbose=0), atol=1e-4)


def test_no_bar_is_drawn_into_a_file(monkeypatch, capsys):
    monkeypatch.setattr(inference, "tqdm", lambda *given, **options: tqdm(*given, **options | {"delay": 0}))
    digits = data.load("digits").test
    predict_split(zoo.create([zoo.Flatten(), zoo.Dense(10)], digits.image_shape), digits, 100)
    assert capsys.readouterr().err == ""

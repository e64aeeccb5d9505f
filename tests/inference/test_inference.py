"""A net for inference answers as the one that it was made of: BatchNorm folded, other precisions, any batch."""

import keras
import numpy as np
import pytest
from miniatures import images, miniature, stirred
from tqdm import tqdm

import zoo
from zoo import data
from zoo.inference import predictor as inference
from zoo.inference.predictor import fold, predict_split, predictor

random = np.random.default_rng(0)


def norms(model):
    return [layer for layer in model.layers if isinstance(layer, keras.layers.BatchNormalization)]


@pytest.mark.parametrize(
    "name", ["vgg11_bn", "resnet20", "mobilenet_v2", "shufflenet_v2_x1_0", "efficientnet_b0", "inception_v3",
             "resnet50v2", "densenet121"],
)
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
        np.testing.assert_allclose(found[name], expected, rtol=1e-4, atol=1e-5 * np.abs(expected).max())


@pytest.mark.bfloat16
def test_a_predictor_takes_nets_that_the_zoo_did_not_build():
    """A sequential one, and one with functions of `keras.ops` between its layers; the softmax of both is float32."""
    layers = [keras.layers.Conv2D(4, 3), keras.layers.BatchNormalization(), keras.layers.Flatten(),
              keras.layers.Dense(5), keras.layers.Softmax()]
    sequential = stirred(keras.Sequential([keras.Input((6, 6, 3)), *layers]))
    inputs = keras.Input((6, 6, 3))
    functional = keras.Model(inputs, layers[-1](layers[-2](layers[-3](keras.ops.relu(layers[0](inputs)) + 1.0))))
    x = random.standard_normal((3, 6, 6, 3), "float32")
    for net in (sequential, functional):
        np.testing.assert_allclose(predictor(net)(x), net(x), rtol=1e-4, atol=1e-6)
        assert predictor(net, "bfloat16")(x).sum(axis=1) == pytest.approx(1, abs=1e-6)


# ------------------------------------------------------------------------------------- layers of all kinds between


class Scaled(keras.layers.Layer):
    """A layer of one's own with a weight, and an argument that Keras records by itself."""

    def __init__(self, factor=2.0, **options):
        super().__init__(**options)
        self.factor = factor

    def build(self, shape):
        self.gain = self.add_weight(shape=(shape[-1],), initializer="ones")

    def call(self, x):
        return x * self.gain * self.factor


class Forgetful(Scaled):
    def get_config(self):
        return keras.layers.Layer.get_config(self)


class Unrecorded(keras.layers.Layer):
    def __init__(self, function):
        super().__init__()
        self.function = function

    def call(self, x):
        return self.function(x)


class Inner(keras.Model):
    def __init__(self):
        super().__init__()
        self.conv, self.norm = keras.layers.Conv2D(4, 3), keras.layers.BatchNormalization()

    def call(self, x, training=None):
        return self.norm(self.conv(x), training=training)


def net_with(*between):
    """Convolution, BatchNorm and dense layers, every weight stirred, with other layers in the middle."""
    inputs = keras.Input((8, 8, 3))
    x = keras.layers.ReLU()(keras.layers.BatchNormalization()(keras.layers.Conv2D(6, 3)(inputs)))
    for layer in between:
        x = layer(x)
    x = keras.layers.BatchNormalization()(keras.layers.Dense(16)(keras.layers.Flatten()(x)))
    return stirred(keras.Model(inputs, keras.layers.Dense(5)(x)))


def inner_net():
    inputs = keras.Input((6, 6, 6))
    return keras.Model(inputs, keras.layers.BatchNormalization()(keras.layers.Conv2D(4, 3)(inputs)))


def quantized(mode, net=None):
    net = net or net_with()
    net.quantize(mode)
    return net


def with_lora(*kinds):
    net = net_with()
    for layer in net.layers:
        if isinstance(layer, kinds):
            layer.enable_lora(2)
            layer.lora_kernel_b.assign(0.3 * random.standard_normal(layer.lora_kernel_b.shape))
    return net


def adapted():
    normalization = keras.layers.Normalization()
    normalization.adapt(3 * random.standard_normal((9, 8, 8, 3), "float32") + 1)
    inputs = keras.Input((8, 8, 3))
    x = keras.layers.BatchNormalization()(keras.layers.Conv2D(3, 3)(normalization(inputs)))
    return keras.Model(inputs, keras.layers.Flatten()(x))


def shared_and_several():
    inputs, conv, inner = keras.Input((6, 6, 6)), keras.layers.Conv2D(6, 3, padding="same"), inner_net()
    x = keras.layers.BatchNormalization()(conv(conv(inputs)))
    return stirred(keras.Model(inputs, {"map": inner(x), "other": [inner(x + 1.0), keras.layers.Flatten()(x)]}))


def by_the_batch():
    inputs = keras.Input((8, 8, 3))
    x = keras.layers.BatchNormalization()(keras.layers.Conv2D(3, 3)(inputs), training=True)
    return stirred(keras.Model(inputs, keras.layers.Flatten()(x)))


STEP = 2e-2  # a value that lies between two of int8's steps goes up on one processor and down on another
RANDOM = [keras.layers.RandomFlip, keras.layers.RandomZoom, keras.layers.RandomContrast, keras.layers.Dropout,
          keras.layers.GaussianNoise]


@pytest.mark.bfloat16
@pytest.mark.filterwarnings("ignore:Layer .* does not have a `quantize` method")
@pytest.mark.parametrize(
    "make, tolerance",
    [
        (lambda: quantized("int8"), STEP),
        (lambda: quantized("int4"), STEP),
        (lambda: quantized("float8"), 4 * STEP),
        (lambda: with_lora(keras.layers.Dense), 1e-5),
        (lambda: with_lora(keras.layers.Conv2D), 1e-5),
        (lambda: quantized("int8", with_lora(keras.layers.Dense)), STEP),  # what LoRA adds is rounded to int8 too
        (adapted, 1e-5),
        (lambda: net_with(*(kind(0.3) if kind is not keras.layers.RandomFlip else kind() for kind in RANDOM)), 1e-5),
        (lambda: net_with(Scaled(3.0), Scaled(0.5)), 1e-5),
        (lambda: net_with(inner_net()), 1e-5),
        (shared_and_several, 1e-5),
        (by_the_batch, 1e-5),
    ],
    ids=["int8", "int4", "float8", "lora dense", "lora convolution", "lora int8", "adapted", "random", "own", "nested",
         "shared, several outputs", "by the batch"],
)
def test_a_predictor_answers_as_the_net_whatever_its_layers_are(make, tolerance):
    net = make()
    x = random.standard_normal((4, *net.input_shape[1:]), "float32")
    is_coarse = any(getattr(layer, "quantization_mode", None) for layer in net.layers)  # float8 has steps of an eighth
    for precision, allowed in (("float32", tolerance), ("bfloat16", 0.1 if is_coarse else 3e-2)):
        for got, expected in zip(*map(keras.tree.flatten, (predictor(net, precision)(x), net(x, training=False)))):
            np.testing.assert_allclose(got, expected, atol=allowed * np.abs(expected).max())


def test_a_net_of_open_size_that_takes_no_small_images_is_copied():
    inputs = keras.Input((None, None, 3))
    x = Scaled(0.5)(keras.layers.Conv2D(2, 80)(inputs))
    net = stirred(keras.Model(inputs, keras.layers.GlobalAveragePooling2D()(x)))
    x = random.standard_normal((1, 90, 85, 3), "float32")
    np.testing.assert_allclose(predictor(net)(x), net(x), rtol=1e-3, atol=1e-3)


@pytest.mark.parametrize(
    "make, layer",
    [
        (lambda: net_with(Unrecorded(lambda x: x + 1)), r"layer 'unrecorded\w*' \(Unrecorded\)"),
        (lambda: net_with(keras.layers.Lambda(lambda x: x + 1)), r"layer 'lambda\w*' \(Lambda\)"),
        (lambda: net_with(Inner()), r"layer 'inner\w*' \(Inner\)"),
        (lambda: net_with(keras.layers.Conv2D(3, 1, activation=lambda x: x)), r"layer 'conv2d\w*' \(Conv2D\)"),
        (lambda: net_with(Forgetful(3.0)), r"layers 'forgetful\w*'"),
    ],
    ids=["unrecorded", "lambda", "subclassed", "own activation", "forgetful"],
)
def test_a_layer_that_can_not_be_copied_has_its_sentence(make, layer):
    with pytest.raises(zoo.ZooError, match=f"The model's {layer} can't be copied: its get_config"):
        predictor(make())


@pytest.mark.bfloat16
def test_a_predictor_in_bfloat16_takes_any_number_of_images():
    keras.utils.set_random_seed(0)
    net = miniature("resnet20")
    x = images(net, 7)
    exact, half = predictor(net), predictor(net, "bfloat16", batch_size=3)
    assert half(x).dtype == exact(x).dtype == np.float32
    assert half(x).sum(axis=1) == pytest.approx(1, abs=1e-6)  # bfloat16 has three digits, softmax has seven
    np.testing.assert_allclose(half(x), exact(x), atol=0.05)  # without oneDNN sums are bfloat16 too
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

"""Words as Keras layers, and the layers of the papers that Keras doesn't ship."""

import keras
import numpy as np
import pytest
import tensorflow as tf

import zoo
from zoo import ZooError
from zoo.layers.open_sides import BilinearUpsampling, ChannelShuffle, CropToImage, CropToOverlap
from zoo.layers.papers import (
    RBF, Bilinear, CutPooling, LeCunRange, LocalResponseNormalization, MaxUnpooling, Subsampling, TableConv2D,
    scaled_tanh,
)
from zoo.layout import Conv, Dense, Flatten, Pool, Stage

random = np.random.default_rng(0)


def images(model, count=4):
    return random.standard_normal((count, *model.input_shape[1:]), "float32")


def values(tensor):
    return keras.ops.convert_to_numpy(tensor)


@pytest.fixture(autouse=True)
def same_seed_every_time():
    global random
    random = np.random.default_rng(0)
    keras.utils.set_random_seed(0)


# ----------------------------------------------------------------------------------------- words as Keras layers


def test_layers_bear_the_names_of_the_trace():
    model = zoo.create("vgg11_bn", width=0.125)
    names = [layer.name for layer in model.layers]
    assert names[:4] == ["image", "block1_conv", "block1_conv_bn", "block1_conv_relu"]
    assert names[-3:] == ["dropout2", "predictions", "probabilities"]


def test_a_list_and_a_name_of_ones_own():
    model = zoo.create([Conv(4, 3), Pool(2), Flatten(), Dense(3)], (8, 8, 1), name="tiny")
    assert model.name == "tiny" and model.output_shape == (None, 3)
    assert zoo.create([Conv(4, 3)], (8, 8, 1)).layers[-1].name == "conv", "a layout without head ends in its map"


def test_features_keep_their_order_past_ten_stages(tmp_path):
    model = zoo.create([Stage(f"block{i}", Conv(2, 1)) for i in range(1, 12)], (4, 4, 1), features=True)
    order = [f"block{i}" for i in range(1, 12)]
    assert list(model.output) == list(model(images(model))) == order
    model.save(tmp_path / "model.keras")
    loaded = keras.models.load_model(tmp_path / "model.keras")
    assert set(loaded(images(model))) == set(order)


@pytest.mark.parametrize(
    "word, deviation",
    [
        (Conv(64, 3), (2 / 288) ** 0.5),  # He
        (Conv(64, 3, norm="batch"), (1 / 3 / 288) ** 0.5),  # PyTorch's
        (Conv(64, 3, activation="tanh"), (2 / (288 + 576)) ** 0.5),  # Glorot
        (Conv(64, 3, activation="scaled_tanh"), 2.4 / 288 / 3**0.5),  # LeCun
    ],
)
def test_initial_kernels_suit_the_activation(word, deviation):
    kernel = zoo.create([word], (8, 8, 32)).get_weights()[0]
    assert np.std(kernel) == pytest.approx(deviation, rel=0.05)


@pytest.mark.parametrize(
    "call, sentence",
    [
        (lambda: zoo.create([Conv(4, 3)], (8, 8, 1), features=True), "layout has no named stages to take features"),
        (lambda: zoo.create([Conv(4, 3, activation="rellu")], (8, 8, 1)), "Keras has no activation 'rellu'."),
        (lambda: zoo.create([Conv(4, 3), Conv(4, 3, stride=2, dilation=2)], (8, 8, 1)), "conv2 has a stride and a"),
        (lambda: zoo.create("lenet5", classes=0), "classes must be a positive whole number; got 0."),
        (lambda: zoo.create(5, (8, 8, 1)), "A layout is made of words such as Conv(32, 3) or Pool(2); got 5."),
        (lambda: zoo.create([Conv(4, 3)]), "layout has no input size of its own; give input_shape="),
    ],
)
def test_each_refusal_has_its_sentence(call, sentence):
    with pytest.raises(ZooError) as error:
        call()
    assert sentence in str(error.value)


# ------------------------------------------------------------------------------------------------- the own layers

TABLE = ((0, 1), (2,), (0, 2, 3), (1, 2, 3), (3, 0))
CODES = tuple(map(tuple, np.sign(np.random.default_rng(1).standard_normal((5, 6))).astype(int).tolist()))
LAYERS = [
    (lambda: LocalResponseNormalization(size=3, alpha=0.1, beta=0.6, k=1.5), (7, 6, 9)),
    (lambda: Subsampling((2, 3), activation="tanh"), (7, 6, 4)),
    (lambda: TableConv2D(TABLE, (3, 2), (2, 1), "same", scaled_tanh, LeCunRange(12)), (7, 6, 4)),
    (lambda: RBF(CODES), (6,)),
    (lambda: CutPooling((3, 3), (2, 2), ((0, 0), (0, 1)), "avg"), (7, 6, 4)),
    (lambda: BilinearUpsampling((3, 2)), (5, 4, 3)),
    (lambda: ChannelShuffle(3), (5, 4, 6)),
]


own_layers = pytest.mark.parametrize("make, shape", LAYERS, ids=[type(make()).__name__ for make, _ in LAYERS])


@own_layers
def test_an_own_layer_comes_back_from_its_config(make, shape):
    x, layer = random.standard_normal((2, *shape), "float32"), make()
    expected = layer(x)
    config = keras.saving.serialize_keras_object(layer)
    again = keras.saving.deserialize_keras_object(config)
    assert again.get_config() == layer.get_config()
    again(x)
    again.set_weights(layer.get_weights())
    np.testing.assert_array_equal(values(again(x)), values(expected))
    assert layer(keras.Input(shape)).shape == (None, *expected.shape[1:])


@pytest.mark.bfloat16
@own_layers
def test_an_own_layer_computes_in_bfloat16(make, shape):
    x, layer = random.standard_normal((2, *shape), "float32"), make()
    expected = layer(x)
    half = type(layer).from_config(layer.get_config() | {"dtype": "mixed_bfloat16"})
    half(x)
    half.set_weights(layer.get_weights())
    output = half(x)
    assert {w.dtype for w in half.weights} <= {"float32"}
    assert output.dtype == ("float32" if isinstance(layer, RBF) else "bfloat16")
    assert output.dtype == half(keras.Input(shape)).dtype
    np.testing.assert_allclose(values(keras.ops.cast(output, "float32")), values(expected), rtol=0.05, atol=0.05)


@pytest.mark.parametrize("channels", [1, 4, 96])
def test_lrn_is_tensorflows(channels):
    x = 5 * random.standard_normal((2, 4, 3, channels), "float32")
    expected = tf.nn.local_response_normalization(x, depth_radius=2, bias=2.0, alpha=1e-4, beta=0.75)
    np.testing.assert_allclose(values(LocalResponseNormalization()(x)), expected, rtol=1e-5)
    expected = tf.nn.local_response_normalization(x, depth_radius=1, bias=1.5, alpha=0.1, beta=0.6)
    np.testing.assert_allclose(values(LAYERS[0][0]()(x)), expected, rtol=1e-5)


def test_lrn_outlives_squares_too_large_for_half_precision():
    x = np.full((1, 1, 1, 8), 1e3, "float16")
    assert np.isfinite(values(LocalResponseNormalization(dtype="float16")(x))).all()


@pytest.mark.parametrize("padding, strides", [("valid", (1, 1)), ("same", (2, 1))])
def test_a_table_convolution_is_a_masked_one(padding, strides):
    x = random.standard_normal((2, 8, 7, 4), "float32")
    layer = TableConv2D(TABLE, (3, 2), strides, padding)
    layer.build(x.shape)
    kernel, bias = (random.standard_normal(w.shape, "float32") for w in layer.weights)
    layer.set_weights([kernel, bias])
    full, connection = np.zeros((3, 2, 4, 5), "float32"), 0
    for target, sources in enumerate(TABLE):
        for source in sources:
            full[:, :, source, target] = kernel[:, :, connection]
            connection += 1
    assert connection == kernel.shape[-1] == 11
    masked = keras.layers.Conv2D(5, (3, 2), strides, padding)
    masked.build(x.shape)
    masked.set_weights([full, bias])
    np.testing.assert_allclose(values(layer(x)), values(masked(x)), atol=1e-5)


def test_subsampling_sums_scales_and_shifts():
    x = random.standard_normal((2, 5, 6, 3), "float32")
    layer = Subsampling((2, 3), "tanh")
    layer.build(x.shape)
    np.testing.assert_allclose(layer.get_weights()[0], 1 / 6, rtol=1e-6)  # it starts as a mean
    coefficient, bias = np.array([0.5, -1, 2], "float32"), np.array([0.1, 0.2, -0.3], "float32")
    layer.set_weights([coefficient, bias])
    windows = x[:, :4].reshape(2, 2, 2, 2, 3, 3).sum(axis=(2, 4))
    np.testing.assert_allclose(values(layer(x)), np.tanh(windows * coefficient + bias), atol=1e-5)


@pytest.mark.parametrize("kind", ["max", "avg"])
@pytest.mark.parametrize("size, stride", [(3, 2), (2, 2), (3, 3), (5, 3)])
@pytest.mark.parametrize("shape", [(16, 16), (15, 16), (14, 17)])
def test_a_pool_that_rounds_up_ends_at_the_maps_edge(kind, size, stride, shape):
    x = random.standard_normal((2, *shape, 3), "float32") - 3  # a zero would be the maximum
    pooled = values(zoo.create([Pool(size, stride, "ceil", kind)], (*shape, 3))(x))
    for i, j in np.ndindex(*pooled.shape[1:3]):
        window = x[:, i * stride : i * stride + size, j * stride : j * stride + size]
        expected = window.max(axis=(1, 2)) if kind == "max" else window.mean(axis=(1, 2))
        np.testing.assert_allclose(pooled[:, i, j], expected, rtol=1e-5)


@pytest.mark.parametrize("padding", ["valid", "same"])
@pytest.mark.parametrize("shape", [(4, 6), (5, 7)])
@pytest.mark.parametrize("dtype", ["float32", "mixed_bfloat16"])
def test_unpooling_puts_values_where_the_maxima_were(shape, padding, dtype):
    before = random.permutation(2 * 3 * shape[0] * shape[1]).reshape(2, *shape, 3).astype("float32")
    before = before % 128 - 64  # few bits, so that bfloat16 holds them exactly; negative ones, so that zeros show
    pooled = values(keras.layers.MaxPooling2D(2, padding=padding)(before))
    x = random.integers(1, 100, pooled.shape).astype("float32")
    expected = np.zeros_like(before)
    for n, i, j, c in np.ndindex(*pooled.shape):
        cells = before[n, 2 * i : 2 * i + 2, 2 * j : 2 * j + 2, c]
        a, b = np.unravel_index(cells.argmax(), cells.shape)
        expected[n, 2 * i + a, 2 * j + b, c] = x[n, i, j, c]
    layer = MaxUnpooling(2 * (2,), dtype=dtype)
    output = layer([x, before])
    assert output.dtype == layer.compute_dtype
    np.testing.assert_array_equal(values(keras.ops.cast(output, "float32")), expected)
    assert MaxUnpooling.from_config(layer.get_config()).get_config() == layer.get_config()


@pytest.mark.parametrize("times", [2, 4, 8])
def test_a_bilinear_start_interpolates_each_channel_by_itself(times):
    x = random.standard_normal((1, 6, 6, 3), "float32")
    start = keras.layers.Conv2DTranspose(3, 2 * times, times, "same", kernel_initializer=Bilinear())(x)
    interpolated = keras.layers.UpSampling2D(times, interpolation="bilinear")(x)
    inside = np.s_[:, times:-times, times:-times]
    np.testing.assert_allclose(values(start)[inside], values(interpolated)[inside], atol=1e-5)


@pytest.mark.parametrize("name", ["nin_cifar", "allcnn_c", "squeezenet1_1"])
def test_class_scores_behind_a_relu_start_above_zero(name):
    """A class whose score is 0 has no gradient; NiN and All-CNN learned half of the digits before, or nothing."""
    model = zoo.create(name, (32, 32, 3), 10, classifier_activation=None)
    np.testing.assert_array_equal(values(model(np.zeros((1, *model.input_shape[1:])))), 1)
    scores = keras.Model(model.input, model.get_layer("predictions").output)(images(model, 8))
    assert (values(scores) > 0).mean() > 0.85  # two in three with Glorot's initialization


@pytest.mark.parametrize("shape", [(5, 4), (1, 3), (1, 1)])
@pytest.mark.parametrize("times", [(2, 2), (3, 4), (1, 8)])
def test_bilinear_upsampling_is_keras(times, shape):
    x = random.standard_normal((2, *shape, 3), "float32")
    expected = keras.layers.UpSampling2D(times, interpolation="bilinear")(x)
    np.testing.assert_allclose(values(BilinearUpsampling(times)(x)), values(expected), atol=1e-6)
    assert BilinearUpsampling(times)(keras.Input((None, 4, 3))).shape == (None, None, 4 * times[1], 3)


def test_a_shuffle_deals_the_groups_channels_in_turn():
    x = np.arange(2 * 6, dtype="float32").reshape(2, 1, 1, 6)
    np.testing.assert_array_equal(values(ChannelShuffle(2)(x))[0, 0, 0], [0, 3, 1, 4, 2, 5])
    np.testing.assert_array_equal(values(ChannelShuffle(3)(x))[1, 0, 0], [6, 8, 10, 7, 9, 11])


def test_maps_are_cropped_to_what_they_share_whatever_their_sizes():
    layer = CropToOverlap([(1, 0), (0, 2)])
    a, b = (random.standard_normal((2, *sides, 3), "float32") for sides in ((9, 5), (6, 9)))
    np.testing.assert_array_equal(values(layer([a, b])), b[:, :6, 2:7])
    np.testing.assert_array_equal(values(layer([a[:, :4], b])), b[:, :3, 2:7])
    inputs = [keras.Input((9, None, 3)), keras.Input((6, 9, 4))]
    assert layer(inputs).shape == keras.Model(inputs, layer(inputs)).output_shape == (None, 6, None, 4)
    assert CropToOverlap.from_config(layer.get_config()).get_config() == layer.get_config()


def test_a_map_is_cropped_to_the_image_from_its_start_or_as_far_as_it_reaches():
    x, layer = random.standard_normal((2, 9, 8, 3), "float32"), CropToImage((2, 3))
    np.testing.assert_array_equal(values(layer([x, np.zeros((2, 6, 5, 1))])), x[:, 2:8, 3:])
    np.testing.assert_array_equal(values(layer([x, np.zeros((2, 8, 7, 1))])), x[:, 1:, 1:])
    with pytest.raises(ZooError, match="crop can't cut a map to the image: it is smaller than the image."):
        CropToImage((0, 0), name="crop")([x, np.zeros((2, 9, 9, 1))])
    assert layer([keras.Input((None, 8, 3)), keras.Input((None, 5, 1))]).shape == (None, None, 5, 3)
    assert CropToImage.from_config(layer.get_config()).get_config() == layer.get_config()


def test_rbf_is_minus_the_squared_distance():
    x = random.standard_normal((3, 6), "float32")
    expected = -((x[:, None, :] - np.array(CODES)[None]) ** 2).sum(axis=2)
    layer = RBF(CODES)
    np.testing.assert_allclose(values(layer(x)), expected, rtol=1e-5)
    assert not layer.trainable_weights
    np.testing.assert_array_equal(values(layer(np.array(CODES, "float32"))).argmax(axis=1), np.arange(5))


def test_lecuns_range_and_squashing_function():
    for initializer, shape, fan_in in [(LeCunRange(), (5, 5, 4, 300), 100), (LeCunRange(7), (70, 50), 7)]:
        kernel = values(initializer(shape))
        bound = 2.4 / fan_in
        assert kernel.shape == shape and np.abs(kernel).max() <= bound
        assert kernel.min() < -0.99 * bound and kernel.max() > 0.99 * bound and abs(kernel.mean()) < 0.05 * bound
    np.testing.assert_allclose(values(scaled_tanh(np.float32([-1, 0, 1]))), [-1, 0, 1], atol=1e-4)  # Appendix A


def test_table_rows_of_lenet5_are_those_of_the_paper():
    model = zoo.create("lenet5_1998")
    assert model.get_layer("c3").kernel.shape == (5, 5, 60)
    assert np.abs(model.get_layer("c3").get_weights()[0]).max() <= 2.4 / (25 * 60 / 16)
    assert isinstance(model.get_layer("s2"), Subsampling) and isinstance(model.get_layer("predictions"), RBF)


@pytest.mark.parametrize("name", [3, "a/b", "", ["x"]])
def test_a_name_that_keras_takes_for_none_has_its_sentence(name):
    with pytest.raises(ZooError) as error:
        zoo.create([Conv(4, 3)], (8, 8, 1), name=name)
    assert str(error.value) == f"name must be text without a slash; got {name!r}."

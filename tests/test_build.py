"""The built Keras models: published figures at full size, everything else on miniatures."""

from functools import cache

import keras
import numpy as np
import pytest
import tensorflow as tf

import zoo
from zoo import ZooError, registry
from zoo.layers import RBF, LeCunRange, LocalResponseNormalization, Subsampling, TableConv2D, scaled_tanh
from zoo.layout import Conv, Dense, Flatten, Pool, Stage
from zoo.trace import smallest_input

MODELS = zoo.list_models()
random = np.random.default_rng(0)


@cache
def smallest(name):
    """The arguments of the smallest net of this name: a fraction of the width, the fewest pixels."""
    arguments = {"width": 0.5 if max(registry.entry(name).input_shape) <= 64 else 0.0625}
    try:
        zoo.info(name, **arguments)
    except ZooError:  # a net whose width is fixed
        arguments = {}
    channels = registry.entry(name).input_shape[-1]
    size = smallest_input(registry.entry(name).layout(), channels)
    return arguments | {"input_shape": (size, size, channels)}


def miniature(name, **arguments):
    return zoo.create(name, **smallest(name) | arguments)


def images(model, count=4):
    return random.standard_normal((count, *model.input_shape[1:]), "float32")


def values(tensor):
    return keras.ops.convert_to_numpy(tensor)


@pytest.fixture(autouse=True)
def same_seed_every_time():
    global random
    random = np.random.default_rng(0)
    keras.utils.set_random_seed(0)


@pytest.fixture
def bfloat16():
    keras.config.set_dtype_policy("mixed_bfloat16")
    yield
    keras.config.set_dtype_policy("float32")


# ----------------------------------------------------------------------------------------------- the papers' sizes


def agrees(figure, count):
    """Whether a count is the published figure, to the precision in which that is stated: 133e6 is 132.5 to 133.5."""
    digits = len(str(int(figure))) - len(str(int(figure)).rstrip("0"))
    return abs(count - figure) <= 10**digits / 2


@pytest.mark.parametrize("name", MODELS)
def test_published_figures_and_the_trace_hold_for_the_built_model(name, shell):
    entry, info = registry.entry(name), zoo.info(name)
    model = zoo.create(name)
    trainable = sum(int(np.prod(weight.shape)) for weight in model.trainable_weights)
    assert model.name == name
    assert model.input_shape == (None, *entry.input_shape)
    assert model.output_shape == (None, entry.classes) == (None, *info.output_shape)
    assert (model.count_params(), trainable) == (info.params, info.trainable_params)
    published = {"params": model.count_params(), "trainable_params": trainable, "macs": info.macs}
    for key in published.keys() & entry.published.keys():
        assert agrees(entry.published[key].value, published[key]), (key, entry.published[key])


def test_a_rounded_figure_is_held_to_its_own_precision():
    assert agrees(133e6, 132_863_336) and not agrees(134e6, 132_863_336)
    assert agrees(61_706, 61_706) and not agrees(61_706, 61_707)


# --------------------------------------------------------------------------------------------------- miniatures


@pytest.mark.parametrize("name", MODELS)
def test_every_weight_learns(name):
    model = miniature(name, classifier_activation=None)
    with tf.GradientTape() as tape:
        logits = model(images(model))
        loss = tf.reduce_mean(tf.nn.sparse_softmax_cross_entropy_with_logits([1, 0, 3, 2], logits))
    for weight, gradient in zip(model.trainable_weights, tape.gradient(loss, model.trainable_weights)):
        assert gradient is not None, weight.path
        assert np.isfinite(gradient).all() and np.any(gradient), weight.path


@pytest.mark.parametrize("name", MODELS)
def test_saving_and_loading_change_nothing(name, tmp_path):
    model = miniature(name)
    model.set_weights([w + 0.1 * random.random(w.shape, "float32") for w in model.get_weights()])
    model.save(tmp_path / "model.keras")
    loaded = keras.models.load_model(tmp_path / "model.keras")
    x = images(model)
    np.testing.assert_array_equal(values(model(x)), values(loaded(x)))
    again = keras.Model.from_config(model.get_config())
    assert (again.input_shape, again.output_shape) == (model.input_shape, model.output_shape)
    assert [w.path for w in again.weights] == [w.path for w in model.weights]
    assert [w.shape for w in again.weights] == [w.shape for w in model.weights]


@pytest.mark.parametrize("name", MODELS)
def test_without_top(name):
    body = miniature(name, include_top=False)
    assert len(body.output_shape) == 4 and not {"predictions", "probabilities"} & {layer.name for layer in body.layers}
    pooled = {"avg": np.mean, "max": np.max}
    for pooling, function in pooled.items():
        model = miniature(name, include_top=False, pooling=pooling)
        model.set_weights(body.get_weights())
        x = images(model)
        np.testing.assert_allclose(values(model(x)), function(values(body(x)), axis=(1, 2)), atol=1e-5)


@pytest.mark.parametrize("name", MODELS)
def test_features_are_the_stages_finest_first(name):
    layout, shape = registry.entry(name).layout(), (96, 128, 2)
    stages = [word.name for word in layout.body if isinstance(word, Stage)]
    model = miniature(name, features=True, input_shape=shape, padding="same")
    maps = model(images(model, 1))
    assert list(model.output) == list(maps) == stages
    traced = zoo.trace(layout, shape)
    outputs = {layer.name: layer.output for layer in traced.layers}
    strides = [outputs[traced.features[stage]].stride for stage in stages]
    assert strides == sorted(strides)
    for stage, (down, across) in zip(stages, strides):
        assert maps[stage].shape[1:3] == (-(-96 // down), -(-128 // across))


@pytest.mark.parametrize("name", MODELS)
def test_other_channels_and_long_images(name):
    size = smallest(name)["input_shape"][0]
    for shape in [(size, size, 5), (size + 9, size, 1), (size, 2 * size, 3)]:
        model = miniature(name, input_shape=shape)
        output = values(model(images(model)))
        assert output.shape == (4, registry.entry(name).classes)
        np.testing.assert_allclose(output.sum(axis=1), 1, rtol=1e-5)
    assert miniature(name, input_shape=(size, size, 5)).weights[0].shape[2] == 5


@pytest.mark.parametrize("name", MODELS)
def test_logits_are_what_the_softmax_is_of(name):
    model, logits = miniature(name), miniature(name, classifier_activation=None)
    logits.set_weights(model.get_weights())
    x = images(model)
    expected = tf.nn.softmax(values(logits(x)))
    np.testing.assert_allclose(values(model(x)), expected, rtol=1e-5, atol=1e-7)
    assert np.ptp(values(logits(x))) > 1e-3
    assert model.layers[-1].name == "probabilities" and logits.layers[-1].name == "scores"


@pytest.mark.parametrize("name", MODELS)
def test_scores_are_float32_under_mixed_precision(name, bfloat16):
    for activation in ("softmax", None):
        model = miniature(name, classifier_activation=activation)
        assert model.compute_dtype == "bfloat16" and {w.dtype for w in model.weights} == {"float32"}
        output = model(images(model))
        assert output.dtype == "float32" and np.isfinite(output).all()


@pytest.mark.parametrize("name", MODELS)
def test_another_number_of_classes(name):
    try:
        model = miniature(name, classes=3)
    except ZooError as error:
        assert "takes no other number" in str(error)
    else:
        assert model.output_shape == (None, 3)


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
        (Conv(64, 3, norm="batch"), (2 / 288) ** 0.5),
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

"""Every registered model: published figures at full size, everything else on miniatures."""

import keras
import numpy as np
import pytest
import tensorflow as tf
from miniatures import images, miniature, smallest, stirred

import zoo
from zoo import ZooError, registry
from zoo.layout import Pool, plain_words

MODELS = zoo.list_models()
every_model = pytest.mark.parametrize("name", MODELS)
DEEPEST_FIRST = sorted(MODELS, key=lambda name: -len(zoo.info(name).layers))
one_of_each_family = pytest.mark.parametrize(
    "name", {registry.entry(name).family: name for name in DEEPEST_FIRST}.values()
)


def values(tensor):
    return keras.ops.convert_to_numpy(tensor)


@pytest.fixture(autouse=True)
def same_seed_every_time():
    keras.utils.set_random_seed(0)
    yield
    keras.utils.clear_session(free_memory=False)


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


@every_model
def test_published_figures_and_the_trace_hold_for_the_built_model(name, shell):
    entry, info = registry.entry(name), zoo.info(name)
    model = zoo.create(name)
    trainable = sum(int(np.prod(weight.shape)) for weight in model.trainable_weights)
    assert model.name == name
    assert model.input_shape == (None, *entry.input_shape)
    assert model.output_shape == (None, *info.output_shape) and info.output_shape[-1] == entry.classes
    assert (model.count_params(), trainable) == (info.params, info.trainable_params)
    measured = {"params": model.count_params(), "trainable_params": trainable, "macs": info.macs}
    for key in measured.keys() & entry.published.keys():
        assert agrees(entry.published[key].value, measured[key]), (key, entry.published[key])


def test_a_rounded_figure_is_held_to_its_own_precision():
    assert agrees(133e6, 132_863_336) and not agrees(134e6, 132_863_336)
    assert agrees(61_706, 61_706) and not agrees(61_706, 61_707)


def test_published_receptive_fields():
    rows = {row["name"]: row["receptive_field"] for row in zoo.info("vgg16").layers}
    assert rows["block5_pool"] == 212
    assert {row["name"]: row for row in zoo.info("fcn32s").layers}["conv7_conv"]["receptive_field"] == (
        registry.entry("fcn32s").published["receptive_field"].value
    )


def test_se_resnet_costs_what_the_paper_says_over_resnet():
    plain, squeezing = zoo.info("resnet50_v1"), zoo.info("se_resnet50")
    assert [row["stride"] for row in squeezing.layers if row["name"] == "conv3_add1_conv1"] == [8]
    assert squeezing.macs < 1.0026 * plain.macs and squeezing.trainable_params > plain.trainable_params


def test_segnets_encoder_has_the_papers_size():
    layers = zoo.plan.plan("segnet").trace.layers
    encoder = sum(layer.trainable_params for layer in layers if layer.name.startswith("encoder"))
    assert agrees(registry.entry("segnet").published["encoder_params"].value, encoder)


@pytest.mark.parametrize("name, offsets", [("fcn16s", [5]), ("fcn8s", [5, 9])])
def test_fcn_crops_where_its_authors_do(name, offsets):
    """The offsets of the `Crop` layers in the published Caffe nets."""
    crops = [layer.word.border[0] for layer in zoo.plan.plan(name).trace.layers if layer.kind == "Crop"]
    assert crops[:-1] == offsets


def test_unet_gives_the_papers_map():
    size = int(registry.entry("unet").published["output_size"].value)
    assert zoo.info("unet").output_shape == (size, size, 2)
    assert zoo.info("unet", padding="same").output_shape == (572, 572, 2)


def test_googlenet_has_the_papers_auxiliary_classifiers(shell):
    model = zoo.create("googlenet", aux=True)
    assert model.count_params() == 13_378_280
    assert list(model.output) == ["probabilities", "aux1", "aux2"]
    assert {output.shape for output in model.output.values()} == {(None, 1000)}
    assert zoo.create("googlenet", aux=True, include_top=False).count_params() == 6_998_552 - 1024 * 1000 - 1000


# --------------------------------------------------------------------------------------------------- miniatures


@every_model
def test_every_weight_learns_on_long_images_of_other_channels(name):
    size = smallest(name)[1]["input_shape"][0]
    options = dict(classifier_activation=None, activation="elu")  # a ReLU may be dead by chance
    model = stirred(miniature(name, input_shape=(size, size + 9, 2), **options))
    with tf.GradientTape() as tape:
        logits = model(images(model), training=True)
        labels = np.arange(np.prod(logits.shape[:-1])).reshape(logits.shape[:-1]) % logits.shape[-1]
        loss = tf.reduce_mean(tf.nn.sparse_softmax_cross_entropy_with_logits(labels, logits))
    for weight, gradient in zip(model.trainable_weights, tape.gradient(loss, model.trainable_weights)):
        assert gradient is not None, weight.path
        assert np.isfinite(gradient).all() and np.any(gradient), weight.path


@every_model
def test_without_top_there_is_no_head(name, shell):
    body, whole = miniature(name, include_top=False), miniature(name)
    assert len(body.output_shape) == 4 and not {"predictions", "probabilities"} & {layer.name for layer in body.layers}
    assert [weight.path for weight in body.weights] == [w.path for w in whole.weights][: len(body.weights)]


@every_model
def test_features_are_the_stages_finest_first(name, shell):
    shape = (64, 96, 3)
    model = miniature(name, features=True, input_shape=shape, padding="same")
    layout, options = smallest(name)
    traced = zoo.plan.plan(layout, include_top=False, **options | {"input_shape": shape, "padding": "same"}).trace
    assert list(model.output) == list(traced.features)
    strides = [signal.stride for signal in traced.features.values()]
    assert strides == sorted(strides)
    for stage, (down, across) in zip(traced.features, strides):
        assert model.output[stage].shape[1:3] == (-(-64 // down), -(-96 // across)), stage


@every_model
def test_features_hold_the_whole_body_and_each_map_once(name):
    traced = zoo.plan.plan(name, include_top=False).trace
    ends = [signal.source for signal in traced.features.values()]
    assert len(set(ends)) == len(ends) and traced.output.source in ends
    assert not any("branch" in stage for stage in traced.features)


@pytest.mark.bfloat16
@every_model
def test_scores_are_float32_probabilities_under_mixed_precision(name, bfloat16):
    model = miniature(name)
    assert model.compute_dtype == "bfloat16" and {w.dtype for w in model.weights} == {"float32"}
    output = model(images(model))
    assert output.dtype == "float32" and output.shape[-1] == registry.entry(name).classes
    np.testing.assert_allclose(values(output).sum(axis=-1), 1, rtol=1e-5)


@every_model
def test_another_number_of_classes(name):
    try:
        info = zoo.info(name, classes=3)
    except ZooError as error:
        assert "takes no other number" in str(error)
    else:
        assert info.output_shape[-1] == 3
        difference = zoo.info(name).params - info.params
        assert difference == sum(a["params"] - b["params"] for a, b in zip(zoo.info(name).layers, info.layers)) != 0


@one_of_each_family
def test_saving_and_loading_change_nothing(name, tmp_path):
    model = miniature(name)
    stirred(model)
    model.save(tmp_path / "model.keras")
    loaded = keras.models.load_model(tmp_path / "model.keras")
    x = images(model)
    np.testing.assert_array_equal(values(model(x)), values(loaded(x)))
    assert [w.path for w in loaded.weights] == [w.path for w in model.weights]


@one_of_each_family
def test_pooling_without_top(name):
    body = miniature(name, include_top=False)
    x = images(body)
    for pooling, function in {"avg": np.mean, "max": np.max}.items():
        model = miniature(name, include_top=False, pooling=pooling)
        model.set_weights(body.get_weights())
        np.testing.assert_allclose(values(model(x)), function(values(body(x)), axis=(1, 2)), atol=1e-4, rtol=1e-5)


@one_of_each_family
def test_logits_are_what_the_softmax_is_of(name):
    model, logits = miniature(name), miniature(name, classifier_activation=None)
    stirred(model)
    logits.set_weights(model.get_weights())
    x = images(model)
    expected = tf.nn.softmax(values(logits(x)))
    np.testing.assert_allclose(values(model(x)), expected, rtol=1e-5, atol=1e-7)
    assert np.ptp(values(logits(x))) > 1e-3
    assert model.layers[-1].name == "probabilities" and logits.layers[-1].name == "scores"


# ---------------------------------------------------------------------------------------------------- overrides

OVERRIDES = [
    dict(padding="same"), dict(padding="valid"), dict(padding=1), dict(stride=1), dict(stride=3),
    dict(pool="max"), dict(pool="avg"), dict(pool="stride"), dict(norm=None), dict(norm="batch"), dict(norm="group"),
    dict(norm="lrn"), dict(activation="elu"), dict(dropout=0), dict(dropout=0.3), dict(width=0.25), dict(width=0.5),
    dict(width=2), dict(output_stride=8), dict(output_stride=16), dict(head="gap"), dict(head="paper"),
]


@every_model
def test_each_override_is_taken_or_refused_in_a_sentence(name):
    taken = 0
    for override in OVERRIDES:
        try:
            taken += zoo.info(name, **override).params > 0
        except ZooError as error:
            assert str(error).startswith(name) and str(error).endswith("."), override
    assert taken >= len(OVERRIDES) / 2


@every_model
def test_many_overrides_at_once_are_built_as_traced(name):
    layout, options = smallest(name)
    override = dict(padding="same", norm="group", activation="elu", dropout=0.1, head="gap", pool="avg")
    if name == "lenet5_1998":
        del override["head"]  # its output codes allow no other
    if name == "segnet" or not any(isinstance(word, Pool) and word.size != 1 for word in plain_words(layout.body)):
        del override["pool"]  # SegNet's decoder needs to know where each maximum was
    info = zoo.info(layout, **options | override)
    model = miniature(name, **override)
    assert model.count_params() == info.params and model.output_shape == (None, *info.output_shape)
    assert np.isfinite(values(model(images(model)))).all()


@one_of_each_family
@pytest.mark.parametrize("override", [dict(output_stride=8), dict(norm=None, pool="stride", stride=1)])
def test_what_changes_strides_is_built_as_traced(name, override):
    layout, options = smallest(name)
    options = options | {"input_shape": (64, 64, 3)}
    try:
        info = zoo.info(layout, **options | override | {"padding": "same"})
    except ZooError:
        pytest.skip("refused")
    model = miniature(name, input_shape=(64, 64, 3), padding="same", **override)
    assert model.count_params() == info.params and model.output_shape == (None, *info.output_shape)
    assert np.isfinite(values(model(images(model, 1)))).all()

"""`input_tensor=` as keras.applications take it: on an Input, behind layers, behind another model."""

import keras
import numpy as np
import pytest
import tensorflow as tf
from miniatures import images, miniature, stirred

import zoo
from zoo import ZooError
from zoo.layout import Conv, Dense, GlobalPool, Stage
from zoo.models import resnet20

SHAPE = (12, 10, 3)
NET = [Stage("block1", Conv(4, 3, norm="batch")), Stage("block2", Conv(6, 3, stride=2)), GlobalPool(), Dense(5)]


def resized(height=12, width=10):
    raw = keras.Input((20, 24, 3))
    return keras.layers.Resizing(height, width)(keras.layers.Rescaling(1 / 127.5, -1)(raw))


@pytest.mark.parametrize("name", ["lenet5_1998", "googlenet", "segnet", "shufflenet_v2_x1_0", "se_resnet50"])
def test_a_net_on_a_tensor_computes_what_it_does_by_itself(name):
    plain = stirred(miniature(name))
    raw = keras.Input((21, 20, plain.input_shape[-1]))
    model = miniature(name, input_shape=None, input_tensor=keras.layers.Resizing(*plain.input_shape[1:3])(raw))
    model.set_weights(plain.get_weights())
    assert [layer.name for layer in model.layers[2:]] == [layer.name for layer in plain.layers[1:]]
    x = np.random.default_rng(0).standard_normal((2, *model.input_shape[1:]), "float32")
    expected = plain(model.layers[1](x), training=False)
    # Keras's Resizing lets a bare call compute as in training; predict doesn't
    np.testing.assert_allclose(model(x, training=False), expected, rtol=1e-4, atol=1e-5)
    np.testing.assert_allclose(model.predict(x, verbose=0), expected, rtol=1e-4, atol=1e-5)


def test_the_result_leads_from_the_source_as_keras_applications_does():
    tensor = resized(32, 32)
    ours = zoo.create("vgg16", width=1 / 16, include_top=False, pooling="avg", input_tensor=tensor)
    theirs = keras.applications.VGG16(weights=None, include_top=False, pooling="avg", input_tensor=tensor)
    assert ours.input_shape == (None, 20, 24, 3)
    assert ours.input is tensor._keras_history.operation.input._keras_history.operation.input
    assert [type(layer) for layer in ours.layers[:3]] == [type(layer) for layer in theirs.layers[:3]]
    assert ours.output_shape == (None, 32)
    part = keras.Model(ours.input, ours.get_layer("block3_pool").output)
    assert part.output_shape == (None, 4, 4, 16)


def test_a_plain_input_keeps_its_name_and_batch():
    image = keras.Input(batch_shape=(2, *SHAPE), name="picture")
    model = zoo.create(NET, input_tensor=image)
    assert model.input is image and model.input_shape == (2, *SHAPE)
    assert [layer.name for layer in model.layers[:2]] == ["picture", "block1_conv"]


def test_several_sources_come_together_in_one_net():
    left, right = keras.Input((12, 10, 1)), keras.Input((12, 10, 2))
    model = zoo.create(NET, input_tensor=keras.layers.Concatenate()([left, right]))
    assert [one.shape for one in model.inputs] == [left.shape, right.shape]
    assert model([np.zeros((2, 12, 10, 1)), np.zeros((2, 12, 10, 2))]).shape == (2, 5)


def test_a_net_behind_another_model():
    raw = keras.Input(SHAPE)
    front = keras.Model(raw, keras.layers.Conv2D(3, 1, name="colours")(raw))
    model = zoo.create(NET, input_tensor=front.output)
    assert [layer.name for layer in model.layers][1:3] == ["colours", "block1_conv"]
    assert model.count_params() == front.count_params() + zoo.create(NET, SHAPE).count_params()


def test_features_and_side_classifiers_keep_their_names():
    maps = zoo.create(NET, features=True, input_tensor=resized())
    assert {key: out.shape[1:] for key, out in maps.output.items()} == {"block1": (12, 10, 4), "block2": (6, 5, 6)}
    googlenet = zoo.create("googlenet", aux=True, width=1 / 16, input_tensor=resized(224, 224))
    assert list(googlenet.output) == ["probabilities", "aux1", "aux2"]


def test_the_policy_of_the_moment_holds_for_the_net_and_not_for_what_stands_before():
    tensor = resized()
    keras.config.set_dtype_policy("mixed_bfloat16")
    try:
        model = zoo.create(NET, input_tensor=tensor)
    finally:
        keras.config.set_dtype_policy("float32")
    kinds = [layer.compute_dtype for layer in model.layers]
    assert kinds[:3] == ["float32"] * 3 and kinds[3] == "bfloat16" and model.output.dtype == "float32"


@pytest.mark.parametrize("suffix", [".keras", ".weights.h5", ".pth"])
@pytest.mark.parametrize("top", [True, False])
def test_weights_are_those_of_the_net_alone(suffix, top, tmp_path):
    trained = stirred(zoo.create(NET, SHAPE))
    path = tmp_path / f"net{suffix}"
    if suffix == ".pth":
        pth(trained, path)
    else:
        (trained.save if suffix == ".keras" else trained.save_weights)(path)
    raw = keras.Input((20, 24, 3))
    tensor = keras.layers.Resizing(12, 10)(keras.layers.BatchNormalization()(raw))  # weights that aren't the net's
    model = zoo.create(NET, include_top=top, weights=path, input_tensor=tensor)
    for layer in model.layers[3:]:
        for own, other in zip(layer.get_weights(), trained.get_layer(layer.name).get_weights(), strict=True):
            np.testing.assert_array_equal(own, other)
    with pytest.raises(ZooError, match="block1_conv"):
        zoo.create(NET, include_top=top, weights=path, input_tensor=tensor, width=2)


def pth(model, path):
    """Write a net's weights as PyTorch does."""
    torch = pytest.importorskip("torch")
    state = {}
    for layer in model.layers:
        weights = [np.ascontiguousarray(w) for w in layer.get_weights()]
        keys = ("weight", "bias", "running_mean", "running_var")[: len(weights)]
        if weights and weights[0].ndim == 4:
            weights[0] = np.ascontiguousarray(weights[0].transpose(3, 2, 0, 1))
        elif weights and weights[0].ndim == 2:
            weights[0] = np.ascontiguousarray(weights[0].T)
        state |= {f"{layer.name}.{key}": torch.from_numpy(w) for key, w in zip(keys, weights)}
    torch.save(state, path)


def test_two_nets_on_one_tensor_are_two_models_and_share_it():
    tensor = resized()
    one, two = zoo.create(NET, input_tensor=tensor), zoo.create(NET, input_tensor=tensor)
    assert one.input is two.input
    one.set_weights([0 * w for w in one.get_weights()])
    assert np.abs(two.get_weights()[0]).max() > 0


def test_builders_take_it():
    assert resnet20(input_tensor=resized(32, 32), classes=7).output_shape == (None, 7)


@pytest.mark.parametrize(
    "arguments, sentence",
    [
        (lambda: dict(input_tensor=3), "must be a keras.Input, or what Keras layers made of one; got one int"),
        (lambda: dict(input_tensor=tf.zeros((1, *SHAPE))), "got one EagerTensor."),
        (lambda: dict(input_tensor=np.zeros((1, *SHAPE))), "got one ndarray."),
        (lambda: dict(input_tensor=keras.KerasTensor((None, *SHAPE))), "got one KerasTensor."),
        (lambda: dict(input_tensor=[keras.Input(SHAPE)]), "got one list."),
        (lambda: dict(input_tensor=zoo.create(NET, SHAPE)), "got one Functional."),
        (lambda: dict(input_tensor=keras.Input((120,))), "must hold images, (N, height, width, channels); its shape"),
        (lambda: dict(input_tensor=keras.Input((None, 10, None))), "must have a known number of channels; its shape"),
        (lambda: dict(input_tensor=keras.Input((12, 10, None))), "its shape is (None, 12, 10, None)."),
        (lambda: dict(input_tensor=keras.Input((None, None, 3)), input_shape=SHAPE),
         "layout can't have input_shape 12x10x3 on an input_tensor of ?x?x3: give only one."),
        (lambda: dict(input_tensor=keras.Input(SHAPE), input_shape=(10, 12, 3)),
         "layout can't have input_shape 10x12x3 on an input_tensor of 12x10x3: give only one."),
        (lambda: dict(input_tensor=zoo.create(NET, SHAPE, include_top=False).output),
         "a layer before it has the name of one of its own: block1_conv. Build it without"),
        (lambda: dict(input_tensor=keras.Input(SHAPE, name="block2_conv")), "the name of one of its own: block2_conv."),
        (lambda: dict(input_tensor=keras.Input(SHAPE, dtype="uint8")), "must hold floats; it holds uint8. keras"),
    ],
)
def test_each_refusal_has_its_sentence(arguments, sentence):
    with pytest.raises(ZooError) as error:
        zoo.create(NET, **arguments())
    assert sentence in str(error.value)


def test_a_tensor_too_small_for_the_net_is_told_as_an_image_is():
    with pytest.raises(ZooError, match="alexnet_owt needs an input of at least 63x63; got 12x10"):
        zoo.create("alexnet_owt", input_tensor=resized())
    assert images(zoo.create(NET, input_tensor=resized())).shape == (4, 20, 24, 3)

"""Nets as users of Keras combine them, and docs/keras.md, which shows it."""

import re
from pathlib import Path

import keras
import numpy as np
import pytest
from miniatures import images, miniature, smallest, stirred

import zoo

PAGE = Path(__file__).parents[1].joinpath("docs", "keras.md").read_text()


@pytest.fixture(autouse=True)
def same_seed_every_time():
    keras.utils.set_random_seed(0)
    yield
    keras.utils.clear_session(free_memory=False)


def body(registered, **arguments):
    """A small net without its head, as the start of another."""
    layout, options = smallest(registered)
    return zoo.create(layout, **options | {"include_top": False, "pooling": "avg", "name": registered} | arguments)


def reloaded(model, path):
    model.save(path)
    return keras.models.load_model(path)


def assert_same(got, expected):
    np.testing.assert_allclose(got, expected, rtol=1e-4, atol=1e-5)


def test_the_page_is_true():
    names = {"__name__": "page"}
    for block in re.findall(r"```python\n(.*?)```", PAGE, re.DOTALL):
        exec(block, names)
    x = np.random.default_rng(0).uniform(0, 255, (2, 48, 48, 3)).astype("float32")
    model, classifier, twins, net = (names[key] for key in ("model", "classifier", "twins", "body"))
    assert model(x).shape == (2, 5)
    assert np.abs(np.asarray(model(x)) - model.predict(x, verbose=0)).max() > 1e-3, "a bare call trains: say so no more"
    assert_same(model(x, training=False), model.predict(x, verbose=0))
    assert classifier(x[:, :40, :40]).shape == (2, 5) and twins([x[:, :32, :32]] * 2).shape == (2, 1)
    assert names["up_to_block3"].output_shape == (None, 4, 4, 64)
    frozen = {layer.name.partition("_")[0] for layer in net.layers if layer.weights and not layer.trainable}
    assert frozen == {"block1", "block2", "block3"}
    assert zoo.layers_of(classifier.get_layer("vgg16"), "block1") == zoo.layers_of(net, "block1") != []


@pytest.mark.parametrize("first, second", [("resnet20", "segnet"), ("resnet20", "resnet20"), ("alexnet", "googlenet")])
def test_two_nets_side_by_side_in_one_model(first, second, tmp_path):
    one = stirred(body(first, name="one"))
    two = stirred(body(second, name="two", input_shape=one.input_shape[1:]))
    image = keras.Input(one.input_shape[1:])
    model = keras.Model(image, keras.layers.Concatenate()([one(image), two(image)]))
    x = images(model, 2)
    assert_same(model(x), np.concatenate([one(x), two(x)], 1))
    assert_same(reloaded(model, tmp_path / "model.keras")(x), model(x))
    assert model.get_layer("two").get_layer(two.layers[1].name) is two.layers[1]


@pytest.mark.parametrize("name", ["resnet20", "lenet5_1998", "alexnet"])
def test_a_net_between_preprocessing_and_a_dense_layer_learns_and_is_saved(name, tmp_path):
    net = body(name)
    height, width, channels = net.input_shape[1:]
    model = keras.Sequential([
        keras.Input((height + 4, width + 2, channels)), keras.layers.Rescaling(1 / 255),
        keras.layers.CenterCrop(height, width), net, keras.layers.Dropout(0.1), keras.layers.Dense(3, "softmax"),
    ])
    model.compile("sgd", "sparse_categorical_crossentropy")
    before = [w.copy() for w in net.get_weights()]
    x = np.random.default_rng(0).uniform(0, 255, (6, *model.input_shape[1:])).astype("float32")
    model.fit(x, np.arange(6) % 3, verbose=0)
    assert any((a != b).any() for a, b in zip(before, net.get_weights()))
    assert_same(reloaded(model, tmp_path / "model.keras").predict(x, verbose=0), model.predict(x, verbose=0))


@pytest.mark.parametrize("name", ["lenet5_1998", "googlenet", "segnet", "densenet121", "shufflenet_v2_x1_0"])
def test_a_clone_is_the_same_net_with_weights_of_its_own(name):
    net = stirred(miniature(name, classifier_activation=None))
    clone = keras.models.clone_model(net)
    assert clone.get_config() == net.get_config()
    clone.set_weights(net.get_weights())
    x = images(net, 2)
    assert_same(clone(x), net(x))
    expected = np.asarray(net(x))
    clone.set_weights([0 * w for w in clone.get_weights()])
    np.testing.assert_array_equal(net(x), expected)


@pytest.mark.parametrize("name", ["vgg11_bn", "googlenet"])
def test_a_net_up_to_a_layer_is_what_features_are(name):
    net = stirred(miniature(name))
    maps = miniature(name, features=True)
    for layer in maps.layers:
        layer.set_weights(net.get_layer(layer.name).get_weights())
    x = images(net, 2)
    parts = {key: keras.Model(net.input, net.get_layer(out._keras_history.operation.name).output)
             for key, out in maps.output.items()}
    for key, map_ in maps(x).items():
        assert_same(parts[key](x), map_)


def test_a_net_around_a_net_as_keras_applications_are_used():
    """The same lines with either: a body on a tensor, a head of one's own, the body frozen."""
    def tuned(build):
        image = keras.Input((32, 32, 3))
        scaled = keras.layers.Rescaling(1 / 127.5, -1)(image)
        base = build(include_top=False, weights=None, input_tensor=scaled, pooling="avg")
        base.trainable = False
        model = keras.Model(base.input, keras.layers.Dense(4, "softmax")(base.output))
        model.compile("adam", "sparse_categorical_crossentropy")
        return model

    ours, theirs = tuned(zoo.models.vgg16), tuned(keras.applications.VGG16)
    assert len(ours.layers) == len(theirs.layers)
    assert len(ours.trainable_weights) == len(theirs.trainable_weights) == 2
    assert ours.count_params() == theirs.count_params()

"""Channels are last whatever keras.json says: a net, a training and an export come out the same.

Keras's layers have a format of their own, but some of Keras's code looks at the setting when a layer is called. So nets
are called, loaded and copied under it, too.
"""

from contextlib import contextmanager

import keras
import numpy as np
import pytest
from miniatures import images, miniature, stirred

import zoo
from zoo.data.preprocessing import Preprocessing
from zoo.export import export_saved_model
from zoo.inference.evaluate import evaluate
from zoo.inference.predictor import predictor
from zoo.inference.trained import Trained, load_trained
from zoo.layout import Conv, Dense, GlobalPool
from zoo.recipes.recipe import AUGMENTATIONS
from zoo.training.augmentation import augment
from zoo.training.train import train
from zoo.weights.imagenet import reference


@contextmanager
def set_to_channels_first():
    keras.config.set_image_data_format("channels_first")
    try:
        yield
    finally:
        keras.config.set_image_data_format("channels_last")


@pytest.fixture
def channels_first():
    with set_to_channels_first():
        yield


def test_the_published_parameters_stay(channels_first, shell):
    assert zoo.create("resnet50").count_params() == 25_610_152
    assert keras.config.image_data_format() == "channels_first"  # the user's own setting is left alone


@pytest.mark.slow
@pytest.mark.parametrize("name", zoo.list_models())
def test_each_net_is_built_the_same_and_computes_the_same(name, channels_first):
    first = stirred(miniature(name, classifier_activation=None))
    x = images(first, 2)
    got = np.asarray(first(x))
    keras.config.set_image_data_format("channels_last")
    last = miniature(name, classifier_activation=None)
    assert first.get_config() == last.get_config()
    np.testing.assert_array_equal(np.asarray(first(x)), got)


# One of each word that Keras has a format for, and of the papers' own layers.
NETS = ["lenet5_1998", "googlenet", "unet", "segnet", "fcn8s", "shufflenet_v2_x1_0", "densenet121", "mobilenet_v2",
        "deeplab_largefov"]


@pytest.mark.parametrize("name", NETS)
def test_a_net_computes_the_same_built_loaded_and_cloned(name, tmp_path):
    net = stirred(miniature(name, classifier_activation=None))
    x = images(net, 2)
    expected = np.asarray(net(x))
    net.save(tmp_path / "last.keras")
    with set_to_channels_first():
        other = miniature(name, classifier_activation=None)
        other.set_weights(net.get_weights())
        other.save(tmp_path / "first.keras")
        clone = keras.models.clone_model(net)
        clone.set_weights(net.get_weights())
        loaded = keras.models.load_model(tmp_path / "last.keras")
        under = [net(x), other(x), predictor(other)(x), clone(x), loaded.predict(x, verbose=0)]
    after = [keras.models.load_model(tmp_path / "first.keras")(x), other(x)]
    for got in under + after:
        np.testing.assert_allclose(np.asarray(got), expected, atol=1e-4 * np.abs(expected).max())


@pytest.mark.parametrize("name", ["vgg11_bn", "unet", "shufflenet_v2_x1_0"])
def test_features_and_a_net_on_a_tensor_are_the_same(name):
    net = stirred(miniature(name, features=True))
    x = images(net, 2)
    expected = net(x)
    with set_to_channels_first():
        tensor = keras.layers.Rescaling(1.0)(keras.Input(net.input_shape[1:]))
        other = miniature(name, features=True, input_shape=None, input_tensor=tensor)
        other.set_weights(net.get_weights())
        got = other(x)
    assert list(got) == list(expected)
    for key in got:
        np.testing.assert_allclose(got[key], expected[key], atol=1e-4 * np.abs(expected[key]).max())


@pytest.mark.parametrize("channels, wanted", [(3, 3), (1, 3), (3, 1)])
def test_preprocessing_is_the_same(channels, wanted):
    """Along height and channels of one size Keras's Rescaling of a plain list would be wrong without a word."""
    front = Preprocessing((9, 3), 0, wanted, (0.1, 0.2, 0.3)[:wanted], (1.0, 2.0, 3.0)[:wanted])
    x = np.random.default_rng(0).uniform(0, 255, (2, 3, 7, channels)).astype("float32")
    expected = np.asarray(front.model((3, 7, channels))(x))
    before = front.model((3, 7, channels))
    with set_to_channels_first():
        np.testing.assert_array_equal(before(x), expected)
        np.testing.assert_array_equal(front.model((3, 7, channels))(x), expected)
    plain = np.asarray(Preprocessing((9, 3), 0, wanted, (1.0,) * wanted, (0.0,) * wanted).model((3, 7, channels))(x))
    np.testing.assert_allclose(expected, plain * front.scale + front.offset, rtol=1e-5)


def test_an_export_answers_the_same(channels_first, tmp_path):
    net = stirred(zoo.create("vgg11_bn", (32, 32, 3), classes=4, width=0.05))
    trained = Trained(net, Preprocessing((32, 32), 0, 3, (0.1, 0.2, 0.3), (1.0, 2.0, 3.0)), tuple("abcd"), "vgg11_bn")
    assert export_saved_model(trained, tmp_path / "1") < 1e-4
    x = np.random.default_rng(0).integers(0, 256, (2, 40, 30, 3), dtype=np.uint8)
    got = trained.classifier()(x)
    keras.config.set_image_data_format("channels_last")
    np.testing.assert_allclose(got, trained.classifier()(x), atol=1e-5)


@pytest.mark.parametrize("name", AUGMENTATIONS)
def test_images_are_augmented_the_same(name):
    def changed():
        raw = keras.Input((8, 12, 3))
        return np.asarray(keras.Model(raw, augment(raw, (name,), seed=3)[0])(x, training=True))

    x = np.random.default_rng(0).uniform(0, 255, (4, 8, 12, 3)).astype("float32")
    expected = changed()
    with set_to_channels_first():
        np.testing.assert_array_equal(changed(), expected)
    assert np.abs(expected - x).max() > 1


def test_a_run_on_colours_ends_and_is_read_the_same(channels_first, tmp_path):
    net = [Conv(4, 3, stride=4, norm="batch"), GlobalPool(), Dense(2)]
    dataset = tmp_path / "colours.npz"
    x = np.random.default_rng(0).integers(0, 256, (80, 8, 8, 3), dtype=np.uint8)
    np.savez(dataset, x_train=x, y_train=np.arange(80) % 2, x_test=x[:20], y_test=np.arange(20) % 2)
    (tmp_path / "net.py").write_text(f"from zoo import *\nnet = {net}")
    said = train(f"{tmp_path}/net.py:net", dataset, runs=tmp_path, epochs=1, augment=("flip", "crop", "mixup"),
                 verbose=0, log=str)
    keras.config.set_image_data_format("channels_last")
    assert evaluate(said.run).test_loss == pytest.approx(said.test_loss, abs=1e-5)


def test_a_run_ends_and_is_read_the_same(channels_first, tmp_path):
    said = train("lenet1", runs=tmp_path, epochs=1, limit=160, augment=("crop", "jitter"), verbose=0, log=str)
    assert evaluate(said.run).test_loss == pytest.approx(said.test_loss, abs=1e-5)
    grey = load_trained(said.run).on_images((None, None, 3))  # a colour picture is turned grey along its channels
    assert grey(np.zeros((1, 9, 7, 3), "float32")).shape == (1, 10)
    keras.config.set_image_data_format("channels_last")
    assert evaluate(said.run).test_loss == pytest.approx(said.test_loss, abs=1e-5)


def test_keras_applications_nets_are_copied_in_their_own_layout(channels_first, shell):
    assert reference("vgg16", weights=None).input_shape == (None, 224, 224, 3)

"""Channels are last whatever keras.json says: a net, a training and an export come out the same."""

from contextlib import contextmanager

import keras
import numpy as np
import pytest
from miniatures import images, miniature, stirred

import zoo
from zoo.inference.evaluate import evaluate
from zoo.inference.predictor import predictor
from zoo.inference.trained import load_trained
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
def test_each_net_is_built_the_same(name, channels_first, shell):
    first = miniature(name)
    keras.config.set_image_data_format("channels_last")
    last = miniature(name)
    assert first.get_config() == last.get_config()


# One of each word that Keras has a format for, and of the papers' own layers.
@pytest.mark.parametrize("name", ["lenet5_1998", "googlenet", "unet", "segnet", "fcn8s", "shufflenet_v2_x1_0",
                                  "densenet121", "mobilenet_v2", "deeplab_largefov"])
def test_a_net_computes_the_same(name):
    net = stirred(miniature(name, classifier_activation=None))
    x = images(net, 2)
    expected = np.asarray(net(x))
    with set_to_channels_first():
        other = miniature(name, classifier_activation=None)
        other.set_weights(net.get_weights())
        for got in (np.asarray(other(x)), predictor(other)(x)):
            np.testing.assert_allclose(got, expected, atol=1e-4 * np.abs(expected).max())


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


def test_a_run_ends_and_is_read_the_same(channels_first, tmp_path):
    said = train("lenet1", runs=tmp_path, epochs=1, limit=160, augment=("crop", "jitter"), verbose=0, say=str)
    assert evaluate(said.run).test_loss == pytest.approx(said.test_loss, abs=1e-5)
    grey = load_trained(said.run).on_images((None, None, 3))  # a colour picture is turned grey along its channels
    assert grey(np.zeros((1, 9, 7, 3), "float32")).shape == (1, 10)
    keras.config.set_image_data_format("channels_last")
    assert evaluate(said.run).test_loss == pytest.approx(said.test_loss, abs=1e-5)


def test_keras_applications_nets_are_copied_in_their_own_layout(channels_first, shell):
    assert reference("vgg16", weights=None).input_shape == (None, 224, 224, 3)

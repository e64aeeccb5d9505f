"""What is done to the images before the net sees them: size, channels, normalization."""

from dataclasses import replace

import numpy as np
import pytest

from zoo import data
from zoo.data.preprocessing import Preprocessing, fit_to
from zoo.plan import plan
from zoo.registry import entry


@pytest.fixture(scope="module")
def digits():
    return data.load("digits")


def of_shape(digits, *shape):
    images = np.random.default_rng(0).integers(0, 256, (20, *shape), dtype=np.uint8)
    return replace(digits, train=replace(digits.train, images=images, labels=digits.train.labels[:20]))


@pytest.mark.parametrize(
    "model, shape, size",
    [
        ("lenet5", (28, 28, 1), (32, 32, 1)),  # a small net keeps its own size
        ("lenet5", (300, 200, 3), (32, 32, 1)),
        ("vgg16", (32, 32, 3), (32, 32, 3)),  # a large net takes the data's
        ("vgg16", (8, 8, 1), (32, 32, 3)),  # or the smallest that it takes
        ("alexnet_owt", (8, 8, 1), (63, 63, 3)),
        ("vgg11", (40, 50, 3), (40, 50, 3)),
        ("resnet18", (8, 8, 1), (32, 32, 3)),  # it would take 8x8, and shrinks it by 32
    ],
)
def test_the_input_follows_from_model_and_data(digits, model, shape, size):
    front = fit_to(plan(model).layout, entry(model), of_shape(digits, *shape))
    assert front.input_shape == size
    assert front.model(shape).output_shape == (None, *size)


def test_image_size_overrides_height_width_and_channels(digits):
    layout, vgg = plan("vgg11").layout, entry("vgg11")
    assert fit_to(layout, vgg, of_shape(digits, 8, 8, 1), (48, 40)).input_shape == (48, 40, 3)
    assert fit_to(layout, vgg, of_shape(digits, 8, 8, 1), (48, 40, 1)).input_shape == (48, 40, 1)


def test_small_digits_are_centred_in_zeros_as_the_paper_does(digits):
    front = fit_to(plan("lenet5_1998").layout, entry("lenet5_1998"), of_shape(digits, 28, 28, 1))
    images = np.full((1, 28, 28, 1), 255, np.uint8)
    seen = np.asarray(front.model((28, 28, 1))(images))[0, :, :, 0]
    assert seen[2:30, 2:30] == pytest.approx(1.175) and seen[:2] == pytest.approx(-0.1)


def test_images_are_normalized_by_the_training_images_own_mean(digits):
    dataset = of_shape(digits, 32, 32, 3)
    front = fit_to(plan("vgg11").layout, entry("vgg11"), dataset)
    seen = np.asarray(front.model((32, 32, 3))(dataset.train.images))
    assert seen.mean((0, 1, 2)) == pytest.approx(0, abs=1e-3) and seen.std((0, 1, 2)) == pytest.approx(1, abs=1e-3)


def test_grey_and_colour_feed_each_other():
    grey = Preprocessing((4, 4), 0, 1, (1.0,), (0.0,)).model((4, 4, 3))
    pure = np.zeros((3, 4, 4, 3), np.uint8)
    pure[0, ..., 0], pure[1, ..., 1], pure[2, ..., 2] = 255, 255, 255
    assert np.asarray(grey(pure))[:, 0, 0, 0] == pytest.approx([0.299 * 255, 0.587 * 255, 0.114 * 255], abs=0.1)
    colour = Preprocessing((4, 4), 0, 3, (1.0,) * 3, (0.0,) * 3)
    assert (np.asarray(colour.model((4, 4, 1))(np.full((1, 4, 4, 1), 7))) == 7).all()
    assert colour.sentence((4, 4, 1)) == "Images are repeated from grey into three channels."

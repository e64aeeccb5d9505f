"""Pictures of digits are made as MNIST's, whatever their size, place and polarity."""

import keras
import numpy as np
import pytest
from drawn import DIGITS, drawn
from PIL import Image

from zoo.data.preprocessing import Preprocessing

FRONT = Preprocessing((28, 28), 0, 1, (1.0,), (0.0,), digits=True)


def made(picture, static=False):
    """A picture (height, width) or (height, width, 3) as MNIST's digits are, (28, 28), 0..255."""
    picture = picture.reshape(*picture.shape[:2], -1)
    model = FRONT.model(picture.shape if static else (None, None, picture.shape[-1]))
    return keras.ops.convert_to_numpy(model(picture[None]))[0, ..., 0]


def centre(image):
    return [float((image.sum(axis) * (np.arange(28) + 0.5)).sum() / image.sum()) for axis in (1, 0)]


@pytest.mark.parametrize("digit", DIGITS)
@pytest.mark.parametrize("size, box, width, ink, paper", [
    ((28, 28), (1, 1, 26, 26), 3, 0, 255), ((300, 120), (180, 20, 50, 80), 8, 30, 230),
    ((640, 480), (60, 90, 200, 280), 25, 255, 0), ((20, 16), (3, 3, 9, 10), 2, 255, 0),
])
def test_a_digit_is_light_on_dark_fills_its_box_and_is_centred_by_mass(digit, size, box, width, ink, paper):
    picture = drawn(digit, size, box, width, ink, paper)
    image = made(picture)
    np.testing.assert_allclose(image, made(picture, static=True), atol=1e-3)
    assert image.max() == pytest.approx(255) and image.min() == 0 and (image == 0).mean() > 0.4
    rows, columns = (np.flatnonzero((image > 80).any(axis)) for axis in (1, 0))
    assert 18 <= max(np.ptp(rows), np.ptp(columns)) + 1 <= 22
    assert centre(image) == pytest.approx([14, 14], abs=0.35)
    other = made(255 - picture)
    np.testing.assert_allclose(image, other, atol=1.0)


def test_size_and_place_change_little():
    small = made(drawn("5", (100, 100), (20, 20, 40, 60), 6, 0, 255))
    large = made(drawn("5", (400, 300), (90, 30, 160, 240), 24, 0, 255))
    assert abs(small - large).mean() < 6 < abs(small - made(drawn("2", (100, 100), (20, 20, 40, 60), 6))).mean()


def test_colour_is_turned_grey_first():
    grey = drawn("3", (60, 50), (10, 10, 30, 40), 5, 0, 255)
    np.testing.assert_allclose(made(np.repeat(grey[..., None], 3, -1)), made(grey), atol=0.5)


@pytest.mark.parametrize("digit", DIGITS)
def test_an_image_that_is_as_mnists_stays_as_it_is_and_turned_about_it_is_turned_back(digit):
    image = np.round(made(drawn(digit, (100, 100), (20, 20, 40, 60), 7, 0, 255))).astype(np.uint8)
    rows, columns = (np.flatnonzero(image.any(axis)) for axis in (1, 0))
    inner = np.asarray(Image.fromarray(image[rows[0] : rows[-1] + 1, columns[0] : columns[-1] + 1]).resize((12, 20)))
    image = np.zeros((28, 28), np.uint8)
    image[4:24, 8:20] = inner
    image = np.roll(image, [round(14 - at) for at in centre(image)], (0, 1))
    for static in (True, False):
        np.testing.assert_allclose(made(image, static), image, atol=1e-3)
        np.testing.assert_allclose(made(255 - image, static), image, atol=1e-3)


def test_an_empty_picture_is_black():
    for value in (0, 130, 255):
        assert (made(np.full((40, 30), value, np.uint8)) == 0).all()

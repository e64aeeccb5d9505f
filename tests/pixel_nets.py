"""Nets that label pixels as one knows beforehand: each by its grey value alone, or by a few pixels around it."""

from dataclasses import replace

import numpy as np

import zoo
from zoo import Conv, ConvTranspose, Layout, Pool
from zoo.data.preprocessing import Preprocessing
from zoo.inference.trained import Trained
from zoo.plan import plan

SHARPNESS = 100  # the nearest of a few greys has a probability of 1, to rounding; more would enlarge what is rounded


def by_grey(classes):
    """A layout of two 1x1 convolutions, which can label pixels by their grey value."""
    return Layout([Conv(1, 1, activation=None)], [Conv(classes, 1, activation=None, name="predictions")])


def greys(classes):
    """The grey values, 0..255, of as many classes."""
    return np.linspace(0, 255, classes).round().astype(np.uint8)


def set_to_greys(model):
    """Set the weights of `by_grey`: each pixel's class is the one whose grey is the nearest; return the model."""
    levels = greys(model.output_shape[-1]) / np.float32(255)
    kernel, bias = 2 * SHARPNESS * levels[None, None, None], -SHARPNESS * levels**2  # of -(x - level)^2 + x^2
    model.set_weights([np.ones((1, 1, 1, 1)), np.zeros(1), kernel, bias])
    return model


def grey_net(classes=4, size=(12, 16), margin=0, name="greys"):
    """A `Trained` that gives each pixel the class of the nearest grey."""
    shape = (size[0] + 2 * margin, size[1] + 2 * margin, 1)
    front = Preprocessing(size, margin, 1, (1 / 255,), (0.0,))
    names = ("background", *(f"grey {i}" for i in range(1, classes)))
    return Trained(set_to_greys(zoo.create(by_grey(classes), shape)), front, names, name, corner=(0, 0))


def masks_and_images(count, height, width, classes=4, seed=0):
    """Random masks (count, height, width), and the images (…, 1) of which a `grey_net` makes them."""
    masks = np.random.default_rng(seed).integers(0, classes, (count, height, width)).astype(np.uint8)
    return masks, greys(classes)[masks][..., None]


def small_unet(classes=3):
    """Two levels without padding: a map is 6 pixels smaller than the image; shifts by 2 pixels leave it the same."""
    around = dict(padding="valid")
    return Layout([Conv(4, 3, **around), Pool(2), Conv(5, 3, **around), ConvTranspose(4, 2, stride=2)],
                  [Conv(classes, 1, activation=None, name="predictions")])


def plain(classes=10):
    """Convolutions without padding: a map is 8 pixels smaller than the image."""
    return Layout([Conv(4, 5, padding="valid")], [Conv(classes, 5, padding="valid", activation=None)])


def coarse(classes=4):
    """A map of half the image's size, whose values aren't of single pixels."""
    return Layout([Conv(4, 3, stride=2)], [Conv(classes, 1, activation=None)])


def unpadded(layout, shape, **options):
    """A `Trained` of a net whose map is smaller than its input, at random weights; images become 0 to 1."""
    model = zoo.create(layout, shape, **options)
    front = Preprocessing(shape[:2], 0, shape[2], (1 / 255,) * shape[2], (0.0,) * shape[2])
    names = tuple(map(str, range(model.output_shape[-1])))
    return Trained(model, front, names, "unpadded", corner=plan(layout, shape, **options).corner)


def in_tiles(net):
    """The `Trained` as if it were trained on crops: images aren't resized for it."""
    return replace(net, front=replace(net.front, tiled=True))

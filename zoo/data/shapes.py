"""The embedded data set of images with masks: discs, squares, triangles and handwritten digits, drawn here.

Neither a colour nor a texture tells the class: ground and objects are painted alike, and only outlines differ. All
arithmetic on pixels is exact in float32 (whole numbers, and weights that are multiples of 1/8), so that every machine
draws the same images.
"""

from dataclasses import replace

import numpy as np

from zoo.data.dataset import Dataset, Split, make_dataset
from zoo.data.digits import load_digits

SIZE = 64  # height and width
COUNTS = {"train": 4_000, "validation": 400, "test": 600}
CLASSES = ("background", "disc", "square", "triangle", "digit")
DIGIT = CLASSES.index("digit")
BLACK_ON_WHITE = ((255, 255, 255), (0, 0, 0))  # the background and the object that is cut out of it
CELL = 8  # pixels between two values of a texture
INK = 80  # of 255: brighter pixels of a digit, once it is enlarged, are its stroke
CORNERS = {"square": 4, "triangle": 3}


def load_shapes(one_object: bool = False) -> Dataset:
    """Draw 5,000 images of 64x64x3 with one to three objects, later ones over earlier ones, and their masks.

    The classes are background, disc, square, triangle and digit or, with `one_object`, background and object. The
    digits of each split are those of the same split of `zoo.data.digits`: none is in the training and in the test.
    """
    digits = load_digits()
    splits = {}
    for number, (split, count) in enumerate(COUNTS.items()):
        rng = np.random.default_rng(number)
        strokes = getattr(digits, split).images[..., 0]
        images, masks = map(np.stack, zip(*(_drawn(rng, strokes) for _ in range(count))))
        splits[split] = Split(images, np.minimum(masks, 1) if one_object else masks)
    if not one_object:
        return make_dataset("shapes", CLASSES, splits)
    return replace(make_dataset("shapes-object", ("background", "object"), splits), colours=BLACK_ON_WHITE)


def _drawn(rng, strokes):
    """Return an image (64, 64, 3) and its mask (64, 64), both uint8."""
    colours = [rng.integers(0, 256, 3)]
    image, mask = _painted(rng, colours[0]), np.zeros((SIZE, SIZE), np.uint8)
    for _ in range(rng.integers(1, 4)):
        label = int(rng.integers(1, len(CLASSES)))
        inside = _outline(rng, label, strokes)
        colours.append(_another_colour(rng, colours))
        image[inside], mask[inside] = _painted(rng, colours[-1])[inside], label
    grain = rng.integers(-12, 13, image.shape, dtype=np.int8)
    return (image + grain).clip(0, 255).astype(np.uint8), mask


def _another_colour(rng, colours):
    """Return the one of six random colours that is the farthest from all of `colours`, so that objects stand out."""
    chosen = rng.integers(0, 256, (6, 3))
    distances = ((chosen[:, None] - np.stack(colours)) ** 2).sum(-1).min(1)
    return chosen[distances.argmax()]


def _painted(rng, colour):
    """Return a cloudy surface (64, 64, 3) between a colour and one like it, in whole numbers."""
    clouds = _ENLARGED @ rng.integers(0, 9, (SIZE // CELL + 1,) * 2).astype(np.float32) @ _ENLARGED.T / 8
    change = rng.integers(-64, 65, 3).astype(np.float32)
    return np.floor(colour.astype(np.float32) + clouds[..., None] * change)


def _outline(rng, label, strokes):
    """Return which pixels (64, 64) an object of the class covers, at a random place, size and angle."""
    name = list(CLASSES)[label]
    y, x = rng.uniform(16, SIZE - 16, 2)
    radius, angle = rng.uniform(13, 20), rng.uniform(0, 2 * np.pi)
    rows, columns = _PLACES - y, _PLACES - x
    if label == DIGIT:
        stroke = strokes[rng.integers(len(strokes))]
        return _sampled(rows, radius) @ stroke.astype(np.float32) @ _sampled(columns, radius).T > INK
    if name == "disc":
        return rows[:, None] ** 2 + columns**2 < radius**2
    sides = angle + 2 * np.pi * np.arange(CORNERS[name]) / CORNERS[name]
    reach = radius * np.cos(np.pi / CORNERS[name])  # from the middle to a side, the corners being `radius` away
    return np.all([rows[:, None] * np.sin(side) + columns * np.cos(side) < reach for side in sides], axis=0)


def _sampled(distances, radius):
    """Return the weights (64, 8) by which a digit's 8 rows are enlarged to twice the radius, linearly."""
    return _linear(np.round(4 * distances / radius * 8) / 8 + 3.5, 8)


def _linear(places, count):
    """Return the weights (places, count) of values at 0, 1, … count - 1 that interpolate linearly between them."""
    return np.maximum(0, 1 - abs(places[:, None] - np.arange(count))).astype(np.float32)


_PLACES = np.arange(SIZE) + 0.5  # the middles of the pixels
_ENLARGED = _linear(np.arange(SIZE) / CELL, SIZE // CELL + 1)

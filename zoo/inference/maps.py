"""A net that labels pixels -> the Keras model from raw images of any size to probabilities of all their pixels.

Images are resized to the net's size, and its map is resized back, bilinearly. A map that is smaller than the net's
input is completed by further ones, as tiles: the overlap-tile strategy of Ronneberger et al. 2015, Section 2. Of a net
that was trained on crops images keep their size, and it goes over them in tiles.
"""

from math import prod
from typing import TYPE_CHECKING

import numpy as np

from zoo.annotations import ImageShape, Size
from zoo.data.preprocessing import Preprocessing

if TYPE_CHECKING:
    import keras

AT_ONCE = 2**20  # pixels, of images or of a net's inputs, whose maps memory is to hold at the same time


def maps_of_images(net: "keras.Model", front: Preprocessing, corner: Size,
                   image_shape: ImageShape = (None, None, None)) -> "keras.Model":
    """Return the Keras model from raw images (N, height, width, channels) to probabilities (N, height, width, classes).

    Args:
        net: from preprocessed images to probabilities of pixels.
        front: the `Preprocessing` before it.
        corner: where on the net's input its map begins, (top, left).
        image_shape: that of the images, (height, width, channels), each None where it isn't known.
    """
    import keras

    from zoo.layers.images import ResizeLike

    if front.tiled:
        return _at_own_scale(net, front, corner, image_shape)
    before, around, (height, width) = front.model(image_shape), front.margin, front.size
    maps = _whole_maps(net, corner, before.output)[:, around : around + height, around : around + width]
    back = ResizeLike(dtype="float32", name="image_size")(maps, before.input)
    return keras.Model(before.input, back, name=f"{net.name}_at_own_size")


def _at_own_scale(net, front, corner, image_shape):
    """Return the model that goes over images in tiles of the net's map, as `zoo.data.crops` cuts them for testing."""
    import keras

    from zoo.layers.tiles import Joined, OneByOne, Tiles

    height, width, channels = image_shape
    raw = keras.Input((height, width, channels or front.channels), dtype="float32", name="images")
    windows = Tiles(front.size, net.output_shape[1:3], corner, dtype="float32", name="tiles")(raw)
    prepared = front.model((*front.size, raw.shape[-1]))(windows)
    whole = Joined(dtype="float32", name="joined")(OneByOne(net, name="one_by_one")(prepared), raw)
    return keras.Model(raw, whole, name=f"{net.name}_at_own_scale")


def at_once(net: "keras.Model", image_size: Size) -> int:
    """Return how many images of (height, width) to compute at a time, at least one."""
    tiles = [-(-whole // tile) for whole, tile in zip(net.input_shape[1:3], net.output_shape[1:3])]
    return max(1, AT_ONCE // max(prod(tiles) * prod(net.input_shape[1:3]), prod(image_size)))


def _whole_maps(net, corner, images):
    """Return the net's maps of all of its input: tiles of a map's size side by side, the images mirrored at borders."""
    from keras import ops

    size, tile = net.input_shape[1:3], net.output_shape[1:3]
    if tile == size:
        return net(images)
    rows, columns = map(_places, size, tile, corner)
    tiled = ops.take(ops.take(images, rows.ravel(), axis=1), columns.ravel(), axis=2)
    grid = (-1, len(rows), size[0], len(columns), size[1], images.shape[-1])
    apart = ops.transpose(ops.reshape(tiled, grid), (0, 1, 3, 2, 4, 5))
    maps = net(ops.reshape(apart, (-1, *net.input_shape[1:])))
    grid = (-1, len(rows), len(columns), *net.output_shape[1:])
    joined = ops.transpose(ops.reshape(maps, grid), (0, 1, 3, 2, 4, 5))
    whole = ops.reshape(joined, (-1, len(rows) * tile[0], len(columns) * tile[1], net.output_shape[-1]))
    return whole[:, : size[0], : size[1]]


def _places(size, tile, before):
    """Return where along an axis the inputs of the tiles lie, (tiles, size): indices of pixels, mirrored at borders."""
    places = np.arange(0, size, tile)[:, None] - before + np.arange(size)
    period = max(2 * (size - 1), 1)
    places = np.abs(places) % period
    return np.minimum(places, period - places)

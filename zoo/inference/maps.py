"""A net that labels pixels -> the Keras model from raw images of any size to probabilities of all their pixels.

Images are resized to the net's size, and its map is resized back, bilinearly. A map that is smaller than the net's
input is completed by further ones, as tiles: the overlap-tile strategy of Ronneberger et al. 2015, Section 2. Of a net
that was trained on crops images keep their size, and it goes over them in tiles.
"""

from math import prod
from typing import TYPE_CHECKING

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
    is_whole = net.output_shape[1:3] == net.input_shape[1:3]
    maps = net(before.output) if is_whole else _in_tiles(net, net.input_shape[1:3], corner, before.output)
    inner = maps[:, around : around + height, around : around + width]
    back = ResizeLike(dtype="float32", name="image_size")(inner, before.input)
    return keras.Model(before.input, back, name=f"{net.name}_at_own_size")


def _at_own_scale(net, front, corner, image_shape):
    """Return the model that goes over images in tiles of the net's map, as `zoo.data.crops` cuts them for testing."""
    import keras

    height, width, channels = image_shape
    raw = keras.Input((height, width, channels or front.channels), dtype="float32", name="images")
    prepare = front.model((*front.size, raw.shape[-1]))
    return keras.Model(raw, _in_tiles(net, front.size, corner, raw, prepare), name=f"{net.name}_at_own_scale")


def at_once(net: "keras.Model", image_size: Size) -> int:
    """Return how many images of (height, width) to compute at a time, at least one."""
    tiles = [-(-whole // tile) for whole, tile in zip(net.input_shape[1:3], net.output_shape[1:3])]
    return max(1, AT_ONCE // max(prod(tiles) * prod(net.input_shape[1:3]), prod(image_size)))


def _in_tiles(net, size, corner, images, prepare=None):
    """Return the net's maps of all of the images: tiles of a map's size side by side, the images mirrored at borders.

    Windows of the images, of `size`, are first prepared by a model, if one is given.
    """
    from zoo.layers.tiles import Joined, OneByOne, Tiles

    windows = Tiles(size, net.output_shape[1:3], corner, dtype="float32", name="tiles")(images)
    maps = OneByOne(net, name="one_by_one")(prepare(windows) if prepare else windows)
    return Joined(dtype="float32", name="joined")(maps, images)

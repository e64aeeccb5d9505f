"""Keras layers that go over images of any size in windows of one size: cut apart, each answered, put together again."""

from typing import Any

import keras
from keras import ops

register = keras.saving.register_keras_serializable(package="zoo")


@register
class Tiles(keras.layers.Layer):
    """Cut images (N, height, width, channels) into windows (N * rows * columns, *size, channels).

    Windows begin `tile` pixels after each other, the first at the `corner`, (top, left), above and to the left of the
    image, so that tiles that begin there in the windows lie side by side and cover it. Beyond its borders an image is
    mirrored or, if tiles are as large as windows, 0.
    """

    def __init__(self, size: tuple[int, int], tile: tuple[int, int], corner: tuple[int, int], **options: Any) -> None:
        super().__init__(**options)
        self.size, self.tile, self.corner = tuple(size), tuple(tile), tuple(corner)

    def call(self, images):
        shape = ops.shape(images)
        counts = [-(-length // tile) for length, tile in zip(shape[1:3], self.tile)]
        if self.tile == self.size:
            after = [count * tile - length for count, tile, length in zip(counts, self.tile, shape[1:3])]
            images = ops.pad(images, ((0, 0), (0, after[0]), (0, after[1]), (0, 0)))
        rows, columns = map(_places, ops.shape(images)[1:3], counts, self.size, self.tile, self.corner)
        cut = ops.take(ops.take(images, rows, axis=1), columns, axis=2)
        grid = ops.reshape(cut, (-1, counts[0], self.size[0], counts[1], self.size[1], images.shape[-1]))
        return ops.reshape(ops.transpose(grid, (0, 1, 3, 2, 4, 5)), (-1, *self.size, images.shape[-1]))

    def compute_output_shape(self, shape):
        return (None, *self.size, shape[-1])

    def get_config(self):
        return super().get_config() | {"size": self.size, "tile": self.tile, "corner": self.corner}


def _places(length, count, size, tile, corner):
    """Return the places of pixels along an axis, (count * size,), in windows; mirrored beyond the axis's `length`."""
    places = ops.arange(count)[:, None] * tile - corner + ops.arange(size)
    period = ops.maximum(2 * (length - 1), 1)
    places = ops.abs(ops.reshape(places, (-1,))) % period
    return ops.minimum(places, period - places)


@register
class Joined(keras.layers.Layer):
    """Put maps (N * rows * columns, *tile, channels) side by side: (N, height, width, channels), as large as images."""

    def call(self, maps, images):
        height, width = ops.shape(images)[1:3]
        tile_height, tile_width, channels = maps.shape[1:]
        rows, columns = -(-height // tile_height), -(-width // tile_width)
        grid = ops.reshape(maps, (-1, rows, columns, tile_height, tile_width, channels))
        side_by_side = ops.transpose(grid, (0, 1, 3, 2, 4, 5))
        return ops.reshape(side_by_side, (-1, rows * tile_height, columns * tile_width, channels))[:, :height, :width]

    def compute_output_shape(self, maps_shape, images_shape):
        return (*images_shape[:3], maps_shape[-1])


@register
class OneByOne(keras.layers.Layer):
    """Apply a model to one image of a batch after the other: memory holds what it computes for one of them only."""

    def __init__(self, model: keras.Model, **options: Any) -> None:
        super().__init__(**options)
        self.model = model

    def call(self, images):
        return ops.map(lambda image: self.model(image[None])[0], images)

    def compute_output_shape(self, shape):
        return (shape[0], *self.model.output_shape[1:])

    def get_config(self):
        return super().get_config() | {"model": keras.saving.serialize_keras_object(self.model)}

    @classmethod
    def from_config(cls, config):
        return cls(keras.saving.deserialize_keras_object(config.pop("model")), **config)

"""Layers that find out, when they are called, what a net for images of one size settles when it is built.

A net whose image has open sides (None) is made with them. Backend-neutral: everything is `keras.ops`.
"""

from collections.abc import Iterable
from typing import Any

import keras
from keras import ops

from zoo.errors import ZooError

register = keras.saving.register_keras_serializable(package="zoo")


@register
class CropToOverlap(keras.layers.Layer):
    """Crop the last of several maps, (N, height, width, channels), to the part of the image that all of them cover.

    `starts` are the (row, column) at which that part starts in each map; it ends where the first of them does.
    """

    def __init__(self, starts: Iterable, **options: Any) -> None:
        super().__init__(**options)
        self.starts = tuple(map(tuple, starts))

    def call(self, maps: list) -> Any:
        lengths = [[side - start for side, start in zip(ops.shape(x)[1:3], begins)]
                   for x, begins in zip(maps, self.starts)]
        height, width = map(_least, zip(*lengths))
        top, left = self.starts[-1]
        return maps[-1][:, top : top + height, left : left + width]

    def compute_output_shape(self, input_shapes: list) -> tuple:
        sides = [None if None in axis else min(n - start for n, start in zip(axis, begins))
                 for axis, begins in zip(list(zip(*input_shapes))[1:3], zip(*self.starts))]
        return (input_shapes[-1][0], *sides, input_shapes[-1][-1])

    def get_config(self) -> dict[str, Any]:
        return super().get_config() | {"starts": self.starts}


@register
class CropToImage(keras.layers.Layer):
    """Crop a map of stride 1 to the image: called on [map, image], it returns a map of the image's height and width.

    `start` is the (row, column) at which the map reaches the image; a map that ends before the image does is cropped
    less at its start.
    """

    def __init__(self, start: Iterable[int], **options: Any) -> None:
        super().__init__(**options)
        self.start = tuple(start)

    def call(self, inputs: list) -> Any:
        x, image = inputs
        sides = list(zip(self.start, ops.shape(x)[1:3], ops.shape(image)[1:3]))
        if any(isinstance(spare := n - whole, int) and spare < 0 for _, n, whole in sides):
            raise ZooError(f"{self.name} can't cut a map to the image: it is smaller than the image.")
        top, left = (_least((start, n - whole)) for start, n, whole in sides)
        height, width = (whole for *_, whole in sides)
        return x[:, top : top + height, left : left + width]

    def compute_output_shape(self, input_shapes: list) -> tuple:
        (batch, *_, channels), image = input_shapes
        return (batch, *image[1:3], channels)

    def get_config(self) -> dict[str, Any]:
        return super().get_config() | {"start": self.start}


@register
class BilinearUpsampling(keras.layers.Layer):
    """Enlarge a map `size` times, as Keras's `UpSampling2D` does bilinearly, which TensorFlow's graphs take no open
    sides in.
    """

    def __init__(self, size: Iterable[int], **options: Any) -> None:
        super().__init__(**options)
        self.size = tuple(size)

    def call(self, x: Any) -> Any:
        for axis, times in enumerate(self.size, 1):
            x = self._along(x, axis, times)
        return x

    def _along(self, x, axis, times):
        """Enlarge along an axis: each of a value's `times` places is a mean of it and of the neighbour on its side."""
        first, last = (ops.take(x, [place], axis) for place in (0, -1))
        rest = [slice(None)] * axis
        before = ops.concatenate([first, x[(*rest, slice(None, -1))]], axis)
        after = ops.concatenate([x[(*rest, slice(1, None))], last], axis)
        places = [(2 * place + 1 - times) / (2 * times) for place in range(times)]
        enlarged = ops.stack([x + abs(place) * ((after if place > 0 else before) - x) for place in places], axis + 1)
        shape = list(ops.shape(x))
        shape[axis] = shape[axis] * times
        return ops.reshape(enlarged, [-1, *shape[1:]])

    def compute_output_shape(self, input_shape: tuple) -> tuple:
        batch, height, width, channels = input_shape
        return (batch, *(side and side * times for side, times in zip((height, width), self.size)), channels)

    def get_config(self) -> dict[str, Any]:
        return super().get_config() | {"size": self.size}


@register
class ChannelShuffle(keras.layers.Layer):
    """Take a channel of each of `groups` groups in turn (Zhang et al. 2017, Figure 1)."""

    def __init__(self, groups: int, **options: Any) -> None:
        super().__init__(**options)
        self.groups = groups

    def call(self, x: Any) -> Any:
        channels = x.shape[-1]
        order = [place for i in range(channels // self.groups) for place in range(i, channels, channels // self.groups)]
        return ops.take(x, order, axis=-1)

    def compute_output_shape(self, input_shape: tuple) -> tuple:
        return input_shape

    def get_config(self) -> dict[str, Any]:
        return super().get_config() | {"groups": self.groups}


def _least(sizes):
    """Return the least of several sizes, each a number or, where a backend doesn't know it yet, a tensor."""
    first, *others = sizes
    for other in others:
        first = min(first, other) if isinstance(first, int) and isinstance(other, int) else ops.minimum(first, other)
    return first

"""Layers from raw images and back that Keras doesn't ship: a publisher's resize and crop, MNIST's way to place a digit,
and the resize of a map to its image's size."""

from typing import Any

import keras
from keras import ops

register = keras.saving.register_keras_serializable(package="zoo")


@register
class ResizeAndCrop(keras.layers.Layer):
    """Resize the shorter side of images to `shorter` pixels, keeping their proportions, and take the middle.

    Images are (N, height, width, channels) of any size, 0..255, the result is (N, *size, channels). It is what
    torchvision's `Resize(shorter)` and `CenterCrop(size)` do to a Pillow image, but that they round pixels to whole
    numbers; interpolation, "bilinear" or "bicubic", is antialiased. (Keras resizes to sizes known beforehand only.)
    """

    def __init__(self, shorter: int, size: tuple[int, int], interpolation: str = "bilinear", **options: Any) -> None:
        super().__init__(**options)
        self.shorter, self.size, self.interpolation = shorter, tuple(size), interpolation

    def call(self, images):
        kernel = KERNELS[self.interpolation]
        height, width = ops.shape(images)[1:3]
        least = ops.minimum(height, width)
        rows, columns = (self._weights(kernel, length, least, cut) for length, cut in zip((height, width), self.size))
        # As Pillow does: along rows first, and each time to what a byte can hold, which cubic interpolation overshoots.
        narrowed = ops.clip(ops.einsum("jw,nhwc->nhjc", columns, images), 0.0, 255.0)
        return ops.clip(ops.einsum("ih,nhjc->nijc", rows, narrowed), 0.0, 255.0)

    def _weights(self, kernel, length, least, cut):
        """Return (cut, length): what each pixel along an axis adds to each of the middle ones of the resized image."""
        target = self.shorter * length // least
        start = ops.round((_float(target) - cut) / 2)
        scale = _float(length) / _float(target)
        weights = _resampling(kernel, (start + _places(cut)) * scale, scale, length)
        return weights / ops.sum(weights, axis=1, keepdims=True)

    def compute_output_shape(self, input_shape):
        return (input_shape[0], *self.size, input_shape[-1])

    def get_config(self):
        own = {"shorter": self.shorter, "size": self.size, "interpolation": self.interpolation}
        return super().get_config() | own


@register
class ResizeLike(keras.layers.Layer):
    """Resize maps (N, height, width, channels) to the height and width of images, bilinearly.

    Where a map shrinks, it is antialiased. (Keras resizes to sizes known beforehand only.)
    """

    def call(self, maps, images):
        rows, columns = map(self._weights, ops.shape(maps)[1:3], ops.shape(images)[1:3])
        return ops.einsum("ih,nhjc->nijc", rows, ops.einsum("jw,nhwc->nhjc", columns, maps))

    def _weights(self, length, target):
        """Return (target, length): what each value along an axis of a map adds to each of the resized one."""
        scale = _float(length) / _float(target)
        weights = _resampling(_tent, _places(target) * scale, scale, length)
        return weights / ops.sum(weights, axis=1, keepdims=True)

    def compute_output_shape(self, maps_shape, images_shape):
        return (maps_shape[0], *images_shape[1:3], maps_shape[-1])


FIELD, BOX = 28, 20  # pixels: MNIST's images, and the box that a digit fills in one
PAPER, EDGE = 0.1, 0.3  # shares of the darkest ink: less is the paper's; at this share a stroke ends
CENTRED = 1.0  # pixels: how far from the middle the centre of mass of MNIST's own digits is at most


@register
class DigitsAsMnist(keras.layers.Layer):
    """Make pictures of one digit each, (N, height, width, 1) in 0..255, as MNIST's are: (N, 28, 28, 1).

    MNIST's are light on dark, scaled to fit a box of 20x20 with their proportions kept, and put into 28x28 with the
    centre of mass in the middle (LeCun et al. 1998, Section III.A). Whether a picture is dark on light is told by its
    rim, which is taken as the paper. Images that are made so already stay as they are.
    """

    def call(self, images):
        light = _light_on_dark(ops.squeeze(images, -1) / 255)
        ink = light / ops.maximum(ops.max(light, axis=(1, 2), keepdims=True), 1e-6)
        ink = ops.maximum(ink - PAPER, 0) / (1 - PAPER)
        top, bottom = _ends(ops.any(ink > EDGE, axis=2))
        left, right = _ends(ops.any(ink > EDGE, axis=1))
        scale = ops.maximum(bottom - top, right - left) / BOX  # pixels of the picture to one of MNIST's
        centres = _centre(ops.sum(ink, axis=2)), _centre(ops.sum(ink, axis=1))
        offsets = (_places(FIELD) - FIELD / 2) * scale[:, None]
        rows, columns = (_resampling(_tent, centre[:, None] + offsets, scale[:, None], ops.shape(ink)[axis])
                         for axis, centre in enumerate(centres, 1))
        digit = ops.matmul(ops.matmul(rows, ink), ops.transpose(columns, (0, 2, 1)))
        digit = digit / ops.maximum(ops.max(digit, axis=(1, 2), keepdims=True), 1e-6)
        return 255 * _kept(light, digit)[..., None]

    def compute_output_shape(self, input_shape):
        return (input_shape[0], FIELD, FIELD, 1)


def _light_on_dark(pixels):
    """Return pixels (N, height, width), 0 to 1, with the paper, which is the rim's median, at 0 and the ink above."""
    rim = [pixels[:, 0], pixels[:, -1], pixels[:, :, 0], pixels[:, :, -1]]
    paper = ops.median(ops.concatenate(rim, axis=1), axis=1)[:, None, None]
    is_light = paper > ops.mean(pixels, axis=(1, 2), keepdims=True)
    return ops.maximum(ops.where(is_light, paper - pixels, pixels - paper), 0)


def _kept(light, digits):
    """Return the digits, but where a light-on-dark picture is as MNIST's already: that as it is."""
    if light.shape[1] not in (FIELD, None) or light.shape[2] not in (FIELD, None):
        return digits
    height, width = ops.shape(light)[1:]
    ends = [_ends(ops.any(light > 0, axis=axis)) for axis in (2, 1)]
    fits = [last - first <= BOX for first, last in ends]
    centred = [ops.abs(_centre(ops.sum(light, axis=axis)) - FIELD / 2) <= CENTRED for axis in (2, 1)]
    is_made = ops.all(ops.stack([*fits, *centred], axis=1), axis=1)[:, None, None]
    if None in light.shape[1:]:  # the shapes below must be equal, whatever the size turns out to be
        is_made = ops.logical_and(is_made, ops.logical_and(ops.equal(height, FIELD), ops.equal(width, FIELD)))
        light = ops.pad(light, ((0, 0), (0, FIELD), (0, FIELD)))[:, :FIELD, :FIELD]
    return ops.where(is_made, light, digits)


def _ends(inked):
    """Return where the first inked row, (N, rows) of bool, begins and the last ends: (N,) float32 each."""
    inked = _float(inked)
    after = ops.argmax(ops.flip(inked, axis=1), axis=1)
    return _float(ops.argmax(inked, axis=1)), _float(ops.shape(inked)[1]) - _float(after)


def _float(count):
    return ops.cast(count, "float32")


def _places(count):
    """Return the middles of so many pixels, (count,)."""
    return _float(ops.arange(count)) + 0.5


def _centre(ink):
    """Return the centre of mass of ink along an axis, (N, length): (N,), in pixels from its begin."""
    return ops.sum(ink * _places(ops.shape(ink)[1]), axis=1) / ops.maximum(ops.sum(ink, axis=1), 1e-6)


def _tent(x):
    return ops.maximum(1 - ops.abs(x), 0)


def _cubic(x):
    """Keys' kernel with a = -1/2, which is Pillow's."""
    x = ops.abs(x)
    inner, outer = (1.5 * x - 2.5) * x * x + 1, ((-0.5 * x + 2.5) * x - 4) * x + 2
    return ops.where(x < 1, inner, ops.where(x < 2, outer, 0.0))


KERNELS = {"bilinear": _tent, "bicubic": _cubic}


def _resampling(kernel, sought, scale, length):
    """Return (…, places, length): what each of an axis's pixels adds to each of the places sought, (…, places).

    `scale`, (…, 1) or one number, is how many pixels there are to a place: where an image shrinks, all of them count.
    """
    reach = ops.expand_dims(ops.maximum(scale, 1.0), -1)
    return kernel((ops.expand_dims(sought, -1) - _places(length)) / reach) / reach

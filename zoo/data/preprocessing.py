"""Raw images of any size and channels -> a network's input, by the same layers in training and in exports."""

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from zoo.annotations import ImageShape, Shape, Size
from zoo.data.dataset import IGNORED, AnySplit, Dataset, chunks
from zoo.data.splitting import SEED
from zoo.entry import Entry, Expected
from zoo.errors import ZooError
from zoo.layout import Layout
from zoo.layout.trace import smallest_input, trace

if TYPE_CHECKING:
    import keras

SMALL = 64  # a net whose default input is at most this high and wide is trained at it, whatever the data's size
SAMPLE = 10_000  # training images that the normalization is computed from, at most


@dataclass(frozen=True)
class Preprocessing:
    """Resize to `size`, pad each side with `margin` zeros, convert to `channels`, then pixel * scale + offset.

    `size` is (height, width) without the margin; `scale` and `offset` hold one number per channel, for pixels 0..255,
    in the net's order. The other fields are those of published weights:

    Attributes:
        shorter: resize the shorter side to so many pixels, and take the middle, `size`; None: resize to `size`.
        interpolation: "bilinear" or "bicubic", antialiased both.
        bgr: put the channels in the order blue, green, red.
        digits: make pictures of a digit as MNIST's are first (`zoo.layers.images.DigitsAsMnist`).
        tiled: an image isn't resized, but gone over in tiles of `size`, as a net that labels pixels was trained on.
    """

    size: tuple
    margin: int
    channels: int
    scale: tuple
    offset: tuple
    shorter: int | None = None
    interpolation: str = "bilinear"
    bgr: bool = False
    digits: bool = False
    tiled: bool = False

    @classmethod
    def from_config(cls, config: dict[str, Any]) -> "Preprocessing":
        """Return the `Preprocessing` that was saved by `dataclasses.asdict` as JSON."""
        values: Any = {key: tuple(value) if isinstance(value, list) else value for key, value in config.items()}
        return cls(**values)

    @property
    def input_shape(self) -> Shape:
        """The network's input shape (height, width, channels), the margin included."""
        return (self.size[0] + 2 * self.margin, self.size[1] + 2 * self.margin, self.channels)

    @property
    def loaded_size(self) -> Size:
        """The (height, width) to which images of differing sizes are resized where all are to have one."""
        return (self.shorter, self.shorter) if self.shorter else self.size

    def model(self, image_shape: ImageShape = (None, None, None)) -> "keras.Model":
        """Return it as a Keras model, in float32, for raw images (N, height, width, channels) in 0..255."""
        import keras

        from zoo.layers.channels import channels_last

        height, width, channels = image_shape
        raw = keras.Input((height, width, channels or self.channels), dtype="float32", name="images")
        with channels_last():
            return keras.Model(raw, self._applied_to(raw), name="preprocessing")

    def mask_model(self, mask_size: Size, corner: Size, size: Size) -> "keras.Model":
        """Return the Keras model from masks (N, *mask_size) to those of a net's output, (N, *size), float32.

        They are resized as images are, to the nearest pixel's label, and the margin around the image is `IGNORED`. The
        net's output begins at the `corner`, (top, left), of its input: without padding it is smaller than that.
        """
        import keras
        from keras import layers, ops

        from zoo.layers.channels import LAST

        (top, left), (height, width) = corner, size
        raw = keras.Input(mask_size, dtype="float32", name="masks")
        x = ops.expand_dims(IGNORED - raw, -1)  # zeros are padded
        if tuple(mask_size) != tuple(self.size):
            x = layers.Resizing(*self.size, "nearest", data_format=LAST, dtype="float32")(x)
        if self.margin:
            x = layers.ZeroPadding2D(self.margin, data_format=LAST, dtype="float32")(x)
        x = x[:, top : top + height, left : left + width, 0]
        return keras.Model(raw, IGNORED - x, name="mask_preprocessing")

    def _applied_to(self, x):
        from keras import layers, ops

        from zoo.layers.channels import LAST
        from zoo.layers.images import DigitsAsMnist, ResizeAndCrop

        if self.digits:
            x = ops.image.rgb_to_grayscale(x, data_format=LAST) if x.shape[-1] == 3 else x
            x = DigitsAsMnist(dtype="float32")(x)
        if self.shorter:
            x = ResizeAndCrop(self.shorter, self.size, self.interpolation, dtype="float32")(x)
        elif not self.tiled and x.shape[1:3] != tuple(self.size):
            x = layers.Resizing(*self.size, interpolation=self.interpolation, antialias=True, dtype="float32")(x)
        if self.margin:
            x = layers.ZeroPadding2D(self.margin, dtype="float32")(x)
        if x.shape[-1] != self.channels:
            x = ops.repeat(x, 3, axis=-1) if self.channels == 3 else ops.image.rgb_to_grayscale(x, data_format=LAST)
        if self.bgr:
            x = ops.flip(x, axis=-1)
        # (1, 1, channels): Keras would reshape a plain list wherever "channels_first" is set when the layer is called
        scale, offset = [[list(self.scale)]], [[list(self.offset)]]
        return layers.Rescaling(scale, offset, dtype="float32", name="normalize")(x)

    def sentence(self, image_shape: ImageShape) -> str:
        """Return a message on what is done to images of this shape; "" if they are only normalized.

        `image_shape` is (height, width, channels), each None where it isn't known.
        """
        height, width, channels = (28, 28, 1) if self.digits else image_shape
        own = f"{self.size[0]}x{self.size[1]}"
        done = ["made as MNIST's digits: light on dark, 20x20, centred by mass in 28x28"] if self.digits else []
        if self.shorter:
            way = f"by {self.interpolation} interpolation"
            done += [f"resized to {self.shorter} pixels on the shorter side {way}", f"cut to the central {own}"]
        elif not self.tiled and (height, width) != tuple(self.size):
            done.append(f"resized {f'from {height}x{width} ' if height and width else ''}to {own}")
        if self.margin:
            done.append(f"centred in {self.input_shape[0]}x{self.input_shape[1]}")
        if channels and channels != self.channels:
            done.append("repeated from grey into three channels" if channels == 1 else "turned grey")
        if self.bgr:
            done.append("put in the order blue, green, red")
        return f"Images are {', '.join(done[:-1]) + ' and ' if done[1:] else ''}{done[-1]}." if done else ""


def fit_to(layout: Layout, entry: Entry, dataset: Dataset, image_size: tuple[int, ...] | None = None) -> Preprocessing:
    """Choose the preprocessing for training a model on a data set.

    A net made for small images keeps its default input size; a net made for large ones, or a layout of the user's own,
    takes the data's size if that is large enough, else the smallest size that is. A size is large enough if the net
    accepts it and it isn't below the net's stride: padding may let smaller images through, but the net would see mostly
    padding. The channels are the net's default, but 3 if it is made for large grey images and the data has colours; the
    data's, if the net has no default. `image_size`, (height, width) or (height, width, channels), overrides both.

    Args:
        layout: the layout to train.
        entry: its registry entry.
        dataset: a `Dataset`; the normalization is computed from its training images, or from 10,000 of them,
            sampled with a fixed seed.

    Raises:
        ZooError: if the layout accepts no such images.
    """
    inner, channels = inner_size(layout, entry, dataset.image_shape, image_size)
    if entry.pixel_range:
        scale, offset = _to_range(entry.pixel_range, channels)
    else:
        scale, offset = normalization(dataset.train, channels)
    return Preprocessing(inner, entry.margin, channels, scale, offset)


def inner_size(layout: Layout, entry: Entry, image_shape: Shape | None = None,
               image_size: tuple[int, ...] | None = None) -> tuple[tuple[int, ...], int]:
    """Return the size that `fit_to` resizes images to, (height, width) without the margin, and their channels.

    `image_shape` is their own shape, (height, width, channels). It is None for images of differing sizes; then the size
    returned, which all of them are to be resized to when loaded, follows from the net's default, or else 224x224.
    """
    own, around = entry.input_shape, 2 * entry.margin
    height, width, channels = own or (224, 224, 3)
    is_small = bool(own) and max(height, width) <= SMALL
    if image_shape:
        height, width = (n + around for n in image_shape[:2])
        channels = own[2] if own and is_small else max(image_shape[2], own[2] if own else 1)
    if image_size:
        size, channels = image_size[:2], (*image_size, channels)[2]
    elif own and is_small:
        size = own[:2]
    else:
        least = smallest_input(layout, channels)
        if least is None:
            raise ZooError(f"{entry.name} takes no image of {channels} channels, whatever its size.")
        stride = trace(layout, (least, least, channels)).last_map.stride
        least = max(least, *(stride or ()))
        size = (height, width) if min(height, width) >= least else (least, least)
    inner = tuple(n - around for n in size)
    if min(inner) < 1:
        raise ZooError(f"An image of {size[0]}x{size[1]} leaves nothing inside {entry.name}'s margin.")
    if channels not in (1, 3):
        raise ZooError(f"Images have 1 channel or 3; got {channels}.")
    return inner, channels


def default_preprocessing(entry: Entry, input_shape: Shape) -> Preprocessing:
    """Return a model's preprocessing without a data set: resizing, and pixels in the paper's value range or 0..1."""
    height, width, channels = input_shape
    size = (height - 2 * entry.margin, width - 2 * entry.margin)
    return Preprocessing(size, entry.margin, channels, *_to_range(entry.pixel_range or (0.0, 1.0), channels))


def expected_preprocessing(expected: Expected, entry: Entry, input_shape: Shape) -> Preprocessing:
    """Return the preprocessing that published weights expect, for a net of `input_shape`, (height, width, channels).

    At another size than the net's default, the shorter side is resized in proportion, so that as much of an image is
    cut away. Nets of one channel take the mean of the channels' values.
    """
    height, width, channels = input_shape
    shorter = expected.shorter and round(expected.shorter * max(height, width) / max((entry.input_shape or (224,))[:2]))
    mean, deviation = np.array(expected.mean), np.array(expected.deviation)
    if channels == 1:
        mean, deviation = mean.mean(keepdims=True), deviation.mean(keepdims=True)
    return Preprocessing(
        (height, width), 0, channels, tuple((1 / deviation).tolist()), tuple((-mean / deviation).tolist()), shorter,
        expected.interpolation, expected.bgr and channels == 3,
    )


def _to_range(pixel_range, channels):
    """Return the scale and offset, one per channel each, that map 0..255 to the value range (black, white)."""
    black, white = pixel_range
    return ((white - black) / 255,) * channels, (black,) * channels


def normalization(split: AnySplit, channels: int) -> tuple[tuple[float, ...], tuple[float, ...]]:
    """Return the scale and offset, one per channel each, that give a split's images mean 0, standard deviation 1."""
    counts = _histogram(split)
    if not counts.shape[0] == channels == 3:
        counts = counts.sum(axis=0, keepdims=True)
    share = counts / counts.sum(axis=1, keepdims=True)
    mean = share @ np.arange(256)
    deviation = np.sqrt(share @ np.arange(256) ** 2 - mean**2).clip(1)
    scale, offset = (np.broadcast_to(values, channels).tolist() for values in (1 / deviation, -mean / deviation))
    return tuple(scale), tuple(offset)


def _histogram(split):
    """Count the values 0..255 of each channel, (channels, 256), in a seeded sample of at most `SAMPLE` images."""
    from tqdm import tqdm

    indices = np.arange(len(split))
    if len(split) > SAMPLE:
        indices = np.sort(np.random.default_rng(SEED).choice(len(split), SAMPLE, replace=False))
    counts = np.zeros((split.image_shape[-1], 256), np.int64)
    for chunk in tqdm(list(chunks(indices)), "normalization", delay=2, leave=False, disable=None):
        for images in split.whole_images(chunk):
            for channel, count in enumerate(counts):
                count += np.bincount(images[..., channel].ravel(), minlength=256)
    return counts

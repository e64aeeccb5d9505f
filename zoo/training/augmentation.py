"""Augmentation of the training images by Keras's layers: part of the compiled step, inactive outside of training.

Their random seeds are variables of the model, so checkpoints contain them and a resumed run sees the same images.
"""

from typing import NamedTuple

import keras
from keras import KerasTensor, layers, ops

from zoo.data.dataset import IGNORED
from zoo.layers.channels import channels_last

PIXELS = (0, 255)

# Shares of the image's size: an eighth is the 4 pixels of CIFAR's 32 by which He et al. (arXiv:1512.03385, Section 4.2)
# pad it; half of each side is the Cutout of DeVries and Taylor (arXiv:1708.04552, Section 4.1).
ONE_IMAGE = {
    "flip": lambda seed: layers.RandomFlip("horizontal", seed=seed),
    "crop": lambda seed: layers.RandomTranslation(1 / 8, 1 / 8, "constant", "nearest", fill_value=0, seed=seed),
    "cutout": lambda seed: layers.RandomErasing((1.0, 1.0), (0.25, 0.25), fill_value=0, value_range=PIXELS, seed=seed),
    "randaugment": lambda seed: layers.RandAugment(PIXELS, num_ops=2, factor=0.3, seed=seed),
    "jitter": lambda seed: layers.RandomColorJitter(
        PIXELS, brightness_factor=0.2, contrast_factor=0.2, saturation_factor=(0.4, 0.6), hue_factor=0.05, seed=seed
    ),
}
OF_COLOURS = ("randaugment", "jitter")  # they need three channels
SEVERAL_IMAGES = {
    "mixup": lambda seed: layers.MixUp(alpha=0.2, seed=seed),
    "cutmix": lambda seed: layers.CutMix(seed=seed),
}


class Augmented(NamedTuple):
    """Images (N, height, width, channels), and what became of their labels.

    Row i of the shares (N, N) holds the weights of all images' labels in the label of the mixed image i; shares are
    None if no layer mixes images. The masks (N, height, width) are None if images have one label each.
    """

    images: KerasTensor
    shares: KerasTensor | None = None
    masks: KerasTensor | None = None


@channels_last()
def augment(images: KerasTensor, names: tuple[str, ...], seed: int, masks: KerasTensor | None = None) -> Augmented:
    """Augment images (N, height, width, channels), 0..255, in training by the named layers, and masks with them.

    Layers that need colours get grey images as three equal channels. Pixels that come from outside of an image are
    `IGNORED` in its mask. Images with masks can't be mixed.
    """
    grey, shares = images.shape[-1] == 1 and set(names) & set(OF_COLOURS), None
    if grey:
        images = ops.repeat(images, 3, axis=-1)
    if masks is not None:
        masks = IGNORED - masks[..., None]  # the layers fill in zeros where there is no image
    for i, name in enumerate(names):
        if name in SEVERAL_IMAGES:
            images, shares = Mixed(SEVERAL_IMAGES[name](seed + i))([images, shares] if shares is not None else [images])
        elif masks is None:
            images = ONE_IMAGE[name](seed + i)(images)
        else:
            both = ONE_IMAGE[name](seed + i)({"images": images, "segmentation_masks": masks})
            images, masks = both["images"], both["segmentation_masks"]
    images = images[..., :1] if grey else images
    return Augmented(images, shares, None if masks is None else IGNORED - masks[..., 0])


class Mixed(layers.Layer):
    """Applies MixUp or CutMix, which mix images and labels: here the rows of `shares` are mixed as labels."""

    def __init__(self, mixing: layers.Layer) -> None:
        super().__init__(dtype="float32")
        self.mixing = mixing

    def build(self, shapes: list[tuple]) -> None:
        self.mixing.build(shapes[0])

    def call(self, inputs: list[KerasTensor], training: bool = False) -> tuple[KerasTensor, KerasTensor]:
        images, *shares = inputs
        shares = shares[0] if shares else ops.eye(ops.shape(images)[0])
        if not training:
            return images, shares
        mixed = self.mixing({"images": images, "labels": shares}, training=True)
        return mixed["images"], mixed["labels"]

    def compute_output_spec(self, inputs: list[KerasTensor], training: bool = False) -> tuple[KerasTensor, KerasTensor]:
        images = inputs[0]
        return keras.KerasTensor(images.shape, "float32"), keras.KerasTensor((images.shape[0],) * 2, "float32")

"""SegNet: Figure 2 of Badrinarayanan et al. 2015. VGG-16 as encoder, mirrored as decoder, joined by max unpooling.

| model  | encoder and decoder  | parameters (trainable) | the paper says              |
|--------|----------------------|------------------------|-----------------------------|
| segnet | 13 convolutions each | 29,449,355             | 14.7 million in the encoder |

Training starts from the convolutions of a trained VGG-16 in the encoder (Section 3).
"""

from functools import partial

from zoo.entry import Cited, Paper, Start, register
from zoo.families.vgg import CONFIGURATIONS
from zoo.layout import Conv, Layout, Pool, Stage, Unpool

conv = partial(Conv, kernel=3, norm="batch")
BLOCKS = [[int(word) for word in block.split()] for block in CONFIGURATIONS["D"].split("|")]


def encoder(i: int) -> Stage:
    return Stage(f"encoder{i}", [conv(filters) for filters in BLOCKS[i - 1]], Pool(2, padding="same"))


def decoder(i: int) -> Stage:
    """Encoder block i mirrored: unpooling first, and as many channels at its end as block i - 1 has."""
    *others, _ = BLOCKS[i - 1]
    return Stage(f"decoder{i}", Unpool(f"encoder{i}_pool"), [conv(filters) for filters in others],
                 conv(BLOCKS[i - 2][-1]) if i > 1 else [])


@register(
    paper=Paper("SegNet: A Deep Convolutional Encoder-Decoder Architecture for Image Segmentation",
                "Badrinarayanan, Kendall and Cipolla", 2015, "arXiv:1511.00561"),
    input_shape=(360, 480, 3), classes=11,
    summary="The decoder puts values back where the encoder's pools found them",
    starts=(Start("vgg16", {"block": "encoder"}), Start("vgg16_bn", {"block": "encoder"})),
    published={"encoder_params": Cited(14.7e6, "Section 3")},
)
def segnet(classes: int = 11) -> Layout:
    return Layout(
        body=[*(encoder(i) for i in (1, 2, 3, 4, 5)), *(decoder(i) for i in (5, 4, 3, 2, 1))],
        head=[Conv(classes, 3, activation=None, name="predictions")],
    )

"""U-Net: Figure 1 of Ronneberger et al. 2015. An encoder, whose maps are cropped and concatenated to the decoder's.

| model | input     | output    | parameters |
|-------|-----------|-----------|------------|
| unet  | 572x572x1 | 388x388x2 | 31,030,658 |

The convolutions are unpadded, so the output is smaller than the image; `padding="same"` makes it as large.
"""

from zoo.entry import Cited, Paper, register
from zoo.layout import Concat, Conv, ConvTranspose, Dropout, Layout, Pool, Stage, Take, Word


def twice(width: int) -> list[Conv]:
    return [Conv(width, 3, padding="valid"), Conv(width, 3, padding="valid")]


def up(i: int, width: int) -> list[Word]:
    """Upsample, concatenate with the encoder's map of the same level, convolve."""
    return [
        Concat([Take(f"down{i}")], [ConvTranspose(width, 2, stride=2)], crop=True, name=f"join{i}"),
        Stage(f"up{i}", twice(width)),
    ]


@register(
    paper=Paper("U-Net: Convolutional Networks for Biomedical Image Segmentation", "Ronneberger, Fischer and Brox",
                2015, "arXiv:1505.04597"),
    input_shape=(572, 572, 1), classes=2,
    recipe={"initialization": "he_normal", "learning_rate": 3e-3},  # the first is Section 3's
    summary="An encoder and a decoder, joined at every level: what and where",
    published={"trainable_params": Cited(31_030_658, "sum of Figure 1's layers"),
               "output_size": Cited(388, "Figure 1")},
)
def unet(classes: int = 2) -> Layout:
    levels = ((1, 64), (2, 128), (3, 256), (4, 512))
    return Layout(
        body=[
            *([Stage(f"down{i}", twice(width)), Pool(2)] for i, width in levels),
            Stage("bottom", twice(1024), Dropout(0.5)),
            *(up(i, width) for i, width in reversed(levels)),
        ],
        head=[Conv(classes, 1, activation=None, name="predictions")],
    )

"""U-Net: Figure 1 of Ronneberger et al. 2015. Down, up, and across: each level's map is cropped and joined again.

| model | input     | output    | parameters |
|-------|-----------|-----------|------------|
| unet  | 572x572x1 | 388x388x2 | 31,030,658 |

The convolutions are unpadded, so the output is smaller than the image; `padding="same"` gives all of it.
"""

from zoo.layout import Concat, Conv, ConvTranspose, Dropout, Layout, Pool, Stage
from zoo.registry import Figure, Paper, register


def twice(width):
    return [Conv(width, 3, padding="valid"), Conv(width, 3, padding="valid")]


def level(i, width, below):
    """Convolve, go through the levels below and come back at this level's width, join, convolve."""
    return [
        Stage(f"down{i}", twice(width)),
        Concat([], [Pool(2), *below, ConvTranspose(width, 2, stride=2)], crop=True, name=f"join{i}"),
        Stage(f"up{i}", twice(width)),
    ]


@register(
    paper=Paper("U-Net: Convolutional Networks for Biomedical Image Segmentation", "Ronneberger, Fischer and Brox",
                2015, "arXiv:1505.04597"),
    input_shape=(572, 572, 1), classes=2,
    summary="An encoder and a decoder, joined at every level: what and where",
    published={"trainable_params": Figure(31_030_658, "sum of Figure 1's layers"),
               "output_size": Figure(388, "Figure 1")},
)  # fmt: skip
def unet(classes=2):
    net = [Stage("bottom", twice(1024), Dropout(0.5))]
    for i, width in ((4, 512), (3, 256), (2, 128), (1, 64)):
        net = level(i, width, net)
    return Layout(body=net, head=[Conv(classes, 1, activation=None, name="predictions")])

"""FCN: Figure 3 and Section 4 of Long et al. 2014. VGG-16 made fully convolutional, its scores upsampled.

| model  | scores from         | parameters  | the paper says                          |
|--------|---------------------|-------------|-----------------------------------------|
| fcn32s | conv7               | 134,346,581 | 134 million; receptive field 404        |
| fcn16s | conv7, pool4        | 134,364,410 | mean IU 62.4                            |
| fcn8s  | conv7, pool4, pool3 | 134,376,863 | mean IU 62.7                            |

The authors pad the image by 100 pixels, let pools round up, and crop maps that are added to the part that both cover;
the last upsampling is bilinear and fixed, those before it are initialized as bilinear and trained.

Training starts from a trained VGG-16, whose dense layers become convolutions (Section 4.1), and goes on from one net to
the next: what scores the added pool is zero at first, so that the net starts with the predictions of the one before it
(Section 4.2).
"""

from dataclasses import replace
from typing import Any

from zoo.entry import Cited, Paper, Start, register
from zoo.families.vgg import CONFIGURATIONS, conv
from zoo.layout import Add, Conv, ConvTranspose, Crop, Dropout, Layout, Pool, Stage, Take, Upsample, Word

ABOUT: dict[str, Any] = dict(
    family="fcn", input_shape=(500, 500, 3), classes=21,
    paper=Paper("Fully Convolutional Networks for Semantic Segmentation", "Long, Shelhamer and Darrell", 2014,
                "arXiv:1411.4038"),
)

CLASSIFIER = Start("vgg16", {"fc1": "conv6_conv", "fc2": "conv7_conv"})


def trunk() -> list[Stage]:
    """VGG-16 with its dense layers as convolutions."""
    blocks = [[conv(word, None) for word in block.split()] for block in CONFIGURATIONS["D"].split("|")]
    blocks[0][0] = replace(blocks[0][0], padding=100)
    return [
        *(Stage(f"block{i}", rows, Pool(2, padding="same")) for i, rows in enumerate(blocks, 1)),
        Stage("conv6", Conv(4096, 7, padding="valid"), Dropout(0.5)),
        Stage("conv7", Conv(4096, 1), Dropout(0.5)),
    ]


def score(classes: int) -> Conv:
    return Conv(classes, 1, activation=None)


def twice(classes: int) -> ConvTranspose:
    return ConvTranspose(classes, 4, stride=2, bias=False, bilinear=True)


def fused(stage: str, classes: int) -> Add:
    """The scores so far, upsampled by 2, plus those of an earlier stage of half the stride."""
    return Add([twice(classes)], shortcut=[Take(stage), score(classes)], crop=True)


def to_image(times: int) -> list[Word]:
    return [Upsample(times, "bilinear"), Crop("image")]


@register(**ABOUT, summary="A classifier slid over the whole image labels each pixel, at stride 32",
          starts=(CLASSIFIER,),
          published={"trainable_params": Cited(134e6, "Table 1, FCN-VGG16"),
                     "receptive_field": Cited(404, "Table 1, FCN-VGG16"),
                     "voc2011_mean_iu": Cited(59.4, "Table 2")})
def fcn32s(classes: int = 21) -> Layout:
    return Layout(trunk(), [score(classes), to_image(32)])


@register(**ABOUT, summary="FCN with the scores of pool 4 added, at stride 16",
          starts=(Start("fcn32s", scores=True, zeros=("add_shortcut_conv",)), CLASSIFIER),
          published={"voc2011_mean_iu": Cited(62.4, "Table 2")})
def fcn16s(classes: int = 21) -> Layout:
    return Layout(trunk(), [score(classes), fused("block4", classes), to_image(16)])


@register(**ABOUT, summary="FCN with the scores of pools 4 and 3 added, at stride 8",
          starts=(Start("fcn16s", {"add_": "add1_"}, scores=True, zeros=("add2_shortcut_conv",)),
                  Start("fcn32s", scores=True, zeros=("add1_shortcut_conv", "add2_shortcut_conv")), CLASSIFIER),
          published={"voc2011_mean_iu": Cited(62.7, "Table 2")})
def fcn8s(classes: int = 21) -> Layout:
    return Layout(trunk(), [score(classes), fused("block4", classes), fused("block3", classes), to_image(8)])

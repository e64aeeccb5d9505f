"""GoogLeNet: Table 1 of Szegedy et al. 2014, row by row.

| model        | normalization | 5x5 branch        | parameters                              |
|--------------|---------------|-------------------|-----------------------------------------|
| googlenet    | LRN           | 5x5, as published | 6,998,552; with auxiliary classifiers 13,378,280 |
| googlenet_bn | BatchNorm     | 3x3, torchvision's | 6,624,904                              |

The rows of Table 1 sum to 6.8 million weights. The paper doesn't say how pools round; its map sizes (56, 28, 14, 7)
need pools that round up.
"""

from collections.abc import Callable
from dataclasses import replace
from functools import partial

from zoo.entry import SIGNED, TORCHVISION, Cited, Paper, register
from zoo.layout import Auxiliary, Concat, Conv, Dense, Dropout, Flatten, GlobalPool, Layout, Norm, Pool, Stage

PAPER = Paper("Going Deeper with Convolutions",
              "Szegedy, Liu, Jia, Sermanet, Reed, Anguelov, Erhan, Vanhoucke and Rabinovich", 2014,
              "arXiv:1409.4842")

TABLE = {  # #1x1, #3x3 reduce, #3x3, #5x5 reduce, #5x5, pool proj
    "3a": (64, 96, 128, 16, 32, 32), "3b": (128, 128, 192, 32, 96, 64),
    "4a": (192, 96, 208, 16, 48, 64), "4b": (160, 112, 224, 24, 64, 64), "4c": (128, 128, 256, 24, 64, 64),
    "4d": (112, 144, 288, 32, 64, 64), "4e": (256, 160, 320, 32, 128, 128),
    "5a": (256, 160, 320, 32, 128, 128), "5b": (384, 192, 384, 48, 128, 128),
}


def inception(row: str, conv: Callable[..., Conv], large: int = 5) -> Concat:
    c1, r3, c3, r5, c5, p = TABLE[row]
    return Concat(
        [conv(c1, 1)],
        [conv(r3, 1), conv(c3, 3)],
        [conv(r5, 1), conv(c5, large)],
        [Pool(3, stride=1, padding="same"), conv(p, 1)],
    )


def auxiliary(name: str, classes: int) -> Auxiliary:
    """Section 5: the auxiliary classifiers after 4a and 4d."""
    return Auxiliary(name, Pool(5, stride=3, kind="avg"), Conv(128, 1), Flatten(), Dense(1024, "relu"), Dropout(0.7),
                     Dense(classes, name=f"{name}_predictions"), weight=0.3)


def pool(size: int = 3) -> Pool:
    return Pool(size, stride=2, padding="ceil")


@register(
    paper=PAPER, input_shape=(224, 224, 3), classes=1000,
    summary="Inception modules: 1x1, 3x3, 5x5 and pooling side by side; wins ImageNet with 7 million weights",
    published={"trainable_params": Cited(6_998_552, "bvlc_googlenet, Caffe model zoo, without the auxiliary heads"),
               "imagenet_top5_error": Cited(10.07, "Table 3, 1 model, 1 crop")},
)
def googlenet(classes: int = 1000, aux: bool = False) -> Layout:
    """With `aux` the net has the two auxiliary classifiers of the paper, for training."""
    return Layout(
        body=[
            Stage("block1", Conv(64, 7, stride=2, padding=3), pool(), Norm("lrn")),
            Stage("block2", Conv(64, 1), Conv(192, 3, norm="lrn"), pool()),
            Stage("block3", inception("3a", Conv), inception("3b", Conv), pool()),
            Stage("block4", inception("4a", Conv), auxiliary("aux1", classes) if aux else [],
                  inception("4b", Conv), inception("4c", Conv), inception("4d", Conv),
                  auxiliary("aux2", classes) if aux else [], inception("4e", Conv), pool()),
            Stage("block5", inception("5a", Conv), inception("5b", Conv)),
        ],
        head=[GlobalPool("avg"), Dropout(0.4), Dense(classes, name="predictions")],
    )


@register(
    paper=PAPER, input_shape=(224, 224, 3), classes=1000, pixel_range=(-1, 1),
    summary="GoogLeNet with BatchNorm, and 3x3 in the place of 5x5; torchvision's googlenet",
    published={"trainable_params": Cited(6_624_904, TORCHVISION), "macs": Cited(1.5e9, TORCHVISION)},
    weights={"torchvision": "googlenet-1378be20"}, expects={"torchvision": replace(SIGNED, shorter=256)},
)
def googlenet_bn(classes: int = 1000) -> Layout:
    conv = partial(Conv, bias=False, norm=Norm(epsilon=1e-3))
    rows = {block: [inception(row, conv, large=3) for row in TABLE if row[0] == block] for block in "345"}
    return Layout(
        body=[
            Stage("block1", conv(64, 7, stride=2, padding=3), pool()),
            Stage("block2", conv(64, 1), conv(192, 3), pool()),
            Stage("block3", rows["3"], pool()),
            Stage("block4", rows["4"], pool(2)),
            Stage("block5", rows["5"]),
        ],
        head=[GlobalPool("avg"), Dropout(0.2), Dense(classes, name="predictions")],
    )

"""Inception-ResNet-v2: Figures 15 to 19 of Szegedy et al. 2016.

| model               | modules          | residuals scaled by | parameters |
|---------------------|------------------|---------------------|------------|
| inception_resnet_v2 | 10 A, 20 B, 10 C | 0.17, 0.10, 0.20    | 55,873,736 |

The layout is that of the authors' code, which keras.applications follows: Inception-v3's stem and one Inception module
before the residual ones, the last of which is unscaled and has no ReLU. BatchNorm has no gamma.
"""

from zoo.entry import SIGNED, Cited, register
from zoo.families.inception import average, conv, stem, valid
from zoo.families.inception_v4 import PAPER
from zoo.layout import Activation, Add, Concat, Conv, Dense, GlobalPool, Layout, Pool, Scale, Stage, Word


def residual(scale: float, channels: int, *branches: list[Word], relu: bool = True) -> list:
    """x + scale * up(branches), where `up` is a 1x1 convolution to the number of `channels` of x."""
    up = Conv(channels, 1, activation=None)
    return [Add([Concat(*branches), up, Scale(scale)]), Activation("relu") if relu else []]


def block_a() -> list:  # Figure 16, 35x35
    return residual(0.17, 320, [conv(32, 1)], [conv(32, 1), conv(32, 3)], [conv(32, 1), conv(48, 3), conv(64, 3)])


def block_b() -> list:  # Figure 17, 17x17
    return residual(0.1, 1088, [conv(192, 1)], [conv(128, 1), conv(160, (1, 7)), conv(192, (7, 1))])


def block_c(scale: float = 0.2, relu: bool = True) -> list:  # Figure 19, 8x8
    return residual(scale, 2080, [conv(192, 1)], [conv(192, 1), conv(224, (1, 3)), conv(256, (3, 1))], relu=relu)


def mixed_5b() -> Concat:
    return Concat(
        [conv(96, 1)],
        [conv(48, 1), conv(64, 5)],
        [conv(64, 1), conv(96, 3), conv(96, 3)],
        [average(), conv(64, 1)],
    )


def reduction_a() -> Concat:
    return Concat([valid(384, 3, stride=2)], [conv(256, 1), conv(256, 3), valid(384, 3, stride=2)], [Pool(3, stride=2)])


def reduction_b() -> Concat:  # Figure 18
    return Concat(
        [conv(256, 1), valid(384, 3, stride=2)],
        [conv(256, 1), valid(288, 3, stride=2)],
        [conv(256, 1), conv(288, 3), valid(320, 3, stride=2)],
        [Pool(3, stride=2)],
    )


@register(
    paper=PAPER, input_shape=(299, 299, 3), classes=1000, pixel_range=(-1, 1),
    summary="Inception modules as residuals, scaled down so that they train",
    published={"params": Cited(55_873_736, "keras.applications"),
               "imagenet_top1_error": Cited(19.9, "Table 2, single crop"),
               "imagenet_top5_error": Cited(4.9, "Table 2, single crop")},
    weights={"imagenet": "InceptionResNetV2"}, expects={"imagenet": SIGNED},
)
def inception_resnet_v2(classes: int = 1000) -> Layout:
    return Layout(
        body=[
            *stem(),
            Stage("mixed1", mixed_5b(), [block_a() for _ in range(10)]),
            Stage("mixed2", reduction_a(), [block_b() for _ in range(20)]),
            Stage("mixed3", reduction_b(), [block_c() for _ in range(9)], block_c(scale=1.0, relu=False),
                  conv(1536, 1)),
        ],
        head=[GlobalPool("avg"), Dense(classes, name="predictions")],
    )

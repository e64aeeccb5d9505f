"""ShuffleNet V2: Table 5 and Figure 3 (c, d) of Ma et al. 2018.

| model              | channels of the stages | parameters (trainable) | multiply-adds |
|--------------------|------------------------|------------------------|---------------|
| shufflenet_v2_x1_0 | 116, 232, 464, 1024    | 2,278,604              | 145 M         |
"""

from functools import partial

from zoo.entry import TORCHVISION, Cited, Paper, register
from zoo.layout import Concat, Conv, Dense, DepthwiseConv, GlobalPool, Layout, Pool, Shuffle, Split, Stage, Word

conv = partial(Conv, bias=False, norm="batch")
depthwise = partial(DepthwiseConv, 3, padding=1, bias=False, norm="batch", activation=None)


def unit(half: int) -> list[Word]:  # Figure 3c: half of the channels pass untouched
    return [Concat([Split(0)], [Split(1), conv(half, 1), depthwise(), conv(half, 1)]), Shuffle(2)]


def shrinking(half: int) -> list[Word]:  # Figure 3d
    return [
        Concat([depthwise(stride=2), conv(half, 1)], [conv(half, 1), depthwise(stride=2), conv(half, 1)]),
        Shuffle(2),
    ]


def stage(i: int, channels: int, repeats: int) -> Stage:
    half = channels // 2
    return Stage(f"stage{i}", shrinking(half), [unit(half) for _ in range(repeats - 1)])


@register(
    paper=Paper("ShuffleNet V2: Practical Guidelines for Efficient CNN Architecture Design", "Ma, Zhang, Zheng and Sun",
                2018, "arXiv:1807.11164"),
    input_shape=(224, 224, 3), classes=1000,
    summary="Channels are split and shuffled: groups exchange what they know at no cost",
    published={"trainable_params": Cited(2_278_604, TORCHVISION), "macs": Cited(145e6, TORCHVISION),
               "imagenet_top1_error": Cited(30.6, "Table 8")},
    weights={"torchvision": "shufflenetv2_x1-5666bf0f80"},
)
def shufflenet_v2_x1_0(classes: int = 1000) -> Layout:
    return Layout(
        body=[
            Stage("stage1", conv(24, 3, stride=2, padding=1)),
            Stage("pool", Pool(3, stride=2, padding=1)),
            stage(2, 116, 4), stage(3, 232, 8), stage(4, 464, 4),
            Stage("conv5", conv(1024, 1)),
        ],
        head=[GlobalPool("avg"), Dense(classes, name="predictions")],
    )

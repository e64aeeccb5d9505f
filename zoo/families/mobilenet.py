"""MobileNet: Table 1 of Howard et al. 2017, and MobileNetV2: Table 2 of Sandler et al. 2018.

| model                    | block                   | parameters (trainable) | multiply-adds |
|--------------------------|-------------------------|------------------------|---------------|
| mobilenet                | depthwise, pointwise    | 4,231,976              | 569 M         |
| mobilenet_v2             | inverted residual       | 3,504,872              | 301 M         |
| mobilenet_v2_torchvision | the same, PyTorch's padding and epsilon | 3,504,872 | 301 M      |

Padding, ReLU6 and epsilon are those of the authors' code, which keras.applications follows.
"""

from functools import partial
from typing import Any

from zoo.entry import SIGNED, TORCHVISION, Cited, Paper, register
from zoo.layout import Add, Conv, Dense, DepthwiseConv, Dropout, GlobalPool, Layout, Norm, Stage, Word

TENSORFLOW = Norm(epsilon=1e-3)
conv = partial(Conv, bias=False, activation="relu6")
depthwise = partial(DepthwiseConv, 3, bias=False, activation="relu6")


def separable(filters: int, stride: int = 1) -> list[Word]:
    return [depthwise(stride=stride, norm=TENSORFLOW), conv(filters, 1, norm=TENSORFLOW)]


@register(
    paper=Paper("MobileNets: Efficient Convolutional Neural Networks for Mobile Vision Applications",
                "Howard, Zhu, Chen, Kalenichenko, Wang, Weyand, Andreetto and Adam", 2017, "arXiv:1704.04861"),
    input_shape=(224, 224, 3), classes=1000, pixel_range=(-1, 1),
    summary="Depthwise separable convolutions: 3x3 for space, 1x1 for channels",
    published={"params": Cited(4_253_864, "keras.applications"), "macs": Cited(569e6, "Table 8"),
               "imagenet_top1_error": Cited(29.4, "Table 8")},
    weights={"imagenet": "MobileNet"}, expects={"imagenet": SIGNED},
)
def mobilenet(classes: int = 1000) -> Layout:
    return Layout(
        body=[
            Stage("block1", conv(32, 3, stride=2, norm=TENSORFLOW), separable(64)),
            Stage("block2", separable(128, 2), separable(128)),
            Stage("block3", separable(256, 2), separable(256)),
            Stage("block4", separable(512, 2), [separable(512) for _ in range(5)]),
            Stage("block5", separable(1024, 2), separable(1024)),
        ],
        head=[GlobalPool("avg"), Dropout(0.001), Dense(classes, name="predictions")],
    )


V2 = (  # Table 2: expansion t, channels c, repeats n, stride s
    (1, 16, 1, 1), (6, 24, 2, 2), (6, 32, 3, 2), (6, 64, 4, 2), (6, 96, 3, 1), (6, 160, 3, 2), (6, 320, 1, 1),
)


def inverted_residual(inputs: int, expansion: int, channels: int, stride: int, norm: str | Norm,
                      padding: int | str) -> Add | list:
    rows: list = [
        conv(expansion * inputs, 1, norm=norm) if expansion > 1 else [],
        depthwise(stride=stride, padding=padding, norm=norm),
        conv(channels, 1, norm=norm, activation=None),
    ]
    return Add(rows) if stride == 1 and inputs == channels else rows


def mobilenet_v2_layout(classes: int, norm: str | Norm, padding: int | str, dropout: float) -> Layout:
    stages: list[list]
    stages, inputs = [[conv(32, 3, stride=2, padding=padding, norm=norm)]], 32
    for expansion, channels, repeats, stride in V2:
        for i in range(repeats):
            step = stride if i == 0 else 1
            if step == 2:
                stages.append([])
            stages[-1].append(inverted_residual(inputs, expansion, channels, step, norm, padding))
            inputs = channels
    stages[-1].append(conv(1280, 1, norm=norm))
    body = [Stage(f"block{i}", rows) for i, rows in enumerate(stages, 1)]
    return Layout(body, [GlobalPool("avg"), Dropout(dropout) if dropout else [], Dense(classes, name="predictions")])


ABOUT_V2: dict[str, Any] = dict(
    paper=Paper("MobileNetV2: Inverted Residuals and Linear Bottlenecks",
                "Sandler, Howard, Zhu, Zhmoginov and Chen", 2018, "arXiv:1801.04381"),
    input_shape=(224, 224, 3), classes=1000,
)


@register(**ABOUT_V2, pixel_range=(-1, 1), summary="Residuals between thin layers, wide inside, linear at the ends",
          published={"params": Cited(3_538_984, "keras.applications"), "macs": Cited(300e6, "Table 4"),
                     "imagenet_top1_error": Cited(28.0, "Table 4")},
          weights={"imagenet": "MobileNetV2"}, expects={"imagenet": SIGNED})
def mobilenet_v2(classes: int = 1000) -> Layout:
    return mobilenet_v2_layout(classes, TENSORFLOW, "same", 0.0)


@register(**ABOUT_V2, summary="MobileNetV2 with PyTorch's padding and epsilon; torchvision's mobilenet_v2",
          published={"trainable_params": Cited(3_504_872, TORCHVISION)},
          weights={"torchvision": "mobilenet_v2-b0353104"})
def mobilenet_v2_torchvision(classes: int = 1000) -> Layout:
    return mobilenet_v2_layout(classes, "batch", 1, 0.2)

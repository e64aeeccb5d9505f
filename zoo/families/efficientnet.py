"""EfficientNet-B0: Table 1 of Tan & Le 2019.

| model                       | params (keras.applications') | trainable | multiply-adds | padding, epsilon |
|-----------------------------|------------------------------|-----------|---------------|------------------|
| efficientnet_b0             | 5,330,564                    | 5,288,548 | 0.39 G        | the authors', TensorFlow's |
| efficientnet_b0_torchvision |                              | 5,288,548 | 0.39 G        | PyTorch's        |

keras.applications counts 7 more: its net contains the image's normalization, with 3 means, 3 variances and a count.
"""

from collections.abc import Callable
from dataclasses import replace
from functools import partial
from typing import Any

from zoo.entry import CROPPED, STANDARD, TORCHVISION, Cited, Paper, register
from zoo.layout import Add, Conv, Dense, DepthwiseConv, Dropout, DropPath, GlobalPool, Layout, Multiply, Norm, Stage

TABLE1 = (  # expansion, kernel, channels, layers, stride
    (1, 3, 16, 1, 1), (6, 3, 24, 2, 2), (6, 5, 40, 2, 2), (6, 3, 80, 3, 2), (6, 5, 112, 3, 1), (6, 5, 192, 4, 2),
    (6, 3, 320, 1, 1),
)

conv = partial(Conv, bias=False, activation="swish")
depthwise = partial(DepthwiseConv, bias=False, activation="swish")


def same(kernel: int) -> str:
    return "same"


def symmetric(kernel: int) -> int:
    return kernel // 2


def mbconv(inputs: int, expansion: int, kernel: int, channels: int, stride: int, drop: float, norm: str | Norm,
           pad: Callable[[int], int | str]) -> Add | list:
    inner = expansion * inputs
    rows: list = [
        conv(inner, 1, norm=norm) if expansion > 1 else [],
        depthwise(kernel, stride=stride, padding=pad(kernel), norm=norm),
        Multiply([GlobalPool("avg"), Dense(inputs // 4, "swish"), Dense(inner, "sigmoid")]),
        conv(channels, 1, norm=norm, activation=None),
    ]
    if stride > 1 or inputs != channels:
        return rows
    return Add([rows, DropPath(drop) if drop else []])


def efficientnet(classes: int, drop_path: float, norm: str | Norm, pad: Callable[[int], int | str]) -> Layout:
    """Stochastic depth drops a block with a probability that grows with depth up to `drop_path`."""
    stages: list[list]
    stages, inputs, done = [[conv(32, 3, stride=2, padding=pad(3), norm=norm)]], 32, 0
    total = sum(layers for _, _, _, layers, _ in TABLE1)
    for expansion, kernel, channels, layers, stride in TABLE1:
        for i in range(layers):
            step = stride if i == 0 else 1
            if step == 2:
                stages.append([])
            drop = drop_path * done / total
            stages[-1].append(mbconv(inputs, expansion, kernel, channels, step, drop, norm, pad))
            inputs, done = channels, done + 1
    stages[-1].append(conv(1280, 1, norm=norm))
    body = [Stage(f"block{i}", rows) for i, rows in enumerate(stages, 1)]
    return Layout(body, [GlobalPool("avg"), Dropout(0.2), Dense(classes, name="predictions")])


ABOUT: dict[str, Any] = dict(
    paper=Paper("EfficientNet: Rethinking Model Scaling for Convolutional Neural Networks", "Tan and Le", 2019,
                "arXiv:1905.11946"),
    input_shape=(224, 224, 3), classes=1000,
)


@register(**ABOUT, summary="The base of a family that scales depth, width and resolution together",
          published={"params": Cited(5_330_571 - 7, "keras.applications, without its normalization of the image"),
                     "macs": Cited(0.39e9, "Table 2"),
                     "imagenet_top1_error": Cited(22.9, "Table 2 of version 5")},
          weights={"imagenet": "EfficientNetB0"}, expects={"imagenet": STANDARD})
def efficientnet_b0(classes: int = 1000, drop_path: float = 0.2) -> Layout:
    return efficientnet(classes, drop_path, Norm(epsilon=1e-3), same)


@register(**ABOUT, summary="EfficientNet-B0 with PyTorch's padding and epsilon; torchvision's efficientnet_b0",
          published={"trainable_params": Cited(5_288_548, TORCHVISION),
                     "macs": Cited(0.386e9, TORCHVISION)},
          weights={"torchvision": "efficientnet_b0_rwightman-7f5810bc"},
          expects={"torchvision": replace(CROPPED, interpolation="bicubic")})
def efficientnet_b0_torchvision(classes: int = 1000, drop_path: float = 0.2) -> Layout:
    return efficientnet(classes, drop_path, "batch", symmetric)

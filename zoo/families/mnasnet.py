"""MNASNet-B1 (Table 2 of Tan et al. 2018): the net found without squeeze and excitation, as torchvision has it.

| model      | parameters (trainable) | multiply-adds |
|------------|------------------------|---------------|
| mnasnet1_0 | 4,383,312              | 314 M         |
"""

from functools import partial

from zoo.entry import TORCHVISION, Cited, Paper, register
from zoo.layout import Add, Conv, Dense, DepthwiseConv, Dropout, GlobalPool, Layout, Stage

conv = partial(Conv, bias=False, norm="batch")
depthwise = partial(DepthwiseConv, bias=False, norm="batch")


def inverted_residual(inputs: int, kernel: int, expansion: int, filters: int, stride: int = 1) -> Add | list:
    rows = [
        conv(expansion * inputs, 1),
        depthwise(kernel, stride=stride, padding=kernel // 2),
        conv(filters, 1, activation=None),
    ]
    return Add(rows) if stride == 1 and inputs == filters else rows


def blocks(repeats: int, inputs: int, kernel: int, expansion: int, filters: int, stride: int) -> list:
    """`repeats` blocks MBConv<expansion> (<kernel>x<kernel>); the first has the stride."""
    return [inverted_residual(inputs, kernel, expansion, filters, stride),
            [inverted_residual(filters, kernel, expansion, filters) for _ in range(repeats - 1)]]


@register(
    paper=Paper("MnasNet: Platform-Aware Neural Architecture Search for Mobile",
                "Tan, Chen, Pang, Vasudevan, Sandler, Howard and Le", 2018, "arXiv:1807.11626"),
    input_shape=(224, 224, 3), classes=1000,
    summary="A net found by searching for accuracy and measured latency together",
    published={"trainable_params": Cited(4_383_312, TORCHVISION), "macs": Cited(314e6, TORCHVISION),
               "imagenet_top1_error": Cited(25.5, "Table 2, MnasNet-B1")},
    weights={"torchvision": "mnasnet1.0_top1_73.512-f206786ef8"},
)
def mnasnet1_0(classes: int = 1000) -> Layout:
    return Layout(
        body=[
            Stage("block1", conv(32, 3, stride=2, padding=1), depthwise(3), conv(16, 1, activation=None)),
            Stage("block2", blocks(3, 16, 3, 3, 24, 2)),
            Stage("block3", blocks(3, 24, 5, 3, 40, 2)),
            Stage("block4", blocks(3, 40, 5, 6, 80, 2), blocks(2, 80, 3, 6, 96, 1)),
            Stage("block5", blocks(4, 96, 5, 6, 192, 2), blocks(1, 192, 3, 6, 320, 1), conv(1280, 1)),
        ],
        head=[GlobalPool("avg"), Dropout(0.2), Dense(classes, name="predictions")],
    )

"""ResNeXt: Table 1 and Figure 3c of Xie et al. 2016. A bottleneck with a grouped convolution: many narrow paths.

| model            | groups x width | parameters (trainable) |
|------------------|----------------|------------------------|
| resnext50_32x4d  | 32 x 4         | 25,028,904             |
| resnext101_32x8d | 32 x 8         | 88,791,336             |
"""

from collections.abc import Callable

from zoo.entry import Cited, Paper, register
from zoo.families.resnet import COLUMNS, FROM_ZERO, TORCHVISION, conv, conv3, residual, resnet
from zoo.layout import Layout, Word

PAPER = Paper("Aggregated Residual Transformations for Deep Neural Networks", "Xie, Girshick, Dollar, Tu and He",
              2016, "arXiv:1611.05431")


def bottleneck(groups: int, group_width: int) -> Callable[[int, int, bool], list[Word]]:
    def block(width, stride, project):
        inner = groups * group_width * width // 64
        rows = [conv(inner, 1), conv3(inner, stride, groups=groups), conv(4 * width, 1, activation=None)]
        return residual(rows, 4 * width, stride, project)

    return block


@register(
    paper=PAPER, input_shape=(224, 224, 3), classes=1000, recipe=FROM_ZERO,
    summary="Cardinality: 32 narrow paths in each block, written as one grouped convolution",
    published={"trainable_params": Cited(25_028_904, TORCHVISION), "macs": Cited(4.23e9, TORCHVISION),
               "imagenet_top1_error": Cited(22.2, "Table 3")},
    weights={"torchvision": "resnext50_32x4d-7cdf4587"},
)
def resnext50_32x4d(classes: int = 1000) -> Layout:
    return resnet(bottleneck(32, 4), COLUMNS[50], classes)


@register(
    paper=PAPER, input_shape=(224, 224, 3), classes=1000, recipe=FROM_ZERO,
    summary="ResNeXt with 101 layers and paths twice as wide",
    published={"trainable_params": Cited(88_791_336, TORCHVISION), "macs": Cited(16.414e9, TORCHVISION)},
    weights={"torchvision": "resnext101_32x8d-8ba56ff5"},
)
def resnext101_32x8d(classes: int = 1000) -> Layout:
    return resnet(bottleneck(32, 8), COLUMNS[101], classes)

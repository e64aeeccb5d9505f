"""SE-ResNet: Table 1, middle column, and Figure 3 of Hu et al. 2017. Each block rescales its channels by a gate.

| model       | reduction | parameters (trainable) | the paper says    |
|-------------|-----------|------------------------|-------------------|
| se_resnet50 | 16        | 28,088,024             | 25 + 2.5 million  |

The stride is in the first 1x1 convolution, as in the ResNet paper and the authors' Caffe nets: the paper counts 0.26 %
more work than for such a ResNet-50.
"""

from zoo.entry import Cited, Paper, register
from zoo.families.resnet import COLUMNS, FROM_ZERO, conv, conv3, residual, resnet
from zoo.layout import Dense, GlobalPool, Layout, Multiply, Word


def squeeze_and_excite(channels: int, reduction: int = 16) -> Multiply:
    return Multiply([GlobalPool("avg"), Dense(channels // reduction, "relu"), Dense(channels, "sigmoid")])


def bottleneck(width: int, stride: int, project: bool) -> list[Word]:
    rows = [conv(width, 1, stride=stride), conv3(width), conv(4 * width, 1, activation=None)]
    return residual([rows, squeeze_and_excite(4 * width)], 4 * width, stride, project)


@register(
    paper=Paper("Squeeze-and-Excitation Networks", "Hu, Shen, Albanie, Sun and Wu", 2017, "arXiv:1709.01507"),
    input_shape=(224, 224, 3), classes=1000, recipe=FROM_ZERO,
    summary="Squeeze and excitation: channels are weighed by what the whole map holds",
    published={"trainable_params": Cited(28_088_024, "timm, results table, 28.09 million"),
               "imagenet_top1_error": Cited(23.29, "Table 2"), "imagenet_top5_error": Cited(6.62, "Table 2")},
)
def se_resnet50(classes: int = 1000) -> Layout:
    return resnet(bottleneck, COLUMNS[50], classes)

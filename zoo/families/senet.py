"""SE-ResNet: Table 1, middle column, and Figure 3 of Hu et al. 2017. Each block rescales its channels by a gate.

| model             | stride in | first pool | reduction | parameters (trainable) | the paper says   |
|-------------------|-----------|------------|-----------|------------------------|------------------|
| se_resnet50       | first 1x1 | pads       | 16        | 28,088,024             | 25 + 2.5 million |
| se_resnet50_caffe | first 1x1 | rounds up  | 16        | 28,088,024             | the same         |
| se_resnet50_timm  | 3x3       | pads       | 16        | 28,088,024             |                  |

The stride is in the first 1x1 convolution, as in the ResNet paper and the authors' Caffe nets: the paper counts 0.26 %
more work than for such a ResNet-50. Caffe's pool doesn't pad: its last windows reach beyond the map.
"""

from collections.abc import Callable
from dataclasses import replace
from typing import Any

from zoo.entry import Cited, Paper, register
from zoo.families.resnet import COLUMNS, FROM_ZERO, conv, conv3, residual, resnet
from zoo.layout import Dense, GlobalPool, Layout, Multiply, Pool, Word, map_words


def squeeze_and_excite(channels: int, reduction: int = 16) -> Multiply:
    return Multiply([GlobalPool("avg"), Dense(channels // reduction, "relu"), Dense(channels, "sigmoid")])


def bottleneck(stride_first: bool) -> Callable[[int, int, bool], list[Word]]:
    """A block whose stride is in its first convolution, or in its second."""

    def block(width, stride, project):
        first, second = (stride, 1) if stride_first else (1, stride)
        rows = [conv(width, 1, stride=first), conv3(width, second), conv(4 * width, 1, activation=None)]
        return residual([rows, squeeze_and_excite(4 * width)], 4 * width, stride, project)

    return block


def rounding_up(word: Word) -> Word:
    return replace(word, padding="ceil") if isinstance(word, Pool) else word


ABOUT: dict[str, Any] = dict(
    paper=Paper("Squeeze-and-Excitation Networks", "Hu, Shen, Albanie, Sun and Wu", 2017, "arXiv:1709.01507"),
    input_shape=(224, 224, 3), classes=1000, recipe=FROM_ZERO,
)
TRAINABLE = {"trainable_params": Cited(28_088_024, "timm, results table, 28.09 million")}
ERRORS = {"imagenet_top1_error": Cited(23.29, "Table 2"), "imagenet_top5_error": Cited(6.62, "Table 2")}


@register(**ABOUT, summary="Squeeze and excitation: channels are weighed by what the whole map holds",
          published=TRAINABLE | ERRORS)
def se_resnet50(classes: int = 1000) -> Layout:
    return resnet(bottleneck(stride_first=True), COLUMNS[50], classes)


@register(**ABOUT, summary="SE-ResNet-50 with Caffe's pool, which rounds up; timm's legacy_seresnet50",
          published=TRAINABLE)
def se_resnet50_caffe(classes: int = 1000) -> Layout:
    layout = se_resnet50(classes)
    return replace(layout, body=map_words(rounding_up, layout.body))


@register(**ABOUT, summary="SE-ResNet-50 with the stride in its 3x3 convolutions; timm's seresnet50",
          published=TRAINABLE)
def se_resnet50_timm(classes: int = 1000) -> Layout:
    return resnet(bottleneck(stride_first=False), COLUMNS[50], classes)

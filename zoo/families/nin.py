"""Network in Network: Lin, Chen & Yan 2013. Each convolution is followed by two of 1x1, an MLP at every pixel.

| model     | input | mlpconv layers                                      | parameters |
|-----------|-------|-----------------------------------------------------|------------|
| nin_cifar | 32    | 192-160-96, 192-192-192, 192-192-10                 | 966,986    |
| nin       | 224   | 96-96-96, 256-256-256, 384-384-384, 1024-1024-1000  | 7,595,176  |

The paper gives its nets in a figure and prose; the sizes are those of the authors' configurations, as published for
CIFAR-10 and, for ImageNet, in Caffe's model zoo.
"""

from typing import Any

from zoo.entry import Cited, Paper, register
from zoo.layout import Conv, Dropout, GlobalPool, Layout, Pool, Stage, Word

PAPER = Paper("Network In Network", "Lin, Chen and Yan", 2013, "arXiv:1312.4400")


def mlpconv(kernel: int, *filters: int, **options: Any) -> list:
    """A convolution and 1x1 convolutions, with the given numbers of filters; `options` are those of the first."""
    first, *others = filters
    return [Conv(first, kernel, **options), [Conv(units, 1) for units in others]]


def head(classes: int) -> list[Word]:
    return [Conv(classes, 1, name="predictions"), GlobalPool("avg")]


@register(
    paper=PAPER, input_shape=(32, 32, 3), classes=10,
    summary="1x1 convolutions as a net at every pixel, and global average pooling: the CIFAR-10 net",
    published={"trainable_params": Cited(966_986, "sum of the authors' CIFAR-10 configuration"),
               "cifar10_error": Cited(10.41, "Table 1, NIN + dropout, no augmentation")},
)
def nin_cifar(classes: int = 10) -> Layout:
    return Layout(
        body=[
            Stage("block1", mlpconv(5, 192, 160, 96), Pool(3, stride=2, padding="ceil"), Dropout(0.5)),
            Stage("block2", mlpconv(5, 192, 192, 192), Pool(3, stride=2, padding="ceil", kind="avg"), Dropout(0.5)),
            Stage("block3", mlpconv(3, 192, 192)),
        ],
        head=head(classes),
    )


@register(
    paper=PAPER, input_shape=(224, 224, 3), classes=1000,
    summary="Network in Network for ImageNet: AlexNet's accuracy at an eighth of its weights",
    published={"trainable_params": Cited(7_595_176, "sum of Caffe's model zoo, NIN-Imagenet")},
)
def nin(classes: int = 1000) -> Layout:
    return Layout(
        body=[
            Stage("block1", mlpconv(11, 96, 96, 96, stride=4, padding="valid"), Pool(3, stride=2, padding="ceil")),
            Stage("block2", mlpconv(5, 256, 256, 256), Pool(3, stride=2, padding="ceil")),
            Stage("block3", mlpconv(3, 384, 384, 384), Pool(3, stride=2, padding="ceil"), Dropout(0.5)),
            Stage("block4", mlpconv(3, 1024, 1024)),
        ],
        head=head(classes),
    )

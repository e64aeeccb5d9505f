"""Pre-activation ResNets: He et al. 2016, "Identity Mappings", Figure 1b: normalize and activate, then convolve.

| model                       | for      | block      | params (keras.applications) | the paper says |
|-----------------------------|----------|------------|-----------------------------|----------------|
| resnet50v2, 101v2, 152v2    | ImageNet | bottleneck | 25,613,800; 44,675,560; 60,380,648 |         |
| preact_resnet110, 164       | CIFAR    | basic, bottleneck |                      | 1.7 million    |

The ImageNet nets are keras.applications': a stage's last block has the stride, its shortcut takes every second pixel.
"""

from collections.abc import Callable
from functools import partial

from zoo.entry import SIGNED, Cited, Paper, register
from zoo.families.resnet import FROM_ZERO
from zoo.families.resnet_cifar import WARMED_UP
from zoo.layout import Activation, Add, Conv, Dense, GlobalPool, Layout, Norm, Pool, Stage, Word

PAPER = Paper("Identity Mappings in Deep Residual Networks", "He, Zhang, Ren and Sun", 2016, "arXiv:1603.05027")

conv = partial(Conv, bias=False, norm="batch")  # with the pre-activation of the convolution that follows
last = partial(Conv, bias=False, activation=None)  # the last one before a sum or a `preact`
preact = [Norm("batch"), Activation("relu")]


def bottleneck(width: int, stride: int, project: bool) -> Add | list:
    rows = [conv(width, 1), conv(width, 3, stride=stride, padding=1), Conv(4 * width, 1, activation=None)]
    if project:  # the projection's input is the activated one
        return [preact, Add(rows, shortcut=[Conv(4 * width, 1, activation=None)])]
    return Add(preact + rows, shortcut=[Pool(1, stride=stride)] if stride > 1 else [])


def resnet_v2(counts: tuple[int, ...], classes: int) -> Layout:
    def stage(width, count, stride, stem=(), end=()):
        blocks = [bottleneck(width, stride if i == count - 1 else 1, i == 0) for i in range(count)]
        return Stage(f"conv{width.bit_length() - 5}", stem, blocks, end)

    first, *middle, last = counts
    return Layout(
        body=[
            Stage("conv1", Conv(64, 7, stride=2, padding=3, activation=None)),
            stage(64, first, 2, stem=Pool(3, stride=2, padding=1)),
            *(stage(128 * 2**i, count, 2) for i, count in enumerate(middle)),
            stage(512, last, 1, end=preact),
        ],
        head=[GlobalPool("avg"), Dense(classes, name="predictions")],
    )


def basic_rows(width: int, stride: int) -> tuple[list[Word], int]:
    return [conv(width, 3, stride=stride, padding=1), last(width, 3)], width


def bottleneck_rows(width: int, stride: int) -> tuple[list[Word], int]:
    return [conv(width, 1), conv(width, 3, stride=stride, padding=1), last(4 * width, 1)], 4 * width


def preact_resnet(rows_of: Callable[[int, int], tuple[list[Word], int]], count: int, classes: int) -> Layout:
    def first(width, stride):
        rows, out = rows_of(width, stride)
        straight = out == width and stride == 1  # as wide as the stem: nothing to project
        return [preact, Add(rows, shortcut=[] if straight else [last(out, 1, stride=stride)])]

    def stage(name, width, stride, end=()):
        return Stage(name, first(width, stride), [Add(preact + rows_of(width, 1)[0]) for _ in range(count - 1)], end)

    return Layout(
        body=[
            Stage("conv1", last(16, 3)),
            stage("conv2", 16, 1), stage("conv3", 32, 2), stage("conv4", 64, 2, end=preact),
        ],
        head=[GlobalPool("avg"), Dense(classes, name="predictions")],
    )


def register_imagenet(depth: int, counts: tuple[int, ...], params: float) -> None:
    def layout(classes=1000):
        return resnet_v2(counts, classes)

    register(layout, name=f"resnet{depth}v2", family="resnet_v2", paper=PAPER, input_shape=(224, 224, 3),
             classes=1000, recipe=FROM_ZERO, published={"params": Cited(params, "keras.applications")},
             summary=f"Pre-activation, {depth} layers; keras.applications' ResNet{depth}V2",
             weights={"imagenet": f"ResNet{depth}V2"}, expects={"imagenet": SIGNED})


def register_cifar(depth: int, rows_of: Callable[[int, int], tuple[list[Word], int]], error: float) -> None:
    def layout(classes=10):
        return preact_resnet(rows_of, 18, classes)

    register(layout, name=f"preact_resnet{depth}", family="resnet_v2", paper=PAPER, input_shape=(32, 32, 3),
             classes=10, summary=f"Pre-activation for CIFAR, {depth} layers: the shortcuts carry the signal unchanged",
             published={"trainable_params": Cited(1.7e6, "Table 4"), "cifar10_error": Cited(error, "Table 2")},
             paper_recipe=WARMED_UP)  # Appendix


register_imagenet(50, (3, 4, 6, 3), 25_613_800)
register_imagenet(101, (3, 4, 23, 3), 44_675_560)
register_imagenet(152, (3, 8, 36, 3), 60_380_648)
register_cifar(110, basic_rows, 6.37)
register_cifar(164, bottleneck_rows, 5.46)

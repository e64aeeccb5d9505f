"""Wide ResNets: Table 1 of Zagoruyko & Komodakis 2016. Fewer layers with more channels.

| model           | depth, factor | parameters   | the paper says | error (Table 5) |
|-----------------|---------------|--------------|----------------|-----------------|
| wrn_16_4        | 16, 4         | 2,748,890    |                | 5.02 (Table 6)  |
| wrn_40_4        | 40, 4         | 8,949,210    | 8.9 million    | 4.53            |
| wrn_16_8        | 16, 8         | 10,961,370   | 11.0 million   | 4.27            |
| wrn_28_10       | 28, 10        | 36,479,194   | 36.5 million   | 4.00            |
| wide_resnet50_2 | ResNet-50, twice the 3x3 | 68,883,240 | 68.9 million |         |
"""

from zoo.entry import Cited, Paper, register
from zoo.families import resnet
from zoo.families.resnet_cifar import CIFAR_RECIPE
from zoo.families.resnet_v2 import conv, last, preact
from zoo.layout import Add, Dense, Dropout, GlobalPool, Layout, Stage, Word

PAPER = Paper("Wide Residual Networks", "Zagoruyko and Komodakis", 2016, "arXiv:1605.07146")


def rows(width: int, stride: int, dropout: float) -> list:  # Figure 1d
    drop = [Dropout(dropout)] if dropout else []
    return [conv(width, 3, stride=stride, padding=1), drop, last(width, 3)]


def stage(name: str, width: int, count: int, stride: int, dropout: float, end: list | tuple = ()) -> Stage:
    first = [preact, Add(rows(width, stride, dropout), shortcut=[last(width, 1, stride=stride)])]
    return Stage(name, first, [Add([preact, rows(width, 1, dropout)]) for _ in range(count - 1)], end)


def wide_resnet(depth: int, factor: int, classes: int, dropout: float) -> Layout:
    n = (depth - 4) // 6
    return Layout(
        body=[
            Stage("conv1", last(16, 3)),
            stage("conv2", 16 * factor, n, 1, dropout),
            stage("conv3", 32 * factor, n, 2, dropout),
            stage("conv4", 64 * factor, n, 2, dropout, end=preact),
        ],
        head=[GlobalPool("avg"), Dense(classes, name="predictions")],
    )


def register_net(depth: int, factor: int, **published: Cited) -> None:
    def layout(classes=10, block_dropout=0.0):
        return wide_resnet(depth, factor, classes, block_dropout)

    register(
        layout, name=f"wrn_{depth}_{factor}", family="wide_resnet", paper=PAPER, input_shape=(32, 32, 3), classes=10,
        summary=f"{depth} layers, {factor} times the width: a shallow wide ResNet beats a deep thin one",
        published=published,
        paper_recipe=CIFAR_RECIPE | {"weight_decay": 5e-4, "epochs": 200, "milestones": (0.3, 0.6, 0.8), "drop": 0.2},
    )


register_net(16, 4, cifar10_error=Cited(5.02, "Table 6"))
register_net(40, 4, trainable_params=Cited(8.9e6, "Table 5"), cifar10_error=Cited(4.53, "Table 5"))
register_net(16, 8, trainable_params=Cited(11.0e6, "Table 5"), cifar10_error=Cited(4.27, "Table 5"))
register_net(28, 10, trainable_params=Cited(36.5e6, "Table 5"), cifar10_error=Cited(4.00, "Table 5"))


def bottleneck(width: int, stride: int, project: bool) -> list[Word]:
    wide = [resnet.conv(2 * width, 1), resnet.conv3(2 * width, stride), resnet.conv(4 * width, 1, activation=None)]
    return resnet.residual(wide, 4 * width, stride, project)


@register(
    paper=PAPER, input_shape=(224, 224, 3), classes=1000, recipe=resnet.FROM_ZERO,
    summary="ResNet-50 with twice the channels in its 3x3 convolutions",
    published={"trainable_params": Cited(68_883_240, resnet.TORCHVISION), "macs": Cited(11.398e9, resnet.TORCHVISION),
               "imagenet_top1_error": Cited(21.9, "Table 8"), "imagenet_top5_error": Cited(6.03, "Table 8")},
    weights={"torchvision": "wide_resnet50_2-95faca4d"},
)
def wide_resnet50_2(classes: int = 1000) -> Layout:
    return resnet.resnet(bottleneck, resnet.COLUMNS[50], classes)

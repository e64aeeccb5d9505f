"""DenseNet: Table 1 of Huang et al. 2016. Every layer's input are the maps of all the layers before it in its block.

| model                | layers a block  | growth | parameters (trainable)   |
|----------------------|-----------------|--------|--------------------------|
| densenet121          | 6, 12, 24, 16   | 32     | 7,978,856                |
| densenet169          | 6, 12, 32, 32   | 32     | 14,149,480               |
| densenet201          | 6, 12, 48, 32   | 32     | 20,013,928               |
| densenet161          | 6, 12, 36, 24   | 48     | 28,681,000               |
| densenet_bc_100_12   | 16, 16, 16      | 12     | 769,162 (paper: 0.8 million) |
"""

from zoo.entry import STANDARD, Cited, Paper, register
from zoo.families.resnet import TORCHVISION
from zoo.families.resnet_cifar import CIFAR_RECIPE
from zoo.families.resnet_v2 import conv, last, preact
from zoo.layout import Concat, Dense, GlobalPool, Layout, Pool, Stage

PAPER = Paper("Densely Connected Convolutional Networks", "Huang, Liu, van der Maaten and Weinberger", 2016,
              "arXiv:1608.06993")


def layer(growth: int) -> Concat:
    return Concat([], [preact, conv(4 * growth, 1), last(growth, 3)])


def densenet(stem: Stage, channels: int, blocks: tuple[int, ...], growth: int, classes: int) -> Layout:
    """`stem` ends with `channels` channels; a transition between two blocks halves channels, height and width."""
    body = [stem]
    for i, count in enumerate(blocks, 1):
        body.append(Stage(f"dense{i}", [layer(growth) for _ in range(count)], preact if i == len(blocks) else []))
        channels += count * growth
        if i < len(blocks):
            channels //= 2
            body.append(Stage(f"transition{i}", preact, last(channels, 1), Pool(2, kind="avg")))
    return Layout(body, [GlobalPool("avg"), Dense(classes, name="predictions")])


FILES = {121: "densenet121-a639ec97", 161: "densenet161-8d451a50", 169: "densenet169-b2777c0a",
         201: "densenet201-c1103571"}  # torchvision's


def register_imagenet(depth: int, channels: int, blocks: tuple[int, ...], growth: int, params: float, macs: float,
                      top5: float | None = None) -> None:
    def layout(classes=1000):
        stem = Stage("stem", conv(channels, 7, stride=2, padding=3), Pool(3, stride=2, padding=1))
        return densenet(stem, channels, blocks, growth, classes)

    published = {"trainable_params": Cited(params, TORCHVISION), "macs": Cited(macs, TORCHVISION)}
    if top5:
        published["imagenet_top5_error"] = Cited(top5, "Table 3, single crop")
    weights = {"torchvision": FILES[depth]} | ({} if depth == 161 else {"imagenet": f"DenseNet{depth}"})
    register(
        layout, name=f"densenet{depth}", family="densenet", paper=PAPER, input_shape=(224, 224, 3), classes=1000,
        summary=f"Each layer sees all before it; {depth} layers, growth {growth}", published=published,
        weights=weights, expects={"imagenet": STANDARD},
        paper_recipe=CIFAR_RECIPE | {"batch_size": 256, "epochs": 90, "milestones": (1 / 3, 2 / 3)},  # Section 4.2
    )


register_imagenet(121, 64, (6, 12, 24, 16), 32, 7_978_856, 2.834e9, 7.71)
register_imagenet(169, 64, (6, 12, 32, 32), 32, 14_149_480, 3.36e9, 6.85)
register_imagenet(201, 64, (6, 12, 48, 32), 32, 20_013_928, 4.291e9, 6.34)
register_imagenet(161, 96, (6, 12, 36, 24), 48, 28_681_000, 7.728e9)


@register(
    paper=PAPER, input_shape=(32, 32, 3), classes=10,
    summary="DenseNet for CIFAR: 100 layers, growth 12, bottlenecks and compression",
    published={"trainable_params": Cited(0.8e6, "Table 2"), "cifar10_error": Cited(4.51, "Table 2, C10+")},
    paper_recipe=CIFAR_RECIPE | {"batch_size": 64, "epochs": 300},  # Section 4.2
)
def densenet_bc_100_12(classes: int = 10) -> Layout:
    return densenet(Stage("stem", last(24, 3)), 24, (16, 16, 16), 12, classes)

"""SqueezeNet: Table 1 of Iandola et al. 2016, and the authors' cheaper 1.1.

| model         | conv 1       | pools after      | parameters | multiply-adds |
|---------------|--------------|------------------|------------|---------------|
| squeezenet1_0 | 96, 7x7 / 2  | conv 1, fire 4, 8 | 1,248,424 | 0.82 G        |
| squeezenet1_1 | 64, 3x3 / 2  | conv 1, fire 3, 5 | 1,235,496 | 0.35 G        |
"""

from zoo.entry import TORCHVISION, Cited, Paper, register
from zoo.layout import Concat, Conv, Dropout, GlobalPool, Layout, Pool, Stage, Word

PAPER = Paper("SqueezeNet: AlexNet-level accuracy with 50x fewer parameters and <0.5MB model size",
              "Iandola, Han, Moskewicz, Ashraf, Dally and Keutzer", 2016, "arXiv:1602.07360")


def fire(squeeze: int, expand: int) -> list[Word]:
    return [Conv(squeeze, 1), Concat([Conv(expand, 1)], [Conv(expand, 3)])]


def pool() -> Pool:
    return Pool(3, stride=2, padding="ceil")


def head(classes: int) -> list[Word]:
    return [Dropout(0.5), Conv(classes, 1, name="predictions"), GlobalPool("avg")]


@register(
    paper=PAPER, input_shape=(224, 224, 3), classes=1000,
    summary="Fire modules: squeeze by 1x1, expand by 1x1 and 3x3; AlexNet's accuracy with 50 times fewer weights",
    published={"trainable_params": Cited(1_248_424, TORCHVISION), "macs": Cited(0.82e9, TORCHVISION),
               "imagenet_top5_error": Cited(19.7, "Table 2")},
    weights={"torchvision": "squeezenet1_0-b66bff10"},
)
def squeezenet1_0(classes: int = 1000) -> Layout:
    return Layout(
        body=[
            Stage("block1", Conv(96, 7, stride=2, padding="valid"), pool()),
            Stage("block2", fire(16, 64), fire(16, 64), fire(32, 128), pool()),
            Stage("block3", fire(32, 128), fire(48, 192), fire(48, 192), fire(64, 256), pool()),
            Stage("block4", fire(64, 256)),
        ],
        head=head(classes),
    )


@register(
    paper=PAPER, input_shape=(224, 224, 3), classes=1000,
    summary="SqueezeNet with smaller first kernels and earlier pools: 2.4 times less work",
    published={"trainable_params": Cited(1_235_496, TORCHVISION), "macs": Cited(0.35e9, TORCHVISION)},
    weights={"torchvision": "squeezenet1_1-b8a52dc0"},
)
def squeezenet1_1(classes: int = 1000) -> Layout:
    return Layout(
        body=[
            Stage("block1", Conv(64, 3, stride=2, padding="valid"), pool()),
            Stage("block2", fire(16, 64), fire(16, 64), pool()),
            Stage("block3", fire(32, 128), fire(32, 128), pool()),
            Stage("block4", fire(48, 192), fire(48, 192), fire(64, 256), fire(64, 256)),
        ],
        head=head(classes),
    )

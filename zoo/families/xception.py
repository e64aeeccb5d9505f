"""Xception: Figure 5 of Chollet 2016. Inception taken to its limit: depthwise, then pointwise convolutions.

| model    | entry flow    | middle flow | exit flow        | parameters |
|----------|---------------|-------------|------------------|------------|
| xception | 128, 256, 728 | 8 x 728     | 1024, 1536, 2048 | 22,910,480 |
"""

from functools import partial

from zoo.entry import SIGNED, Cited, Paper, register
from zoo.layout import Activation, Add, Conv, Dense, DepthwiseConv, GlobalPool, Layout, Norm, Pool, Stage, Word

conv = partial(Conv, bias=False, norm=Norm(epsilon=1e-3))
relu = Activation("relu")


def separable(filters: int, activation: str | None = None) -> list[Word]:
    return [DepthwiseConv(3, bias=False, activation=None), conv(filters, 1, activation=activation)]


def shrinking(*filters: int, first_relu: bool = True) -> Add:
    """Two separable convolutions and a pool, with a strided 1x1 convolution as shortcut."""
    one, two = filters
    return Add(
        [[relu] if first_relu else [], separable(one), relu, separable(two), Pool(3, stride=2, padding="same")],
        shortcut=[conv(two, 1, stride=2, activation=None)],
    )


def middle() -> Add:
    return Add([[relu, separable(728)] for _ in range(3)])


@register(
    paper=Paper("Xception: Deep Learning with Depthwise Separable Convolutions", "Chollet", 2016, "arXiv:1610.02357"),
    input_shape=(299, 299, 3), classes=1000, pixel_range=(-1, 1),
    summary="Depthwise separable convolutions throughout, with residual connections",
    published={"params": Cited(22_910_480, "keras.applications"),
               "imagenet_top1_error": Cited(21.0, "Table 1, single crop"),
               "imagenet_top5_error": Cited(5.5, "Table 1, single crop")},
    weights={"imagenet": "Xception"}, expects={"imagenet": SIGNED},
)
def xception(classes: int = 1000) -> Layout:
    return Layout(
        body=[
            Stage("entry1", conv(32, 3, stride=2, padding="valid"), conv(64, 3, padding="valid")),
            Stage("entry2", shrinking(128, 128, first_relu=False)),
            Stage("entry3", shrinking(256, 256)),
            Stage("middle", shrinking(728, 728), [middle() for _ in range(8)]),
            Stage("exit", shrinking(728, 1024), separable(1536, "relu"), separable(2048, "relu")),
        ],
        head=[GlobalPool("avg"), Dense(classes, name="predictions")],
    )

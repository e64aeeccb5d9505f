"""Inception-v3: Table 1 and Figures 5 to 7 of Szegedy et al. 2015.

| model        | modules             | parameters | trainable  |
|--------------|---------------------|------------|------------|
| inception_v3 | 3 A, 4 B, 2 C       | 23,851,784 | 23,817,352 |

Its BatchNorm has no gamma, as in the authors' code and keras.applications.
"""

from functools import partial

from zoo.entry import SIGNED, Cited, Paper, register
from zoo.layout import Concat, Conv, Dense, GlobalPool, Layout, Norm, Pool, Stage

conv = partial(Conv, bias=False, norm=Norm(epsilon=1e-3, scale=False))
valid = partial(conv, padding="valid")


def average() -> Pool:
    return Pool(3, stride=1, padding="same", kind="avg")


def stem() -> list[Stage]:
    return [
        Stage("stem1", valid(32, 3, stride=2)),
        Stage("stem2", valid(32, 3), conv(64, 3), Pool(3, stride=2)),
        Stage("stem3", valid(80, 1), valid(192, 3), Pool(3, stride=2)),
    ]


def module_a(pool: int) -> Concat:  # Figure 5, the 5x5 kept
    return Concat(
        [conv(64, 1)],
        [conv(48, 1), conv(64, 5)],
        [conv(64, 1), conv(96, 3), conv(96, 3)],
        [average(), conv(pool, 1)],
    )


def reduction_a() -> Concat:  # Figure 10
    return Concat(
        [valid(384, 3, stride=2)],
        [conv(64, 1), conv(96, 3), valid(96, 3, stride=2)],
        [Pool(3, stride=2)],
    )


def module_b(n: int) -> Concat:  # Figure 6: 7x7 as 1x7 and 7x1
    return Concat(
        [conv(192, 1)],
        [conv(n, 1), conv(n, (1, 7)), conv(192, (7, 1))],
        [conv(n, 1), conv(n, (7, 1)), conv(n, (1, 7)), conv(n, (7, 1)), conv(192, (1, 7))],
        [average(), conv(192, 1)],
    )


def reduction_b() -> Concat:
    return Concat(
        [conv(192, 1), valid(320, 3, stride=2)],
        [conv(192, 1), conv(192, (1, 7)), conv(192, (7, 1)), valid(192, 3, stride=2)],
        [Pool(3, stride=2)],
    )


def module_c() -> Concat:  # Figure 7: the filter bank made wider, not deeper
    return Concat(
        [conv(320, 1)],
        [conv(384, 1), Concat([conv(384, (1, 3))], [conv(384, (3, 1))])],
        [conv(448, 1), conv(384, 3), Concat([conv(384, (1, 3))], [conv(384, (3, 1))])],
        [average(), conv(192, 1)],
    )


@register(
    paper=Paper("Rethinking the Inception Architecture for Computer Vision",
                "Szegedy, Vanhoucke, Ioffe, Shlens and Wojna", 2015, "arXiv:1512.00567"),
    input_shape=(299, 299, 3), classes=1000, pixel_range=(-1, 1),
    summary="Large kernels factorized into 1x7 and 7x1, and grids reduced without a bottleneck",
    published={"params": Cited(23_851_784, "keras.applications"),
               "imagenet_top1_error": Cited(21.2, "Table 3, single crop"),
               "imagenet_top5_error": Cited(5.6, "Table 3, single crop")},
    weights={"imagenet": "InceptionV3"},
    expects={"imagenet": SIGNED},
)
def inception_v3(classes: int = 1000) -> Layout:
    return Layout(
        body=[
            *stem(),
            Stage("mixed1", [module_a(pool) for pool in (32, 64, 64)]),
            Stage("mixed2", reduction_a(), [module_b(n) for n in (128, 160, 160, 192)]),
            Stage("mixed3", reduction_b(), module_c(), module_c()),
        ],
        head=[GlobalPool("avg"), Dense(classes, name="predictions")],
    )

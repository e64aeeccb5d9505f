"""Inception-v4: Figures 3 to 9 of Szegedy et al. 2016.

| model        | modules        | parameters | trainable  |
|--------------|----------------|------------|------------|
| inception_v4 | 4 A, 7 B, 3 C  | 42,742,984 | 42,679,816 |

A convolution marked V in the figures is "valid", the others are "same".
"""

from functools import partial

from zoo.entry import Cited, Paper, register
from zoo.families.inception import average
from zoo.layout import Concat, Conv, Dense, Dropout, GlobalPool, Layout, Norm, Pool, Stage

PAPER = Paper("Inception-v4, Inception-ResNet and the Impact of Residual Connections on Learning",
              "Szegedy, Ioffe, Vanhoucke and Alemi", 2016, "arXiv:1602.07261")

conv = partial(Conv, bias=False, norm=Norm(epsilon=1e-3))
valid = partial(conv, padding="valid")


def stem() -> list[Stage]:  # Figure 3
    return [
        Stage("stem1", valid(32, 3, stride=2)),
        Stage("stem2", valid(32, 3), conv(64, 3), Concat([Pool(3, stride=2)], [valid(96, 3, stride=2)])),
        Stage("stem3", Concat([conv(64, 1), valid(96, 3)],
                              [conv(64, 1), conv(64, (1, 7)), conv(64, (7, 1)), valid(96, 3)]),
              Concat([valid(192, 3, stride=2)], [Pool(3, stride=2)])),
    ]


def inception_a() -> Concat:  # Figure 4
    return Concat(
        [conv(96, 1)],
        [conv(64, 1), conv(96, 3)],
        [conv(64, 1), conv(96, 3), conv(96, 3)],
        [average(), conv(96, 1)],
    )


def reduction_a() -> Concat:  # Figure 7 with k, l, m, n of Table 1
    return Concat([valid(384, 3, stride=2)], [conv(192, 1), conv(224, 3), valid(256, 3, stride=2)], [Pool(3, stride=2)])


def inception_b() -> Concat:  # Figure 5
    return Concat(
        [conv(384, 1)],
        [conv(192, 1), conv(224, (1, 7)), conv(256, (7, 1))],
        [conv(192, 1), conv(192, (7, 1)), conv(224, (1, 7)), conv(224, (7, 1)), conv(256, (1, 7))],
        [average(), conv(128, 1)],
    )


def reduction_b() -> Concat:  # Figure 8
    return Concat(
        [conv(192, 1), valid(192, 3, stride=2)],
        [conv(256, 1), conv(256, (1, 7)), conv(320, (7, 1)), valid(320, 3, stride=2)],
        [Pool(3, stride=2)],
    )


def inception_c() -> Concat:  # Figure 6
    return Concat(
        [conv(256, 1)],
        [conv(384, 1), Concat([conv(256, (1, 3))], [conv(256, (3, 1))])],
        [conv(384, 1), conv(448, (3, 1)), conv(512, (1, 3)), Concat([conv(256, (1, 3))], [conv(256, (3, 1))])],
        [average(), conv(256, 1)],
    )


@register(
    paper=PAPER, input_shape=(299, 299, 3), classes=1000, pixel_range=(-1, 1),
    summary="Inception made uniform: one stem, three kinds of module, two reductions",
    published={"trainable_params": Cited(42_679_816, "timm, results table, 42.68 million"),
               "imagenet_top1_error": Cited(20.0, "Table 2, single crop"),
               "imagenet_top5_error": Cited(5.0, "Table 2, single crop")},
)
def inception_v4(classes: int = 1000) -> Layout:
    return Layout(
        body=[
            *stem(),
            Stage("mixed1", [inception_a() for _ in range(4)]),
            Stage("mixed2", reduction_a(), [inception_b() for _ in range(7)]),
            Stage("mixed3", reduction_b(), [inception_c() for _ in range(3)]),
        ],
        head=[GlobalPool("avg"), Dropout(0.2), Dense(classes, name="predictions")],
    )

"""OverFeat: Tables 1 (fast) and 3 (accurate) of Sermanet et al. 2013.

| model             | input | conv 1       | pools         | dense      | parameters  | the paper says |
|-------------------|-------|--------------|---------------|------------|-------------|----------------|
| overfeat_fast     | 231   | 96, 11x11 / 4 | 2, 2, 2      | 3072, 4096 | 145,920,872 | 145 million    |
| overfeat_accurate | 221   | 96, 7x7 / 2  | 3, 2, 3       | 4096, 4096 | 144,656,488 | 144 million    |
"""

from zoo.entry import Cited, Paper, register
from zoo.layout import Conv, Dense, Dropout, Flatten, Layout, Pool, Stage

PAPER = Paper("OverFeat: Integrated Recognition, Localization and Detection using Convolutional Networks",
              "Sermanet, Eigen, Zhang, Mathieu, Fergus and LeCun", 2013, "arXiv:1312.6229")


def head(classes: int, *hidden: int) -> list:
    return [Flatten(), *([Dense(units, "relu"), Dropout(0.5)] for units in hidden), Dense(classes, name="predictions")]


@register(
    paper=PAPER, input_shape=(231, 231, 3), classes=1000,
    summary="One net classifies, localizes and detects by sliding densely over the image: the fast one",
    published={"imagenet_top5_error": Cited(17.12, "Table 2, fast, scale 1, coarse stride")},
)
def overfeat_fast(classes: int = 1000) -> Layout:
    return Layout(
        body=[
            Stage("block1", Conv(96, 11, stride=4, padding="valid"), Pool(2)),
            Stage("block2", Conv(256, 5, padding="valid"), Pool(2)),
            Stage("block3", Conv(512, 3)),
            Stage("block4", Conv(1024, 3)),
            Stage("block5", Conv(1024, 3), Pool(2)),
        ],
        head=head(classes, 3072, 4096),
    )


@register(
    paper=PAPER, input_shape=(221, 221, 3), classes=1000,
    summary="OverFeat's accurate net: finer, and one layer deeper",
    published={"imagenet_top5_error": Cited(14.18, "Table 2, accurate, 4 scales, fine stride")},
)
def overfeat_accurate(classes: int = 1000) -> Layout:
    return Layout(
        body=[
            Stage("block1", Conv(96, 7, stride=2, padding="valid"), Pool(3)),
            Stage("block2", Conv(256, 7, padding="valid"), Pool(2)),
            Stage("block3", Conv(512, 3)),
            Stage("block4", Conv(512, 3)),
            Stage("block5", Conv(1024, 3)),
            Stage("block6", Conv(1024, 3), Pool(3)),
        ],
        head=head(classes, 4096, 4096),
    )

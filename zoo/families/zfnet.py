"""ZFNet: Figure 3 of Zeiler & Fergus 2013. AlexNet in one tower, with a finer first layer.

| model | conv 1      | conv 2      | conv 3, 4, 5             | parameters |
|-------|-------------|-------------|--------------------------|------------|
| zfnet | 96, 7x7 / 2 | 256, 5x5 / 2 | 384, 384, 256, 3x3      | 62,357,608 |

The figure's map sizes (110, 55, 26, 13) need pools that round up, as those of the authors' code and Caffe do.
"""

from zoo.entry import SGD, Cited, Paper, register
from zoo.layout import Conv, Dense, Dropout, Flatten, Layout, Norm, Pool, Stage


@register(
    paper=Paper("Visualizing and Understanding Convolutional Networks", "Zeiler and Fergus", 2013, "arXiv:1311.2901"),
    input_shape=(224, 224, 3), classes=1000,
    summary="AlexNet mended by looking at its features: smaller first kernels and stride",
    published={"trainable_params": Cited(62_357_608, "sum of Figure 3's layers"),
               "imagenet_top5_error": Cited(16.5, "Table 2, 1 convnet as per Figure 3")},
    paper_recipe=SGD | {"batch_size": 128, "learning_rate": 0.01, "schedule": "plateau", "epochs": 70,
                        "initialization": "gaussian"},  # Section 3.1
)
def zfnet(classes: int = 1000) -> Layout:
    return Layout(
        body=[
            Stage("block1", Conv(96, 7, stride=2, padding=1), Pool(3, stride=2, padding="ceil"), Norm("lrn")),
            Stage("block2", Conv(256, 5, stride=2, padding="valid"), Pool(3, stride=2, padding="ceil"), Norm("lrn")),
            Stage("block3", Conv(384, 3)),
            Stage("block4", Conv(384, 3)),
            Stage("block5", Conv(256, 3), Pool(3, stride=2)),
        ],
        head=[
            Flatten(),
            Dense(4096, "relu"), Dropout(0.5),
            Dense(4096, "relu"), Dropout(0.5),
            Dense(classes, name="predictions"),
        ],
    )

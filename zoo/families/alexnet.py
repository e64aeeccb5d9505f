"""AlexNet: Section 3 and Figure 2 of Krizhevsky et al. 2012, and its one-tower successor of 2014.

| model       | towers                        | LRN | input       | parameters |
|-------------|-------------------------------|-----|-------------|------------|
| alexnet     | two (groups in conv 2, 4, 5)  | yes | 227x227x3   | 60,965,224 |
| alexnet_owt | one, fewer filters            | no  | 224x224x3   | 61,100,840 |

The 2012 paper says 224x224; its 55x55 first map needs 227x227 without padding, as all implementations have it.
`alexnet_owt` is torchvision's form of the net of 2014, whose original configuration still has LRN.
"""

from zoo.entry import SGD, TORCHVISION, Cited, Paper, register
from zoo.layout import Conv, Dense, Dropout, Flatten, Layout, Pool, Stage


@register(
    paper=Paper("ImageNet Classification with Deep Convolutional Neural Networks",
                "Krizhevsky, Sutskever and Hinton", 2012, "NIPS 25"),
    input_shape=(227, 227, 3), classes=1000,
    summary="ReLU, dropout and GPUs win ImageNet: two towers, LRN, overlapping pools",
    published={"trainable_params": Cited(60_965_224, "bvlc_alexnet, Caffe model zoo"),
               "imagenet_top5_error": Cited(18.2, "Table 2, 1 CNN, validation")},
    paper_recipe=SGD | {"batch_size": 128, "learning_rate": 0.01, "schedule": "plateau", "weight_decay": 5e-4,
                        "epochs": 90, "initialization": "gaussian"},  # Section 5
)
def alexnet(classes: int = 1000) -> Layout:
    return Layout(
        body=[
            Stage("block1", Conv(96, 11, stride=4, padding="valid", norm="lrn"), Pool(3, stride=2)),
            Stage("block2", Conv(256, 5, groups=2, norm="lrn"), Pool(3, stride=2)),
            Stage("block3", Conv(384, 3)),
            Stage("block4", Conv(384, 3, groups=2)),
            Stage("block5", Conv(256, 3, groups=2), Pool(3, stride=2)),
        ],
        head=[
            Flatten(),
            Dense(4096, "relu"), Dropout(0.5),
            Dense(4096, "relu"), Dropout(0.5),
            Dense(classes, name="predictions"),
        ],
    )


@register(
    paper=Paper("One weird trick for parallelizing convolutional neural networks", "Krizhevsky", 2014,
                "arXiv:1404.5997"),
    input_shape=(224, 224, 3), classes=1000,
    summary="AlexNet as one tower without LRN; torchvision's alexnet",
    published={"trainable_params": Cited(61_100_840, TORCHVISION)},
    weights={"torchvision": "alexnet-owt-7be5be79"},
)
def alexnet_owt(classes: int = 1000) -> Layout:
    return Layout(
        body=[
            Stage("block1", Conv(64, 11, stride=4, padding=2), Pool(3, stride=2)),
            Stage("block2", Conv(192, 5, padding=2), Pool(3, stride=2)),
            Stage("block3", Conv(384, 3, padding=1)),
            Stage("block4", Conv(256, 3, padding=1)),
            Stage("block5", Conv(256, 3, padding=1), Pool(3, stride=2)),
        ],
        head=[
            Flatten(),
            Dropout(0.5), Dense(4096, "relu"),
            Dropout(0.5), Dense(4096, "relu"),
            Dense(classes, name="predictions"),
        ],
    )

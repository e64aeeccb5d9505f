"""DeepLab-LargeFOV: Sections 3.1 and 3.2 of Chen et al. 2014. VGG-16 with dilation in place of its last strides.

| model            | stride | fc6             | parameters | the paper says |
|------------------|--------|-----------------|------------|----------------|
| deeplab_largefov | 8      | 3x3, dilation 12 | 20,505,429 | 20.5 million  |

The net of the paper's Table 2, last row; its scores are upsampled to the image's size, without the CRF. With
`dilated=False` the last two pools have VGG-16's stride of 2 and no convolution is dilated: as many weights, stride 32.

Training starts from the convolutions of a trained VGG-16. fc6 and fc7, whose shapes are others than there, are new.
"""

from zoo.entry import Cited, Paper, Start, register
from zoo.layout import Conv, Crop, Dropout, Layout, Pool, Stage, Upsample


def block(i: int, filters: int, count: int, dilation: int = 1, stride: int = 2) -> Stage:
    return Stage(f"block{i}", [Conv(filters, 3, dilation=dilation) for _ in range(count)],
                 Pool(3, stride=stride, padding=1))


@register(
    paper=Paper("Semantic Image Segmentation with Deep Convolutional Nets and Fully Connected CRFs",
                "Chen, Papandreou, Kokkinos, Murphy and Yuille", 2014, "arXiv:1412.7062"),
    input_shape=(321, 321, 3), classes=21, recipe={"learning_rate": 3e-4},  # as VGG without BatchNorm
    summary="Dilated convolutions see far without losing resolution", starts=(Start("vgg16"),),
    published={"trainable_params": Cited(20.5e6, "Table 2, 3x3, input stride 12"),
               "voc2012_mean_iu": Cited(62.25, "Table 1(a), DeepLab-LargeFOV on val, before the CRF")},
)
def deeplab_largefov(classes: int = 21, dilated: bool = True) -> Layout:
    stride, wide, wider = (1, 2, 12) if dilated else (2, 1, 1)
    return Layout(
        body=[
            block(1, 64, 2),
            block(2, 128, 2),
            block(3, 256, 3),
            block(4, 512, 3, stride=stride),
            block(5, 512, 3, dilation=wide, stride=stride),
            Stage("fc6", Pool(3, stride=1, padding="same", kind="avg"), Conv(1024, 3, dilation=wider), Dropout(0.5)),
            Stage("fc7", Conv(1024, 1), Dropout(0.5)),
        ],
        head=[
            Conv(classes, 1, activation=None, name="predictions"),
            Upsample(8 if dilated else 32, "bilinear"),
            Crop("image"),
        ],
    )

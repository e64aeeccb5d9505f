"""Every registered name as a builder. Written by tests/test_stub.py, from the registry."""

from typing import Literal, TypedDict, Unpack

import keras

from zoo.annotations import InputShape, StrPath

class Overrides(TypedDict, total=False):
    """The overrides that every net takes; see `zoo.layout.rewrite`."""

    width: float
    head: str
    norm: str | None
    activation: str | None
    dropout: float
    pool: str
    padding: str | int | tuple
    stride: int | tuple
    output_stride: int

def lenet1(
    input_shape: InputShape | None = (28, 28, 1), classes: int | None = 10, include_top: bool = True,
    pooling: Literal["avg", "max"] | None = None, classifier_activation: str | None = "softmax",
    weights: StrPath | None = None, features: bool = False, name: str | None = None,
    input_tensor: keras.KerasTensor | None = None,
    **overrides: Unpack[Overrides],
) -> keras.Model:
    """The first LeNet, modern form."""

def lenet4(
    input_shape: InputShape | None = (32, 32, 1), classes: int | None = 10, include_top: bool = True,
    pooling: Literal["avg", "max"] | None = None, classifier_activation: str | None = "softmax",
    weights: StrPath | None = None, features: bool = False, name: str | None = None,
    input_tensor: keras.KerasTensor | None = None,
    **overrides: Unpack[Overrides],
) -> keras.Model:
    """LeNet-4, modern form."""

def lenet5(
    input_shape: InputShape | None = (32, 32, 1), classes: int | None = 10, include_top: bool = True,
    pooling: Literal["avg", "max"] | None = None, classifier_activation: str | None = "softmax",
    weights: StrPath | None = None, features: bool = False, name: str | None = None,
    input_tensor: keras.KerasTensor | None = None,
    **overrides: Unpack[Overrides],
) -> keras.Model:
    """LeNet-5 as everybody runs it today: ReLU, max pools, softmax."""

lenet = lenet5

def lenet5_1998(
    input_shape: InputShape | None = (32, 32, 1), classes: int | None = 10, include_top: bool = True,
    pooling: Literal["avg", "max"] | None = None, classifier_activation: str | None = "softmax",
    weights: StrPath | None = None, features: bool = False, name: str | None = None,
    input_tensor: keras.KerasTensor | None = None,
    **overrides: Unpack[Overrides],
) -> keras.Model:
    """LeNet-5 as published: trainable pooling, C3's table, scaled tanh, RBF output."""

def alexnet(
    input_shape: InputShape | None = (227, 227, 3), classes: int | None = 1000, include_top: bool = True,
    pooling: Literal["avg", "max"] | None = None, classifier_activation: str | None = "softmax",
    weights: StrPath | None = None, features: bool = False, name: str | None = None,
    input_tensor: keras.KerasTensor | None = None,
    **overrides: Unpack[Overrides],
) -> keras.Model:
    """ReLU, dropout and GPUs win ImageNet: two towers, LRN, overlapping pools."""

def zfnet(
    input_shape: InputShape | None = (224, 224, 3), classes: int | None = 1000, include_top: bool = True,
    pooling: Literal["avg", "max"] | None = None, classifier_activation: str | None = "softmax",
    weights: StrPath | None = None, features: bool = False, name: str | None = None,
    input_tensor: keras.KerasTensor | None = None,
    **overrides: Unpack[Overrides],
) -> keras.Model:
    """AlexNet mended by looking at its features: smaller first kernels and stride."""

def nin_cifar(
    input_shape: InputShape | None = (32, 32, 3), classes: int | None = 10, include_top: bool = True,
    pooling: Literal["avg", "max"] | None = None, classifier_activation: str | None = "softmax",
    weights: StrPath | None = None, features: bool = False, name: str | None = None,
    input_tensor: keras.KerasTensor | None = None,
    **overrides: Unpack[Overrides],
) -> keras.Model:
    """1x1 convolutions as a net at every pixel, and global average pooling: the CIFAR-10 net."""

def nin(
    input_shape: InputShape | None = (224, 224, 3), classes: int | None = 1000, include_top: bool = True,
    pooling: Literal["avg", "max"] | None = None, classifier_activation: str | None = "softmax",
    weights: StrPath | None = None, features: bool = False, name: str | None = None,
    input_tensor: keras.KerasTensor | None = None,
    **overrides: Unpack[Overrides],
) -> keras.Model:
    """Network in Network for ImageNet: AlexNet's accuracy at an eighth of its weights."""

def overfeat_fast(
    input_shape: InputShape | None = (231, 231, 3), classes: int | None = 1000, include_top: bool = True,
    pooling: Literal["avg", "max"] | None = None, classifier_activation: str | None = "softmax",
    weights: StrPath | None = None, features: bool = False, name: str | None = None,
    input_tensor: keras.KerasTensor | None = None,
    **overrides: Unpack[Overrides],
) -> keras.Model:
    """One net classifies, localizes and detects by sliding densely over the image: the fast one."""

def overfeat_accurate(
    input_shape: InputShape | None = (221, 221, 3), classes: int | None = 1000, include_top: bool = True,
    pooling: Literal["avg", "max"] | None = None, classifier_activation: str | None = "softmax",
    weights: StrPath | None = None, features: bool = False, name: str | None = None,
    input_tensor: keras.KerasTensor | None = None,
    **overrides: Unpack[Overrides],
) -> keras.Model:
    """OverFeat's accurate net: finer, and one layer deeper."""

def alexnet_owt(
    input_shape: InputShape | None = (224, 224, 3), classes: int | None = 1000, include_top: bool = True,
    pooling: Literal["avg", "max"] | None = None, classifier_activation: str | None = "softmax",
    weights: StrPath | None = None, features: bool = False, name: str | None = None,
    input_tensor: keras.KerasTensor | None = None,
    **overrides: Unpack[Overrides],
) -> keras.Model:
    """AlexNet as one tower without LRN; torchvision's alexnet."""

def vgg11(
    input_shape: InputShape | None = (224, 224, 3), classes: int | None = 1000, include_top: bool = True,
    pooling: Literal["avg", "max"] | None = None, classifier_activation: str | None = "softmax",
    weights: StrPath | None = None, features: bool = False, name: str | None = None,
    input_tensor: keras.KerasTensor | None = None,
    **overrides: Unpack[Overrides],
) -> keras.Model:
    """Table 1, column A."""

def vgg11_bn(
    input_shape: InputShape | None = (224, 224, 3), classes: int | None = 1000, include_top: bool = True,
    pooling: Literal["avg", "max"] | None = None, classifier_activation: str | None = "softmax",
    weights: StrPath | None = None, features: bool = False, name: str | None = None,
    input_tensor: keras.KerasTensor | None = None,
    **overrides: Unpack[Overrides],
) -> keras.Model:
    """Table 1, column A, BatchNorm after each convolution."""

def vgg11_lrn(
    input_shape: InputShape | None = (224, 224, 3), classes: int | None = 1000, include_top: bool = True,
    pooling: Literal["avg", "max"] | None = None, classifier_activation: str | None = "softmax",
    weights: StrPath | None = None, features: bool = False, name: str | None = None,
    input_tensor: keras.KerasTensor | None = None,
    **overrides: Unpack[Overrides],
) -> keras.Model:
    """Table 1, column A-LRN."""

def vgg13(
    input_shape: InputShape | None = (224, 224, 3), classes: int | None = 1000, include_top: bool = True,
    pooling: Literal["avg", "max"] | None = None, classifier_activation: str | None = "softmax",
    weights: StrPath | None = None, features: bool = False, name: str | None = None,
    input_tensor: keras.KerasTensor | None = None,
    **overrides: Unpack[Overrides],
) -> keras.Model:
    """Table 1, column B."""

def vgg13_bn(
    input_shape: InputShape | None = (224, 224, 3), classes: int | None = 1000, include_top: bool = True,
    pooling: Literal["avg", "max"] | None = None, classifier_activation: str | None = "softmax",
    weights: StrPath | None = None, features: bool = False, name: str | None = None,
    input_tensor: keras.KerasTensor | None = None,
    **overrides: Unpack[Overrides],
) -> keras.Model:
    """Table 1, column B, BatchNorm after each convolution."""

def vgg16c(
    input_shape: InputShape | None = (224, 224, 3), classes: int | None = 1000, include_top: bool = True,
    pooling: Literal["avg", "max"] | None = None, classifier_activation: str | None = "softmax",
    weights: StrPath | None = None, features: bool = False, name: str | None = None,
    input_tensor: keras.KerasTensor | None = None,
    **overrides: Unpack[Overrides],
) -> keras.Model:
    """Table 1, column C."""

def vgg16(
    input_shape: InputShape | None = (224, 224, 3), classes: int | None = 1000, include_top: bool = True,
    pooling: Literal["avg", "max"] | None = None, classifier_activation: str | None = "softmax",
    weights: StrPath | None = None, features: bool = False, name: str | None = None,
    input_tensor: keras.KerasTensor | None = None,
    **overrides: Unpack[Overrides],
) -> keras.Model:
    """Table 1, column D."""

def vgg16_bn(
    input_shape: InputShape | None = (224, 224, 3), classes: int | None = 1000, include_top: bool = True,
    pooling: Literal["avg", "max"] | None = None, classifier_activation: str | None = "softmax",
    weights: StrPath | None = None, features: bool = False, name: str | None = None,
    input_tensor: keras.KerasTensor | None = None,
    **overrides: Unpack[Overrides],
) -> keras.Model:
    """Table 1, column D, BatchNorm after each convolution."""

def vgg19(
    input_shape: InputShape | None = (224, 224, 3), classes: int | None = 1000, include_top: bool = True,
    pooling: Literal["avg", "max"] | None = None, classifier_activation: str | None = "softmax",
    weights: StrPath | None = None, features: bool = False, name: str | None = None,
    input_tensor: keras.KerasTensor | None = None,
    **overrides: Unpack[Overrides],
) -> keras.Model:
    """Table 1, column E."""

def vgg19_bn(
    input_shape: InputShape | None = (224, 224, 3), classes: int | None = 1000, include_top: bool = True,
    pooling: Literal["avg", "max"] | None = None, classifier_activation: str | None = "softmax",
    weights: StrPath | None = None, features: bool = False, name: str | None = None,
    input_tensor: keras.KerasTensor | None = None,
    **overrides: Unpack[Overrides],
) -> keras.Model:
    """Table 1, column E, BatchNorm after each convolution."""

def googlenet(
    input_shape: InputShape | None = (224, 224, 3), classes: int | None = 1000, include_top: bool = True,
    pooling: Literal["avg", "max"] | None = None, classifier_activation: str | None = "softmax",
    weights: StrPath | None = None, features: bool = False, name: str | None = None,
    input_tensor: keras.KerasTensor | None = None, *, aux: bool = False,
    **overrides: Unpack[Overrides],
) -> keras.Model:
    """Inception modules: 1x1, 3x3, 5x5 and pooling side by side; wins ImageNet with 7 million weights."""

def googlenet_bn(
    input_shape: InputShape | None = (224, 224, 3), classes: int | None = 1000, include_top: bool = True,
    pooling: Literal["avg", "max"] | None = None, classifier_activation: str | None = "softmax",
    weights: StrPath | None = None, features: bool = False, name: str | None = None,
    input_tensor: keras.KerasTensor | None = None,
    **overrides: Unpack[Overrides],
) -> keras.Model:
    """GoogLeNet with BatchNorm, and 3x3 in the place of 5x5; torchvision's googlenet."""

def fcn32s(
    input_shape: InputShape | None = (500, 500, 3), classes: int | None = 21, include_top: bool = True,
    pooling: Literal["avg", "max"] | None = None, classifier_activation: str | None = "softmax",
    weights: StrPath | None = None, features: bool = False, name: str | None = None,
    input_tensor: keras.KerasTensor | None = None,
    **overrides: Unpack[Overrides],
) -> keras.Model:
    """A classifier slid over the whole image labels each pixel, at stride 32."""

def fcn16s(
    input_shape: InputShape | None = (500, 500, 3), classes: int | None = 21, include_top: bool = True,
    pooling: Literal["avg", "max"] | None = None, classifier_activation: str | None = "softmax",
    weights: StrPath | None = None, features: bool = False, name: str | None = None,
    input_tensor: keras.KerasTensor | None = None,
    **overrides: Unpack[Overrides],
) -> keras.Model:
    """FCN with the scores of pool 4 added, at stride 16."""

def fcn8s(
    input_shape: InputShape | None = (500, 500, 3), classes: int | None = 21, include_top: bool = True,
    pooling: Literal["avg", "max"] | None = None, classifier_activation: str | None = "softmax",
    weights: StrPath | None = None, features: bool = False, name: str | None = None,
    input_tensor: keras.KerasTensor | None = None,
    **overrides: Unpack[Overrides],
) -> keras.Model:
    """FCN with the scores of pools 4 and 3 added, at stride 8."""

def allcnn_a(
    input_shape: InputShape | None = (32, 32, 3), classes: int | None = 10, include_top: bool = True,
    pooling: Literal["avg", "max"] | None = None, classifier_activation: str | None = "softmax",
    weights: StrPath | None = None, features: bool = False, name: str | None = None,
    input_tensor: keras.KerasTensor | None = None,
    **overrides: Unpack[Overrides],
) -> keras.Model:
    """No pooling at all: strided convolutions shrink the map; base net A."""

def allcnn_b(
    input_shape: InputShape | None = (32, 32, 3), classes: int | None = 10, include_top: bool = True,
    pooling: Literal["avg", "max"] | None = None, classifier_activation: str | None = "softmax",
    weights: StrPath | None = None, features: bool = False, name: str | None = None,
    input_tensor: keras.KerasTensor | None = None,
    **overrides: Unpack[Overrides],
) -> keras.Model:
    """All-CNN on base net B, with 1x1 convolutions in its blocks."""

def allcnn_c(
    input_shape: InputShape | None = (32, 32, 3), classes: int | None = 10, include_top: bool = True,
    pooling: Literal["avg", "max"] | None = None, classifier_activation: str | None = "softmax",
    weights: StrPath | None = None, features: bool = False, name: str | None = None,
    input_tensor: keras.KerasTensor | None = None,
    **overrides: Unpack[Overrides],
) -> keras.Model:
    """All-CNN on base net C, with two 3x3 convolutions in each block."""

def deeplab_largefov(
    input_shape: InputShape | None = (321, 321, 3), classes: int | None = 21, include_top: bool = True,
    pooling: Literal["avg", "max"] | None = None, classifier_activation: str | None = "softmax",
    weights: StrPath | None = None, features: bool = False, name: str | None = None,
    input_tensor: keras.KerasTensor | None = None, *, dilated: bool = True,
    **overrides: Unpack[Overrides],
) -> keras.Model:
    """Dilated convolutions see far without losing resolution."""

def unet(
    input_shape: InputShape | None = (572, 572, 1), classes: int | None = 2, include_top: bool = True,
    pooling: Literal["avg", "max"] | None = None, classifier_activation: str | None = "softmax",
    weights: StrPath | None = None, features: bool = False, name: str | None = None,
    input_tensor: keras.KerasTensor | None = None,
    **overrides: Unpack[Overrides],
) -> keras.Model:
    """An encoder and a decoder, joined at every level: what and where."""

def segnet(
    input_shape: InputShape | None = (360, 480, 3), classes: int | None = 11, include_top: bool = True,
    pooling: Literal["avg", "max"] | None = None, classifier_activation: str | None = "softmax",
    weights: StrPath | None = None, features: bool = False, name: str | None = None,
    input_tensor: keras.KerasTensor | None = None,
    **overrides: Unpack[Overrides],
) -> keras.Model:
    """The decoder puts values back where the encoder's pools found them."""

def inception_v3(
    input_shape: InputShape | None = (299, 299, 3), classes: int | None = 1000, include_top: bool = True,
    pooling: Literal["avg", "max"] | None = None, classifier_activation: str | None = "softmax",
    weights: StrPath | None = None, features: bool = False, name: str | None = None,
    input_tensor: keras.KerasTensor | None = None,
    **overrides: Unpack[Overrides],
) -> keras.Model:
    """Large kernels factorized into 1x7 and 7x1, and grids reduced without a bottleneck."""

def inception_v3_torchvision(
    input_shape: InputShape | None = (299, 299, 3), classes: int | None = 1000, include_top: bool = True,
    pooling: Literal["avg", "max"] | None = None, classifier_activation: str | None = "softmax",
    weights: StrPath | None = None, features: bool = False, name: str | None = None,
    input_tensor: keras.KerasTensor | None = None,
    **overrides: Unpack[Overrides],
) -> keras.Model:
    """Inception-v3 with BatchNorm's scale, and means that count zeros; torchvision's inception_v3."""

def resnet18(
    input_shape: InputShape | None = (224, 224, 3), classes: int | None = 1000, include_top: bool = True,
    pooling: Literal["avg", "max"] | None = None, classifier_activation: str | None = "softmax",
    weights: StrPath | None = None, features: bool = False, name: str | None = None,
    input_tensor: keras.KerasTensor | None = None,
    **overrides: Unpack[Overrides],
) -> keras.Model:
    """Table 1, 18 layers: blocks learn what to add to their input."""

def resnet34(
    input_shape: InputShape | None = (224, 224, 3), classes: int | None = 1000, include_top: bool = True,
    pooling: Literal["avg", "max"] | None = None, classifier_activation: str | None = "softmax",
    weights: StrPath | None = None, features: bool = False, name: str | None = None,
    input_tensor: keras.KerasTensor | None = None,
    **overrides: Unpack[Overrides],
) -> keras.Model:
    """Table 1, 34 layers: blocks learn what to add to their input."""

def resnet50(
    input_shape: InputShape | None = (224, 224, 3), classes: int | None = 1000, include_top: bool = True,
    pooling: Literal["avg", "max"] | None = None, classifier_activation: str | None = "softmax",
    weights: StrPath | None = None, features: bool = False, name: str | None = None,
    input_tensor: keras.KerasTensor | None = None,
    **overrides: Unpack[Overrides],
) -> keras.Model:
    """Table 1, 50 layers: blocks learn what to add to their input."""

def resnet50_v1(
    input_shape: InputShape | None = (224, 224, 3), classes: int | None = 1000, include_top: bool = True,
    pooling: Literal["avg", "max"] | None = None, classifier_activation: str | None = "softmax",
    weights: StrPath | None = None, features: bool = False, name: str | None = None,
    input_tensor: keras.KerasTensor | None = None,
    **overrides: Unpack[Overrides],
) -> keras.Model:
    """Table 1, 50 layers, with the paper's stride; keras.applications' ResNet50."""

def resnet101(
    input_shape: InputShape | None = (224, 224, 3), classes: int | None = 1000, include_top: bool = True,
    pooling: Literal["avg", "max"] | None = None, classifier_activation: str | None = "softmax",
    weights: StrPath | None = None, features: bool = False, name: str | None = None,
    input_tensor: keras.KerasTensor | None = None,
    **overrides: Unpack[Overrides],
) -> keras.Model:
    """Table 1, 101 layers: blocks learn what to add to their input."""

def resnet101_v1(
    input_shape: InputShape | None = (224, 224, 3), classes: int | None = 1000, include_top: bool = True,
    pooling: Literal["avg", "max"] | None = None, classifier_activation: str | None = "softmax",
    weights: StrPath | None = None, features: bool = False, name: str | None = None,
    input_tensor: keras.KerasTensor | None = None,
    **overrides: Unpack[Overrides],
) -> keras.Model:
    """Table 1, 101 layers, with the paper's stride; keras.applications' ResNet101."""

def resnet152(
    input_shape: InputShape | None = (224, 224, 3), classes: int | None = 1000, include_top: bool = True,
    pooling: Literal["avg", "max"] | None = None, classifier_activation: str | None = "softmax",
    weights: StrPath | None = None, features: bool = False, name: str | None = None,
    input_tensor: keras.KerasTensor | None = None,
    **overrides: Unpack[Overrides],
) -> keras.Model:
    """Table 1, 152 layers: blocks learn what to add to their input."""

def resnet152_v1(
    input_shape: InputShape | None = (224, 224, 3), classes: int | None = 1000, include_top: bool = True,
    pooling: Literal["avg", "max"] | None = None, classifier_activation: str | None = "softmax",
    weights: StrPath | None = None, features: bool = False, name: str | None = None,
    input_tensor: keras.KerasTensor | None = None,
    **overrides: Unpack[Overrides],
) -> keras.Model:
    """Table 1, 152 layers, with the paper's stride; keras.applications' ResNet152."""

def resnet20(
    input_shape: InputShape | None = (32, 32, 3), classes: int | None = 10, include_top: bool = True,
    pooling: Literal["avg", "max"] | None = None, classifier_activation: str | None = "softmax",
    weights: StrPath | None = None, features: bool = False, name: str | None = None,
    input_tensor: keras.KerasTensor | None = None, *, zeros: str = 'after',
    **overrides: Unpack[Overrides],
) -> keras.Model:
    """ResNet for CIFAR, 20 layers, shortcuts without weights."""

def resnet32(
    input_shape: InputShape | None = (32, 32, 3), classes: int | None = 10, include_top: bool = True,
    pooling: Literal["avg", "max"] | None = None, classifier_activation: str | None = "softmax",
    weights: StrPath | None = None, features: bool = False, name: str | None = None,
    input_tensor: keras.KerasTensor | None = None, *, zeros: str = 'after',
    **overrides: Unpack[Overrides],
) -> keras.Model:
    """ResNet for CIFAR, 32 layers, shortcuts without weights."""

def resnet44(
    input_shape: InputShape | None = (32, 32, 3), classes: int | None = 10, include_top: bool = True,
    pooling: Literal["avg", "max"] | None = None, classifier_activation: str | None = "softmax",
    weights: StrPath | None = None, features: bool = False, name: str | None = None,
    input_tensor: keras.KerasTensor | None = None, *, zeros: str = 'after',
    **overrides: Unpack[Overrides],
) -> keras.Model:
    """ResNet for CIFAR, 44 layers, shortcuts without weights."""

def resnet56(
    input_shape: InputShape | None = (32, 32, 3), classes: int | None = 10, include_top: bool = True,
    pooling: Literal["avg", "max"] | None = None, classifier_activation: str | None = "softmax",
    weights: StrPath | None = None, features: bool = False, name: str | None = None,
    input_tensor: keras.KerasTensor | None = None, *, zeros: str = 'after',
    **overrides: Unpack[Overrides],
) -> keras.Model:
    """ResNet for CIFAR, 56 layers, shortcuts without weights."""

def resnet110(
    input_shape: InputShape | None = (32, 32, 3), classes: int | None = 10, include_top: bool = True,
    pooling: Literal["avg", "max"] | None = None, classifier_activation: str | None = "softmax",
    weights: StrPath | None = None, features: bool = False, name: str | None = None,
    input_tensor: keras.KerasTensor | None = None, *, zeros: str = 'after',
    **overrides: Unpack[Overrides],
) -> keras.Model:
    """ResNet for CIFAR, 110 layers, shortcuts without weights."""

def inception_v4(
    input_shape: InputShape | None = (299, 299, 3), classes: int | None = 1000, include_top: bool = True,
    pooling: Literal["avg", "max"] | None = None, classifier_activation: str | None = "softmax",
    weights: StrPath | None = None, features: bool = False, name: str | None = None,
    input_tensor: keras.KerasTensor | None = None,
    **overrides: Unpack[Overrides],
) -> keras.Model:
    """Inception made uniform: one stem, three kinds of module, two reductions."""

def inception_resnet_v2(
    input_shape: InputShape | None = (299, 299, 3), classes: int | None = 1000, include_top: bool = True,
    pooling: Literal["avg", "max"] | None = None, classifier_activation: str | None = "softmax",
    weights: StrPath | None = None, features: bool = False, name: str | None = None,
    input_tensor: keras.KerasTensor | None = None,
    **overrides: Unpack[Overrides],
) -> keras.Model:
    """Inception modules as residuals, scaled down so that they train."""

def squeezenet1_0(
    input_shape: InputShape | None = (224, 224, 3), classes: int | None = 1000, include_top: bool = True,
    pooling: Literal["avg", "max"] | None = None, classifier_activation: str | None = "softmax",
    weights: StrPath | None = None, features: bool = False, name: str | None = None,
    input_tensor: keras.KerasTensor | None = None,
    **overrides: Unpack[Overrides],
) -> keras.Model:
    """Fire modules: squeeze by 1x1, expand by 1x1 and 3x3; AlexNet's accuracy with 50 times fewer weights."""

def squeezenet1_1(
    input_shape: InputShape | None = (224, 224, 3), classes: int | None = 1000, include_top: bool = True,
    pooling: Literal["avg", "max"] | None = None, classifier_activation: str | None = "softmax",
    weights: StrPath | None = None, features: bool = False, name: str | None = None,
    input_tensor: keras.KerasTensor | None = None,
    **overrides: Unpack[Overrides],
) -> keras.Model:
    """SqueezeNet with smaller first kernels and earlier pools: 2.4 times less work."""

def resnet50v2(
    input_shape: InputShape | None = (224, 224, 3), classes: int | None = 1000, include_top: bool = True,
    pooling: Literal["avg", "max"] | None = None, classifier_activation: str | None = "softmax",
    weights: StrPath | None = None, features: bool = False, name: str | None = None,
    input_tensor: keras.KerasTensor | None = None,
    **overrides: Unpack[Overrides],
) -> keras.Model:
    """Pre-activation, 50 layers; keras.applications' ResNet50V2."""

def resnet101v2(
    input_shape: InputShape | None = (224, 224, 3), classes: int | None = 1000, include_top: bool = True,
    pooling: Literal["avg", "max"] | None = None, classifier_activation: str | None = "softmax",
    weights: StrPath | None = None, features: bool = False, name: str | None = None,
    input_tensor: keras.KerasTensor | None = None,
    **overrides: Unpack[Overrides],
) -> keras.Model:
    """Pre-activation, 101 layers; keras.applications' ResNet101V2."""

def resnet152v2(
    input_shape: InputShape | None = (224, 224, 3), classes: int | None = 1000, include_top: bool = True,
    pooling: Literal["avg", "max"] | None = None, classifier_activation: str | None = "softmax",
    weights: StrPath | None = None, features: bool = False, name: str | None = None,
    input_tensor: keras.KerasTensor | None = None,
    **overrides: Unpack[Overrides],
) -> keras.Model:
    """Pre-activation, 152 layers; keras.applications' ResNet152V2."""

def preact_resnet110(
    input_shape: InputShape | None = (32, 32, 3), classes: int | None = 10, include_top: bool = True,
    pooling: Literal["avg", "max"] | None = None, classifier_activation: str | None = "softmax",
    weights: StrPath | None = None, features: bool = False, name: str | None = None,
    input_tensor: keras.KerasTensor | None = None,
    **overrides: Unpack[Overrides],
) -> keras.Model:
    """Pre-activation for CIFAR, 110 layers: the shortcuts carry the signal unchanged."""

def preact_resnet164(
    input_shape: InputShape | None = (32, 32, 3), classes: int | None = 10, include_top: bool = True,
    pooling: Literal["avg", "max"] | None = None, classifier_activation: str | None = "softmax",
    weights: StrPath | None = None, features: bool = False, name: str | None = None,
    input_tensor: keras.KerasTensor | None = None,
    **overrides: Unpack[Overrides],
) -> keras.Model:
    """Pre-activation for CIFAR, 164 layers: the shortcuts carry the signal unchanged."""

def wrn_16_4(
    input_shape: InputShape | None = (32, 32, 3), classes: int | None = 10, include_top: bool = True,
    pooling: Literal["avg", "max"] | None = None, classifier_activation: str | None = "softmax",
    weights: StrPath | None = None, features: bool = False, name: str | None = None,
    input_tensor: keras.KerasTensor | None = None, *, block_dropout: float = 0.0,
    **overrides: Unpack[Overrides],
) -> keras.Model:
    """16 layers, 4 times the width: a shallow wide ResNet beats a deep thin one."""

def wrn_40_4(
    input_shape: InputShape | None = (32, 32, 3), classes: int | None = 10, include_top: bool = True,
    pooling: Literal["avg", "max"] | None = None, classifier_activation: str | None = "softmax",
    weights: StrPath | None = None, features: bool = False, name: str | None = None,
    input_tensor: keras.KerasTensor | None = None, *, block_dropout: float = 0.0,
    **overrides: Unpack[Overrides],
) -> keras.Model:
    """40 layers, 4 times the width: a shallow wide ResNet beats a deep thin one."""

def wrn_16_8(
    input_shape: InputShape | None = (32, 32, 3), classes: int | None = 10, include_top: bool = True,
    pooling: Literal["avg", "max"] | None = None, classifier_activation: str | None = "softmax",
    weights: StrPath | None = None, features: bool = False, name: str | None = None,
    input_tensor: keras.KerasTensor | None = None, *, block_dropout: float = 0.0,
    **overrides: Unpack[Overrides],
) -> keras.Model:
    """16 layers, 8 times the width: a shallow wide ResNet beats a deep thin one."""

def wrn_28_10(
    input_shape: InputShape | None = (32, 32, 3), classes: int | None = 10, include_top: bool = True,
    pooling: Literal["avg", "max"] | None = None, classifier_activation: str | None = "softmax",
    weights: StrPath | None = None, features: bool = False, name: str | None = None,
    input_tensor: keras.KerasTensor | None = None, *, block_dropout: float = 0.0,
    **overrides: Unpack[Overrides],
) -> keras.Model:
    """28 layers, 10 times the width: a shallow wide ResNet beats a deep thin one."""

def wide_resnet50_2(
    input_shape: InputShape | None = (224, 224, 3), classes: int | None = 1000, include_top: bool = True,
    pooling: Literal["avg", "max"] | None = None, classifier_activation: str | None = "softmax",
    weights: StrPath | None = None, features: bool = False, name: str | None = None,
    input_tensor: keras.KerasTensor | None = None,
    **overrides: Unpack[Overrides],
) -> keras.Model:
    """ResNet-50 with twice the channels in its 3x3 convolutions."""

def densenet121(
    input_shape: InputShape | None = (224, 224, 3), classes: int | None = 1000, include_top: bool = True,
    pooling: Literal["avg", "max"] | None = None, classifier_activation: str | None = "softmax",
    weights: StrPath | None = None, features: bool = False, name: str | None = None,
    input_tensor: keras.KerasTensor | None = None,
    **overrides: Unpack[Overrides],
) -> keras.Model:
    """Each layer sees all before it; 121 layers, growth 32."""

def densenet169(
    input_shape: InputShape | None = (224, 224, 3), classes: int | None = 1000, include_top: bool = True,
    pooling: Literal["avg", "max"] | None = None, classifier_activation: str | None = "softmax",
    weights: StrPath | None = None, features: bool = False, name: str | None = None,
    input_tensor: keras.KerasTensor | None = None,
    **overrides: Unpack[Overrides],
) -> keras.Model:
    """Each layer sees all before it; 169 layers, growth 32."""

def densenet201(
    input_shape: InputShape | None = (224, 224, 3), classes: int | None = 1000, include_top: bool = True,
    pooling: Literal["avg", "max"] | None = None, classifier_activation: str | None = "softmax",
    weights: StrPath | None = None, features: bool = False, name: str | None = None,
    input_tensor: keras.KerasTensor | None = None,
    **overrides: Unpack[Overrides],
) -> keras.Model:
    """Each layer sees all before it; 201 layers, growth 32."""

def densenet161(
    input_shape: InputShape | None = (224, 224, 3), classes: int | None = 1000, include_top: bool = True,
    pooling: Literal["avg", "max"] | None = None, classifier_activation: str | None = "softmax",
    weights: StrPath | None = None, features: bool = False, name: str | None = None,
    input_tensor: keras.KerasTensor | None = None,
    **overrides: Unpack[Overrides],
) -> keras.Model:
    """Each layer sees all before it; 161 layers, growth 48."""

def densenet_bc_100_12(
    input_shape: InputShape | None = (32, 32, 3), classes: int | None = 10, include_top: bool = True,
    pooling: Literal["avg", "max"] | None = None, classifier_activation: str | None = "softmax",
    weights: StrPath | None = None, features: bool = False, name: str | None = None,
    input_tensor: keras.KerasTensor | None = None,
    **overrides: Unpack[Overrides],
) -> keras.Model:
    """DenseNet for CIFAR: 100 layers, growth 12, bottlenecks and compression."""

def xception(
    input_shape: InputShape | None = (299, 299, 3), classes: int | None = 1000, include_top: bool = True,
    pooling: Literal["avg", "max"] | None = None, classifier_activation: str | None = "softmax",
    weights: StrPath | None = None, features: bool = False, name: str | None = None,
    input_tensor: keras.KerasTensor | None = None,
    **overrides: Unpack[Overrides],
) -> keras.Model:
    """Depthwise separable convolutions throughout, with residual connections."""

def xception_timm(
    input_shape: InputShape | None = (299, 299, 3), classes: int | None = 1000, include_top: bool = True,
    pooling: Literal["avg", "max"] | None = None, classifier_activation: str | None = "softmax",
    weights: StrPath | None = None, features: bool = False, name: str | None = None,
    input_tensor: keras.KerasTensor | None = None,
    **overrides: Unpack[Overrides],
) -> keras.Model:
    """Xception with PyTorch's padding and epsilon; timm's legacy_xception."""

def resnext50_32x4d(
    input_shape: InputShape | None = (224, 224, 3), classes: int | None = 1000, include_top: bool = True,
    pooling: Literal["avg", "max"] | None = None, classifier_activation: str | None = "softmax",
    weights: StrPath | None = None, features: bool = False, name: str | None = None,
    input_tensor: keras.KerasTensor | None = None,
    **overrides: Unpack[Overrides],
) -> keras.Model:
    """Cardinality: 32 narrow paths in each block, written as one grouped convolution."""

def resnext101_32x8d(
    input_shape: InputShape | None = (224, 224, 3), classes: int | None = 1000, include_top: bool = True,
    pooling: Literal["avg", "max"] | None = None, classifier_activation: str | None = "softmax",
    weights: StrPath | None = None, features: bool = False, name: str | None = None,
    input_tensor: keras.KerasTensor | None = None,
    **overrides: Unpack[Overrides],
) -> keras.Model:
    """ResNeXt with 101 layers and paths twice as wide."""

def mobilenet(
    input_shape: InputShape | None = (224, 224, 3), classes: int | None = 1000, include_top: bool = True,
    pooling: Literal["avg", "max"] | None = None, classifier_activation: str | None = "softmax",
    weights: StrPath | None = None, features: bool = False, name: str | None = None,
    input_tensor: keras.KerasTensor | None = None,
    **overrides: Unpack[Overrides],
) -> keras.Model:
    """Depthwise separable convolutions: 3x3 for space, 1x1 for channels."""

def mobilenet_timm(
    input_shape: InputShape | None = (224, 224, 3), classes: int | None = 1000, include_top: bool = True,
    pooling: Literal["avg", "max"] | None = None, classifier_activation: str | None = "softmax",
    weights: StrPath | None = None, features: bool = False, name: str | None = None,
    input_tensor: keras.KerasTensor | None = None,
    **overrides: Unpack[Overrides],
) -> keras.Model:
    """MobileNet with PyTorch's padding and epsilon; timm's mobilenetv1_100."""

def se_resnet50(
    input_shape: InputShape | None = (224, 224, 3), classes: int | None = 1000, include_top: bool = True,
    pooling: Literal["avg", "max"] | None = None, classifier_activation: str | None = "softmax",
    weights: StrPath | None = None, features: bool = False, name: str | None = None,
    input_tensor: keras.KerasTensor | None = None,
    **overrides: Unpack[Overrides],
) -> keras.Model:
    """Squeeze and excitation: channels are weighed by what the whole map holds."""

def se_resnet50_caffe(
    input_shape: InputShape | None = (224, 224, 3), classes: int | None = 1000, include_top: bool = True,
    pooling: Literal["avg", "max"] | None = None, classifier_activation: str | None = "softmax",
    weights: StrPath | None = None, features: bool = False, name: str | None = None,
    input_tensor: keras.KerasTensor | None = None,
    **overrides: Unpack[Overrides],
) -> keras.Model:
    """SE-ResNet-50 with Caffe's pool, which rounds up; timm's legacy_seresnet50."""

def se_resnet50_timm(
    input_shape: InputShape | None = (224, 224, 3), classes: int | None = 1000, include_top: bool = True,
    pooling: Literal["avg", "max"] | None = None, classifier_activation: str | None = "softmax",
    weights: StrPath | None = None, features: bool = False, name: str | None = None,
    input_tensor: keras.KerasTensor | None = None,
    **overrides: Unpack[Overrides],
) -> keras.Model:
    """SE-ResNet-50 with the stride in its 3x3 convolutions; timm's seresnet50."""

def mobilenet_v2(
    input_shape: InputShape | None = (224, 224, 3), classes: int | None = 1000, include_top: bool = True,
    pooling: Literal["avg", "max"] | None = None, classifier_activation: str | None = "softmax",
    weights: StrPath | None = None, features: bool = False, name: str | None = None,
    input_tensor: keras.KerasTensor | None = None,
    **overrides: Unpack[Overrides],
) -> keras.Model:
    """Residuals between thin layers, wide inside, linear at the ends."""

def mobilenet_v2_torchvision(
    input_shape: InputShape | None = (224, 224, 3), classes: int | None = 1000, include_top: bool = True,
    pooling: Literal["avg", "max"] | None = None, classifier_activation: str | None = "softmax",
    weights: StrPath | None = None, features: bool = False, name: str | None = None,
    input_tensor: keras.KerasTensor | None = None,
    **overrides: Unpack[Overrides],
) -> keras.Model:
    """MobileNetV2 with PyTorch's padding and epsilon; torchvision's mobilenet_v2."""

def shufflenet_v2_x1_0(
    input_shape: InputShape | None = (224, 224, 3), classes: int | None = 1000, include_top: bool = True,
    pooling: Literal["avg", "max"] | None = None, classifier_activation: str | None = "softmax",
    weights: StrPath | None = None, features: bool = False, name: str | None = None,
    input_tensor: keras.KerasTensor | None = None,
    **overrides: Unpack[Overrides],
) -> keras.Model:
    """Channels are split and shuffled: groups exchange what they know at no cost."""

def mnasnet1_0(
    input_shape: InputShape | None = (224, 224, 3), classes: int | None = 1000, include_top: bool = True,
    pooling: Literal["avg", "max"] | None = None, classifier_activation: str | None = "softmax",
    weights: StrPath | None = None, features: bool = False, name: str | None = None,
    input_tensor: keras.KerasTensor | None = None,
    **overrides: Unpack[Overrides],
) -> keras.Model:
    """A net found by searching for accuracy and measured latency together."""

def mobilenet_v3_large(
    input_shape: InputShape | None = (224, 224, 3), classes: int | None = 1000, include_top: bool = True,
    pooling: Literal["avg", "max"] | None = None, classifier_activation: str | None = "softmax",
    weights: StrPath | None = None, features: bool = False, name: str | None = None,
    input_tensor: keras.KerasTensor | None = None,
    **overrides: Unpack[Overrides],
) -> keras.Model:
    """Searched blocks with hard swish and squeeze-and-excitation: large."""

def mobilenet_v3_large_torchvision(
    input_shape: InputShape | None = (224, 224, 3), classes: int | None = 1000, include_top: bool = True,
    pooling: Literal["avg", "max"] | None = None, classifier_activation: str | None = "softmax",
    weights: StrPath | None = None, features: bool = False, name: str | None = None,
    input_tensor: keras.KerasTensor | None = None, *, epsilon: float = 0.001,
    **overrides: Unpack[Overrides],
) -> keras.Model:
    """MobileNetV3 large with PyTorch's padding; torchvision's mobilenet_v3_large."""

def mobilenet_v3_small(
    input_shape: InputShape | None = (224, 224, 3), classes: int | None = 1000, include_top: bool = True,
    pooling: Literal["avg", "max"] | None = None, classifier_activation: str | None = "softmax",
    weights: StrPath | None = None, features: bool = False, name: str | None = None,
    input_tensor: keras.KerasTensor | None = None,
    **overrides: Unpack[Overrides],
) -> keras.Model:
    """Searched blocks with hard swish and squeeze-and-excitation: small."""

def mobilenet_v3_small_torchvision(
    input_shape: InputShape | None = (224, 224, 3), classes: int | None = 1000, include_top: bool = True,
    pooling: Literal["avg", "max"] | None = None, classifier_activation: str | None = "softmax",
    weights: StrPath | None = None, features: bool = False, name: str | None = None,
    input_tensor: keras.KerasTensor | None = None, *, epsilon: float = 0.001,
    **overrides: Unpack[Overrides],
) -> keras.Model:
    """MobileNetV3 small with PyTorch's padding; torchvision's mobilenet_v3_small."""

def efficientnet_b0(
    input_shape: InputShape | None = (224, 224, 3), classes: int | None = 1000, include_top: bool = True,
    pooling: Literal["avg", "max"] | None = None, classifier_activation: str | None = "softmax",
    weights: StrPath | None = None, features: bool = False, name: str | None = None,
    input_tensor: keras.KerasTensor | None = None, *, drop_path: float = 0.2,
    **overrides: Unpack[Overrides],
) -> keras.Model:
    """The base of a family that scales depth, width and resolution together."""

def efficientnet_b0_torchvision(
    input_shape: InputShape | None = (224, 224, 3), classes: int | None = 1000, include_top: bool = True,
    pooling: Literal["avg", "max"] | None = None, classifier_activation: str | None = "softmax",
    weights: StrPath | None = None, features: bool = False, name: str | None = None,
    input_tensor: keras.KerasTensor | None = None, *, drop_path: float = 0.2,
    **overrides: Unpack[Overrides],
) -> keras.Model:
    """EfficientNet-B0 with PyTorch's padding and epsilon; torchvision's efficientnet_b0."""

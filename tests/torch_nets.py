"""Plain PyTorch versions of torchvision's classification networks, and of others whose checkpoints are well known.

`NETS[name](num_classes=1000)` has the state dict (keys, order and shapes) and the eval-mode forward of
`torchvision.models.name`, so it can stand in for it as an independent reference; so has `CIFAR[name]()` of
akamaster/pytorch_resnet_cifar10's. Weights are PyTorch's defaults.
"""

from collections import OrderedDict
from functools import partial

import torch
from torch import nn


def chain(kind=nn.Sequential, **parts):
    """The named parts, one after the other."""
    return kind(OrderedDict(parts))


def conv(cin, cout, kernel=1, stride=1, groups=1, bias=False):
    """A convolution padded by half its kernel."""
    return nn.Conv2d(cin, cout, kernel, stride, kernel // 2, groups=groups, bias=bias)


def conv_norm(cin, cout, kernel=1, stride=1, groups=1, act=nn.ReLU, norm=nn.BatchNorm2d):
    """The list of a convolution, its normalization and its activation, if any."""
    return [conv(cin, cout, kernel, stride, groups), norm(cout)] + ([act()] if act else [])


def pooled(size=1):
    return nn.Sequential(nn.AdaptiveAvgPool2d(size), nn.Flatten())


class Residual(nn.Sequential):
    def forward(self, x):
        return x + super().forward(x)


def inverted(cin, cout, stride, **parts):
    """An inverted residual: its parts, around which the input is added where the shapes allow it."""
    return chain(Residual if stride == 1 and cin == cout else nn.Sequential, **parts)


def alexnet(num_classes=1000):
    features = [nn.Conv2d(3, 64, 11, 4, 2), nn.ReLU(), nn.MaxPool2d(3, 2)]
    features += [conv(64, 192, 5, bias=True), nn.ReLU(), nn.MaxPool2d(3, 2)]
    for cin, cout in (192, 384), (384, 256), (256, 256):
        features += [conv(cin, cout, 3, bias=True), nn.ReLU()]
    head = [nn.Dropout(), nn.Linear(256 * 6 * 6, 4096), nn.ReLU(), nn.Dropout(), nn.Linear(4096, 4096), nn.ReLU()]
    features, classifier = [*features, nn.MaxPool2d(3, 2)], [*head, nn.Linear(4096, num_classes)]
    return chain(features=nn.Sequential(*features), avgpool=pooled(6), classifier=nn.Sequential(*classifier))


def vgg(repeats, norm, num_classes=1000):
    features, cin = [], 3
    for repeat, cout in zip(repeats, (64, 128, 256, 512, 512), strict=True):
        for _ in range(repeat):
            features += [conv(cin, cout, 3, bias=True)] + [nn.BatchNorm2d(cout)] * norm + [nn.ReLU()]
            cin = cout
        features.append(nn.MaxPool2d(2))
    head = [nn.Linear(512 * 7 * 7, 4096), nn.ReLU(), nn.Dropout(), nn.Linear(4096, 4096), nn.ReLU(), nn.Dropout()]
    classifier = nn.Sequential(*head, nn.Linear(4096, num_classes))
    return chain(features=nn.Sequential(*features), avgpool=pooled(7), classifier=classifier)


def basic_conv(cin, cout, kernel=1, stride=1):
    return chain(conv=conv(cin, cout, kernel, stride), bn=nn.BatchNorm2d(cout, eps=0.001), relu=nn.ReLU())


class Inception(nn.Module):
    """The four branches of an inception block; the "5x5" one has a kernel of 3, as in torchvision."""

    def __init__(self, cin, one, reduce3, three, reduce5, five, proj):
        super().__init__()
        self.branch1 = basic_conv(cin, one)
        self.branch2 = nn.Sequential(basic_conv(cin, reduce3), basic_conv(reduce3, three, 3))
        self.branch3 = nn.Sequential(basic_conv(cin, reduce5), basic_conv(reduce5, five, 3))
        self.branch4 = nn.Sequential(nn.MaxPool2d(3, 1, 1, ceil_mode=True), basic_conv(cin, proj))

    def forward(self, x):
        return torch.cat([branch(x) for branch in self.children()], 1)


class Auxiliary(nn.Module):
    """The weights of an auxiliary head, which only training uses: its input passes through."""

    def __init__(self, cin, num_classes):
        super().__init__()
        self.conv = basic_conv(cin, 128)
        self.fc1 = nn.Linear(2048, 1024)
        self.fc2 = nn.Linear(1024, num_classes)

    def forward(self, x):
        return x


def googlenet(num_classes=1000):
    return chain(
        conv1=basic_conv(3, 64, 7, 2),
        maxpool1=nn.MaxPool2d(3, 2, ceil_mode=True),
        conv2=basic_conv(64, 64),
        conv3=basic_conv(64, 192, 3),
        maxpool2=nn.MaxPool2d(3, 2, ceil_mode=True),
        inception3a=Inception(192, 64, 96, 128, 16, 32, 32),
        inception3b=Inception(256, 128, 128, 192, 32, 96, 64),
        maxpool3=nn.MaxPool2d(3, 2, ceil_mode=True),
        inception4a=Inception(480, 192, 96, 208, 16, 48, 64),
        inception4b=Inception(512, 160, 112, 224, 24, 64, 64),
        inception4c=Inception(512, 128, 128, 256, 24, 64, 64),
        inception4d=Inception(512, 112, 144, 288, 32, 64, 64),
        inception4e=Inception(528, 256, 160, 320, 32, 128, 128),
        maxpool4=nn.MaxPool2d(2, 2, ceil_mode=True),
        inception5a=Inception(832, 256, 160, 320, 32, 128, 128),
        inception5b=Inception(832, 384, 192, 384, 48, 128, 128),
        aux1=Auxiliary(512, num_classes),
        aux2=Auxiliary(528, num_classes),
        avgpool=pooled(),
        dropout=nn.Dropout(0.2),
        fc=nn.Linear(1024, num_classes),
    )


class Fire(nn.Module):
    def __init__(self, cin, squeeze, expand):
        super().__init__()
        self.squeeze = nn.Conv2d(cin, squeeze, 1)
        self.expand1x1 = nn.Conv2d(squeeze, expand, 1)
        self.expand3x3 = nn.Conv2d(squeeze, expand, 3, padding=1)

    def forward(self, x):
        x = self.squeeze(x).relu()
        return torch.cat([self.expand1x1(x), self.expand3x3(x)], 1).relu()


def squeezenet(width, kernel, pools, num_classes=1000):
    """`pools` are the places of the max pools, counted in layers of `features`."""
    fires = [(16, 64), (16, 64), (32, 128), (32, 128), (48, 192), (48, 192), (64, 256), (64, 256)]
    features, cin = [nn.Conv2d(3, width, kernel, 2), nn.ReLU()], width
    for squeeze, expand in fires:
        if len(features) in pools:
            features.append(nn.MaxPool2d(3, 2, ceil_mode=True))
        features.append(Fire(cin, squeeze, expand))
        cin = 2 * expand
    classifier = nn.Sequential(nn.Dropout(), nn.Conv2d(512, num_classes, 1), nn.ReLU(), pooled())
    return chain(features=nn.Sequential(*features), classifier=classifier)


class ResNetBlock(nn.Module):
    """Convolutions, each with a BatchNorm, and the shortcut around them."""

    def __init__(self, convs, downsample):
        super().__init__()
        self.depth = len(convs)
        for i, layer in enumerate(convs):
            self.add_module(f"conv{i + 1}", layer)
            self.add_module(f"bn{i + 1}", nn.BatchNorm2d(layer.out_channels))
        self.downsample = downsample

    def forward(self, x):
        y = x
        for i in range(self.depth):
            y = self.get_submodule(f"bn{i + 1}")(self.get_submodule(f"conv{i + 1}")(y.relu() if i else y))
        return (y + self.downsample(x)).relu()


def resnet(repeats, bottleneck, groups=1, group_width=64, num_classes=1000):
    parts, cin = {}, 64
    for i, repeat in enumerate(repeats):
        blocks, planes = [], 64 * 2**i
        width, cout = planes * group_width // 64 * groups, planes * (4 if bottleneck else 1)
        for j in range(repeat):
            stride = 2 if i and not j else 1
            if bottleneck:
                convs = [conv(cin, width), conv(width, width, 3, stride, groups), conv(width, cout)]
            else:
                convs = [conv(cin, cout, 3, stride), conv(cout, cout, 3)]
            changed = stride != 1 or cin != cout
            shortcut = conv_norm(cin, cout, 1, stride, act=None) if changed else []
            blocks.append(ResNetBlock(convs, nn.Sequential(*shortcut)))
            cin = cout
        parts[f"layer{i + 1}"] = nn.Sequential(*blocks)
    stem = dict(conv1=conv(3, 64, 7, 2), bn1=nn.BatchNorm2d(64), relu=nn.ReLU(), maxpool=nn.MaxPool2d(3, 2, 1))
    return chain(**stem, **parts, avgpool=pooled(), fc=nn.Linear(cin, num_classes))


class DenseLayer(nn.Sequential):
    def forward(self, x):
        return torch.cat([x, super().forward(x)], 1)


def dense_layer(cin, growth):
    mid = 4 * growth
    first = dict(norm1=nn.BatchNorm2d(cin), relu1=nn.ReLU(), conv1=conv(cin, mid))
    return chain(DenseLayer, **first, norm2=nn.BatchNorm2d(mid), relu2=nn.ReLU(), conv2=conv(mid, growth, 3))


def densenet(growth, repeats, width, num_classes=1000):
    features = dict(conv0=conv(3, width, 7, 2), norm0=nn.BatchNorm2d(width), relu0=nn.ReLU())
    features["pool0"] = nn.MaxPool2d(3, 2, 1)
    for i, repeat in enumerate(repeats):
        if i:
            transition = dict(norm=nn.BatchNorm2d(width), relu=nn.ReLU(), conv=conv(width, width // 2))
            features[f"transition{i}"] = chain(**transition, pool=nn.AvgPool2d(2))
            width //= 2
        layers = {f"denselayer{j + 1}": dense_layer(width + j * growth, growth) for j in range(repeat)}
        features[f"denseblock{i + 1}"] = chain(**layers)
        width += repeat * growth
    features = chain(**features, norm5=nn.BatchNorm2d(width), relu5=nn.ReLU())
    return chain(features=features, avgpool=pooled(), classifier=nn.Linear(width, num_classes))


def mobilenet_v2(num_classes=1000):
    def layer(*sizes, **options):
        return nn.Sequential(*conv_norm(*sizes, act=nn.ReLU6, **options))

    features, cin = [layer(3, 32, 3, 2)], 32
    rows = (1, 16, 1, 1), (6, 24, 2, 2), (6, 32, 3, 2), (6, 64, 4, 2), (6, 96, 3, 1), (6, 160, 3, 2), (6, 320, 1, 1)
    for expand, cout, repeat, stride in rows:
        for i in range(repeat):
            mid, step = cin * expand, 1 if i else stride
            layers = [layer(cin, mid)] if expand != 1 else []
            layers += [layer(mid, mid, 3, step, groups=mid), *conv_norm(mid, cout, act=None)]
            features.append(inverted(cin, cout, step, conv=nn.Sequential(*layers)))
            cin = cout
    classifier = nn.Sequential(nn.Dropout(0.2), nn.Linear(1280, num_classes))
    return chain(features=nn.Sequential(*features, layer(cin, 1280)), avgpool=pooled(), classifier=classifier)


class SqueezeExcitation(nn.Module):
    def __init__(self, width, squeeze, act=nn.functional.relu, gate=nn.functional.hardsigmoid):
        super().__init__()
        self.fc1 = nn.Conv2d(width, squeeze, 1)
        self.fc2 = nn.Conv2d(squeeze, width, 1)
        self.act, self.gate = act, gate

    def forward(self, x):
        return x * self.gate(self.fc2(self.act(self.fc1(x.mean((2, 3), keepdim=True)))))


def quarter_by_8(width):
    """A quarter, rounded to a multiple of 8 that is no less than nine tenths of it."""
    squeeze = max(8, (width // 4 + 4) // 8 * 8)
    return squeeze + (8 if squeeze < 0.9 * (width // 4) else 0)


def mobilenet_v3(rows, last, num_classes=1000):
    """`rows` are (kernel, expanded channels, channels, squeeze and excitation, hard swish, stride)."""

    def layer(*sizes, act=nn.Hardswish, **options):
        norm = partial(nn.BatchNorm2d, eps=0.001, momentum=0.01)
        return nn.Sequential(*conv_norm(*sizes, act=act, norm=norm, **options))

    features, cin = [layer(3, 16, 3, 2)], 16
    for kernel, mid, cout, excite, swish, stride in rows:
        act = nn.Hardswish if swish else nn.ReLU
        layers = [layer(cin, mid, act=act)] if mid != cin else []
        layers.append(layer(mid, mid, kernel, stride, groups=mid, act=act))
        layers += [SqueezeExcitation(mid, quarter_by_8(mid))] if excite else []
        layers.append(layer(mid, cout, act=None))
        features.append(inverted(cin, cout, stride, block=nn.Sequential(*layers)))
        cin = cout
    head = [nn.Linear(6 * cin, last), nn.Hardswish(), nn.Dropout(0.2), nn.Linear(last, num_classes)]
    features = nn.Sequential(*features, layer(cin, 6 * cin))
    return chain(features=features, avgpool=pooled(), classifier=nn.Sequential(*head))


MOBILENET_V3_SMALL = [
    *[(3, 16, 16, 1, 0, 2), (3, 72, 24, 0, 0, 2), (3, 88, 24, 0, 0, 1), (5, 96, 40, 1, 1, 2)],
    *[(5, 240, 40, 1, 1, 1)] * 2,
    *[(5, 120, 48, 1, 1, 1), (5, 144, 48, 1, 1, 1), (5, 288, 96, 1, 1, 2)],
    *[(5, 576, 96, 1, 1, 1)] * 2,
]
MOBILENET_V3_LARGE = [
    *[(3, 16, 16, 0, 0, 1), (3, 64, 24, 0, 0, 2), (3, 72, 24, 0, 0, 1), (5, 72, 40, 1, 0, 2)],
    *[(5, 120, 40, 1, 0, 1)] * 2,
    *[(3, 240, 80, 0, 1, 2), (3, 200, 80, 0, 1, 1), (3, 184, 80, 0, 1, 1), (3, 184, 80, 0, 1, 1)],
    *[(3, 480, 112, 1, 1, 1), (3, 672, 112, 1, 1, 1), (5, 672, 160, 1, 1, 2)],
    *[(5, 960, 160, 1, 1, 1)] * 2,
]


class ShuffleUnit(nn.Module):
    """Two branches whose channels are interleaved; at stride 1 the first is the untouched half of the input."""

    def __init__(self, cin, cout, stride):
        super().__init__()
        self.split, half = stride == 1, cout // 2
        start = half if self.split else cin
        side = [*conv_norm(cin, cin, 3, stride, groups=cin, act=None), *conv_norm(cin, half)]
        main = [*conv_norm(start, half), *conv_norm(half, half, 3, stride, groups=half, act=None)]
        self.branch1 = nn.Sequential(*([] if self.split else side))
        self.branch2 = nn.Sequential(*main, *conv_norm(half, half))

    def forward(self, x):
        left, right = x.chunk(2, 1) if self.split else (x, x)
        return torch.stack([self.branch1(left), self.branch2(right)], 2).flatten(1, 2)


def shufflenet_v2(widths, num_classes=1000):
    parts = dict(conv1=nn.Sequential(*conv_norm(3, 24, 3, 2)), maxpool=nn.MaxPool2d(3, 2, 1))
    cin = 24
    for i, (cout, repeat) in enumerate(zip(widths, (4, 8, 4), strict=True)):
        units = [ShuffleUnit(cout if j else cin, cout, 1 if j else 2) for j in range(repeat)]
        parts[f"stage{i + 2}"] = nn.Sequential(*units)
        cin = cout
    parts["conv5"] = nn.Sequential(*conv_norm(cin, 1024))
    return chain(**parts, avgpool=pooled(), fc=nn.Linear(1024, num_classes))


def mnasnet(num_classes=1000):
    layer = partial(conv_norm, norm=partial(nn.BatchNorm2d, momentum=1 - 0.9997))
    layers, cin = [*layer(3, 32, 3, 2), *layer(32, 32, 3, groups=32), *layer(32, 16, act=None)], 16
    rows = (24, 3, 2, 3, 3), (40, 5, 2, 3, 3), (80, 5, 2, 6, 3), (96, 3, 1, 6, 2), (192, 5, 2, 6, 4), (320, 3, 1, 6, 1)
    for cout, kernel, stride, expand, repeat in rows:
        stack = []
        for i in range(repeat):
            mid, step = cin * expand, 1 if i else stride
            block = [*layer(cin, mid), *layer(mid, mid, kernel, step, groups=mid), *layer(mid, cout, act=None)]
            stack.append(inverted(cin, cout, step, layers=nn.Sequential(*block)))
            cin = cout
        layers.append(nn.Sequential(*stack))
    classifier = nn.Sequential(nn.Dropout(0.2), nn.Linear(1280, num_classes))
    return chain(layers=nn.Sequential(*layers, *layer(cin, 1280)), avgpool=pooled(), classifier=classifier)


EFFICIENTNET_B0 = [  # expansion, kernel, stride, channels in, out, blocks
    *[(1, 3, 1, 32, 16, 1), (6, 3, 2, 16, 24, 2), (6, 5, 2, 24, 40, 2), (6, 3, 2, 40, 80, 3)],
    *[(6, 5, 1, 80, 112, 3), (6, 5, 2, 112, 192, 4), (6, 3, 1, 192, 320, 1)],
]


def mbconv(cin, cout, kernel, stride, expansion):
    mid, act = cin * expansion, nn.SiLU
    layers = [nn.Sequential(*conv_norm(cin, mid, act=act))] if expansion > 1 else []
    layers.append(nn.Sequential(*conv_norm(mid, mid, kernel, stride, groups=mid, act=act)))
    layers.append(SqueezeExcitation(mid, cin // 4, nn.functional.silu, torch.sigmoid))
    layers.append(nn.Sequential(*conv_norm(mid, cout, act=None)))
    return inverted(cin, cout, stride, block=nn.Sequential(*layers))


def efficientnet_b0(num_classes=1000):
    features = [nn.Sequential(*conv_norm(3, 32, 3, 2, act=nn.SiLU))]
    for expansion, kernel, stride, cin, cout, repeat in EFFICIENTNET_B0:
        first = mbconv(cin, cout, kernel, stride, expansion)
        rest = [mbconv(cout, cout, kernel, 1, expansion) for _ in range(repeat - 1)]
        features.append(nn.Sequential(first, *rest))
    features.append(nn.Sequential(*conv_norm(320, 1280, act=nn.SiLU)))
    classifier = nn.Sequential(nn.Dropout(0.2), nn.Linear(1280, num_classes))
    return chain(features=nn.Sequential(*features), avgpool=pooled(), classifier=classifier)


class CifarBlock(nn.Module):
    """Two convolutions; a shortcut that changes shape takes every second pixel, with zeros on both sides."""

    def __init__(self, cin, cout, stride):
        super().__init__()
        self.conv1, self.bn1 = conv(cin, cout, 3, stride), nn.BatchNorm2d(cout)
        self.conv2, self.bn2 = conv(cout, cout, 3), nn.BatchNorm2d(cout)
        self.stride = stride

    def forward(self, x):
        y = self.bn2(self.conv2(self.bn1(self.conv1(x)).relu()))
        missing = (y.shape[1] - x.shape[1]) // 2
        return (y + nn.functional.pad(x[:, :, :: self.stride, :: self.stride], (0, 0, 0, 0, missing, missing))).relu()


def cifar_resnet(depth, num_classes=10):
    parts, cin = dict(conv1=conv(3, 16, 3), bn1=nn.BatchNorm2d(16), relu=nn.ReLU()), 16
    for i, cout in enumerate((16, 32, 64), 1):
        strides = [2 if i > 1 else 1] + [1] * ((depth - 2) // 6 - 1)
        parts[f"layer{i}"] = nn.Sequential(
            *(CifarBlock(cin if j == 0 else cout, cout, s) for j, s in enumerate(strides))
        )
        cin = cout
    return chain(**parts, pool=pooled(), linear=nn.Linear(64, num_classes))


CIFAR = {f"resnet{depth}": partial(cifar_resnet, depth) for depth in (20, 32, 44, 56, 110)}
VGG = {"vgg11": (1, 1, 2, 2, 2), "vgg13": (2, 2, 2, 2, 2), "vgg16": (2, 2, 3, 3, 3), "vgg19": (2, 2, 4, 4, 4)}
NETS = {
    "alexnet": alexnet,
    **{name: partial(vgg, repeats, False) for name, repeats in VGG.items()},
    **{f"{name}_bn": partial(vgg, repeats, True) for name, repeats in VGG.items()},
    "googlenet": googlenet,
    "squeezenet1_0": partial(squeezenet, 96, 7, (2, 6, 11)),
    "squeezenet1_1": partial(squeezenet, 64, 3, (2, 5, 8)),
    "resnet18": partial(resnet, (2, 2, 2, 2), False),
    "resnet34": partial(resnet, (3, 4, 6, 3), False),
    "resnet50": partial(resnet, (3, 4, 6, 3), True),
    "resnet101": partial(resnet, (3, 4, 23, 3), True),
    "resnet152": partial(resnet, (3, 8, 36, 3), True),
    "resnext50_32x4d": partial(resnet, (3, 4, 6, 3), True, 32, 4),
    "resnext101_32x8d": partial(resnet, (3, 4, 23, 3), True, 32, 8),
    "wide_resnet50_2": partial(resnet, (3, 4, 6, 3), True, 1, 128),
    "densenet121": partial(densenet, 32, (6, 12, 24, 16), 64),
    "densenet161": partial(densenet, 48, (6, 12, 36, 24), 96),
    "densenet169": partial(densenet, 32, (6, 12, 32, 32), 64),
    "densenet201": partial(densenet, 32, (6, 12, 48, 32), 64),
    "mobilenet_v2": mobilenet_v2,
    "mobilenet_v3_small": partial(mobilenet_v3, MOBILENET_V3_SMALL, 1024),
    "mobilenet_v3_large": partial(mobilenet_v3, MOBILENET_V3_LARGE, 1280),
    "shufflenet_v2_x1_0": partial(shufflenet_v2, (116, 232, 464)),
    "mnasnet1_0": mnasnet,
    "efficientnet_b0": efficientnet_b0,
}

"""Plain PyTorch versions of timm's nets that aren't torchvision's too: their keys, shapes and eval-mode forward.

`NETS[name]()` stands in for `timm.create_model(name)` as an independent reference. `inception_v3` is torchvision's as
well, whose checkpoints have the weights of an auxiliary head. Weights are PyTorch's defaults.
"""

from functools import partial
from itertools import groupby

import torch
import torch_nets
from torch import nn
from torch_nets import ResNetBlock, SqueezeExcitation, chain, conv, conv_norm, inverted, pooled, quarter_by_8, vgg

# ------------------------------------------------------------------------------------------------------ mobile nets


class SameConv(nn.Conv2d):
    """A convolution that pads as TensorFlow does: the odd ring below and to the right."""

    def forward(self, x):
        (kernel, _), (stride, _) = self.kernel_size, self.stride
        sides = []
        for size in (x.shape[3], x.shape[2]):
            total = max((-(-size // stride) - 1) * stride + kernel - size, 0)
            sides += [total // 2, total - total // 2]
        return super().forward(nn.functional.pad(x, sides))


class Excite(nn.Module):
    def __init__(self, width, squeeze, act, gate):
        super().__init__()
        self.conv_reduce = nn.Conv2d(width, squeeze, 1)
        self.conv_expand = nn.Conv2d(squeeze, width, 1)
        self.act, self.gate = act, gate

    def forward(self, x):
        return x * self.gate(self.conv_expand(self.act(self.conv_reduce(x.mean((2, 3), keepdim=True)))))


def mobile(rows, stem, act, same=False, eps=1e-5, gates=None, first_acts=False, widest=1280):
    """`rows` are (kernel, expanded channels, channels, squeezed channels, activation, stride); those without an
    expansion are depthwise separable. `widest` is the last convolution's width, 0 for none; below 0 it comes, without
    its sign, after the pool."""

    def convolve(cin, cout, kernel=1, stride=1, groups=1):
        if same:
            return SameConv(cin, cout, kernel, stride, groups=groups, bias=False)
        return conv(cin, cout, kernel, stride, groups)

    norm = partial(nn.BatchNorm2d, eps=eps)

    def block(cin, kernel, mid, cout, squeeze, act, stride):
        excite = {"se": Excite(mid, squeeze, *gates)} if squeeze else {}
        deep = dict(conv_dw=convolve(mid, mid, kernel, stride, mid))
        if mid != cin:
            wide = dict(conv_pw=convolve(cin, mid), bn1=norm(mid), act1=act())
            thin = dict(conv_pwl=convolve(mid, cout), bn3=norm(cout))
            return inverted(cin, cout, stride, **wide, **deep, bn2=norm(mid), act2=act(), **excite, **thin)
        parts = dict(**deep, bn1=norm(mid), act1=act(), **excite, conv_pw=convolve(mid, cout), bn2=norm(cout))
        return chain(**parts, act2=act()) if first_acts else inverted(cin, cout, stride, **parts)

    stages, cin = [], stem
    for _, group in groupby(rows, key=lambda row: row[2]):
        blocks = []
        for kernel, mid, cout, squeeze, own_act, stride in group:
            blocks.append(block(cin, kernel, mid or cin, cout, squeeze, own_act or act, stride))
            cin = cout
        stages.append(nn.Sequential(*blocks))
    start = dict(conv_stem=convolve(3, stem, 3, 2), bn1=norm(stem), act1=act())
    if widest > 0:
        end = dict(conv_head=convolve(cin, widest), bn2=norm(widest), act2=act(), pool=pooled())
    elif widest:
        stages.append(nn.Sequential(chain(conv=convolve(cin, 6 * cin), bn1=norm(6 * cin), act=act())))
        last = nn.Conv2d(6 * cin, -widest, 1)
        end = dict(pool=nn.AdaptiveAvgPool2d(1), conv_head=last, act2=act(), flatten=nn.Flatten())
    else:
        end = dict(pool=pooled())
    return chain(**start, blocks=nn.Sequential(*stages), **end, classifier=nn.Linear(abs(widest) or cin, 1000))


def repeated(stem, *rows):
    """Rows (expansion, kernel, stride, channels, blocks) one a block, as `mobile` takes them."""
    cin = stem
    for expansion, kernel, stride, cout, repeat in rows:
        for i in range(repeat):
            yield kernel, cin * expansion, cout, cin // 4, None, 1 if i else stride
            cin = cout


def unexcited(*rows):
    return [(*row[:3], 0, *row[4:]) for row in repeated(*rows)]


def mobilenetv1():
    widths = [64, 128, 128, 256, 256, *[512] * 6, 1024, 1024]
    strides = [1, 2, 1, 2, 1, 2, *[1] * 5, 2, 1]
    rows = [(3, 0, width, 0, None, stride) for width, stride in zip(widths, strides, strict=True)]
    return mobile(rows, 32, nn.ReLU6, first_acts=True, widest=0)


def mobilenetv2():
    rows = (1, 3, 1, 16, 1), (6, 3, 2, 24, 2), (6, 3, 2, 32, 3), (6, 3, 2, 64, 4), (6, 3, 1, 96, 3), (6, 3, 2, 160, 3)
    return mobile(unexcited(32, *rows, (6, 3, 1, 320, 1)), 32, nn.ReLU6)


def mnasnet():
    rows = (1, 3, 1, 16, 1), (3, 3, 2, 24, 3), (3, 5, 2, 40, 3), (6, 5, 2, 80, 3), (6, 3, 1, 96, 2), (6, 5, 2, 192, 4)
    return mobile(unexcited(32, *rows, (6, 3, 1, 320, 1)), 32, nn.ReLU)


def mobilenetv3(table, last, same):
    rows = [(kernel, mid, cout, quarter_by_8(mid) if excite else 0, nn.Hardswish if swish else nn.ReLU, stride)
            for kernel, mid, cout, excite, swish, stride in table]
    gates = nn.functional.relu, nn.functional.hardsigmoid
    return mobile(rows, 16, nn.Hardswish, same, 1e-3 if same else 1e-5, gates, widest=-last)


def efficientnet_b0(same):
    rows = repeated(32, *((*row[:3], *row[4:]) for row in torch_nets.EFFICIENTNET_B0))
    return mobile(rows, 32, nn.SiLU, same, 1e-3 if same else 1e-5, (nn.functional.silu, torch.sigmoid))


# ------------------------------------------------------------------------------------------------------- inceptions


class Paths(nn.Module):
    """Paths side by side, each a list of (name, module) pairs and of modules without weights; a list forks."""

    def __init__(self, *paths):
        super().__init__()
        self.paths = paths
        for name, module in self.named_in(paths):
            self.add_module(name, module)

    def named_in(self, steps):
        for step in steps:
            if isinstance(step, tuple) and isinstance(step[0], str):
                yield step
            elif isinstance(step, (list, tuple)):
                yield from self.named_in(step)

    def forward(self, x):
        return torch.cat([self.follow(path, x) for path in self.paths], 1)

    def follow(self, path, x):
        for step in path:
            if isinstance(step, list):
                x = torch.cat([self.follow([one], x) for one in step], 1)
            else:
                x = (step[1] if isinstance(step, tuple) else step)(x)
        return x


class Aside(nn.Sequential):
    """Modules that only training uses: their input passes through."""

    def forward(self, x):
        return x


def unit(cin, cout, kernel=1, stride=1, same=True):
    """A convolution, BatchNorm and ReLU; a (height, width) kernel pads by half of it."""
    kernel = kernel if isinstance(kernel, tuple) else (kernel, kernel)
    padding = tuple(side // 2 for side in kernel) if same else 0
    layer = nn.Conv2d(cin, cout, kernel, stride, padding, bias=False)
    return chain(conv=layer, bn=nn.BatchNorm2d(cout, eps=1e-3), relu=nn.ReLU())


def row(cin, *specs):
    """The units of (channels, kernel, stride, whether it pads) specs, one after the other."""
    units = []
    for cout, *options in specs:
        units.append(unit(cin, cout, *options))
        cin = cout
    return units


def numbered(name, cin, *specs):
    return [(f"{name}_{i}", layer) for i, layer in enumerate(row(cin, *specs), 1)]


def halving(cout):
    """The spec of an unpadded 3x3 convolution of stride 2."""
    return cout, 3, 2, False


def mean(counts_zeros):
    return nn.AvgPool2d(3, 1, 1, count_include_pad=counts_zeros)


def inception_v3(auxiliary=False):
    """timm's; with `auxiliary` torchvision's, whose checkpoints have one more head."""

    def one(cin, cout):
        return [("branch1x1", unit(cin, cout))]

    def pool(cin, cout):
        return [mean(True), ("branch_pool", unit(cin, cout))]

    def mixed_5(cin, cout):
        double = numbered("branch3x3dbl", cin, (64,), (96, 3), (96, 3))
        return Paths(one(cin, 64), numbered("branch5x5", cin, (48,), (64, 5)), double, pool(cin, cout))

    def mixed_6(n):
        single = numbered("branch7x7", 768, (n,), (n, (1, 7)), (192, (7, 1)))
        double = numbered("branch7x7dbl", 768, (n,), (n, (7, 1)), (n, (1, 7)), (n, (7, 1)), (192, (1, 7)))
        return Paths(one(768, 192), single, double, pool(768, 192))

    def fork(name):
        return [(f"{name}a", unit(384, 384, (1, 3))), (f"{name}b", unit(384, 384, (3, 1)))]

    def mixed_7(cin):
        single = [("branch3x3_1", unit(cin, 384)), fork("branch3x3_2")]
        double = [*numbered("branch3x3dbl", cin, (448,), (384, 3)), fork("branch3x3dbl_3")]
        return Paths(one(cin, 320), single, double, pool(cin, 192))

    reduce_6 = Paths([("branch3x3", unit(288, 384, 3, 2, False))],
                     numbered("branch3x3dbl", 288, (64,), (96, 3), halving(96)), [nn.MaxPool2d(3, 2)])
    reduce_7 = Paths(numbered("branch3x3", 768, (192,), halving(320)),
                     numbered("branch7x7x3", 768, (192,), (192, (1, 7)), (192, (7, 1)), halving(192)),
                     [nn.MaxPool2d(3, 2)])
    aside = chain(Aside, conv0=unit(768, 128), conv1=unit(128, 768, 5), fc=nn.Linear(768, 1000))
    return chain(
        Conv2d_1a_3x3=unit(3, 32, 3, 2, False), Conv2d_2a_3x3=unit(32, 32, 3, 1, False),
        Conv2d_2b_3x3=unit(32, 64, 3), maxpool1=nn.MaxPool2d(3, 2), Conv2d_3b_1x1=unit(64, 80),
        Conv2d_4a_3x3=unit(80, 192, 3, 1, False), maxpool2=nn.MaxPool2d(3, 2),
        Mixed_5b=mixed_5(192, 32), Mixed_5c=mixed_5(256, 64), Mixed_5d=mixed_5(288, 64), Mixed_6a=reduce_6,
        Mixed_6b=mixed_6(128), Mixed_6c=mixed_6(160), Mixed_6d=mixed_6(160), Mixed_6e=mixed_6(192),
        **({"AuxLogits": aside} if auxiliary else {}),
        Mixed_7a=reduce_7, Mixed_7b=mixed_7(1280), Mixed_7c=mixed_7(2048), avgpool=pooled(), fc=nn.Linear(2048, 1000),
    )


def side(name, cin, *specs, pool=None):
    """A path whose units have numbers in one module, `name.0`, after a pool if any; one alone bears the name itself."""
    units = [pool] * bool(pool) + row(cin, *specs)
    return [(name, nn.Sequential(*units) if len(units) > 1 else units[0])]


def sides(cin, *paths, pooled_to=0):
    """Paths named branch0, branch1, …; the last one of a mean and a unit, or of a max pool that halves the map."""
    found = [side(f"branch{i}", cin, *specs) for i, specs in enumerate(paths)]
    last = side(f"branch{len(paths)}", cin, (pooled_to,), pool=mean(False)) if pooled_to else [nn.MaxPool2d(3, 2)]
    return Paths(*found, last)


def inception_v4():
    def a():
        return sides(384, [(96,)], [(64,), (96, 3)], [(64,), (96, 3), (96, 3)], pooled_to=96)

    def b():
        double = [(192,), (192, (7, 1)), (224, (1, 7)), (224, (7, 1)), (256, (1, 7))]
        return sides(1024, [(384,)], [(192,), (224, (1, 7)), (256, (7, 1))], double, pooled_to=128)

    def fork(name, cin):
        return [(f"{name}a", unit(cin, 256, (1, 3))), (f"{name}b", unit(cin, 256, (3, 1)))]

    def c():
        deep = [(f"branch2_{i}", layer) for i, layer in enumerate(row(1536, (384,), (448, (3, 1)), (512, (1, 3))))]
        return Paths(side("branch0", 1536, (256,)), [("branch1_0", unit(1536, 384)), fork("branch1_1", 384)],
                     [*deep, fork("branch2_3", 512)], side("branch3", 1536, (256,), pool=mean(False)))

    long = [(64,), (64, (1, 7)), (64, (7, 1)), (96, 3, 1, False)]
    features = [
        *row(3, halving(32), (32, 3, 1, False), (64, 3)),
        Paths([nn.MaxPool2d(3, 2)], [("conv", unit(64, 96, 3, 2, False))]),
        Paths(side("branch0", 160, (64,), (96, 3, 1, False)), side("branch1", 160, *long)),
        Paths([("conv", unit(192, 192, 3, 2, False))], [nn.MaxPool2d(3, 2)]),
        *(a() for _ in range(4)), sides(384, [halving(384)], [(192,), (224, 3), halving(256)]),
        *(b() for _ in range(7)),
        sides(1024, [(192,), halving(192)], [(256,), (256, (1, 7)), (320, (7, 1)), halving(320)]),
        *(c() for _ in range(3)),
    ]
    return chain(features=nn.Sequential(*features), pool=pooled(), last_linear=nn.Linear(1536, 1000))


class ScaledResidual(nn.Module):
    def __init__(self, scale, cin, *paths, relu=True):
        super().__init__()
        branches = Paths(*(side(f"branch{i}", cin, *specs) for i, specs in enumerate(paths)))
        for name, module in branches.named_children():
            self.add_module(name, module)
        self.conv2d = nn.Conv2d(sum(specs[-1][0] for specs in paths), cin, 1)
        self.side, self.scale, self.relu = [branches], scale, relu  # in a list, so that it gives no second names

    def forward(self, x):
        x = x + self.scale * self.conv2d(self.side[0](x))
        return x.relu() if self.relu else x


def inception_resnet_v2():
    def repeat(count, *arguments):
        return nn.Sequential(*(ScaledResidual(*arguments) for _ in range(count)))

    last = 2080, [(192,)], [(192,), (224, (1, 3)), (256, (3, 1))]
    return chain(
        conv2d_1a=unit(3, 32, 3, 2, False), conv2d_2a=unit(32, 32, 3, 1, False), conv2d_2b=unit(32, 64, 3),
        maxpool_3a=nn.MaxPool2d(3, 2), conv2d_3b=unit(64, 80), conv2d_4a=unit(80, 192, 3, 1, False),
        maxpool_5a=nn.MaxPool2d(3, 2),
        mixed_5b=sides(192, [(96,)], [(48,), (64, 5)], [(64,), (96, 3), (96, 3)], pooled_to=64),
        repeat=repeat(10, 0.17, 320, [(32,)], [(32,), (32, 3)], [(32,), (48, 3), (64, 3)]),
        mixed_6a=sides(320, [halving(384)], [(256,), (256, 3), halving(384)]),
        repeat_1=repeat(20, 0.1, 1088, [(192,)], [(128,), (160, (1, 7)), (192, (7, 1))]),
        mixed_7a=sides(1088, [(256,), halving(384)], [(256,), halving(288)], [(256,), (288, 3), halving(320)]),
        repeat_2=repeat(9, 0.2, *last), block8=ScaledResidual(1.0, *last, relu=False), conv2d_7b=unit(2080, 1536),
        pool=pooled(), classif=nn.Linear(1536, 1000),
    )


# ----------------------------------------------------------------------------------------------------------- others


def separable(cin, cout):
    return chain(conv1=conv(cin, cin, 3, groups=cin), pointwise=conv(cin, cout))


class XceptionBlock(nn.Module):
    def __init__(self, widths, stride=1, starts_with_relu=True):
        super().__init__()
        rep = []
        for cin, cout in zip(widths, widths[1:]):
            rep += [nn.ReLU(), separable(cin, cout), nn.BatchNorm2d(cout)]
        self.rep = nn.Sequential(*rep[not starts_with_relu :], *([nn.MaxPool2d(3, stride, 1)] if stride > 1 else []))
        self.skip, self.skipbn = nn.Identity(), nn.Identity()
        if stride > 1:
            self.skip, self.skipbn = conv(widths[0], widths[-1], 1, stride), nn.BatchNorm2d(widths[-1])

    def forward(self, x):
        return self.rep(x) + self.skipbn(self.skip(x))


def xception():
    blocks = [XceptionBlock((64, 128, 128), 2, False), XceptionBlock((128, 256, 256), 2),
              XceptionBlock((256, 728, 728), 2), *(XceptionBlock((728,) * 4) for _ in range(8)),
              XceptionBlock((728, 728, 1024), 2)]
    stem = dict(conv1=nn.Conv2d(3, 32, 3, 2, bias=False), bn1=nn.BatchNorm2d(32), act1=nn.ReLU(),
                conv2=nn.Conv2d(32, 64, 3, bias=False), bn2=nn.BatchNorm2d(64), act2=nn.ReLU())
    end = dict(conv3=separable(1024, 1536), bn3=nn.BatchNorm2d(1536), act3=nn.ReLU(),
               conv4=separable(1536, 2048), bn4=nn.BatchNorm2d(2048), act4=nn.ReLU())
    return chain(**stem, **{f"block{i}": block for i, block in enumerate(blocks, 1)}, **end, pool=pooled(),
                 fc=nn.Linear(2048, 1000))


class ExcitedBlock(ResNetBlock):
    """A bottleneck whose output is excited before the sum; `gate` is its module's name."""

    def __init__(self, convs, gate, downsample):
        super().__init__(convs, None)
        width = convs[-1].out_channels
        self.add_module(gate, SqueezeExcitation(width, width // 16, gate=torch.sigmoid))
        self.gate = gate
        self.downsample = downsample  # after the gate, as in timm

    def forward(self, x):
        y = self.bn1(self.conv1(x)).relu()
        y = self.bn3(self.conv3(self.bn2(self.conv2(y)).relu()))
        return (self.get_submodule(self.gate)(y) + self.downsample(x)).relu()


def seresnet50(legacy):
    stages, cin = {}, 64
    for i, repeat in enumerate((3, 4, 6, 3)):
        blocks, width = [], 64 * 2**i
        for j in range(repeat):
            stride = 2 if i and not j else 1
            first, second = (stride, 1) if legacy else (1, stride)
            convs = [conv(cin, width, 1, first), conv(width, width, 3, second), conv(width, 4 * width)]
            shortcut = nn.Sequential(*([] if j else conv_norm(cin, 4 * width, 1, stride, act=None)))
            blocks.append(ExcitedBlock(convs, "se_module" if legacy else "se", shortcut))
            cin = 4 * width
        stages[f"layer{i + 1}"] = nn.Sequential(*blocks)
    stem = dict(conv1=conv(3, 64, 7, 2), bn1=nn.BatchNorm2d(64), relu1=nn.ReLU())
    if legacy:
        layer0 = chain(**stem, pool=nn.MaxPool2d(3, 2, ceil_mode=True))
        return chain(layer0=layer0, **stages, avgpool=pooled(), last_linear=nn.Linear(2048, 1000))
    return chain(**stem, maxpool=nn.MaxPool2d(3, 2, 1), **stages, avgpool=pooled(), fc=nn.Linear(2048, 1000))


def timm_vgg(repeats, norm):
    features = vgg(repeats, norm).features
    fc = dict(fc1=nn.Conv2d(512, 4096, 7), act1=nn.ReLU(), fc2=nn.Conv2d(4096, 4096, 1), act2=nn.ReLU())
    return chain(features=features, pre_logits=chain(**fc),
                 head=chain(pool=pooled(), fc=nn.Linear(4096, 1000)))


NETS = {
    **{name: partial(timm_vgg, repeats, False) for name, repeats in torch_nets.VGG.items()},
    **{f"{name}_bn": partial(timm_vgg, repeats, True) for name, repeats in torch_nets.VGG.items()},
    "inception_v3": inception_v3,
    "inception_v4": inception_v4,
    "inception_resnet_v2": inception_resnet_v2,
    "legacy_xception": xception,
    "mobilenetv1_100": mobilenetv1,
    "mobilenetv2_100": mobilenetv2,
    "mnasnet_100": mnasnet,
    "efficientnet_b0": partial(efficientnet_b0, False),
    "tf_efficientnet_b0": partial(efficientnet_b0, True),
    "mobilenetv3_large_100": partial(mobilenetv3, torch_nets.MOBILENET_V3_LARGE, 1280, False),
    "tf_mobilenetv3_large_100": partial(mobilenetv3, torch_nets.MOBILENET_V3_LARGE, 1280, True),
    "mobilenetv3_small_100": partial(mobilenetv3, torch_nets.MOBILENET_V3_SMALL, 1024, False),
    "tf_mobilenetv3_small_100": partial(mobilenetv3, torch_nets.MOBILENET_V3_SMALL, 1024, True),
    "seresnet50": partial(seresnet50, False),
    "legacy_seresnet50": partial(seresnet50, True),
}

"""The public PyTorch nets that can be recognized by a state dict's keys, and what they are in the zoo.

Shapes alone can't distinguish nets that differ in a stride, a padding or an epsilon: keys can, if a convention has
some of its own. A row lists the keys that identify it and, for each of its nets, the zoo's net whose weights have the
same shapes; the options with which that computes the same; or why it computes something else.
"""

import re
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field
from functools import cache
from math import prod

import numpy as np

from zoo import registry
from zoo.entry import registered
from zoo.plan import plan

SAME_FUNCTION = {"aux", "block_dropout", "drop_path", "dropout"}  # options that change nothing in inference
# The order in which nets apply their modules, where the names' alphabetical order isn't it.
ORDER = (
    "features layers conv0 norm0 norm1 conv1 bn1 norm2 conv2 bn2 conv3 bn3 conv4 bn4 norm conv bn squeeze expand1x1 "
    "expand3x3 downsample layer1 layer2 layer3 layer4 inception3a inception3b inception4a inception4b inception4c "
    "inception4d inception4e inception5a inception5b denseblock1 transition1 denseblock2 transition2 denseblock3 "
    "transition3 denseblock4 stage2 stage3 stage4 norm5 conv5 fc classifier"
).split()


@dataclass(frozen=True)
class Net:
    """A public net, and the zoo's net whose weights have the same shapes (None where the keys alone are enough).

    `options` are those with which the zoo's net computes the same; `differs` says why it computes something else.
    """

    name: str
    shapes: str | None
    options: dict = field(default_factory=dict)
    differs: str = ""


@dataclass(frozen=True)
class Convention:
    """A way to name modules. A state dict that has all of the `keys` follows it, if its shapes are those of a net.

    `head` has the first parts of the names of the head's modules, `unused` those of modules that only training needs.
    """

    whose: str
    keys: tuple
    nets: tuple
    head: tuple = ("fc", "classifier")
    unused: tuple = ()
    by_name: bool = True  # whether `place` gives the order of the modules; else the file does


def nets(*same: str, **others: str) -> tuple[Net, ...]:
    """Return nets that compute the same as the zoo's: with the `same` names, or as theirs="ours"."""
    return tuple(Net(name, ours) for name, ours in [*zip(same, same), *others.items()])


STEM = ("conv1.weight", "bn1.weight", "layer1.0.conv1.weight", "layer1.0.bn1.weight")  # of ResNets
BLOCKS = ("conv_stem.weight", "blocks.0.0.conv_dw.weight", "blocks.1.0.conv_pwl.weight")  # of timm's mobile nets
CONVENTIONS = (
    Convention("torchvision's", (*STEM, "layer4.0.conv1.weight"), nets(
        "resnet18", "resnet34", "resnet50", "resnet101", "resnet152", "resnext50_32x4d", "resnext101_32x8d",
        "wide_resnet50_2")),
    Convention("akamaster/pytorch_resnet_cifar10's", (*STEM, "layer3.0.bn2.weight", "linear.weight"), tuple(
        Net(name, name, {"zeros": "both"}) for name in ("resnet20", "resnet32", "resnet44", "resnet56", "resnet110")),
        head=("linear",)),
    Convention("torchvision's", ("features.0.weight", "classifier.0.weight", "classifier.3.weight",
                                 "classifier.6.weight"), nets(
        "vgg11", "vgg11_bn", "vgg13", "vgg13_bn", "vgg16", "vgg16_bn", "vgg19", "vgg19_bn")),
    Convention("torchvision's", ("features.0.weight", "classifier.1.weight", "classifier.4.weight",
                                 "classifier.6.weight"), nets(alexnet="alexnet_owt")),
    Convention("torchvision's", ("features.0.weight", "features.3.squeeze.weight", "features.3.expand3x3.weight"),
               nets("squeezenet1_0", "squeezenet1_1")),
    Convention("torchvision's", ("features.conv0.weight", "features.denseblock1.denselayer1.norm1.weight"), nets(
        "densenet121", "densenet161", "densenet169", "densenet201")),
    Convention("torchvision's", ("conv1.conv.weight", "inception3a.branch1.conv.weight"),
               nets(googlenet="googlenet_bn"), unused=("aux1", "aux2")),
    Convention("torchvision's", ("Conv2d_1a_3x3.bn.weight", "Mixed_5b.branch1x1.bn.weight"), (
        Net("inception_v3", None, differs="its BatchNorm has a scale and its mean pools count the zeros round a map"),
    )),
    Convention("torchvision's", ("conv1.0.weight", "stage2.0.branch1.0.weight", "conv5.0.weight"),
               nets("shufflenet_v2_x1_0")),
    Convention("torchvision's", ("layers.0.weight", "layers.8.0.layers.0.weight"), nets("mnasnet1_0")),
    Convention("torchvision's", ("features.0.0.weight", "features.1.conv.0.0.weight", "features.18.0.weight"),
               nets(mobilenet_v2="mobilenet_v2_torchvision")),
    Convention("pytorch-mobilenet-v2's", ("features.0.0.weight", "features.1.conv.0.weight",
                                          "features.1.conv.3.weight"),
               nets(MobileNetV2="mobilenet_v2_torchvision")),
    Convention("torchvision's", ("features.0.0.weight", "features.1.block.0.0.weight"), nets(
        mobilenet_v3_large="mobilenet_v3_large_torchvision", mobilenet_v3_small="mobilenet_v3_small_torchvision")),
    Convention("torchvision's", ("features.0.0.weight", "features.1.0.block.0.0.weight", "features.8.0.weight"),
               nets(efficientnet_b0="efficientnet_b0_torchvision")),
    Convention("EfficientNet-PyTorch's", ("_conv_stem.weight", "_blocks.0._depthwise_conv.weight"), (
        Net("efficientnet-b0", "efficientnet_b0"),), head=("_fc",), by_name=False),
    Convention("timm's", BLOCKS, nets(
        tf_efficientnet_b0="efficientnet_b0", efficientnet_b0="efficientnet_b0_torchvision",
        mobilenetv2_100="mobilenet_v2_torchvision", mnasnet_100="mnasnet1_0"), by_name=False),
    Convention("timm's", (*BLOCKS, "conv_head.bias"), tuple(
        net for size in ("large", "small") for net in (
            Net(f"tf_mobilenetv3_{size}_100", f"mobilenet_v3_{size}"),
            Net(f"mobilenetv3_{size}_100", f"mobilenet_v3_{size}",
                differs="it pads as PyTorch does, with an epsilon of 1e-5"))),
        head=("conv_head", "classifier"), by_name=False),
    Convention("timm's", ("features.0.weight", "pre_logits.fc1.weight", "head.fc.weight"), (
        Net("VGG", None, differs="its dense layers are stored as convolutions"),)),
    Convention("timm's", (*STEM, "layer1.0.se.fc1.weight"), (
        Net("seresnet50", "se_resnet50",
            differs="its stride is in the 3x3 convolutions, not in the first 1x1 ones as in the paper"),),
        by_name=False),
    Convention("timm's", ("layer0.conv1.weight", "layer1.0.se_module.fc1.weight"), (
        Net("legacy_seresnet50", "se_resnet50", differs="its first pool rounds up in the place of padding"),),
        head=("last_linear",), by_name=False),
)


# ------------------------------------------------------------------------------------------ what a state dict is


def recognize(state: dict[str, np.ndarray], channels: int = 3) -> list[tuple[Convention, Net]]:
    """Return the public nets that a state dict of arrays may belong to, as (`Convention`, `Net`) pairs.

    `channels` is the number of the images' channels. Several nets may have the same keys and shapes.
    """
    return [
        (convention, net) for convention in CONVENTIONS if state.keys() >= set(convention.keys)
        for net in convention.nets
        if net.shapes is None or _sizes(used(state, convention), convention) == _sizes_of(net.shapes, channels)
    ]


def used(state: dict[str, np.ndarray], convention: Convention) -> dict[str, np.ndarray]:
    """Return the state dict without the weights that only training needs."""
    return {key: value for key, value in state.items() if key.partition(".")[0] not in convention.unused}


def _sizes(state, convention):
    """Count the body's modules by their number of weights."""
    sizes = Counter()
    for key, value in state.items():
        if key.partition(".")[0] not in convention.head:
            sizes[key.rpartition(".")[0]] += prod(value.shape)
    return Counter(sizes.values())


@cache
def _sizes_of(name, channels):
    height, width, _ = registry.entry(name).input_shape
    layers = plan(name, (height, width, channels), include_top=False).trace.layers
    return Counter(layer.params for layer in layers if layer.params)


def is_ours(name: str | None) -> bool:
    """Return whether a net comes with the zoo; nets that users register needn't follow conventions."""
    entry = registered().get(name) if name else None
    return entry is not None and entry.function.__module__.startswith("zoo.families.")


def is_changed(options: Iterable[str]) -> bool:
    """Return whether a net built with these overrides computes something else in inference."""
    return any(key not in SAME_FUNCTION for key in options)


def place(module: str) -> list[tuple[int, str, int]]:
    """Return a module's sort key: parts of its name by `ORDER`, others by letters, then number."""
    return [(ORDER.index(part) if part in ORDER else len(ORDER), *_natural(part)) for part in module.split(".")]


def _natural(part):
    letters, digits = re.fullmatch(r"(.*?)(\d*)", part).groups()
    return letters, int(digits or 0)

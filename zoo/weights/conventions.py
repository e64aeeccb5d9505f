"""The public PyTorch nets that can be recognized by a state dict's keys, and what they are in the zoo.

Shapes alone can't distinguish nets that differ in a stride, a padding or an epsilon: keys can, if a convention has
some of its own. A row lists the keys that identify it and, for each of its nets, the zoo's net that computes the same,
with the options that it needs; or why none does.
"""

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field
from functools import cache
from math import prod

import numpy as np

from zoo import registry
from zoo.entry import registered
from zoo.layout import Norm
from zoo.plan import plan
from zoo.weights.order import MOBILE, ORDER

SAME_FUNCTION = {"aux", "block_dropout", "drop_path", "dropout"}  # options that change nothing in inference


@dataclass(frozen=True)
class Net:
    """A public net: the zoo's net that computes the same with the `options`, or None; then `differs` says why.

    `like` are the zoo's nets that it could be taken for then.
    """

    name: str
    here: str | None
    options: dict = field(default_factory=dict)
    differs: str = ""
    like: tuple = ()


@dataclass(frozen=True)
class Convention:
    """A way to name modules. A state dict that has all of the `keys` follows it, if its shapes are those of a net.

    `whose` are the libraries that have all of the nets under those names. `head` has the first parts of the names of
    the head's modules, `unused` those of modules that only training needs; `order` puts the modules in the order in
    which the net applies them.
    """

    whose: tuple
    keys: tuple
    nets: tuple
    head: tuple = ("fc", "classifier")
    unused: tuple = ()
    order: tuple = ORDER

    def __str__(self):
        return " and ".join(f"{library}'s" for library in self.whose)


def nets(*same: str, **others: str) -> tuple[Net, ...]:
    """Return nets that compute the same as the zoo's: with the `same` names, or as theirs="ours"."""
    return tuple(Net(name, ours) for name, ours in [*zip(same, same), *others.items()])


TORCHVISION, TIMM = "torchvision", "timm"
BOTH = TORCHVISION, TIMM
STEM = ("conv1.weight", "bn1.weight", "layer1.0.conv1.weight", "layer1.0.bn1.weight")  # of ResNets
BLOCKS = ("conv_stem.weight", "blocks.0.0.conv_dw.weight", "blocks.1.0.conv_pw.weight")  # of timm's mobile nets
CONVENTIONS = (
    Convention(BOTH, (*STEM, "layer4.0.conv1.weight"), nets(
        "resnet18", "resnet34", "resnet50", "resnet101", "resnet152", "resnext50_32x4d", "resnext101_32x8d",
        "wide_resnet50_2")),
    Convention(("akamaster/pytorch_resnet_cifar10",), (*STEM, "layer3.0.bn2.weight", "linear.weight"), tuple(
        Net(name, name, {"zeros": "both"}) for name in ("resnet20", "resnet32", "resnet44", "resnet56", "resnet110")),
        head=("linear",)),
    Convention((TORCHVISION,), ("features.0.weight", "classifier.0.weight", "classifier.3.weight",
                                "classifier.6.weight"), nets(
        "vgg11", "vgg11_bn", "vgg13", "vgg13_bn", "vgg16", "vgg16_bn", "vgg19", "vgg19_bn")),
    Convention((TIMM,), ("features.0.weight", "pre_logits.fc1.weight", "head.fc.weight"), nets(
        "vgg11", "vgg11_bn", "vgg13", "vgg13_bn", "vgg16", "vgg16_bn", "vgg19", "vgg19_bn"),
        head=("pre_logits", "head")),
    Convention((TORCHVISION,), ("features.0.weight", "classifier.1.weight", "classifier.4.weight",
                                "classifier.6.weight"), nets(alexnet="alexnet_owt")),
    Convention((TORCHVISION,), ("features.0.weight", "features.3.squeeze.weight", "features.3.expand3x3.weight"),
               nets("squeezenet1_0", "squeezenet1_1")),
    Convention(BOTH, ("features.conv0.weight", "features.denseblock1.denselayer1.norm1.weight"), nets(
        "densenet121", "densenet161", "densenet169", "densenet201")),
    Convention((TORCHVISION,), ("conv1.conv.weight", "inception3a.branch1.conv.weight"),
               nets(googlenet="googlenet_bn"), unused=("aux1", "aux2")),
    Convention(BOTH, ("Conv2d_1a_3x3.bn.weight", "Mixed_5b.branch1x1.bn.weight"),
               nets(inception_v3="inception_v3_torchvision"), unused=("AuxLogits",)),
    Convention((TIMM,), ("features.3.conv.conv.weight", "features.4.branch0.0.conv.weight"),
               nets("inception_v4"), head=("last_linear",)),
    Convention((TIMM,), ("conv2d_1a.bn.weight", "repeat.0.branch0.conv.weight", "block8.conv2d.weight"),
               nets("inception_resnet_v2"), head=("classif", "last_linear")),
    Convention((TIMM,), ("block1.rep.0.conv1.weight", "block1.skipbn.weight", "conv4.pointwise.weight"),
               nets(legacy_xception="xception_timm")),
    Convention((TORCHVISION,), ("conv1.0.weight", "stage2.0.branch1.0.weight", "conv5.0.weight"),
               nets("shufflenet_v2_x1_0")),
    Convention((TORCHVISION,), ("layers.0.weight", "layers.8.0.layers.0.weight"), nets("mnasnet1_0")),
    Convention((TORCHVISION,), ("features.0.0.weight", "features.1.conv.0.0.weight", "features.18.0.weight"),
               nets(mobilenet_v2="mobilenet_v2_torchvision")),
    Convention(("tonylins/pytorch-mobilenet-v2",), ("features.0.0.weight", "features.1.conv.0.weight",
                                                    "features.1.conv.3.weight"),
               nets(MobileNetV2="mobilenet_v2_torchvision")),
    Convention((TORCHVISION,), ("features.0.0.weight", "features.1.block.0.0.weight"), nets(
        mobilenet_v3_large="mobilenet_v3_large_torchvision", mobilenet_v3_small="mobilenet_v3_small_torchvision")),
    Convention((TORCHVISION,), ("features.0.0.weight", "features.1.0.block.0.0.weight", "features.8.0.weight"),
               nets(efficientnet_b0="efficientnet_b0_torchvision")),
    Convention(("lukemelas/EfficientNet-PyTorch",), ("_conv_stem.weight", "_blocks.0._depthwise_conv.weight"),
               nets(**{"efficientnet-b0": "efficientnet_b0"}), head=("_fc",), order=MOBILE),
    Convention((TIMM,), BLOCKS, nets(
        mobilenetv1_100="mobilenet_timm", mobilenetv2_100="mobilenet_v2_torchvision", mnasnet_100="mnasnet1_0",
        efficientnet_b0="efficientnet_b0_torchvision", tf_efficientnet_b0="efficientnet_b0"), order=MOBILE),
    Convention((TIMM,), (*BLOCKS, "conv_head.bias"), tuple(
        net for size in ("large", "small") for net in (
            *nets(**{f"tf_mobilenetv3_{size}_100": f"mobilenet_v3_{size}"}),
            Net(f"mobilenetv3_{size}_100", f"mobilenet_v3_{size}_torchvision", {"epsilon": 1e-5}))),
        head=("conv_head", "classifier"), order=MOBILE),
    Convention((TIMM,), (*STEM, "layer1.0.se.fc1.weight"), nets(seresnet50="se_resnet50_timm")),
    Convention((TIMM,), ("layer0.conv1.weight", "layer1.0.se_module.fc1.weight"),
               nets(legacy_seresnet50="se_resnet50_caffe"), head=("last_linear",)),
    Convention((TIMM,), ("stem.conv.weight", "stages.0.blocks.0.norm1.running_mean", "norm.weight", "head.fc.weight"),
               (Net("resnetv2_50 to 152", None, differs="its strides are in the first block of each stage, not in the "
                    "last of the one before", like=("resnet50v2", "resnet101v2", "resnet152v2")),)),
)


# ------------------------------------------------------------------------------------------ what a state dict is


def recognize(state: dict[str, np.ndarray], channels: int = 3) -> list[tuple[Convention, Net]]:
    """Return the public nets that a state dict of arrays may belong to, as (`Convention`, `Net`) pairs.

    `channels` is the number of the images' channels. Several nets may have the same keys and shapes.
    """
    return [
        (convention, net) for convention in CONVENTIONS if state.keys() >= set(convention.keys)
        for net in convention.nets
        if net.here is None or _sizes(used(state, convention), convention) == _sizes_of(net.here, channels)
    ]


def used(state: dict[str, np.ndarray], convention: Convention) -> dict[str, np.ndarray]:
    """Return the state dict without the weights that only training needs."""
    return {key: value for key, value in state.items() if key.partition(".")[0] not in convention.unused}


def _sizes(state, convention):
    """Count the body's modules by their number of weights; a BatchNorm's is that of its channels, scale or not."""
    sizes, norms = Counter(), {}
    for key, value in state.items():
        module, _, tensor = key.rpartition(".")
        if key.partition(".")[0] not in convention.head:
            sizes[module] += prod(value.shape)
            if tensor == "running_mean":
                norms[module] = prod(value.shape)
    return Counter((norms.get(module, size), module in norms) for module, size in sizes.items())


@cache
def _sizes_of(name, channels):
    height, width, _ = registry.entry(name).input_shape
    layers = plan(name, (height, width, channels), include_top=False).trace.layers
    return Counter(
        (layer.output.shape[-1], True) if isinstance(layer.word, Norm) else (layer.params, False)
        for layer in layers if layer.params
    )


def have_same_shapes(one: str, other: str) -> bool:
    """Return whether two registered nets' weights, but for the scales of BatchNorm, have the same sizes."""
    return one == other or _whole(one) == _whole(other)


@cache
def _whole(name):
    channels = registry.entry(name).input_shape[-1]
    return registry.entry(name).classes, channels, frozenset(_sizes_of(name, channels).items())


def is_ours(name: str | None) -> bool:
    """Return whether a net comes with the zoo; nets that users register needn't follow conventions."""
    entry = registered().get(name) if name else None
    return entry is not None and entry.function.__module__.startswith("zoo.families.")


def is_changed(options: Iterable[str]) -> bool:
    """Return whether a net built with these overrides computes something else in inference."""
    return any(key not in SAME_FUNCTION for key in options)

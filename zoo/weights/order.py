"""The order in which nets apply their modules, by the modules' names: files needn't keep it, .safetensors don't."""

import re
from collections.abc import Iterable
from functools import lru_cache

# Patterns of the parts of names (`layer1`, `0` and `conv2` of layer1.0.conv2), in the order of what they name.
ORDER = tuple(r"""
    features layers layer0 conv2d_[1-4][ab] mixed_5b repeat mixed_6a repeat_1 mixed_7a repeat_2 Conv2d_.* Mixed_.*
    conv0 norm0 norm1 conv1 pointwise bn1 norm2 conv2 bn2 block\d+ rep skip skipbn conv2d_7b conv3 bn3 conv4 bn4
    norm conv bn squeeze expand1x1 expand3x3 se se_module downsample layer1 layer2 layer3 layer4 inception3a
    inception3b inception4a inception4b inception4c inception4d inception4e inception5a inception5b denseblock1
    transition1 denseblock2 transition2 denseblock3 transition3 denseblock4 stage2 stage3 stage4 norm5 conv5
    branch1x1 branch5x5_\d branch3x3(_.+)? branch7x7_\d branch7x7x3_\d branch3x3dbl_.+ branch7x7dbl_\d branch_pool
    branch\d.* conv2d pre_logits head fc classifier
""".split())
MOBILE = tuple(r"""
    _?conv_stem conv conv_pw _expand_conv _bn0 bn1 conv_dw _depthwise_conv _?blocks _?conv_head bn2 _bn1 se
    conv_reduce conv_expand _se_reduce _se_expand conv_pwl bn3 _project_conv _bn2 _fc classifier
""".split())  # of timm's mobile nets and EfficientNet-PyTorch's
UNEXPANDED = {"bn1": "bn2", "conv_pw": "conv_pwl", "bn2": "bn3"}  # names in timm's blocks that don't widen first


def in_order(modules: Iterable[str], order: tuple[str, ...] = ORDER) -> list[str]:
    """Return the names of modules in the order of a net: their parts by `order`, others by letters, then number."""
    names = set(modules)

    def place(module):
        block, _, part = module.rpartition(".")
        if f"{block}.conv_dw" in names and f"{block}.conv_pwl" not in names:
            module = f"{block}.{UNEXPANDED.get(part, part)}"
        return [_place(part, order) for part in module.split(".")]

    return sorted(names, key=place)


@lru_cache(maxsize=10_000)
def _place(part, order):
    rank = next((i for i, pattern in enumerate(order) if re.fullmatch(pattern, part)), len(order))
    return rank, [int(piece) if piece.isdigit() else piece for piece in re.split(r"(\d+)", part)]

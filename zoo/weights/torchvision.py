"""The weights that torchvision publishes for the nets that it shares: where they are, and whether they came whole."""

import hashlib
from pathlib import Path

from zoo.errors import ZooError
from zoo.weights.pytorch import load_pytorch

FOLDER = "https://download.pytorch.org/models/"
FILES = {  # the digits at the end are the first of the file's SHA-256
    "alexnet_owt": "alexnet-owt-7be5be79", "densenet121": "densenet121-a639ec97", "densenet161": "densenet161-8d451a50",
    "densenet169": "densenet169-b2777c0a", "densenet201": "densenet201-c1103571", "googlenet_bn": "googlenet-1378be20",
    "efficientnet_b0_torchvision": "efficientnet_b0_rwightman-7f5810bc",
    "mnasnet1_0": "mnasnet1.0_top1_73.512-f206786ef8", "mobilenet_v2_torchvision": "mobilenet_v2-b0353104",
    "mobilenet_v3_large_torchvision": "mobilenet_v3_large-8738ca79",
    "mobilenet_v3_small_torchvision": "mobilenet_v3_small-047dcff4", "resnet18": "resnet18-f37072fd",
    "resnet34": "resnet34-b627a593", "resnet50": "resnet50-0676ba61", "resnet101": "resnet101-63fe2227",
    "resnet152": "resnet152-394f9c45", "resnext50_32x4d": "resnext50_32x4d-7cdf4587",
    "resnext101_32x8d": "resnext101_32x8d-8ba56ff5", "shufflenet_v2_x1_0": "shufflenetv2_x1-5666bf0f80",
    "squeezenet1_0": "squeezenet1_0-b66bff10", "squeezenet1_1": "squeezenet1_1-b8a52dc0", "vgg11": "vgg11-8a719046",
    "vgg11_bn": "vgg11_bn-6002323d", "vgg13": "vgg13-19584684", "vgg13_bn": "vgg13_bn-abd245e5",
    "vgg16": "vgg16-397923af", "vgg16_bn": "vgg16_bn-6c64b313", "vgg19": "vgg19-dcbb9e9d",
    "vgg19_bn": "vgg19_bn-c79401a0", "wide_resnet50_2": "wide_resnet50_2-95faca4d",
}  # fmt: skip


def load_torchvision(model, name, include_top=True, options=None):
    """Download torchvision's weights, once, and load them into a model; the arguments are those of `load_pytorch`.

    Raises `ZooError` where torchvision has no such net, the file comes damaged, and where the model's shapes are
    others. Then nothing is changed.
    """
    if name not in FILES:
        own = f" {name}_torchvision is torchvision's form of it." if f"{name}_torchvision" in FILES else ""
        raise ZooError(f"torchvision has no weights for {name or model.name}.{own} It has them for {', '.join(FILES)}.")
    load_pytorch(model, _download(FILES[name]), name, include_top, options)


def _download(file):
    import keras

    url = f"{FOLDER}{file}.pth"
    try:
        path = Path(keras.utils.get_file(f"{file}.pth", url, cache_subdir="models"))
    except Exception as problem:
        raise ZooError(f"{url} can't be downloaded: {problem}") from None
    digits = hashlib.sha256(path.read_bytes()).hexdigest()
    if not digits.startswith(file.rpartition("-")[2]):
        path.unlink()
        raise ZooError(f"{url} came damaged: its hash begins with {digits[:10]}. It was deleted; try again.")
    return path

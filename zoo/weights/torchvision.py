"""PyTorch's checkpoints: where torchvision's are, the order of their modules, their tensors in Keras's layout."""

import hashlib
import re
from math import prod
from pathlib import Path

from keras import layers

from zoo.errors import ZooError, first_line
from zoo.weights.copying import assign, fit, slots

FOLDER = "https://download.pytorch.org/models/"
FILES = {  # the digits at the end are the first of the file's SHA-256
    "alexnet_owt": "alexnet-owt-7be5be79", "densenet121": "densenet121-a639ec97", "densenet161": "densenet161-8d451a50",
    "densenet169": "densenet169-b2777c0a", "densenet201": "densenet201-c1103571", "googlenet_bn": "googlenet-1378be20",
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
OLD_DENSE_LAYER = re.compile(r"(denselayer\d+\.(?:norm|conv))\.([12])\.")  # how the published files spell norm1, conv1
UNUSED = re.compile(r"num_batches_tracked$|^aux[12]\.")  # GoogLeNet's checkpoint has its auxiliary heads
WRAPPERS = ("state_dict", "model_state_dict", "model")  # where training scripts put the state dict
HEADS = ("fc", "classifier")
# The order in which the nets apply their modules, where names alone don't tell it: .safetensors files sort them.
ORDER = (
    "features layers conv0 norm0 norm1 conv1 bn1 norm2 conv2 bn2 conv3 bn3 conv4 bn4 norm conv bn squeeze expand1x1 "
    "expand3x3 downsample layer1 layer2 layer3 layer4 inception3a inception3b inception4a inception4b inception4c "
    "inception4d inception4e inception5a inception5b denseblock1 transition1 denseblock2 transition2 denseblock3 "
    "transition3 denseblock4 stage2 stage3 stage4 norm5 conv5 fc classifier"
).split()
TENSORS = ("weight", "bias", "running_mean", "running_var")  # of a module, in the order of Keras's layers


def load_torchvision(model, name, include_top=True, path=None):
    """Load a checkpoint of torchvision's net, or of one of the user's own, into a model.

    Args:
        model: the Keras model.
        name: the registered name that the model was built from.
        include_top: whether the model has its head; without it the checkpoint's is left aside.
        path: a `.pth` or `.safetensors` file; by default torchvision's own is downloaded, and its hash checked.

    Raises:
        ZooError: where torchvision has no such net to download, or the file isn't a checkpoint of it. Then nothing is
            changed.
    """
    if path is None and name not in FILES:
        own = f" {name}_torchvision is torchvision's form of it." if f"{name}_torchvision" in FILES else ""
        raise ZooError(f"torchvision has no weights for {name}.{own} It has them for {', '.join(FILES)}.")
    path = path or _download(FILES[name])
    state = read_state(path)
    try:
        set_state(model, state, include_top, own=name not in FILES)
    except ZooError as problem:
        raise ZooError(f"{path} doesn't fit {model.name}: {problem}") from None


def set_state(model, state, include_top=True, own=False):
    """Set a model's weights from a state dict of NumPy arrays. Raises `ZooError` before any is set.

    The modules of torchvision's nets are put in order by their names. Those of the user's `own` are taken as they
    come, and without top what is left after the body is the head.
    """
    state = {OLD_DENSE_LAYER.sub(r"\1\2.", key): value for key, value in state.items() if not UNUSED.search(key)}
    modules = list(dict.fromkeys(map(_module, state)))
    takers = slots(model)
    if not own:
        modules.sort(key=_place)
    if not include_top:
        body = modules[: len(takers)]
        modules = body if own else [module for module in modules if module.partition(".")[0] not in HEADS]
    if len(modules) != len(takers):
        raise ZooError(f"it has {len(modules)} modules with weights, the net has {len(takers)}.")
    assign(takers, fit(_given(state, modules, takers), takers, include_top))


def _given(state, modules, takers):
    """Yield each module's name and its tensors in Keras's layout."""
    for module, taker in zip(modules, takers):
        given = [state[f"{module}.{tensor}"] for tensor in TENSORS if f"{module}.{tensor}" in state]
        yield module, [_to_keras(value, taker.layer) for value in given]


def read_state(path):
    """Return the tensors of a `.pth` or `.safetensors` file as a dict of NumPy arrays, in the order of the modules."""
    path = Path(path)
    try:
        if path.suffix == ".safetensors":
            from safetensors.numpy import load_file

            state = _unwrapped(load_file(path))
            return dict(sorted(state.items(), key=lambda item: _place(_module(item[0]))))  # the file has sorted them
        import torch

        state = _unwrapped(torch.load(path, map_location="cpu", weights_only=True))
        return {key: value.detach().float().numpy() for key, value in state.items()}
    except ImportError as missing:
        raise ZooError(f"Reading {path.name} needs {missing.name}: pip install {missing.name}.") from None
    except Exception as problem:  # of two libraries, each with its own
        raise ZooError(f"{path} is no checkpoint: {first_line(problem)}") from None


def _unwrapped(checkpoint):
    """The state dict in what training scripts save: beside other things, or of a net in DataParallel."""
    for key in WRAPPERS:
        if isinstance(checkpoint, dict) and isinstance(checkpoint.get(key), dict):
            checkpoint = checkpoint[key]
    if not (isinstance(checkpoint, dict) and all(hasattr(value, "shape") for value in checkpoint.values())):
        raise ValueError("it holds no dict of tensors.")
    parallel = all(key.startswith("module.") for key in checkpoint)
    return {key.removeprefix("module.") if parallel else key: value for key, value in checkpoint.items()}


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


def _module(key):
    return key.rpartition(".")[0]


def _place(module):
    """The sort key of a module: known names in their order, others by letter and number."""
    return [(ORDER.index(part) if part in ORDER else len(ORDER), *_natural(part)) for part in module.split(".")]


def _natural(part):
    letters, digits = re.fullmatch(r"(.*?)(\d*)", part).groups()
    return letters, int(digits or 0)


def _to_keras(value, layer):
    """A tensor in the layout of Keras: kernels HWIO, dense ones (inputs, outputs), inputs from a map in HWC order."""
    if value.ndim == 4:
        depthwise = isinstance(layer, layers.DepthwiseConv2D)
        return value.transpose((2, 3, 0, 1) if depthwise else (2, 3, 1, 0))
    if value.ndim != 2:
        return value
    shape = _flattened(layer)
    if shape and prod(shape) == value.shape[1]:
        height, width, channels = shape
        value = value.reshape(-1, channels, height, width).transpose(0, 2, 3, 1).reshape(value.shape)
    return value.T


def _flattened(layer):
    """The (height, width, channels) of the map that a dense layer gets as a vector, through Flatten and Dropout."""
    while not isinstance(layer, layers.Flatten):
        layer = layer._inbound_nodes[0].input_tensors[0]._keras_history.operation
        if not isinstance(layer, (layers.Flatten, layers.Dropout)):
            return None
    return layer.input.shape[1:]

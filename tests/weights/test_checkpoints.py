"""PyTorch checkpoints as people have them: which files are taken, which nets they are, and what is refused."""

import argparse
import json
import re
import sys
import warnings
from collections import OrderedDict, defaultdict
from pathlib import Path

import keras
import numpy as np
import pytest
from click.testing import CliRunner
from PIL import Image

import zoo
from zoo import ZooError, ZooWarning
from zoo.benchmark.torch_net import TorchNet
from zoo.cli import main
from zoo.layout import Conv, Dense, Flatten, GlobalPool, PadChannels
from zoo.weights import check_outputs, load_weights
from zoo.weights.conventions import recognize
from zoo.weights.pytorch import set_state
from zoo.weights.state_dicts import read_state

pytestmark = pytest.mark.filterwarnings("ignore::zoo.errors.ZooWarning")
torch = pytest.importorskip("torch")
torch_nets = pytest.importorskip("torch_nets")
timm_nets = pytest.importorskip("timm_nets")
nn = torch.nn
SHAPE = (8, 8, 3)
LAYOUT = [Conv(4, 3, padding=1), Conv(5, 3, padding=1), Flatten(), Dense(3)]
UNPROVED = "was matched to layout by the order and shapes of its weights alone"


def values(tensor):
    return keras.ops.convert_to_numpy(tensor)


def stirred(net):
    """Give a PyTorch net weights and statistics that a mistake would show."""
    torch.manual_seed(0)
    with torch.no_grad():
        for key, value in net.state_dict().items():
            if key.endswith("running_var"):
                value.uniform_(0.5, 1.5)
            elif key.endswith(("running_mean", "bias")):
                value.normal_(0, 0.2)
    return net.eval()


def answer(net, images):
    with torch.no_grad():
        return net(torch.from_numpy(np.moveaxis(images, -1, 1).copy())).numpy()


def photographs(shape, count=2):
    return np.random.default_rng(0).standard_normal((count, *shape), "float32")


@pytest.fixture
def own_net():
    net = nn.Sequential(OrderedDict(
        first=nn.Conv2d(3, 4, 3, padding=1), relu1=nn.ReLU(), second=nn.Conv2d(4, 5, 3, padding=1), relu2=nn.ReLU(),
        flat=nn.Flatten(), last=nn.Linear(320, 3),
    ))
    return stirred(net)


def create(path, **options):
    with warnings.catch_warnings(record=True) as told:
        warnings.simplefilter("always")
        model = zoo.create(LAYOUT, SHAPE, classifier_activation=None, weights=path, **options)
    return model, [str(warning.message) for warning in told if warning.category is ZooWarning]


# ------------------------------------------------------------------------------------- zeros on both sides


@pytest.mark.parametrize("zeros, filters, before", [("after", 7, 0), ("both", 7, 2), ("both", 6, 1), ("both", 3, 0)])
def test_channels_of_zeros_stand_where_they_are_told(zeros, filters, before):
    word, image = PadChannels(filters, zeros), photographs((4, 5, 3))
    padded = values(zoo.create([word], (4, 5, 3), include_top=False)(image))
    expected = np.zeros((2, 4, 5, filters), "float32")
    expected[..., before : before + 3] = image
    np.testing.assert_array_equal(padded, expected)
    assert eval(repr(word), {"PadChannels": PadChannels}) == word


def test_pytorchs_translation_pads_on_both_sides_too():
    layout = [Conv(3, 1), PadChannels(8, "both"), GlobalPool(), Dense(2)]
    net = TorchNet(zoo.trace(layout, (4, 4, 3)))
    padded = [module for module in net.modules() if type(module).__name__ == "Apply"][0]
    assert padded(torch.ones(1, 3, 1, 1)).flatten().tolist() == [0, 0, 1, 1, 1, 0, 0, 0]


def test_other_places_for_zeros_are_refused():
    with pytest.raises(ZooError, match="^zeros must be one of 'after', 'both'; got 'before'."):
        zoo.info("resnet20", zeros="before")
    with pytest.raises(ZooError, match="^PadChannels: zeros must be one of 'after', 'both'; got 'left'."):
        PadChannels(4, "left")


@pytest.mark.parametrize("options", [{}, {"width": 0.5}])
def test_zeros_on_both_sides_cost_nothing(options):
    assert zoo.info("resnet20", zeros="both", **options).params == zoo.info("resnet20", **options).params


# --------------------------------------------------------------------------------------------- known keys


def test_the_best_known_cifar_resnet_gives_the_same(tmp_path):
    net, image = stirred(torch_nets.CIFAR["resnet20"]()), photographs((32, 32, 3))
    state = {f"module.{key}": value for key, value in net.state_dict().items()}
    torch.save({"state_dict": state, "best_prec1": 91.7}, tmp_path / "resnet20.th")
    with warnings.catch_warnings():
        warnings.simplefilter("error")  # its keys tell what it is
        model = zoo.create("resnet20", zeros="both", classifier_activation=None, weights=tmp_path / "resnet20.th")
    np.testing.assert_allclose(values(model(image)), answer(net, image), atol=1e-4)
    with pytest.raises(ZooError) as error:
        zoo.create("resnet20", weights=tmp_path / "resnet20.th")
    assert str(error.value).endswith(
        "resnet20.th doesn't fit resnet20: its keys are those of akamaster/pytorch_resnet_cifar10's resnet20, "
        "which is resnet20 with zeros='both' (--set zeros=both) here."
    )


def shapes_of(net):
    """A state dict of the same keys and shapes that takes no memory."""
    return {key: np.broadcast_to(np.float32(0), value.shape) for key, value in net.state_dict().items()}


def on_meta(build):
    with torch.device("meta"):
        return build()


def flat(state):
    """MobileNetV2 as its first PyTorch implementations name it."""
    state = {re.sub(r"(conv\.\d+)\.0\.", r"\1.0.", key): value for key, value in state.items()}
    counts, new = {}, {}
    for key, value in state.items():
        found = re.fullmatch(r"(features\.\d+\.conv)\.(.+)\.(\w+)", key)
        if found:
            block = counts.setdefault(found[1], {})
            places = [0, 1, 3, 4, 6, 7]  # an activation after each of the first two norms
            key = f"{found[1]}.{places[block.setdefault(found[2], len(block))]}.{found[3]}"
        new[key.replace("classifier.1", "classifier")] = value
    return new


VARIANTS = [
    *((f"resnet{n}", f"resnet{n}_v1", f"torchvision's and timm's resnet{n}, which is resnet{n} here.")
      for n in (50, 101, 152)),
    ("mobilenet_v2", "mobilenet_v2", "torchvision's mobilenet_v2, which is mobilenet_v2_torchvision here."),
    *((f"mobilenet_v3_{size}", f"mobilenet_v3_{size}",
       f"torchvision's mobilenet_v3_{size}, which is mobilenet_v3_{size}_torchvision here.")
      for size in ("small", "large")),
    ("efficientnet_b0", "efficientnet_b0",
     "torchvision's efficientnet_b0, which is efficientnet_b0_torchvision here."),
    ("alexnet", "alexnet", "torchvision's alexnet, which is alexnet_owt here."),
    ("googlenet", "googlenet", "torchvision's googlenet, which is googlenet_bn here."),
    ("vgg16", "vgg16_bn", "torchvision's vgg16, which is vgg16 here."),
    ("wide_resnet50_2", "resnet50", "torchvision's and timm's wide_resnet50_2, which is wide_resnet50_2 here."),
]


@pytest.mark.parametrize("net, name, sentence", VARIANTS)
@pytest.mark.parametrize("top", [True, False], ids=["whole", "body"])
def test_a_net_of_torchvisions_in_another_form_names_the_right_one(net, name, sentence, top, shell):
    state = shapes_of(on_meta(torch_nets.NETS[net]))
    with pytest.raises(ZooError, match=f"^its keys are those of {re.escape(sentence)}$"):
        set_state(zoo.create(name, include_top=top), state, name, top)


def test_the_first_mobilenets_of_pytorch_are_not_keras(shell):
    state = flat(shapes_of(on_meta(torch_nets.NETS["mobilenet_v2"])))
    sentence = "its keys are those of tonylins/pytorch-mobilenet-v2's MobileNetV2, which is mobilenet_v2_torchvision"
    with pytest.raises(ZooError, match=sentence):
        set_state(zoo.create("mobilenet_v2"), state, "mobilenet_v2")


def test_the_first_mobilenets_of_pytorch_are_torchvisions(shell):
    state = flat(shapes_of(on_meta(torch_nets.NETS["mobilenet_v2"])))
    assert {"features.1.conv.3.weight", "features.2.conv.7.bias", "classifier.weight"} <= state.keys()
    assert set_state(zoo.create("mobilenet_v2_torchvision"), state, "mobilenet_v2_torchvision").doubt == ""


def test_efficientnet_pytorchs_keys_are_known():
    state = {}
    for key, value in shapes_of(on_meta(timm_nets.NETS["tf_efficientnet_b0"])).items():
        for old, new in (("conv_stem", "_conv_stem"), ("blocks.0.0.conv_dw", "_blocks.0._depthwise_conv"),
                         ("classifier", "_fc")):
            key = key.replace(old, new)
        state[key] = value
    state = {key: value for key, value in state.items() if not key.endswith("tracked")}
    ((convention, net),) = recognize(state)
    assert (str(convention), net.here) == ("lukemelas/EfficientNet-PyTorch's", "efficientnet_b0")


def test_a_known_net_that_is_built_otherwise_says_so(tmp_path):
    net = stirred(torch_nets.NETS["squeezenet1_1"]())
    torch.save(net.state_dict(), tmp_path / "net.pth")
    sentence = "is torchvision's squeezenet1_1, and squeezenet1_1 was built with padding='same': only a comparison"
    with pytest.warns(ZooWarning, match=sentence):
        zoo.create("squeezenet1_1", (64, 64, 3), weights=tmp_path / "net.pth", padding="same")
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        zoo.create("squeezenet1_1", (64, 64, 3), weights=tmp_path / "net.pth", dropout=0.3)


def test_a_layout_of_the_users_own_is_matched_whatever_the_keys(tmp_path, own_registry):
    """The way out for weights that were converted from Caffe: they have torchvision's keys, and another stride."""
    net, layout = stirred(torch_nets.NETS["squeezenet1_1"]()), zoo.registry.entry("squeezenet1_1").layout()
    torch.save(net.state_dict(), tmp_path / "net.pth")
    (tmp_path / "mine.py").write_text("from zoo.registry import entry\n"
                                      "def squeezenet1_0(): return entry('squeezenet1_1').layout()\n")
    zoo.register(lambda: layout, name="mine", input_shape=(64, 64, 3))
    for model in (layout, "mine", f"{tmp_path / 'mine.py'}:squeezenet1_0"):
        with pytest.warns(ZooWarning, match="by the order and shapes of its weights alone"):
            zoo.create(model, (64, 64, 3), weights=tmp_path / "net.pth")


# ------------------------------------------------------------------------------------------- files as people have them


def parts(net):
    """What training scripts have at hand to save."""
    state = net.state_dict()
    prefixed = {f"net.{key}": value for key, value in state.items()}
    return state, prefixed


class Settings(dict):
    """As the configuration objects of many scripts."""


WRAPPED = {
    **{key: lambda net, key=key: {key: net.state_dict(), "epoch": 3}
       for key in ("net", "model", "state_dict", "model_state", "model_state_dict", "ema", "weights", "params_ema")},
    "nested": lambda net: {"state": {"model": net.state_dict(), "optimizer": {"state": {0: {"step": torch.ones(1)}}}}},
    "beside": lambda net: {**net.state_dict(), "epoch": 3, "arch": "mine", "best_acc": torch.tensor(0.9)},
    "lightning": lambda net: {"pytorch-lightning_version": "2.4", "state_dict": parts(net)[1], "loops": {},
                              "hyper_parameters": {"lr": 0.1}},
    "lightning in parallel": lambda net: {"state_dict": {f"model.module.{k}": v for k, v in net.state_dict().items()}},
    "compiled": lambda net: {f"_orig_mod.{key}": value for key, value in net.state_dict().items()},
    "compiled in parallel": lambda net: {f"module._orig_mod.{k}": v for k, v in net.state_dict().items()},
    "compiled inside": lambda net: {k.replace("first", "first._orig_mod"): v for k, v in net.state_dict().items()},
    "averaged": lambda net: torch.optim.swa_utils.AveragedModel(net).state_dict(),
    "numpy": lambda net: {"model": net.state_dict(), "acc": np.float64(0.9), "history": np.ones(3)},
    "arguments": lambda net: {"model": net.state_dict(), "args": argparse.Namespace(lr=0.1), "at": Path("x")},
    "counts": lambda net: {"model": net.state_dict(), "log": defaultdict(list, loss=[1.0]), "cfg": Settings(a=1),
                           "acc": np.float32(1)},
    "optimizer": lambda net: {"model": net.state_dict(), "opt": torch.optim.AdamW(net.parameters()).state_dict()},
    "parameters": lambda net: {key: nn.Parameter(value) for key, value in net.state_dict().items()},
    "double": lambda net: {key: value.double() for key, value in net.state_dict().items()},
    "sparse": lambda net: {key: value.to_sparse() for key, value in net.state_dict().items()},
}


@pytest.mark.parametrize("old_format", [False, True], ids=["zip", "old"])
@pytest.mark.parametrize("wrap", WRAPPED)
def test_weights_are_found_wherever_scripts_put_them(wrap, old_format, own_net, tmp_path):
    saved = WRAPPED[wrap](own_net)
    torch.save(saved, tmp_path / "net.pth", _use_new_zipfile_serialization=not old_format)
    model, told = create(tmp_path / "net.pth")
    image = photographs(SHAPE)
    np.testing.assert_allclose(values(model(image)), answer(own_net, image), atol=1e-5)
    assert len(told) == 1 and UNPROVED in told[0] and "\n" not in told[0]


@pytest.mark.parametrize("suffix", [".th", ".ckpt", ".pth.tar", ".tar", ".bin", ".pt", ".pth", ".PTH", ".Safetensors"])
def test_suffixes_are_taken_in_any_case(suffix, own_net, tmp_path):
    path = tmp_path / f"net{suffix}"
    if suffix.lower() == ".safetensors":
        own_net = nn.Sequential(*own_net)  # names that sort
        pytest.importorskip("safetensors.torch").save_file(own_net.state_dict(), path)
    else:
        torch.save(own_net.state_dict(), path)
    image = photographs(SHAPE)
    np.testing.assert_allclose(values(create(path)[0](image)), answer(own_net, image), atol=1e-5)


@pytest.mark.parametrize("suffix", [".pth", ".safetensors"])
@pytest.mark.parametrize("kind", [torch.float16, torch.bfloat16, torch.float64], ids=str)
def test_other_precisions_become_float32(kind, suffix, tmp_path):
    value = torch.arange(24).reshape(2, 3, 2, 2) / 7
    state, path = {"a.weight": value.to(kind), "a.bias": torch.ones(2).to(kind)}, tmp_path / f"net{suffix}"
    save = pytest.importorskip("safetensors.torch").save_file if suffix == ".safetensors" else torch.save
    save(state, path)
    read = read_state(path)
    assert {array.dtype.name for array in read.values()} == {"float32"}
    np.testing.assert_array_equal(read["a.weight"], value.to(kind).float().numpy())


def test_safetensors_without_pytorch_are_read_by_numpy(tmp_path, monkeypatch):
    path, ones = tmp_path / "x.safetensors", np.ones((2, 3), "float16")
    pytest.importorskip("safetensors.numpy").save_file({"a.weight": ones}, path)
    monkeypatch.setitem(sys.modules, "torch", None)
    np.testing.assert_array_equal(read_state(path)["a.weight"], ones.astype("float32"))


def test_tensors_that_share_their_values_come_back_under_both_names(tmp_path):
    net = nn.ModuleList([nn.Linear(2, 2), nn.Linear(2, 2)])
    net[1].weight = net[0].weight
    pytest.importorskip("safetensors.torch").save_model(net, tmp_path / "net.safetensors")
    read = read_state(tmp_path / "net.safetensors")
    assert read.keys() == net.state_dict().keys()
    np.testing.assert_array_equal(read["0.weight"], read["1.weight"])


def test_one_of_several_nets_is_named(own_net, tmp_path):
    state, other = own_net.state_dict(), {key: value + 1 for key, value in own_net.state_dict().items()}
    torch.save({"model": state, "model_ema": other}, tmp_path / "net.pth")
    model, told = create(tmp_path / "net.pth")
    np.testing.assert_array_equal(model.get_weights()[1], state["first.bias"])
    assert told[0].endswith("net.pth holds other weights too, under model_ema; taken were those under model.")
    torch.save({"generator": state, "discriminator": other}, tmp_path / "net.pth")
    with pytest.raises(ZooError, match=r"it holds several nets \(generator, discriminator\); save the one as a file"):
        create(tmp_path / "net.pth")


class Touches:
    """Runs code where it is unpickled by a careless reader."""

    def __init__(self, path):
        self.path = path

    def __reduce__(self):
        return (open, (str(self.path), "w"))


class Blocked(Touches):
    def __reduce__(self):
        import os

        return (os.mkdir, (str(self.path),))


@pytest.mark.parametrize("kind", [Touches, Blocked])
def test_code_in_a_file_is_never_run(kind, own_net, tmp_path):
    torch.save({"model": own_net.state_dict(), "hook": kind(tmp_path / "ran")}, tmp_path / "net.pth")
    try:
        create(tmp_path / "net.pth")
    except ZooError as problem:
        assert re.search(r"no checkpoint: it would run \w+.mkdir, and code from a file isn't run.$", str(problem))
    assert not (tmp_path / "ran").exists()


WHOLE = r"it holds a whole pickled module, .* torch.save\(model.state_dict\(\), .net.pth.\) writes its weights alone.$"


@pytest.mark.parametrize("wrap", [lambda net: net, lambda net: {"model": net, "epoch": 3}], ids=["alone", "wrapped"])
@pytest.mark.parametrize("old_format", [False, True], ids=["zip", "old"])
def test_a_whole_module_says_how_to_save_its_weights(wrap, old_format, own_net, tmp_path):
    torch.save(wrap(own_net), tmp_path / "net.pth", _use_new_zipfile_serialization=not old_format)
    with pytest.raises(ZooError, match=WHOLE):
        create(tmp_path / "net.pth")


def test_torchscript_says_how_to_save_its_weights(own_net, tmp_path):
    torch.jit.script(own_net).save(tmp_path / "net.pt")
    with pytest.raises(ZooError, match="it is a TorchScript archive, which holds code. .*writes its weights alone"):
        create(tmp_path / "net.pt")


def archive(**files):
    from io import BytesIO
    from zipfile import ZipFile

    content = BytesIO()
    with ZipFile(content, "w") as file:
        for name, text in files.items():
            file.writestr(name, text)
    return content.getvalue()


def saved(value):
    from io import BytesIO

    content = BytesIO()
    torch.save(value, content)
    return content.getvalue()


WEIGHT = {"a.weight": torch.ones(2, 2)}
NO_FILES = {
    "empty": (b"", "it is empty."),
    "git-lfs": (b"version https://git-lfs.github.com/spec/v1\noid sha256:1\nsize 3\n", "it is a pointer of Git LFS"),
    "html": (b"\n<!DOCTYPE html><html>404</html>", "it is a web page, not what was to be downloaded."),
    "xml": (b"<?xml version='1.0'?><Error/>", "it is a web page"),
    "gzip": (b"\x1f\x8b\x08\x00\x00", "it is compressed; unpack it with gunzip or tar."),
    "hdf5": (b"\x89HDF\r\n\x1a\n", "it is an HDF5 file; Keras's weights must be named .h5."),
    "cut": (saved(WEIGHT)[:-40], "it is cut off: its end is missing."),
    "zip": (archive(readme="x"), "it is a ZIP archive that torch.save didn't write."),
    "text": (b"epoch 1: 0.3\n", "torch.save didn't write it, or it is damaged."),
    "json": (b'{"a": 1}', "torch.save didn't write it, or it is damaged."),
    "list": (saved([1, 2]), "it holds no dict of tensors."),
    "tensor": (saved(torch.ones(2)), "it holds no dict of tensors."),
    "none": (saved({"epoch": 1, "acc": np.float64(1)}), "it holds no dict of tensors."),
    "integer": (saved({"a.weight": torch.ones(2, 2, dtype=torch.int8)}), "a.weight is of the type int8; weights must"),
    "complex": (saved({"a.weight": torch.ones(2, 2) * 1j}), "a.weight is of the type complex64; weights must be"),
    "bool": (saved({"a.weight": torch.ones(2, 2) > 0}), "a.weight is of the type bool; weights must be floating-point"),
    "nan": (saved({"a.weight": torch.tensor([1.0, float("nan")])}), "a.weight holds values that aren't finite numbers"),
    "overflow": (saved({"a.weight": torch.tensor([1e300], dtype=torch.double)}), "a.weight holds values that aren't"),
    "meta": (saved({"a.weight": torch.ones(2, device="meta")}), "a.weight has a shape and no values."),
}


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("case", NO_FILES)
def test_a_file_that_is_no_checkpoint_says_what_it_is(case, tmp_path):
    content, sentence = NO_FILES[case]
    (tmp_path / "net.pth").write_bytes(content)
    with pytest.raises(ZooError, match=f"net.pth is no checkpoint: .*{re.escape(sentence)}") as error:
        create(tmp_path / "net.pth")
    assert not re.search(r"[\n\x1b]", str(error.value)) and len(str(error.value)) < 300


def test_a_damaged_file_of_any_length_ends_in_one_sentence(own_net, tmp_path):
    for old_format in (False, True):
        torch.save(own_net.state_dict(), tmp_path / "net.pth", _use_new_zipfile_serialization=not old_format)
        whole = (tmp_path / "net.pth").read_bytes()
        for length in range(1, len(whole), len(whole) // 7):
            (tmp_path / "net.pth").write_bytes(whole[:length])
            with pytest.raises(ZooError, match="^.*net.pth is no checkpoint: [^\n\x1b]{5,200}$"):
                create(tmp_path / "net.pth")
    (tmp_path / "x.safetensors").write_bytes(b"\x10\x00\x00\x00\x00\x00\x00\x00{} cut")
    with pytest.raises(ZooError, match="^.*x.safetensors is no checkpoint: [^\n\x1b]{5,200}$"):
        create(tmp_path / "x.safetensors")
    (tmp_path / "x.safetensors").write_bytes(saved(WEIGHT))
    with pytest.raises(ZooError, match="x.safetensors is no checkpoint: it doesn't begin as .safetensors do."):
        create(tmp_path / "x.safetensors")


# ------------------------------------------------------------------------------------------------ nothing by halves


def last_wrong(state):
    return {**state, "last.weight": torch.ones(4, 320), "last.bias": torch.ones(4)}


def with_scale(state):
    return {**state, "last.scale": torch.ones(3)}


@pytest.mark.parametrize("change, sentence", [
    (last_wrong, r"last has weights of shapes \[\(320, 4\), \(4,\)\], but fc takes"),
    (with_scale, "last has a tensor 'scale', which no layer here takes."),
    (lambda state: dict(list(state.items())[:4]), "it has 2 modules with weights, the net has 3."),
    (lambda state: {**state, "second.bias": state["second.bias"] * float("nan")}, "second.bias holds values"),
])
def test_an_error_leaves_the_model_as_it_was(change, sentence, own_net, tmp_path):
    torch.save(change(own_net.state_dict()), tmp_path / "net.pth")
    model = zoo.create(LAYOUT, SHAPE)
    before = model.get_weights()
    with pytest.raises(ZooError, match=sentence):
        load_weights(model, tmp_path / "net.pth")
    for old, new in zip(before, model.get_weights(), strict=True):
        np.testing.assert_array_equal(old, new)


# ------------------------------------------------------------------------------------------------ outputs compared


@pytest.mark.parametrize("activation", ["softmax", None])
@pytest.mark.parametrize("first", ["channels", "height"])
@pytest.mark.parametrize("kind", ["logits", "probabilities"])
def test_outputs_prove_that_the_net_is_the_same(activation, first, kind, own_net, tmp_path):
    torch.save(own_net.state_dict(), tmp_path / "net.pth")
    model = zoo.create(LAYOUT, SHAPE, classifier_activation=activation, weights=tmp_path / "net.pth")
    images = photographs(SHAPE)
    outputs = answer(own_net, images)
    if kind == "probabilities":
        outputs = torch.from_numpy(outputs).softmax(1).numpy()
    given = np.moveaxis(images, -1, 1) if first == "channels" else images
    assert check_outputs(model, given, outputs) < 1e-5
    with pytest.raises(ZooError, match="^layout with these weights isn't the net that the outputs come from: they di"):
        check_outputs(model, given, outputs[:, ::-1].copy())
    assert check_outputs(model, given, outputs[:, ::-1].copy(), tolerance=9) > 1e-3


def test_another_padding_is_seen_in_the_outputs(own_net, tmp_path):
    """Shapes that fit, and another function: what the check is for."""
    torch.save(own_net.state_dict(), tmp_path / "net.pth")
    model = zoo.create([Conv(4, 3, padding=(2, 0, 2, 0)), *LAYOUT[1:]], SHAPE, weights=tmp_path / "net.pth")
    with pytest.raises(ZooError, match="isn't the net that the outputs come from"):
        check_outputs(model, photographs(SHAPE), answer(own_net, photographs(SHAPE)))


def test_the_maps_of_a_body_are_compared_too():
    net = stirred(nn.Sequential(nn.Conv2d(3, 4, 3, padding=1), nn.ReLU()))
    body = zoo.create(LAYOUT[:1], SHAPE, include_top=False)
    body.set_weights([net[0].weight.detach().numpy().transpose(2, 3, 1, 0), net[0].bias.detach().numpy()])
    assert check_outputs(body, photographs(SHAPE), answer(net, photographs(SHAPE))) < 1e-5


@pytest.mark.parametrize("images, outputs, sentence", [
    (np.ones((2, 9, 8, 3)), np.ones((2, 3)), r"images to check with must have the shape \('N', 8, 8, 3\); got \(2, 9"),
    (np.ones((2, 8, 8, 3)), np.ones((2, 4)), r"outputs to check with must have the shape \('N', 3\); got \(2, 4\)."),
    (np.ones((2, 8, 8, 3)), np.ones((1, 3)), "There are 2 images to check with, but 1 outputs."),
    (np.ones((0, 8, 8, 3)), np.ones((0, 3)), "The images to check with must be an array of finite numbers"),
    (np.ones((2, 8, 8, 3)), np.full((2, 3), np.nan), "The outputs to check with must be an array of finite numbers"),
    (np.array([["a"]]), np.ones((2, 3)), "images to check with must be an array of finite numbers; got the type <U1"),
])
def test_arrays_that_cannot_be_compared_have_their_sentence(images, outputs, sentence):
    with pytest.raises(ZooError, match=sentence):
        check_outputs(zoo.create(LAYOUT, SHAPE), images, outputs)


# ------------------------------------------------------------------------------------------------ the command line


@pytest.fixture(scope="module")
def cifar_files(tmp_path_factory):
    folder = tmp_path_factory.mktemp("cifar")
    net, images = stirred(torch_nets.CIFAR["resnet20"]()), photographs((32, 32, 3))
    torch.save({"net": net.state_dict(), "acc": 91.0, "epoch": 3}, folder / "net.th")
    np.save(folder / "images.npy", np.moveaxis(images, -1, 1))
    np.save(folder / "logits.npy", answer(net, images))
    np.save(folder / "others.npy", answer(net, images)[::-1])
    pixels, labels = np.random.default_rng(0).integers(0, 256, (40, 32, 32, 3), "uint8"), np.arange(40) % 10
    np.savez(folder / "data.npz", x_train=pixels, y_train=labels, x_test=pixels[:20], y_test=labels[:20])
    Image.fromarray(pixels[0]).save(folder / "cat.png")
    return folder


def invoke(*words):
    return CliRunner().invoke(main, list(map(str, words)))


@pytest.mark.parametrize("command", ["evaluate", "predict", "export"])
def test_a_bare_model_takes_options_and_is_checked(command, cifar_files, tmp_path, monkeypatch):
    monkeypatch.setattr("zoo.export.export_saved_model", lambda trained, folder: 0.0)
    given = {"evaluate": ["--dataset", cifar_files / "data.npz"], "predict": [cifar_files / "cat.png"],
             "export": ["--output", tmp_path]}[command]
    words = [command, "resnet20", *given, "--weights", cifar_files / "net.th", "--json"]
    wrong = invoke(*words)
    assert wrong.exit_code == 2 and "which is resnet20 with zeros='both' (--set zeros=both) here." in wrong.output
    check = ["--check", cifar_files / "images.npy", cifar_files / "logits.npy"]
    wrong = invoke(*words, "--set", "zeros=both", *check[:2], cifar_files / "others.npy")
    assert wrong.exit_code == 2 and "isn't the net that the outputs come from" in wrong.output
    right = invoke(*words, "--set", "zeros=both", *check)
    assert right.exit_code == 0, right.output
    assert f"With {cifar_files / 'net.th'}, resnet20 gives the outputs in {cifar_files / 'logits.npy'}." in right.stderr
    assert json.loads(right.stdout.splitlines()[-1])


def test_what_a_command_has_no_use_for_is_refused(cifar_files, tmp_path):
    (tmp_path / "config.json").write_text("{}")
    check = ["--check", cifar_files / "images.npy", cifar_files / "logits.npy"]
    for words, sentence in (
        ([tmp_path, "--set", "zeros=both"], "is a run, which keeps the network that it trained; --set is for a model "),
        ([tmp_path, *check], "is a run, which keeps the weights that it trained; --check is for a model by name."),
        (["resnet20", *check], "--check compares a model with the net that its weights come from: it needs --weigh"),
        (["resnet20", "--set", "zeros=left"], "zeros must be one of 'after', 'both'; got 'left'."),
        (["resnet20", "--set", "zeros=both", "--weights", cifar_files / "net.th", *check[:2], cifar_files / "net.th"],
         "net.th can't be read as a NumPy array (.npy): "),
        (["resnet20", "--set", "zeros=both", "--weights", cifar_files / "net.th", *check[:2], cifar_files / "no.npy"],
         "no.npy can't be read as a NumPy array (.npy): "),
    ):
        result = invoke("predict", words[0], cifar_files / "cat.png", *words[1:])
        assert result.exit_code == 2 and sentence in result.output, result.output


def test_a_doubt_is_a_sentence_on_standard_error(cifar_files, tmp_path):
    state = torch.load(cifar_files / "net.th", weights_only=True)["net"]
    torch.save({f"x.{key}": value for key, value in state.items()}, tmp_path / "net.pth")
    result = invoke("predict", "resnet20", cifar_files / "cat.png", "--weights", tmp_path / "net.pth", "--json")
    assert result.exit_code == 0 and json.loads(result.stdout)
    assert result.stderr.splitlines() == [
        f"{tmp_path / 'net.pth'} was matched to resnet20 by the order and shapes of its weights alone, which another "
        "stride, padding or epsilon leaves as they are: only a comparison of outputs proves it "
        "(zoo.weights.check_outputs, or --check IMAGES.npy OUTPUTS.npy).",
        "body: 38 of 38 layers, head: 1 of 1 layers from net.pth",
        "resnet20 gets images with 0 for black and 1 for white; weights that were trained with other values answer "
        "worse.",
    ]

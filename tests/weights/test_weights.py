import gc
import re
from collections import OrderedDict
from functools import partial

import h5py
import keras
import numpy as np
import pytest

import zoo
from zoo import ZooError
from zoo.layout import Conv, Dense, Flatten, Pool
from zoo.weights import copy_weights
from zoo.weights.imagenet import reference
from zoo.weights.pytorch import set_state

BUILDERS, FILES = map(zoo.registry.with_weights, ("imagenet", "torchvision"))
NET = [Conv(4, 3, norm="batch"), Pool(2), Flatten(), Dense(3)]
SHAPE = (8, 8, 1)


def net(layout=NET, **options):
    return zoo.create(layout, SHAPE, **options)


PERIOD = 100_003  # a prime, so that no two rows of a kernel are alike
NOISE = np.random.default_rng(0).standard_normal(2 * PERIOD, "float32")


def noise(shape, random):
    """Normal numbers from a random place of those drawn once: to draw a VGG's anew takes longer than to run it."""
    start = random.integers(PERIOD)
    return np.resize(NOISE[start : start + PERIOD], shape)


def randomize(model):
    """Give every weight a value that a mistake would show, biases included, without letting signals fade."""
    random = np.random.default_rng(0)
    for layer in model.layers:
        for weight in getattr(layer, "weights", ()):
            if isinstance(layer, keras.layers.Normalization):
                continue
            scale = np.sqrt(2 / np.prod(weight.shape[:-1])) if len(weight.shape) > 1 else 0.1
            value = np.float32(scale) * noise(weight.shape, random)
            weight.assign(1 + np.clip(value, -0.3, 0.3) if weight.name in ("gamma", "moving_variance") else value)
    return model


@pytest.fixture
def bounded_memory():
    yield
    keras.utils.clear_session()  # collects garbage too
    gc.freeze()  # what is left stays, and needn't be searched again: that takes a second in a long session


# ------------------------------------------------------------------------------------- against keras.applications


@pytest.fixture
def zeros_at_first(monkeypatch):
    """Spare the random numbers: every weight is about to be set."""
    for initializer in (keras.initializers.HeNormal, keras.initializers.GlorotUniform):
        monkeypatch.setattr(initializer, "__call__", lambda self, shape, dtype=None: keras.ops.zeros(shape, dtype))


def alike(ours, theirs):
    assert theirs.std() > 1e-3 * abs(theirs).max() > 0, "a net of faded signals would prove nothing"
    assert abs(ours - theirs).max() < 1e-4 * abs(theirs).max()


def values(tensor):
    return keras.ops.convert_to_numpy(tensor)


# Bodies that another one is too, but for how often it repeats its blocks.
DEEPER = {"vgg19", "resnet101_v1", "resnet152_v1", "resnet101v2", "resnet152v2", "densenet169", "densenet201"}
WHOLE_AND_BODIES = [(name, True) for name in BUILDERS] + [(name, False) for name in BUILDERS if name not in DEEPER]
LIGHT = {"mobilenet_v2", "resnet50v2", "resnet18", "squeezenet1_1", "efficientnet_b0_torchvision"}


def heavy_but_for(names_and_more):
    """The parameters of a test of nets, all but the light ones marked as slow."""
    for name, *more in names_and_more:
        yield pytest.param(name, *more, marks=[] if name in LIGHT else pytest.mark.slow)


@pytest.mark.parametrize("name, top", heavy_but_for(WHOLE_AND_BODIES))
def test_the_nets_of_keras_applications_give_the_same(name, top, zeros_at_first, bounded_memory):
    shape = (128, 96, 3)  # long, and its maps are even: Keras's MobileNet pads odd ones otherwise
    theirs = reference(name, top, weights=None, input_shape=shape)
    ours = zoo.create(name, shape, include_top=top)
    copy_weights(randomize(theirs), ours)
    image = np.random.default_rng(1).uniform(0, 1, (1, *shape)).astype("float32")
    pixels = 255 * image if name == "efficientnet_b0" else image  # it holds its own scaling
    alike(values(ours(image)), values(theirs(pixels)))


@pytest.mark.parametrize("name, builder", [("resnet50_v1", "ResNet50"), ("mobilenet_v3_small", "MobileNetV3Small")])
def test_imagenet_is_what_keras_applications_downloads(name, builder, monkeypatch, zeros_at_first):
    asked = []

    def download(include_top, weights, input_shape, **options):
        asked.append(weights)
        theirs = original(include_top=include_top, weights=None, input_shape=input_shape, **options)
        return randomize(theirs)

    original = getattr(keras.applications, builder)
    monkeypatch.setattr(keras.applications, builder, download)
    model = zoo.create(name, weights="imagenet", include_top=False, input_shape=(64, 64, 3))
    assert asked == ["imagenet"] and np.any(model.get_weights()[0])


def test_no_download_ends_in_a_sentence(monkeypatch):
    def fail(*_, **__):
        raise OSError("URL fetch failure: no network")

    monkeypatch.setattr(keras.utils, "get_file", fail)
    monkeypatch.setattr(keras.applications, "MobileNet", fail)
    with pytest.raises(ZooError, match="The weights of mobilenet can't be had from keras.applications: URL fetch fail"):
        zoo.create("mobilenet", weights="imagenet")
    with pytest.raises(ZooError, match="https://download.pytorch.org/models/resnet18-f37072fd.pth can't be downloaded"):
        zoo.create("resnet18", weights="torchvision")


@pytest.mark.parametrize(
    "name, weights, sentence",
    [
        ("resnet50", "imagenet", "has no weights for resnet50. The form of it that has is resnet50_v1. It has them"),
        ("mobilenet_v2", "torchvision",
         "no weights for mobilenet_v2. The form of it that has is mobilenet_v2_torchvision. It has them for alexnet"),
        ("lenet5", "torchvision", "torchvision has no weights for lenet5. It has them for alexnet_owt, "),
    ],
)
def test_nets_without_published_weights_have_their_sentence(name, weights, sentence, shell):
    with pytest.raises(ZooError) as error:
        zoo.create(name, weights=weights)
    assert sentence in str(error.value)


# -------------------------------------------------------------------------------------------- against torchvision

OTHER_NAMES = {"alexnet_owt": "alexnet", "googlenet_bn": "googlenet"}


def torchvision_net(name):
    torch_nets, timm_nets = (pytest.importorskip(module) for module in ("torch_nets", "timm_nets"))
    nets = torch_nets.NETS | {"inception_v3": partial(timm_nets.inception_v3, auxiliary=True)}
    with torch_nets.torch.device("meta"):  # no memory and no random numbers: every weight is about to be set
        net = nets[OTHER_NAMES.get(name, name.removesuffix("_torchvision"))]()
    random = np.random.default_rng(0)
    for key, value in net.to_empty(device="cpu").state_dict().items():
        drawn = torch_nets.torch.from_numpy(noise(value.shape, random))
        if value.ndim > 1:
            value.copy_(drawn * (2 / value[0].numel()) ** 0.5)
        elif key.endswith(("running_var", "weight")):
            value.copy_(1 + 0.2 * drawn.clamp(-2, 2))
        else:
            value.copy_(0.1 * drawn)
    return net.eval()


def logits(net, image):
    import torch

    with torch.no_grad():
        return net(torch.from_numpy(image.transpose(0, 3, 1, 2))).numpy()


@pytest.mark.parametrize("name", heavy_but_for((name,) for name in FILES))
def test_the_checkpoints_of_torchvision_give_the_same(name, zeros_at_first, bounded_memory):
    net = torchvision_net(name)
    state = {key: value.numpy() for key, value in net.state_dict().items()}
    shape = (224, 224, 3) if name.startswith(("vgg", "alex")) else (97, 80, 3)
    model = zoo.create(name, shape, classifier_activation=None)
    assert set_state(model, dict(sorted(state.items())), name) .doubt == "", "the keys tell what it is"
    image = np.random.default_rng(1).standard_normal((1, *shape), "float32")
    alike(values(model(image)), logits(net, image))


def test_the_published_spelling_of_densenet_is_understood(zeros_at_first):
    net = torchvision_net("densenet121")
    state = {re.sub(r"(denselayer\d+\.(?:norm|conv))([12])", r"\1.\2", key): value.numpy()
             for key, value in net.state_dict().items()}
    assert "features.denseblock1.denselayer1.norm.1.weight" in state
    model = zoo.create("densenet121", (64, 64, 3), classifier_activation=None)
    set_state(model, state, "densenet121")
    image = np.random.default_rng(1).standard_normal((1, 64, 64, 3), "float32")
    alike(values(model(image)), logits(net, image))


@pytest.mark.parametrize("suffix", [".pth", ".safetensors"])
def test_a_checkpoint_is_read_from_a_file(suffix, tmp_path):
    net, path = torchvision_net("squeezenet1_1"), tmp_path / f"net{suffix}"
    if suffix == ".pth":
        import torch

        torch.save(net.state_dict(), path)
    else:
        pytest.importorskip("safetensors.torch").save_file(net.state_dict(), path)
    image = np.random.default_rng(1).standard_normal((1, 64, 64, 3), "float32")
    model = zoo.create("squeezenet1_1", (64, 64, 3), classifier_activation=None, weights=path)
    alike(values(model(image)), logits(net, image))
    body = zoo.create("squeezenet1_1", (64, 64, 3), include_top=False, weights=path)
    for ours, theirs in zip(body.get_weights(), model.get_weights()):
        np.testing.assert_array_equal(ours, theirs)
    for name in ("squeezenet1_0", "resnet18"):
        sentence = (
            f"doesn't fit {name}: its keys are those of torchvision's squeezenet1_1, which is squeezenet1_1 here."
        )
        with pytest.raises(ZooError, match=sentence):
            zoo.create(name, weights=path)


@pytest.fixture
def own_torch_net():
    """LeNet-5 as PyTorch's tutorials write it, its modules not in the alphabet's order."""
    torch = pytest.importorskip("torch")
    nn = torch.nn
    torch.manual_seed(0)
    return nn.Sequential(OrderedDict(
        stem=nn.Conv2d(1, 6, 5), relu1=nn.ReLU(), pool1=nn.MaxPool2d(2),
        conv=nn.Conv2d(6, 16, 5), relu2=nn.ReLU(), pool2=nn.MaxPool2d(2), flat=nn.Flatten(),
        linear1=nn.Linear(400, 120), relu3=nn.ReLU(), hidden=nn.Linear(120, 84), relu4=nn.ReLU(),
        classify=nn.Linear(84, 10),
    )).eval()


@pytest.mark.parametrize(
    "wrapped",
    [
        lambda state: state,
        lambda state: {"epoch": 3, "state_dict": {f"module.{key}": value for key, value in state.items()}},
        lambda state: {"model": {key: value.half() for key, value in state.items()}, "optimizer": {"lr": 0.1}},
    ],
    ids=["bare", "parallel", "half"],
)
def test_a_checkpoint_of_the_users_own_is_matched_by_the_order_of_its_modules(wrapped, own_torch_net, tmp_path):
    import torch

    torch.save(wrapped(own_torch_net.state_dict()), tmp_path / "net.pth")
    model = zoo.create("lenet5", classifier_activation=None, weights=tmp_path / "net.pth")
    image = np.random.default_rng(1).standard_normal((2, 32, 32, 1), "float32")
    np.testing.assert_allclose(values(model(image)), logits(own_torch_net, image), atol=1e-3)
    body = zoo.create("lenet5", include_top=False, weights=tmp_path / "net.pth")
    for ours, theirs in zip(body.get_weights(), model.get_weights()):
        np.testing.assert_array_equal(ours, theirs)
    other = zoo.create("lenet5", classes=3, weights=tmp_path / "net.pth")
    for ours, theirs in zip(other.get_weights()[:-2], model.get_weights()):
        np.testing.assert_array_equal(ours, theirs)
    assert other.get_weights()[-1].shape == (3,)


@pytest.mark.parametrize("module", ["conv{}", "layers.{}"])
def test_a_safetensors_file_of_the_users_own_is_matched_by_its_numbers(module, tmp_path):
    save_file = pytest.importorskip("safetensors.numpy").save_file
    numbers = [1, 2, 3, 4, 5] if module == "conv{}" else [0, 2, 10, 11]  # as text 10 stands before 2
    arrays = {f"{module.format(i)}.{tensor}": np.full((2, 2, 1, 1)[:axes], i, "float32")
              for i in numbers for tensor, axes in (("weight", 4), ("bias", 1))}
    save_file(arrays, tmp_path / "net.safetensors")
    model = zoo.create([Conv(2, 1)] * len(numbers), (4, 4, 2), weights=tmp_path / "net.safetensors")
    assert [weight.flat[0] for weight in model.get_weights()[::2]] == numbers


def test_a_file_without_tensors_is_no_checkpoint(tmp_path):
    torch = pytest.importorskip("torch")
    for content in ({"epoch": 3}, [1, 2]):
        torch.save(content, tmp_path / "net.pth")
        with pytest.raises(ZooError, match="net.pth is no checkpoint: it holds no dict of tensors"):
            zoo.create("lenet5", weights=tmp_path / "net.pth")


def test_a_download_that_came_damaged_is_deleted(tmp_path, monkeypatch):
    path = tmp_path / "x.pth"
    path.write_bytes(b"not what was asked for")
    monkeypatch.setattr(keras.utils, "get_file", lambda *_, **__: str(path))
    with pytest.raises(ZooError, match="came damaged: its hash begins with [0-9a-f]{10}. It was deleted; try again."):
        zoo.create("squeezenet1_1", weights="torchvision")
    assert not path.exists()


# ---------------------------------------------------------------------------------------------------------- files


@pytest.mark.parametrize("suffix", [".keras", ".weights.h5"])
def test_weights_come_back_from_a_file(tmp_path, suffix):
    path = tmp_path / f"net{suffix}"
    model = randomize(net())
    model.save(path) if suffix == ".keras" else model.save_weights(path)
    for given in (path, str(path)):
        again = net(weights=given, classifier_activation=None, name="again")
        for ours, theirs in zip(again.get_weights(), model.get_weights(), strict=True):
            np.testing.assert_array_equal(ours, theirs)


@pytest.mark.parametrize("suffix", [".keras", ".weights.h5"])
@pytest.mark.parametrize("other", [[*NET[:-1], Dense(4)], [NET[0], *NET], NET[:-1]], ids=["shape", "more", "fewer"])
def test_the_weights_of_another_net_are_refused(tmp_path, suffix, other):
    path = tmp_path / f"net{suffix}"
    model = net()
    model.save(path) if suffix == ".keras" else model.save_weights(path)
    with pytest.raises(ZooError) as error:
        net(other, weights=path)
    assert str(error.value).startswith(f"{path} doesn't fit layout: ") and "\n" not in str(error.value)


@pytest.mark.parametrize("suffix", [".keras", ".weights.h5"])
@pytest.mark.parametrize("without", [dict(include_top=False), dict(features=True)], ids=["body", "features"])
def test_the_file_of_a_whole_net_serves_its_body(tmp_path, suffix, without):
    path = tmp_path / f"net{suffix}"
    whole = randomize(zoo.create("resnet20", (32, 32, 3), classes=7))
    whole.save(path) if suffix == ".keras" else whole.save_weights(path)
    body = zoo.create("resnet20", (32, 32, 3), weights=path, **without)
    for layer in body.layers:
        for ours, theirs in zip(layer.get_weights(), whole.get_layer(layer.name).get_weights(), strict=True):
            np.testing.assert_array_equal(ours, theirs)
    with pytest.raises(ZooError) as error:
        zoo.create("resnet20", (32, 32, 3), weights=path)
    assert "predictions takes [(64, 10), (10,)]. include_top=False leaves the head aside, cl" in str(error.value)
    with pytest.raises(ZooError, match="doesn't fit resnet32: ") as error:
        zoo.create("resnet32", (32, 32, 3), weights=path, **without)
    assert "include_top" not in str(error.value)


def test_a_file_of_a_body_under_other_names_is_matched_by_its_graph(tmp_path):
    source = randomize(zoo.create([Conv(4, 3, name="x"), Conv(5, 3, name="y")], SHAPE))
    source.save(tmp_path / "net.keras")
    source.save_weights(tmp_path / "net.weights.h5")
    again = zoo.create([Conv(4, 3), Conv(5, 3)], SHAPE, include_top=False, weights=tmp_path / "net.keras")
    for ours, theirs in zip(again.get_weights(), source.get_weights(), strict=True):
        np.testing.assert_array_equal(ours, theirs)
    with pytest.raises(ZooError, match="net.weights.h5 doesn't fit layout: it has no layer 'conv1'"):
        zoo.create([Conv(4, 3), Conv(5, 3)], SHAPE, weights=tmp_path / "net.weights.h5")


@pytest.mark.parametrize(
    "name, content, sentence",
    [
        ("nowhere.keras", None, "There is no weights file '.*nowhere.keras', nor a set of weights of that name"),
        ("net.pth", b"x", "net.pth is no checkpoint: "),
        ("net.h5", b"x", "net.h5 doesn't fit layout: Keras didn't write it, or it is damaged"),
        ("net.weights.h5", b"no such thing", "net.weights.h5 doesn't fit layout: "),
        ("net.keras", b"no such thing", "net.keras doesn't fit layout: "),
        ("hollow.keras", b"PK\x05\x06" + bytes(18), "hollow.keras doesn't fit layout: "),
    ],
)
def test_a_file_that_is_none_has_its_sentence(tmp_path, name, content, sentence):
    if content:
        (tmp_path / name).write_bytes(content)
    with pytest.raises(ZooError, match=sentence):
        net(weights=tmp_path / name)


@pytest.mark.parametrize("weights", [True, 5, ["imagenet"]])
def test_weights_of_another_type_have_their_sentence(weights):
    with pytest.raises(ZooError, match="weights must be None, 'imagenet', 'torchvision' or a path; got "):
        net(weights=weights)


def test_a_file_of_something_else_has_its_sentence(tmp_path):
    with h5py.File(tmp_path / "net.weights.h5", "w") as file:
        file["layers/x"] = 1
    with pytest.raises(ZooError, match="net.weights.h5 doesn't fit layout: "):
        net(weights=tmp_path / "net.weights.h5")
    (tmp_path / "net.pth").write_bytes(b"")
    with pytest.raises(ZooError, match="net.pth is no checkpoint: "):
        zoo.create("squeezenet1_1", (64, 64, 3), weights=tmp_path / "net.pth")


# --------------------------------------------------------------------------------------------------- between nets


def test_copy_weights_ignores_names():
    source = randomize(zoo.create([Conv(4, 3, name="x"), Flatten(), Dense(3, name="y")], SHAPE))
    target = zoo.create([Conv(4, 3), Flatten(), Dense(3)], SHAPE, name="other")
    copy_weights(source, target)
    image = np.ones((1, *SHAPE), "float32")
    np.testing.assert_array_equal(source(image), target(image))


def test_a_copy_that_does_not_fit_names_the_layer_and_changes_nothing():
    source, target = randomize(net()), net([*NET[:-1], Dense(4)], name="target")
    before = target.get_weights()
    with pytest.raises(ZooError, match=r"fc has weights of shapes \[\(64, 3\), .* but fc takes \[\(64, 4\), "):
        copy_weights(source, target)
    for old, new in zip(before, target.get_weights(), strict=True):
        np.testing.assert_array_equal(old, new)
    with pytest.raises(ZooError, match="layout has 3 layers with weights, where short takes 2: not the same"):
        copy_weights(source, net(NET[:-1], name="short"))

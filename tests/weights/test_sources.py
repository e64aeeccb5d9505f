"""The table of sources in docs/weights.md, cell by cell: what loads computes the same, what doesn't says what it is.

    python -m tests.weights.test_sources    # write the table anew
"""

import re
import warnings
from pathlib import Path

import keras
import numpy as np
import pytest
from tabulate import tabulate

import zoo
from zoo import ZooError, ZooWarning
from zoo.layout import Activation, Conv, Dense, DepthwiseConv, Flatten, Norm
from zoo.weights.conventions import CONVENTIONS
from zoo.weights.pytorch import set_state
from zoo.weights.sources import LIBRARIES, sources

PAGE = Path(__file__).parents[2] / "docs" / "weights.md"
TABLE = re.compile(r"(?<=<!-- sources -->\n).*?(?=<!-- end -->)", re.DOTALL)


def told(source):
    settings = " ".join(f"--set {key}={value}" for key, value in source.options.items())
    return f"`{source.here}`" + (f" with `{settings}`" if settings else "")


def cell(name, found):
    """What a library's nets are for a row of the table: those that load, then those that are refused."""
    loads = [source for source in found if source.here == name]
    texts = [source.net + (told(source).partition("`")[2].partition("`")[2]) for source in loads]
    texts += [f"refused: {source.net} is {told(source) if source.here else 'none of these'}"
              for source in found if source not in loads]
    return "; ".join(texts) or "–"


def table():
    rows = [(f"`{name}`", *(cell(name, found) for found in sources(name).values())) for name in zoo.list_models()]
    return tabulate(rows, ("here", *LIBRARIES), "github", disable_numparse=True) + "\n"


def test_the_page_has_the_table():
    assert TABLE.search(PAGE.read_text())[0] == table(), "python -m tests.weights.test_sources writes it anew"


# -------------------------------------------------------------------------------------- what a test needs of PyTorch

LIGHT = {"mobilenetv3_small_100", "tf_mobilenetv3_small_100", "mobilenetv1_100"}
SHARED = [{"efficientnet_b0", "tf_efficientnet_b0"},
          *({f"mobilenetv3_{size}_100", f"tf_mobilenetv3_{size}_100"} for size in ("large", "small"))]


def builder(library, name):
    """The function that makes a library's net in plain PyTorch; nets of both libraries are torchvision's."""
    torch_nets, timm_nets = (pytest.importorskip(module) for module in ("torch_nets", "timm_nets"))
    own = timm_nets.NETS if library == "timm" else {"inception_v3": lambda: timm_nets.inception_v3(auxiliary=True)}
    return own.get(name) or torch_nets.NETS[name]


def drawn(net):
    """Give a net weights and statistics that a mistake would show, scales of either sign and of 0 among them."""
    import torch

    torch.manual_seed(0)
    with torch.no_grad():
        for key, value in net.state_dict().items():
            if value.ndim > 1:
                value.normal_(0, (2 / value[0].numel()) ** 0.5)
            elif key.endswith(("running_var", "weight")):
                value.uniform_(0.6, 1.4)
            elif value.ndim:
                value.normal_(0, 0.1)
            if key.endswith("weight") and value.ndim == 1:
                value[0], value[1] = 0, -value[1]
            if key.endswith("bn3.weight"):
                value /= 4  # so that the sums of many blocks don't grow until rounding shows
    return net.eval()


def arrays(net):
    return {key: value.numpy() for key, value in net.state_dict().items()}


def shapes(build):
    """A state dict of a net's keys and shapes that takes no memory."""
    import torch

    with torch.device("meta"):
        net = build()
    return {key: np.broadcast_to(np.float32(0), value.shape) for key, value in net.state_dict().items()}


def logits(net, image):
    import torch

    with torch.no_grad():
        return net(torch.from_numpy(image.transpose(0, 3, 1, 2).copy())).numpy()


def difference(model, net, shape):
    image = np.random.default_rng(1).standard_normal((1, *shape), "float32")
    ours, theirs = keras.ops.convert_to_numpy(model(image)), logits(net, image)
    assert theirs.std() > 1e-3 * abs(theirs).max() > 0, "a net of faded signals would prove nothing"
    return abs(ours - theirs).max() / abs(theirs).max()


# --------------------------------------------------------------------------------------------------- cells that load


def test_every_net_of_the_table_is_tested():
    """torchvision's are in `test_weights`, whose registry names each file; timm's are here."""
    torch_nets, timm_nets = (pytest.importorskip(module) for module in ("torch_nets", "timm_nets"))
    for convention in CONVENTIONS:
        for library in {"torchvision", "timm"} & set(convention.whose):
            own = timm_nets.NETS if library == "timm" else torch_nets.NETS
            for net in convention.nets:
                assert not net.here or net.name in own or len(convention.whose) == 2
                if library == "torchvision":
                    assert "torchvision" in zoo.registry.entry(net.here).weights


OWN = [(net.name, net.here, net.options) for convention in CONVENTIONS if convention.whose[-1] == "timm"
       for net in convention.nets
       if net.here and ("torchvision" not in convention.whose or net.name == "inception_v3")]


@pytest.mark.parametrize("name, here, options", [
    pytest.param(*row, marks=[] if row[0] in LIGHT else pytest.mark.slow, id=row[0]) for row in OWN
])
def test_the_checkpoints_of_timm_give_the_same(name, here, options):
    net = drawn(builder("timm", name)())
    shape = (224, 224, 3) if name.startswith("vgg") else (139, 112, 3) if "ception" in name else (97, 80, 3)
    model = zoo.create(here, shape, classifier_activation=None, **options)
    state = dict(sorted(arrays(net).items()))  # as .safetensors have them
    doubt = set_state(model, state, here, options=options).doubt
    assert bool(doubt) == any(name in pair for pair in SHARED)
    assert difference(model, net, shape) < 1e-4
    keras.utils.clear_session()


# ------------------------------------------------------------------------------------------------ cells that refuse

REFUSED = [
    (name, library, source) for name in zoo.list_models() for library, found in sources(name).items()
    for source in found if source.here != name
]


@pytest.mark.parametrize("name, library, source", [
    pytest.param(*row, id=f"{row[0]}-{row[1]}-{row[2].net}") for row in REFUSED
])
def test_the_weights_of_another_form_name_the_right_one(name, library, source, shell):
    if library == "keras.applications":
        with pytest.raises(ZooError, match=f"no weights for {name}. The form of it that has is {source.here}. It has"):
            zoo.create(name, weights="imagenet")
        return
    if source.here is None:
        state, sentence = dict.fromkeys(UNLIKE, np.ones(1)), "which isn't among the zoo's: its strides are in the first"
    else:
        state, sentence = shapes(builder(library, source.net)), f"{source.net}, which is {source.here} "
    model = zoo.create(name)
    if any(source.net in pair for pair in SHARED) and library == "timm" and _is_shared(name):
        assert sentence in set_state(model, state, name).doubt, "its keys are also those of the net's own"
        return
    with pytest.raises(ZooError, match=f"^its keys are those of .*{sentence}"):
        set_state(model, state, name)


def _is_shared(name):
    return any(source.here == name and not source.options for source in sources(name)["timm"])


UNLIKE = next(convention.keys for convention in CONVENTIONS if convention.nets[0].here is None)


@pytest.mark.parametrize("published, config, sentence", [
    ("tf_mobilenetv3_small_100-37f49e2b.pth", None, None),
    ("mobilenetv3_small_100_lamb-266a294c.pth", None, "timm's mobilenetv3_small_100, which is mobilenet_v3_small_torc"),
    ("mobilenetv3_small_100.pth", None, "and of timm's mobilenetv3_small_100, which is mobilenet_v3_small_torchvision"),
    ("pytorch_model.bin", '{"architecture": "tf_mobilenetv3_small_100"}', None),
    ("pytorch_model.bin", '{"architecture": "mobilenetv3_small_100"}', "timm's mobilenetv3_small_100, which is mobile"),
    ("pytorch_model.bin", "[]", "has the keys of timm's tf_mobilenetv3_small_100, which is mobilenet_v3_small here"),
])
def test_nets_of_the_same_keys_are_told_apart_by_the_publishers_word(published, config, sentence, tmp_path):
    import torch

    net = drawn(builder("timm", "tf_mobilenetv3_small_100")())
    torch.save(net.state_dict(), tmp_path / published)
    if config:
        (tmp_path / "config.json").write_text(config)
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        try:
            zoo.create("mobilenet_v3_small", (64, 64, 3), weights=tmp_path / published)
            lines = [str(warning.message) for warning in caught if warning.category is ZooWarning]
        except ZooError as problem:
            assert f"its keys are those of {sentence}" in str(problem)
            return
    assert len(lines) == bool(sentence) and all(sentence in line for line in lines)


# --------------------------------------------------------------------------------------------- what makes them exact


@pytest.mark.parametrize("bias", [False, True])
def test_a_scale_that_the_net_lacks_goes_into_its_convolution(bias):
    """Exact for scales of either sign and of 0, in plain and depthwise convolutions."""
    torch = pytest.importorskip("torch")
    nn, norm = torch.nn, Norm(epsilon=1e-3, scale=False)
    layout = [Conv(4, 3, padding=1, bias=bias, norm=norm), DepthwiseConv(3, padding=1, bias=bias, norm=norm),
              Flatten(), Dense(3)]
    net = drawn(nn.Sequential(
        nn.Conv2d(3, 4, 3, padding=1, bias=bias), nn.BatchNorm2d(4, 1e-3), nn.ReLU(),
        nn.Conv2d(4, 4, 3, padding=1, groups=4, bias=bias), nn.BatchNorm2d(4, 1e-3), nn.ReLU(),
        nn.Flatten(), nn.Linear(4 * 36, 3),
    ))
    assert {0.0, -1.0} <= {float(np.sign(scale)) for scale in net[1].weight.detach()}
    model = zoo.create(layout, (6, 6, 3), classifier_activation=None)
    set_state(model, arrays(net))
    assert difference(model, net, (6, 6, 3)) < 1e-5


@pytest.mark.parametrize("between", [Activation("relu"), Norm(scale=False)], ids=["activation", "norm"])
def test_a_scale_without_a_convolution_of_its_own_is_refused(between):
    layout = [Conv(4, 3, activation=None), between, Norm(scale=False)]
    state = {"0.weight": np.ones((4, 3, 3, 3)), "0.bias": np.ones(4)}
    for module in "12" if isinstance(between, Norm) else "2":
        state |= {f"{module}.{tensor}": np.ones(4) for tensor in ("weight", "bias", "running_mean", "running_var")}
    with pytest.raises(ZooError, match="has weights of shapes"):
        set_state(zoo.create(layout, (6, 6, 3), include_top=False), state)


def test_a_dense_layer_that_is_stored_as_a_convolution():
    torch = pytest.importorskip("torch")
    nn = torch.nn
    net = drawn(nn.Sequential(nn.Conv2d(3, 4, 3, padding=1), nn.ReLU(), nn.Conv2d(4, 5, (6, 5)), nn.ReLU(),
                              nn.Conv2d(5, 3, 1), nn.Flatten()))
    model = zoo.create([Conv(4, 3), Flatten(), Dense(5, "relu"), Dense(3)], (6, 5, 3), classifier_activation=None)
    set_state(model, arrays(net))
    assert difference(model, net, (6, 5, 3)) < 1e-5


if __name__ == "__main__":
    PAGE.write_text(TABLE.sub(lambda _: table(), PAGE.read_text()))

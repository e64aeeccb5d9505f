"""The account of what was taken, and heads that stay new because the user gave other classes."""

import warnings

import numpy as np
import pytest
from click.testing import CliRunner

import zoo
from zoo import ZooError, ZooWarning
from zoo.cli.frame import main
from zoo.layout import Conv, Dense, GlobalPool, Layout
from zoo.weights import Account, copy_weights, load_weights
from zoo.weights.imagenet import reference

SIZE = (32, 32, 3)


@pytest.mark.parametrize("account, text", [
    (Account("x.h5", (52, 52), (0, 1), ("fc",), classes=10), "body: 52 of 52 layers from x.h5; head: new, 10 classes"),
    (Account("vgg16.pth", (13, 13), (2, 3), ("predictions",), classes=10),
     "body: 13 of 13 layers, head: 2 of 3 layers from vgg16.pth; new: predictions (10 classes)"),
    (Account("imagenet", (13, 13), (3, 3), classes=10), "body: 13 of 13 layers, head: 3 of 3 layers from imagenet"),
    (Account("x.h5", (13, 13), left=("fc",)), "body: 13 of 13 layers from x.h5; head: left aside"),
    (Account("x.h5", (3, 3)), "3 of 3 layers from x.h5"),
])
def test_an_account_is_one_line(account, text):
    assert str(account) == text


def saved(name, path, **options):
    model = zoo.create(name, **options)
    if path.suffix == ".keras":
        model.save(path)
    elif path.suffix == ".h5":
        model.save_weights(path)
    return model


def quiet(*arguments, **options):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ZooWarning)
        return zoo.create(*arguments, **options)


@pytest.mark.parametrize("file", ["x.keras", "x.weights.h5"])
@pytest.mark.parametrize("name, small, taken, new", [
    ("resnet20", {}, "", "head: new, 3 classes"),
    ("vgg11", dict(width=0.05), ", head: 2 of 3 layers", "new: predictions (3 classes)"),
    ("lenet5", dict(input_shape=(32, 32, 1)), ", head: ", "classes)"),
])
def test_other_classes_make_a_new_head(name, small, taken, new, file, tmp_path, caplog):
    small = dict(input_shape=SIZE) | small
    source = saved(name, tmp_path / file, classes=7, **small)
    with caplog.at_level("INFO", "zoo"):
        model = quiet(name, classes=3, weights=tmp_path / file, **small)
    (line,) = [record.getMessage() for record in caplog.records if record.name == "zoo"]
    assert taken in line and line.endswith(new) and file in line
    *_, last = [layer for layer in model.layers if layer.weights]
    for layer in model.layers:
        for ours, theirs in zip(layer.get_weights(), source.get_layer(layer.name).get_weights(), strict=True):
            if layer is not last:
                np.testing.assert_array_equal(ours, theirs)
            else:
                assert ours.shape != theirs.shape


@pytest.mark.parametrize("file", ["x.keras", "x.weights.h5"])
def test_without_classes_another_head_is_an_error(file, tmp_path):
    saved("resnet20", tmp_path / file, classes=7)
    with pytest.raises(ZooError, match="include_top=False leaves the head aside, classes=10 makes a new one."):
        quiet("resnet20", weights=tmp_path / file)
    assert quiet("resnet20", classes=7, weights=tmp_path / file)


@pytest.mark.parametrize("file", ["x.keras", "x.weights.h5"])
def test_a_file_of_a_body_alone_makes_a_new_head_where_classes_are_given(file, tmp_path, caplog):
    saved("resnet20", tmp_path / file, include_top=False)
    with caplog.at_level("INFO", "zoo"):
        quiet("resnet20", classes=10, weights=tmp_path / file)
    assert caplog.messages[-1] == f"body: 38 of 38 layers from {file}; head: new, 10 classes"
    with pytest.raises(ZooError, match="it has no layer 'predictions'. include_top=False leaves the head aside, cla"):
        quiet("resnet20", weights=tmp_path / file)


@pytest.mark.parametrize("classes", [None, 3])
@pytest.mark.parametrize("file", ["x.keras", "x.weights.h5"])
def test_a_body_that_does_not_fit_is_an_error_whatever_the_classes(file, classes, tmp_path):
    saved("resnet20", tmp_path / file)
    with pytest.raises(ZooError, match="doesn't fit resnet32: "):
        quiet("resnet32", classes=classes, weights=tmp_path / file)


def test_auxiliary_heads_stay_new_too(tmp_path, caplog):
    small = dict(input_shape=(96, 96, 3), width=0.1, aux=True)
    saved("googlenet", tmp_path / "x.keras", classes=7, **small)
    with caplog.at_level("INFO", "zoo"):
        quiet("googlenet", classes=3, weights=tmp_path / "x.keras", **small)
    assert "head: new, 3 classes" in caplog.text


def test_pytorch_makes_new_heads(tmp_path, caplog):
    torch = pytest.importorskip("torch")
    state = {"conv.weight": torch.ones(4, 3, 3, 3), "conv.bias": torch.ones(4), "one.weight": torch.ones(6, 4),
             "one.bias": torch.ones(6), "two.weight": torch.ones(7, 6), "two.bias": torch.ones(7)}
    torch.save(state, tmp_path / "x.pth")
    layout = Layout([Conv(4, 3)], [GlobalPool(), Dense(6, name="mid"), Dense(3, name="end")])
    model = zoo.create(layout, SIZE)
    with pytest.raises(ZooError, match=r"two has weights of shapes .* include_top=False leaves the head aside, classe"):
        load_weights(model, tmp_path / "x.pth", head=("pool", "mid", "end"))
    with pytest.warns(ZooWarning):
        account = load_weights(model, tmp_path / "x.pth", head=("pool", "mid", "end"), new_head=True)
    assert str(account) == "body: 1 of 1 layers, head: 1 of 2 layers from x.pth; new: end (3 classes)"
    assert (model.get_layer("mid").get_weights()[0] == 1).all() and model.get_layer("end").get_weights()[0].std() > 0


def test_published_weights_make_new_heads(monkeypatch, caplog):
    monkeypatch.setattr("zoo.weights.imagenet.reference",
                        lambda name, top: reference(name, top, None, (64, 64, 3), 1000))
    with caplog.at_level("INFO", "zoo"):
        zoo.create("mobilenet_v2", (64, 64, 3), classes=5, weights="imagenet")
    assert caplog.messages[-1] == "body: 104 of 104 layers from imagenet; head: new, 5 classes"
    with pytest.raises(ZooError, match="not the same net|classes=4 makes a new one"):
        load_weights(zoo.create("mobilenet_v2", (64, 64, 3), classes=4), "imagenet", "mobilenet_v2",
                     head=("predictions",))


def test_copying_gives_an_account():
    layout = [Conv(4, 3), GlobalPool(), Dense(3)]
    assert str(copy_weights(zoo.create(layout, SIZE, name="x"), zoo.create(layout, SIZE))) == "2 of 2 layers from x"


def test_python_is_quiet_and_the_command_line_tells(tmp_path, capsys):
    saved("lenet5", tmp_path / "x.keras")
    zoo.create("lenet5", weights=tmp_path / "x.keras")
    assert capsys.readouterr() == ("", "")
    image = tmp_path / "x.png"
    from PIL import Image

    Image.new("L", (32, 32)).save(image)
    result = CliRunner().invoke(main, ["predict", "lenet5", "--weights", str(tmp_path / "x.keras"), str(image)])
    assert result.exit_code == 0 and "from x.keras" in result.stderr and "from x.keras" not in result.stdout

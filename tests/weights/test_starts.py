"""Nets of dense prediction start from a trained VGG-16, and one FCN from another, as their papers do."""

import json
import warnings
from dataclasses import replace
from pathlib import Path

import keras
import numpy as np
import pytest

import zoo
from zoo import ZooError, ZooWarning, registry
from zoo.build import build
from zoo.plan import plan
from zoo.runs.folder import Run
from zoo.training.building import load_start
from zoo.weights import load_weights
from zoo.weights.imagenet import reference
from zoo.weights.published import is_assumed, publishers_preprocessing

RUN = Path(__file__).parents[1] / "runs" / "old_runs" / "finished"
SMALL = dict(width=0.05)
SIZE = (64, 64, 3)
SLOTS = (0, 2, 5, 7, 10, 12, 14, 17, 19, 21, 24, 26, 28)  # of the convolutions in torchvision's vgg16.features
FILES = ("x.keras", "x.h5", "x.weights.h5", "x.pth", "run")


def job(name, classes, size=SIZE[:2], **more):
    """A finished run's job, of a miniature of a net on colour images."""
    old = Run(RUN).job()
    front = replace(old.preprocessing, size=size, channels=3, margin=0, scale=(1 / 64,) * 3, offset=(-2.0,) * 3)
    return replace(old, model=name, name=name, options=SMALL, class_names=classes, preprocessing=front, **more)


def saved(model, path, classes=tuple("abcdefg")):
    """Save a miniature in the form that a path's name tells."""
    if path.name == "run":
        path.mkdir()
        config = job(model.name, classes, model.input_shape[1:3]).to_config()
        (path / "config.json").write_text(json.dumps(config))
        model.save(path / "model.keras")
    elif path.suffix == ".pth":
        pytest.importorskip("torch").save(as_torchvision(model), path)
    elif path.name.endswith(".weights.h5"):
        model.save_weights(path)
    else:
        model.save(path)
    return path


def as_torchvision(model):
    """A miniature VGG-16's weights by torchvision's keys: kernels OIHW, dense inputs flattened C, H, W."""
    torch = pytest.importorskip("torch")
    keys = [*(f"features.{slot}" for slot in SLOTS), *(f"classifier.{slot}" for slot in (0, 3, 6))]
    state = {}
    for key, layer in zip(keys, [layer for layer in model.layers if layer.weights], strict=True):
        kernel, bias = layer.get_weights()
        if layer.name == "fc1":
            kernel = np.moveaxis(kernel.reshape(7, 7, -1, kernel.shape[-1]), 2, 0).reshape(kernel.shape)
        state[f"{key}.weight"] = torch.tensor(np.ascontiguousarray(np.moveaxis(kernel, (-1, -2), (0, 1))))
        state[f"{key}.bias"] = torch.tensor(bias)
    return state


def with_biases(model):
    """Give a model's biases other values than 0, which a mistake in their order wouldn't show."""
    random = np.random.default_rng(0)
    for weight in model.weights:
        if weight.name == "bias":
            weight.assign(random.uniform(0.1, 0.3, weight.shape))
    return model


def started(name, path, size=SIZE, **options):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ZooWarning)
        return zoo.create(name, size, weights=path, **SMALL, **options)


def outputs(model, name, image):
    """What a model's layer gives for images."""
    return keras.ops.convert_to_numpy(keras.Model(model.input, model.get_layer(name).output)(image))


def images(height, width):
    return np.random.default_rng(1).normal(0, 1, (1, height, width, 3)).astype("float32")


@pytest.fixture(scope="module")
def vgg():
    return with_biases(zoo.create("vgg16", classes=7, **SMALL))


# ---------------------------------------------------------------------------------------------- a classifier's body


@pytest.mark.parametrize("file", FILES)
def test_a_fully_convolutional_net_computes_what_its_classifier_does(file, vgg, tmp_path, caplog):
    """In the middle of a map padded alike, 7x7 windows see just what the dense layers see of the same image."""
    path = saved(vgg, tmp_path / file)
    with caplog.at_level("INFO", "zoo"):
        model = started("fcn32s", path, (224, 224, 3), classes=7, padding="same")
    source = "the run run" if file == "run" else file
    assert caplog.messages[-1] == (
        f"body: 15 of 15 layers from {source}, dense layers turned into convolutions; head: new, 7 classes")
    kernel, bias = vgg.get_layer("predictions").get_weights()
    model.get_layer("conv").set_weights([kernel[None, None], bias])
    image = images(224, 224)
    scores = outputs(model, "conv", image)
    assert scores.shape == (1, 7, 7, 7)
    np.testing.assert_allclose(scores[:, 3, 3], outputs(vgg, "predictions", image), rtol=1e-3, atol=1e-5)
    assert abs(scores[:, 3, 3] - scores[:, 0, 0]).max() > 1e-3


def test_its_maps_are_those_of_pytorchs_conversion(vgg, tmp_path):
    """As the conversion goes in PyTorch: fc1.weight.view(units, channels, 7, 7), on an image padded by 100."""
    torch = pytest.importorskip("torch")
    state = as_torchvision(vgg)
    model = started("fcn8s", saved(vgg, tmp_path / "x.pth"), (70, 50, 3))
    image = images(70, 50)
    x = torch.tensor(image.transpose(0, 3, 1, 2))
    for i, slot in enumerate(SLOTS):
        x = torch.relu(torch.conv2d(x, state[f"features.{slot}.weight"], state[f"features.{slot}.bias"],
                                    padding=1 if i else 100))
        if slot in (2, 7, 14, 21, 28):
            x = torch.max_pool2d(x, 2, ceil_mode=True)
    one, two = state["classifier.0.weight"], state["classifier.3.weight"]
    x = torch.relu(torch.conv2d(x, one.view(len(one), -1, 7, 7), state["classifier.0.bias"]))
    x = torch.relu(torch.conv2d(x, two[..., None, None], state["classifier.3.bias"])).numpy().transpose(0, 2, 3, 1)
    ours = outputs(model, "conv7_conv", image)
    np.testing.assert_allclose(ours, x, rtol=1e-3, atol=1e-5)
    assert x.std() > 1e-3


@pytest.mark.parametrize("source, options, name, told", [
    ("vgg16", dict(input_shape=(32, 32, 3)), "fcn16s",
     "13 of 15 layers from x.keras; new: conv6_conv, conv7_conv; head"),
    ("vgg16", dict(head="gap"), "fcn8s", "13 of 15 layers from x.keras; new: conv6_conv, conv7_conv; head"),
    ("vgg16", dict(include_top=False), "fcn8s", "13 of 15 layers from x.keras; new: conv6_conv, conv7_conv; head"),
    ("vgg16", {}, "deeplab_largefov", "13 of 15 layers from x.keras; new: fc6_conv, fc7_conv; head"),
    ("vgg16", {}, "segnet", "13 of 50 layers from x.keras; new: encoder1_conv1_bn, encoder1_conv2_bn, "
                            "encoder2_conv1_bn and 34 others; head"),
    ("vgg16_bn", {}, "segnet", "26 of 50 layers from x.keras; new: decoder5_conv1, decoder5_conv1_bn, decoder5_conv2 "
                               "and 21 others; head"),
])
def test_what_does_not_fit_is_new_and_told(source, options, name, told, tmp_path, caplog):
    theirs = with_biases(zoo.create(source, **SMALL, **options))
    theirs.save(tmp_path / "x.keras")
    with caplog.at_level("INFO", "zoo"):
        ours = started(name, tmp_path / "x.keras", classes=5)
    assert caplog.messages[-1] == f"body: {told}: new, 5 classes"
    begin = "encoder" if name == "segnet" else "block"
    taken = [layer for layer in theirs.layers if layer.weights and layer.name.startswith("block")]
    assert len(taken) == int(told.split()[0])
    for layer in taken:
        for theirs_, ours_ in zip(layer.get_weights(),
                                  ours.get_layer(layer.name.replace("block", begin)).get_weights(), strict=True):
            np.testing.assert_array_equal(theirs_, ours_)


def test_segnets_encoder_gives_vggs_maps_while_its_batchnorm_is_new(vgg, tmp_path):
    """A new BatchNorm passes on what it gets, but for its epsilon."""
    model = started("segnet", saved(vgg, tmp_path / "x.keras"))
    image = images(64, 64)
    body = started("vgg16", tmp_path / "x.keras", include_top=False)
    ours, theirs = outputs(model, "encoder5_pool", image), outputs(body, "block5_pool", image)
    np.testing.assert_allclose(ours, theirs, rtol=0.02, atol=1e-3)
    assert theirs.std() > 1e-3


def test_without_a_head_the_classifiers_is_left_aside(vgg, tmp_path, caplog):
    with caplog.at_level("INFO", "zoo"):
        model = started("fcn8s", saved(vgg, tmp_path / "x.keras"), include_top=False)
    assert caplog.messages[-1] == (
        "body: 15 of 15 layers from x.keras, dense layers turned into convolutions; head: left aside")
    np.testing.assert_array_equal(model.get_layer("conv6_conv").get_weights()[0].reshape(-1, 205),
                                  vgg.get_layer("fc1").get_weights()[0])


@pytest.mark.slow
def test_files_of_keras_applications_are_taken(tmp_path, caplog):
    theirs = keras.applications.VGG16(include_top=False, weights=None, input_shape=SIZE)
    theirs.save_weights(tmp_path / "vgg16_notop.weights.h5")
    with caplog.at_level("INFO", "zoo"), pytest.warns(ZooWarning):
        ours = zoo.create("deeplab_largefov", SIZE, weights=tmp_path / "vgg16_notop.weights.h5")
    assert caplog.messages[-1].startswith("body: 13 of 15 layers from vgg16_notop.weights.h5; new: fc6_conv, fc7_conv")
    np.testing.assert_array_equal(ours.get_layer("block5_conv3").get_weights()[0],
                                  theirs.get_layer("block5_conv3").get_weights()[0])


def test_published_sets_are_vggs(vgg, tmp_path, monkeypatch, caplog):
    monkeypatch.setattr("zoo.weights.imagenet.reference", lambda name, top: vgg if (name, top) == ("vgg16", True)
                        else reference(name, top))
    monkeypatch.setattr("zoo.weights.torchvision._download",
                        lambda file: saved(vgg, tmp_path / "x.pth") if file == "vgg16-397923af" else None)
    for weights in ("imagenet", "torchvision"):
        for name, layers in (("fcn8s", "15 of 15"), ("deeplab_largefov", "13 of 15"), ("segnet", "13 of 50")):
            with caplog.at_level("INFO", "zoo"):
                model = started(name, weights)
            assert caplog.messages[-1].startswith(f"body: {layers} layers from {weights}")
            assert model.zoo_origin.new
    with pytest.raises(ZooError, match="keras.applications has no weights for unet."):
        zoo.create("unet", weights="imagenet")


# ------------------------------------------------------------------------------------------ one FCN from another


@pytest.mark.parametrize("source, name, taken, new", [
    ("fcn32s", "fcn16s", "1 of 3", "add_shortcut_conv, add_upconv"),
    ("fcn16s", "fcn8s", "3 of 5", "add2_shortcut_conv, add2_upconv"),
    ("fcn32s", "fcn8s", "1 of 5", "add1_shortcut_conv, add1_upconv, add2_shortcut_conv, add2_upconv"),
])
@pytest.mark.parametrize("file", ["x.keras", "run"])
def test_an_fcn_goes_on_with_the_predictions_of_the_one_before(source, name, taken, new, file, tmp_path, caplog):
    theirs = with_biases(zoo.create(source, SIZE, classes=7, **SMALL))
    path = saved(theirs, tmp_path / file)
    with caplog.at_level("INFO", "zoo"):
        ours = started(name, path, classes=7)
    assert f"body: 15 of 15 layers, head: {taken} layers from" in caplog.messages[-1]
    assert caplog.messages[-1].endswith(f"; new: {new} (7 classes)")
    image = images(64, 64)
    before = {"fcn32s": "conv", "fcn16s": "add"}[source]
    here = {"add": "add1"}.get(before, before)
    scores = outputs(ours, here, image)
    np.testing.assert_allclose(scores, outputs(theirs, before, image), rtol=1e-4, atol=1e-5)
    assert scores.std() > 1e-3
    last = {"fcn16s": "add", "fcn8s": "add2"}[name]
    so_far = ours.get_layer(last).input[0]._keras_history.operation.name
    np.testing.assert_array_equal(outputs(ours, last, image), outputs(ours, so_far, image))  # the pool adds nothing yet


def test_scores_of_other_classes_are_new_where_classes_are_given(tmp_path, caplog):
    saved(zoo.create("fcn32s", SIZE, classes=7, **SMALL), tmp_path / "x.keras")
    with pytest.raises(ZooError, match="fcn16s starts from fcn32s, but .* conv takes .* classes=21 makes a new one."):
        started("fcn16s", tmp_path / "x.keras")
    with caplog.at_level("INFO", "zoo"):
        started("fcn16s", tmp_path / "x.keras", classes=4)
    assert caplog.messages[-1] == "body: 15 of 15 layers from x.keras; head: new, 4 classes"


# ------------------------------------------------------------------------------------------------- what is refused


@pytest.mark.parametrize("source, options, name, sentence", [
    ("resnet20", {}, "fcn8s", "x.keras doesn't fit fcn8s: it has 39 layers with weights, the net has 20."),
    ("vgg19", SMALL, "fcn8s", "fcn8s starts from vgg16, but .*x.keras doesn't fit vgg16: it has block3_conv4 before"),
    ("vgg16_bn", SMALL, "fcn32s", "fcn32s starts from vgg16, but .* it has activation linear in block1_conv1"),
    ("vgg16", dict(width=0.1), "segnet", "segnet starts from vgg16, but .* block1_conv1 has weights of shapes"),
    ("vgg16", dict(width=0.05, pool="avg"), "fcn8s", "it has AveragePooling2D as block1_pool, where the net has Max"),
    ("fcn32s", SMALL, "deeplab_largefov", "doesn't fit vgg16: it has padding valid in block1_conv1, where the net"),
])
def test_another_net_is_refused_and_nothing_is_loaded(source, options, name, sentence, tmp_path):
    zoo.create(source, **options).save(tmp_path / "x.keras")
    planned = plan(name, SIZE, **SMALL)
    model = build(planned.trace, name)
    before = model.get_weights()
    with pytest.raises(ZooError, match=sentence):
        load_weights(model, tmp_path / "x.keras", name, options=SMALL, head=planned.trace.ends, build=build)
    for one, other in zip(before, model.get_weights(), strict=True):
        np.testing.assert_array_equal(one, other)


def test_a_missing_or_damaged_file_is_told_as_ever(tmp_path):
    (tmp_path / "x.keras").write_bytes(b"PK and no more")
    with pytest.raises(ZooError, match="x.keras doesn't fit fcn8s: it is cut off or damaged"):
        started("fcn8s", tmp_path / "x.keras")
    with pytest.raises(ZooError, match="There is no weights file 'vgg'"):
        started("fcn8s", "vgg")


# ------------------------------------------------------------------------------------------------------ in training


def test_a_training_starts_from_it(vgg, tmp_path):
    path = saved(vgg, tmp_path / "run")
    start, told = load_start(job("fcn8s", ("sky", "road"), weights=str(path)))
    assert told == ("body: 15 of 15 layers from the run run, dense layers turned into convolutions; "
                    "head: new, 2 classes")
    np.testing.assert_array_equal(start[0], vgg.get_weights()[0])


@pytest.mark.parametrize("name, sentence", [
    ("deeplab_largefov", "freeze body would keep the random weights of fc6_conv, fc7_conv, for which the given weights "
     "have nothing; freeze all up to block5 instead."),
    ("segnet", "freeze body would keep the random weights of"),
])
def test_new_layers_cannot_be_frozen(vgg, name, sentence, tmp_path):
    given = job(name, ("a", "b"), weights=str(saved(vgg, tmp_path / "x.keras")))
    frozen = replace(given, recipe=replace(given.recipe, freeze="body"))
    with pytest.raises(ZooError, match=sentence):
        load_start(frozen)


def test_scores_of_as_many_other_classes_are_new_throughout(tmp_path):
    """All of an FCN's head counts classes, not its last layer alone."""
    theirs = with_biases(zoo.create("fcn16s", SIZE, classes=2, **SMALL))
    path = saved(theirs, tmp_path / "run", ("cat", "dog"))
    _, told = load_start(job("fcn8s", ("cat", "dog"), weights=str(path)))
    assert "head: 3 of 5 layers" in told
    start, told = load_start(job("fcn8s", ("sky", "road"), weights=str(path)))
    assert told == "body: 15 of 15 layers from the run run; head: new, 2 classes"
    assert not any(array.shape == (1, 1, 205, 2) and (array == theirs.get_layer("conv").get_weights()[0]).all()
                   for array in start)


@pytest.mark.parametrize("name", ["fcn8s", "deeplab_largefov", "segnet"])
@pytest.mark.parametrize("weights", ["imagenet", "torchvision"])
def test_images_are_prepared_as_for_vgg_but_whole(name, weights):
    entry, shape = registry.entry(name), (96, 128, 3)
    found = publishers_preprocessing(entry, weights, shape)
    assert found == replace(publishers_preprocessing(registry.entry("vgg16"), weights, shape), shorter=None)
    assert not is_assumed(entry, weights)
    assert publishers_preprocessing(registry.entry("unet"), weights, (572, 572, 1)) is None

import gc

import keras
import numpy as np
import pytest

import zoo
from zoo import ZooError
from zoo.layout import Conv, Dense, Flatten, Pool
from zoo.weights import copy_weights

NET = [Conv(4, 3, norm="batch"), Pool(2), Flatten(), Dense(3)]
SHAPE = (8, 8, 1)


def net(layout=NET, **options):
    return zoo.create(layout, SHAPE, **options)


def randomize(model):
    """Give every weight a value that a mistake would show, biases included, without letting signals fade."""
    random = np.random.default_rng(0)
    for weight in model.weights:
        scale = np.sqrt(2 / np.prod(weight.shape[:-1])) if len(weight.shape) > 1 else 0.1
        weight.assign(np.float32(scale) * random.standard_normal(weight.shape, "float32"))
    return model


@pytest.fixture
def bounded_memory():
    yield
    keras.utils.clear_session()
    gc.collect()


# ------------------------------------------------------------------------------------- against keras.applications


@pytest.fixture
def zeros_at_first(monkeypatch):
    """Spare the random numbers: every weight is about to be set."""
    for initializer in (keras.initializers.HeNormal, keras.initializers.GlorotUniform):
        monkeypatch.setattr(initializer, "__call__", lambda self, shape, dtype=None: keras.ops.zeros(shape, dtype))


@pytest.mark.parametrize("name, theirs", [("vgg16", keras.applications.VGG16), ("vgg19", keras.applications.VGG19)])
@pytest.mark.parametrize("top, shape", [(True, (224, 224, 3)), (False, (75, 48, 3))])
def test_vgg_is_that_of_keras_applications(name, theirs, top, shape, zeros_at_first, bounded_memory):
    theirs = theirs(weights=None, include_top=top, input_shape=shape, classifier_activation=None)
    ours = zoo.create(name, shape, include_top=top, classifier_activation=None)
    copy_weights(randomize(theirs), ours)
    image = np.random.default_rng(1).standard_normal((1, *shape), "float32")
    expected = keras.ops.convert_to_numpy(theirs(image))
    assert expected.std() > 0.1, "a net of faded signals would prove nothing"
    np.testing.assert_allclose(keras.ops.convert_to_numpy(ours(image)), expected, atol=1e-4, rtol=1e-4)


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


@pytest.mark.parametrize(
    "name, content, sentence",
    [
        ("nowhere.keras", None, "There is no weights file '.*nowhere.keras'; weights must be None or the path of one."),
        ("imagenet", None, "There is no weights file '.*imagenet'"),
        ("net.pth", b"x", "net.pth is no weights file: its name must end with .keras or .weights.h5."),
        ("net.h5", b"x", "net.h5 is no weights file"),
        ("net.weights.h5", b"no such thing", "net.weights.h5 doesn't fit layout: "),
        ("net.keras", b"no such thing", "net.keras doesn't fit layout: "),
    ],
)
def test_a_file_that_is_none_has_its_sentence(tmp_path, name, content, sentence):
    if content:
        (tmp_path / name).write_bytes(content)
    with pytest.raises(ZooError, match=sentence):
        net(weights=tmp_path / name)


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
    with pytest.raises(ZooError, match="layout has 3 layers with weights, short has 2: not the same net"):
        copy_weights(source, net(NET[:-1], name="short"))

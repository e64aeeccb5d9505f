"""Legacy `.h5` files, and nets that are nested in a larger model: the body is found, the rest is a head."""

import warnings

import keras
import keras_2_files
import numpy as np
import pytest
from keras import layers

import zoo
from zoo import ZooError, ZooWarning
from zoo.layout import Conv, Dense, Flatten, GlobalPool, Layout, Norm
from zoo.weights import load_weights
from zoo.weights.imagenet import reference

SHAPE = (8, 8, 3)
BUILDERS = zoo.registry.with_weights("imagenet")
LIGHT = {"mobilenet_v2", "resnet50v2"}


def stirred(model, seed=0):
    """Give every weight a value that a mistake would show; return the model."""
    random = np.random.default_rng(seed)
    for layer in model.layers:
        if isinstance(layer, layers.Normalization):
            continue
        if hasattr(layer, "layers"):
            stirred(layer, seed + 1)
            continue
        for weight in getattr(layer, "weights", ()):
            scale = np.sqrt(2 / np.prod(weight.shape[:-1])) if len(weight.shape) > 1 else 0.1
            value = scale * random.standard_normal(weight.shape, "float32")
            weight.assign(1 + np.clip(value, -0.3, 0.3) if weight.name in ("gamma", "moving_variance") else value)
    return model


def alike(model, other, size=64):
    image = np.random.default_rng(1).uniform(-1, 1, (1, size, size, 3)).astype("float32")
    ours, theirs = (np.asarray(keras.ops.convert_to_numpy(one(image))) for one in (model, other))
    assert theirs.std() > 1e-6 and abs(ours - theirs).max() < 1e-3 * abs(theirs).max()


def save(model, path, form):
    """Save a whole model in one of the forms: Keras 3's own, its legacy one, or that of Keras 2."""
    if form == "keras 2":
        keras_2_files.save_model(model, path / "x.h5")
    else:
        model.save(path / ("x.h5" if form == "legacy" else "x.keras"))
    return path / ("x.keras" if form == "keras" else "x.h5")


FORMS = ("keras", "legacy", "keras 2")


def silent(**arguments):
    with warnings.catch_warnings():
        warnings.simplefilter("error", ZooWarning)
        return zoo.create(**arguments)


def told(caplog):
    """What the zoo told; absl tells of legacy files, too."""
    return [record.getMessage() for record in caplog.records if record.name == "zoo"]


# -------------------------------------------------------------------------------------- a fine-tuned MobileNetV2


@pytest.fixture(scope="module")
def body():
    return stirred(keras.applications.MobileNetV2(include_top=False, weights=None, input_shape=(64, 64, 3)))


def fine_tuned(body, pool=layers.GlobalAveragePooling2D, ahead=(), sequential=False):
    """A body under pooling, dropout and a dense layer of 19 classes."""
    behind = [pool(), layers.Dropout(0.2), layers.Dense(19, "softmax")]
    if sequential:
        return stirred(keras.Sequential([keras.Input((64, 64, 3)), *ahead, body, *behind]))
    x = image = keras.Input((64, 64, 3))
    for layer in ahead:
        x = layer(x)
    x = body(x, training=False)
    for layer in behind:
        x = layer(x)
    return stirred(keras.Model(image, x))


@pytest.mark.parametrize("sequential", [False, True])
@pytest.mark.parametrize("form", FORMS)
def test_a_nested_body_is_found_with_its_head(body, form, sequential, tmp_path, caplog):
    model = fine_tuned(body, sequential=sequential)
    path = save(model, tmp_path, form)
    with caplog.at_level("INFO", "zoo"):
        ours = silent(model="mobilenet_v2", input_shape=(64, 64, 3), classes=19, weights=path)
    assert told(caplog) == [f"body: 104 of 104 layers, head: 1 of 1 layers from {path.name}"]
    alike(ours, model)
    headless = silent(model="mobilenet_v2", input_shape=(64, 64, 3), include_top=False, weights=path)
    alike(headless, body)


@pytest.mark.parametrize("form", FORMS)
def test_other_classes_make_a_new_head(body, form, tmp_path, caplog):
    path = save(fine_tuned(body), tmp_path, form)
    with caplog.at_level("INFO", "zoo"):
        ours = silent(model="mobilenet_v2", input_shape=(64, 64, 3), classes=10, weights=path)
    assert told(caplog) == [f"body: 104 of 104 layers from {path.name}; head: new, 10 classes"]
    np.testing.assert_array_equal(ours.layers[1].get_weights()[0], body.layers[1].get_weights()[0])
    with pytest.raises(ZooError, match="include_top=False leaves the head aside, classes=1000 makes a new one"):
        zoo.create("mobilenet_v2", (64, 64, 3), weights=path)


@pytest.mark.parametrize("form", FORMS)
def test_a_head_on_another_pool_is_no_head_of_ours(body, form, tmp_path, caplog):
    path = save(fine_tuned(body, layers.GlobalMaxPooling2D), tmp_path, form)
    with caplog.at_level("INFO", "zoo"):
        silent(model="mobilenet_v2", input_shape=(64, 64, 3), classes=19, weights=path)
    assert told(caplog) == [f"body: 104 of 104 layers from {path.name}; head: new, 19 classes"]


@pytest.mark.parametrize("sequential", [False, True])
@pytest.mark.parametrize("form", FORMS)
def test_layers_that_prepare_images_are_told(body, form, sequential, tmp_path):
    augmentation = keras.Sequential([layers.RandomFlip(), layers.RandomRotation(0.1)])
    ahead = [augmentation, layers.Rescaling(1 / 127.5, offset=-1)]
    path = save(fine_tuned(body, ahead=ahead, sequential=sequential), tmp_path, form)
    with pytest.warns(ZooWarning, match=r"has Rescaling \(times 0.0078\d*, plus -1\) before the net: images must"):
        ours = zoo.create("mobilenet_v2", (64, 64, 3), include_top=False, weights=path)
    alike(ours, body)


@pytest.mark.parametrize("form", FORMS)
def test_a_body_of_keras_applications_is_refused_in_the_nets_of_others(body, form, tmp_path):
    path = save(fine_tuned(body), tmp_path, form)
    with pytest.raises(ZooError, match="x.* doesn't fit mobilenet_v2_torchvision: it is keras.applications' "
                                       "MobileNetV2, which is mobilenet_v2 here."):
        zoo.create("mobilenet_v2_torchvision", (64, 64, 3), include_top=False, weights=path)


@pytest.mark.parametrize("form", FORMS)
def test_two_nets_side_by_side_are_refused(form, tmp_path):
    def body(name):
        return keras.Sequential([keras.Input(SHAPE), layers.Conv2D(4, 3, padding="same")], name=name)

    image = keras.Input(SHAPE)
    both = layers.Concatenate()([body("one")(image), body("two")(image)])
    path = save(keras.Model(image, layers.Dense(3)(layers.Flatten()(both))), tmp_path, form)
    with pytest.raises(ZooError, match="where the net "):
        zoo.create([Conv(4, 3)], SHAPE, weights=path)


# --------------------------------------------------------------------------------------------- nets of the zoo, nested


LAYOUT = Layout([Conv(4, 3, 2, norm="batch"), Conv(5, 3, norm="batch", groups=1)], [GlobalPool(), Dense(6), Dense(3)])


@pytest.mark.parametrize("form", FORMS)
def test_a_nested_net_of_the_zoo_is_matched_by_name(form, tmp_path):
    inner = stirred(zoo.create(LAYOUT, SHAPE))
    image = keras.Input(SHAPE, name="photograph")
    model = keras.Model(image, inner(layers.Rescaling(2.0)(image)))
    path = save(model, tmp_path, form)
    with pytest.warns(ZooWarning, match=r"has Rescaling \(times 2.0, plus 0.0\) before the net"):
        ours = zoo.create(LAYOUT, SHAPE, weights=path)
    for one, other in zip(ours.get_weights(), inner.get_weights(), strict=True):
        np.testing.assert_array_equal(one, other)


@pytest.mark.parametrize("form", FORMS)
def test_a_nested_body_of_another_function_is_refused(form, tmp_path):
    inner = zoo.create(Layout([Conv(4, 3, 1, norm="batch"), Conv(5, 3, norm="batch")]), SHAPE)
    model = keras.Sequential([keras.Input(SHAPE), inner, layers.GlobalAveragePooling2D(), layers.Dense(3)])
    path = save(model, tmp_path, form)
    with pytest.raises(ZooError, match=r"it has strides \[1, 1\] in conv1, where the net has \[2, 2\]"):
        zoo.create(LAYOUT, SHAPE, include_top=False, weights=path)


# --------------------------------------------------------------------------------------------------- weights alone


def heavy_but_for_light():
    for name in BUILDERS:
        yield pytest.param(name, marks=[] if name in LIGHT else pytest.mark.slow)


@pytest.mark.parametrize("top", [True, False], ids=["whole", "body"])
@pytest.mark.parametrize("name", heavy_but_for_light())
def test_the_downloaded_files_of_keras_applications_are_taken(name, top, tmp_path):
    shape = (224, 224, 3) if top and name.startswith("vgg") else (96, 96, 3)
    theirs = stirred(reference(name, top, None, shape))
    keras_2_files.save_weights(theirs, tmp_path / "x_weights_tf_dim_ordering_tf_kernels.h5")
    with warnings.catch_warnings():
        warnings.simplefilter("error", ZooWarning)
        warnings.filterwarnings("ignore", ".*before the net: images", ZooWarning)
        if name.startswith("vgg"):  # whose names are the zoo's: an override would have them, too
            warnings.filterwarnings("ignore", ".*by its layers' names and shapes alone", ZooWarning)
        ours = zoo.create(name, shape, include_top=top, weights=tmp_path / "x_weights_tf_dim_ordering_tf_kernels.h5")
    image = np.random.default_rng(1).uniform(0, 1, (1, *shape)).astype("float32")
    pixels = 255 * image if name == "efficientnet_b0" else image
    given, wanted = (np.asarray(keras.ops.convert_to_numpy(x)) for x in (ours(image), theirs(pixels)))
    assert abs(given - wanted).max() < 1e-3 * abs(wanted).max()
    keras.utils.clear_session()


def test_the_downloaded_file_of_another_net_is_refused_by_name(tmp_path):
    path = tmp_path / "x.h5"
    keras_2_files.save_weights(reference("mobilenet_v2", False, None, (64, 64, 3)), path)
    with pytest.raises(ZooError, match="it is keras.applications' MobileNetV2, which is mobilenet_v2 here."):
        zoo.create("mobilenet_v2_torchvision", (64, 64, 3), include_top=False, weights=path)


@pytest.mark.parametrize("write", ["keras 2", "by hand"])
def test_weights_alone_are_matched_by_our_names_and_say_so(write, tmp_path):
    source = stirred(zoo.create(LAYOUT, SHAPE))
    if write == "keras 2":
        keras_2_files.save_weights(source, tmp_path / "x.h5")
    else:
        source.save_weights(tmp_path / "x.weights.h5")
    path = next(tmp_path.iterdir())
    with pytest.warns(ZooWarning, match="matched to layout by its layers' names and shapes alone"):
        ours = zoo.create(LAYOUT, SHAPE, weights=path)
    for one, other in zip(ours.get_weights(), source.get_weights(), strict=True):
        np.testing.assert_array_equal(one, other)


def test_weights_alone_under_other_names_are_matched_in_order_and_say_so(tmp_path):
    source = stirred(zoo.create(LAYOUT, SHAPE))
    keras_2_files.save_weights(source, tmp_path / "x.h5", names=lambda layer: f"their_{layer.name}")
    with pytest.warns(ZooWarning, match="matched to layout by the order and shapes of its weights alone, which"):
        ours = zoo.create(LAYOUT, SHAPE, weights=tmp_path / "x.h5")
    for one, other in zip(ours.get_weights(), source.get_weights(), strict=True):
        np.testing.assert_array_equal(one, other)


# ------------------------------------------------------------------------------------------- code, and other layers


RUN = []


@pytest.mark.parametrize("form", FORMS)
def test_code_in_a_file_is_never_run(form, tmp_path):
    image = keras.Input(SHAPE)
    x = layers.Lambda(lambda x: (RUN.append(1), x)[1], output_shape=SHAPE)(image)
    x = layers.Conv2D(4, 3, 2, padding="same")(x)
    x = layers.Lambda(lambda x: (RUN.append(1), x)[1], output_shape=(4, 4, 4))(x)
    path = save(keras.Model(image, layers.Dense(3)(layers.Flatten()(layers.Conv2D(5, 3)(x)))), tmp_path, form)
    RUN.clear()
    with pytest.raises(ZooError, match="it has Lambda as lambda.*, which is code, and code from a file isn't run."):
        zoo.create([Conv(4, 3, 2), Conv(5, 3, padding="valid"), Flatten(), Dense(3)], SHAPE, weights=path)
    with pytest.warns(ZooWarning, match="has Lambda before the net: images must be given"):
        zoo.create([Conv(4, 3, 2)], SHAPE, include_top=False, weights=path)
    assert not RUN


class Mine(layers.Conv2D):
    """A class of the user's own."""


@pytest.mark.parametrize("form", ["keras", "legacy"])
def test_a_layer_of_a_class_of_its_own_is_refused(form, tmp_path):
    image = keras.Input(SHAPE)
    path = save(keras.Model(image, layers.Conv2D(5, 3)(Mine(5, 3)(layers.Conv2D(4, 3)(image)))), tmp_path, form)
    with pytest.raises(ZooError, match="it has a Mine of its own as mine.*, which is code"):
        zoo.create([Conv(4, 3, padding="valid"), Conv(5, 3, padding="valid"), Conv(5, 3, padding="valid")], SHAPE,
                   weights=path)


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("change, sentence", [
    (dict(strides=1), r"it has strides \[1, 1\] in conv2d.*, where the net has \[2, 2\] in conv"),
    (dict(dilation_rate=2, strides=1), r"it has (strides|dilation_rate) .* in conv2d"),
])
def test_another_stride_under_other_names_is_refused(change, sentence, form, tmp_path):
    image = keras.Input(SHAPE)
    path = save(keras.Model(image, layers.Conv2D(4, 3, padding="same", **change)(image)), tmp_path, form)
    with pytest.raises(ZooError, match=sentence):
        zoo.create([Conv(4, 3, 2)], SHAPE, weights=path)


def test_another_epsilon_under_other_names_is_refused(tmp_path):
    image = keras.Input(SHAPE)
    keras.Model(image, layers.BatchNormalization(epsilon=0.1)(layers.Conv2D(4, 3)(image))).save(tmp_path / "x.keras")
    with pytest.raises(ZooError, match="it has epsilon 0.1 in batch_norm.*, where the net has 1e-05 in norm"):
        zoo.create([Conv(4, 3, padding="valid", activation=None), Norm(name="norm")], SHAPE,
                   weights=tmp_path / "x.keras")


# ---------------------------------------------------------------------------------------------------------- a run


def test_a_runs_folder_is_taken(tmp_path):
    run = tmp_path / "layout-digits-1"
    run.mkdir()
    model = zoo.create(LAYOUT, SHAPE)
    model.save(run / "model.keras")
    with pytest.raises(ZooError, match="is no run folder: it has no config.json"):
        zoo.create(LAYOUT, SHAPE, weights=run)
    (run / "config.json").write_text("{}")
    ours = zoo.create(LAYOUT, SHAPE)
    account = load_weights(ours, run)
    assert str(account) == "6 of 6 layers from the run layout-digits-1"
    for one, other in zip(ours.get_weights(), model.get_weights(), strict=True):
        np.testing.assert_array_equal(one, other)
    (run / "model.keras").unlink()
    with pytest.raises(ZooError, match="The run in .* wasn't finished"):
        zoo.create(LAYOUT, SHAPE, weights=run)

"""Keras's own files, `.keras` and `.weights.h5`: a net that computes something else is refused or told."""

import warnings
import zipfile
from dataclasses import replace

import keras
import numpy as np
import pytest
from miniatures import smallest

import zoo
from zoo import ZooError, ZooWarning
from zoo.layers import papers
from zoo.layout import Activation as Act
from zoo.layout import (
    Add,
    Conv,
    Crop,
    Dense,
    Flatten,
    GlobalPool,
    Norm,
    PadChannels,
    Pool,
    Scale,
    Shuffle,
    Stage,
    Upsample,
)
from zoo.weights import load_weights
from zoo.weights.graphs import difference
from zoo.weights.nodes import nodes

SHAPE = (8, 8, 3)
OTHER_FUNCTIONS = [
    (dict(stride=2), r"strides \[1, 1\] in conv1, where the net has \[2, 2\]"),
    (dict(pool=Pool(2, stride=1)), r"strides \[2, 2\] in pool, where the net has \[1, 1\]"),
    (dict(pool=Pool(2, kind="avg")), "MaxPooling2D as pool, where the net has AveragePooling2D"),
    (dict(last=GlobalPool("max", name="last")), "GlobalAveragePooling2D as last, where the net has GlobalMaxPool"),
    (dict(norm=Norm(epsilon=1e-3)), "epsilon 1e-05 in conv1_bn, where the net has 0.001"),
    (dict(zeros="both"), r"padding \[\[0, 0\], \[0, 4\]\] in pad, where the net has \[\[0, 0\], \[2, 2\]\]"),
    (dict(activation="elu"), "activation relu in conv2, where the net has elu"),
    (dict(factor=2.0), "scale 0.5 in scale, where the net has 2.0"),
    (dict(up=Upsample(2, "bilinear", name="up")), "interpolation nearest in up, where the net has bilinear"),
    (dict(turned=True), "scale before up, where the net has conv2"),
]


def all_that_no_shape_tells(
    stride=1, pool=Pool(2), norm="batch", zeros="after", activation="relu", padding="same", factor=0.5,
    up=Upsample(2, name="up"), turned=False, last=GlobalPool(name="last"),
):
    middle = [Scale(factor, name="scale"), up]
    return [Conv(4, 3, stride, padding, norm=norm), PadChannels(8, zeros), Conv(4, 1, activation=activation),
            *(middle[::-1] if turned else middle), pool, last, Dense(3)]


@pytest.mark.parametrize("size", [SHAPE, (9, 12, 3)], ids=["same size", "other size"])
@pytest.mark.parametrize("top", [True, False], ids=["whole", "body"])
@pytest.mark.parametrize("change, sentence", OTHER_FUNCTIONS)
def test_a_keras_file_of_another_function_is_refused(change, sentence, top, size, tmp_path):
    if "last" in change and not top:
        pytest.skip("the body ends before it")
    zoo.create(all_that_no_shape_tells(), SHAPE).save(tmp_path / "net.keras")
    with pytest.raises(ZooError, match=f"net.keras doesn't fit layout: it has {sentence}"):
        zoo.create(all_that_no_shape_tells(**change), size, include_top=top, weights=tmp_path / "net.keras")


@pytest.mark.parametrize("top", [True, False], ids=["whole", "body"])
@pytest.mark.parametrize("saved, built", [(SHAPE, SHAPE), (SHAPE, (9, 12, 3)), ((9, 12, 3), SHAPE)])
def test_a_keras_file_of_the_same_function_is_taken_in_silence(saved, built, top, tmp_path):
    """Of any size: which zeros "same" and a pool that rounds up put where depends on it."""
    layout = all_that_no_shape_tells(padding="same", stride=2, pool=Pool(3, 2, "ceil"))
    zoo.create(layout, saved).save(tmp_path / "net.keras")
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        zoo.create(layout, built, include_top=top, weights=tmp_path / "net.keras")


@pytest.mark.parametrize("padding", ["valid", 1, (2, 0)])
@pytest.mark.parametrize("top", [True, False], ids=["whole", "body"])
def test_a_keras_file_that_pads_otherwise_is_refused_at_any_size(padding, top, tmp_path):
    def layout(padding):
        return [Conv(4, 3, 2, padding), Conv(4, 3, 2, padding), GlobalPool(), Dense(3)]

    zoo.create(layout("same"), (32, 32, 3)).save(tmp_path / "net.keras")
    for size in ((32, 32, 3), (33, 48, 3)):
        with pytest.raises(ZooError, match="net.keras doesn't fit layout: it has (padding same|zeros none) in conv1"):
            zoo.create(layout(padding), size, include_top=top, weights=tmp_path / "net.keras")
    model = zoo.create(layout(padding), (33, 48, 3))
    with pytest.warns(ZooWarning, match="is of a net for images of another shape, .32, 32, 3., so that its layers w"):
        load_weights(model, tmp_path / "net.keras")


@pytest.mark.parametrize("one, other", [("same", "ceil"), ("ceil", "same"), ("valid", "ceil"), ("ceil", "valid")])
@pytest.mark.parametrize("size", [(7, 7, 3), (10, 10, 3)])
def test_a_pool_that_rounds_otherwise_is_refused(one, other, size, tmp_path):
    def layout(padding):
        return [Conv(4, 3, name="conv"), Pool(3, 3, padding, name="pool"), GlobalPool(), Dense(3)]

    zoo.create(layout(one), (7, 7, 3)).save(tmp_path / "net.keras")
    with pytest.raises(ZooError, match="net.keras doesn't fit layout: it (has (padding|rings)|pads or crops pool)"):
        zoo.create(layout(other), size, weights=tmp_path / "net.keras")


@pytest.mark.parametrize("one, other", [(Shuffle(2), Shuffle(4)), (Crop((0, 4, 0, 4)), Crop((4, 0, 4, 0)))])
@pytest.mark.parametrize("size", [(8, 8, 3), (9, 12, 3)])
def test_another_shuffle_or_crop_is_refused_at_any_size(one, other, size, tmp_path):
    def layout(word):
        return [Conv(8, 3), replace(word, name="it"), Conv(8, 3, groups=2), GlobalPool(), Dense(3)]

    zoo.create(layout(one), (8, 8, 3)).save(tmp_path / "net.keras")
    with pytest.raises(ZooError, match="net.keras doesn't fit layout: it (has (target_sh|cropping)|pads or crops it)"):
        zoo.create(layout(other), size, weights=tmp_path / "net.keras")


@pytest.mark.parametrize("place", ["before", "behind"])
def test_what_changes_the_scores_is_refused(place, tmp_path):
    model = zoo.create([Conv(4, 3, name="conv"), Flatten(), Dense(3, name="dense")], SHAPE)
    turn = keras.layers.Rescaling(-1.0, name="turn")
    if place == "before":
        scores = model.layers[-1](turn(model.layers[-2].output))
    else:
        scores = turn(model.output)
    keras.Model(model.input, scores).save(tmp_path / "net.keras")
    with pytest.raises(ZooError, match=f"it has turn {place} probabilities, where the net "):
        zoo.create([Conv(4, 3, name="conv"), Flatten(), Dense(3, name="dense")], SHAPE, weights=tmp_path / "net.keras")


LENET = [Conv(4, 3, name="conv"), Flatten(name="flatten"), Dense(3, name="dense")]


def plain_keras(tmp_path, behind=lambda x: x, conv=None, **options):
    """A net of Keras's own layers, with the names that `LENET` has; what stands behind its last is `behind`'s."""
    image = keras.Input(SHAPE, name="image")
    conv = conv or keras.layers.Conv2D(4, 3, padding="same", activation="relu", name="conv")
    x = keras.layers.Flatten(name="flatten")(conv(image))
    keras.Model(image, behind(keras.layers.Dense(3, name="dense", **options)(x))).save(tmp_path / "net.keras")


@pytest.mark.parametrize("behind", [
    lambda x: x, keras.layers.Softmax(name="mine"), keras.layers.Activation("sigmoid", name="other")])
def test_an_activation_of_the_scores_is_no_other_net(behind, tmp_path):
    plain_keras(tmp_path, behind)
    with warnings.catch_warnings():
        warnings.simplefilter("error", ZooWarning)
        zoo.create(LENET, SHAPE, weights=tmp_path / "net.keras")
        plain_keras(tmp_path, activation="softmax")
        zoo.create(LENET, SHAPE, weights=tmp_path / "net.keras")


@keras.saving.register_keras_serializable("my")
class Conv2D(keras.layers.Conv2D):
    """Another function of the same name."""


@keras.saving.register_keras_serializable("my")
def relu(x):
    return keras.ops.minimum(x, 1)


@pytest.mark.parametrize("behind, sentence", [
    (lambda x: keras.layers.Dense(3, name="mine")(keras.layers.ReLU(name="r")(x)), "has r behind dense, where the net"),
    (lambda x: keras.layers.Softmax(name="s")(keras.layers.Rescaling(5.0, name="five")(x)), "has five behind dense"),
    (keras.layers.Rescaling(5.0, name="scores"), "has Rescaling as scores, where the net has Activation"),
    (keras.layers.LayerNormalization(name="probabilities"), "has LayerNormalization as probabilities, where"),
    (lambda x: keras.layers.Dense(2, name="mine")(keras.layers.Softmax(name="s")(x)), "has mine behind s, where the"),
])
def test_what_stands_behind_the_scores_is_refused(behind, sentence, tmp_path):
    plain_keras(tmp_path, behind)
    with pytest.raises(ZooError, match=f"net.keras doesn't fit layout: it {sentence}"):
        zoo.create(LENET, SHAPE, weights=tmp_path / "net.keras")


@pytest.mark.parametrize("conv, sentence", [
    (lambda: Conv2D(4, 3, padding="same", activation="relu", name="conv"), "has my>Conv2D as conv, where"),
    (lambda: keras.layers.Conv2D(4, 3, padding="same", activation=relu, name="conv"), "has activation my>relu in conv"),
])
def test_what_bears_the_name_of_a_layer_of_keras_is_refused(conv, sentence, tmp_path):
    plain_keras(tmp_path, conv=conv())
    with pytest.raises(ZooError, match=f"net.keras doesn't fit layout: it {sentence}"):
        zoo.create(LENET, SHAPE, weights=tmp_path / "net.keras")


def save_otherwise(model, call, path):
    """Save a copy of a model in which `call(layer, its input)` stands for each layer's call."""
    def again(layer):
        return type(layer).from_config(layer.get_config())

    keras.models.clone_model(model, call_function=call, clone_function=again).save(path)


@pytest.mark.parametrize("name, sentence", [
    ("conv", "has conv .call 2. before pool, where the net has conv"),
    ("probabilities", "has probabilities .call 2. behind probabilities, where the net ends"),
])
def test_a_layer_that_is_called_twice_is_refused(name, sentence, tmp_path):
    layout = [Conv(3, 3, name="conv"), GlobalPool(name="pool")] if name == "conv" else LENET
    save_otherwise(zoo.create(layout, SHAPE), lambda layer, x, **options: layer(layer(x, **options))
                   if layer.name == name else layer(x, **options), tmp_path / "net.keras")
    with pytest.raises(ZooError, match=f"it {sentence}"):
        zoo.create(layout, SHAPE, weights=tmp_path / "net.keras")


@pytest.mark.parametrize("size", [(8, 8, 3), (9, 12, 3)], ids=["same size", "other size"])
@pytest.mark.parametrize("top", [True, False], ids=["whole", "body"])
@pytest.mark.parametrize("before", ["conv1", "norm", "crop", "conv2", "elu"])
@pytest.mark.parametrize("added", [
    [keras.layers.ZeroPadding2D], [keras.layers.ZeroPadding2D, keras.layers.Cropping2D], [keras.layers.Cropping2D]])
def test_a_border_that_the_net_lacks_is_refused(added, before, top, size, tmp_path):
    def call(layer, x, **options):
        for border in added if layer.name == before else ():
            x = border(1)(x)
        return layer(x, **options)

    layout = [Conv(4, 3, activation=None, name="conv1"), Norm(name="norm"), Act("relu"), Crop(1, name="crop"),
              Conv(4, 3, 2, activation=None, name="conv2"), Act("elu", name="elu"), GlobalPool(), Dense(3)]
    save_otherwise(zoo.create(layout, SHAPE), call, tmp_path / "net.keras")
    with pytest.raises(ZooError, match="net.keras doesn't fit layout: it (has (zero|crop)|pads or crops )"):
        zoo.create(layout, size, include_top=top, weights=tmp_path / "net.keras")


@pytest.mark.parametrize("size", [(8, 8, 3), (9, 12, 3)], ids=["same size", "other size"])
@pytest.mark.parametrize("top", [True, False], ids=["whole", "body"])
def test_a_crop_in_another_place_is_refused(top, size, tmp_path):
    crop, conv = Crop(1, name="crop"), Conv(3, 3, name="conv")
    zoo.create([crop, conv, GlobalPool(), Dense(3)], SHAPE).save(tmp_path / "net.keras")
    with pytest.raises(ZooError, match="it has crop before conv, where the net has the image"):
        zoo.create([conv, crop, GlobalPool(), Dense(3)], size, include_top=top, weights=tmp_path / "net.keras")


def test_a_border_behind_the_body_is_no_other_body(tmp_path):
    body = zoo.create([Conv(4, 3, 2, name="conv")], SHAPE)
    x = keras.layers.ZeroPadding2D(1)(body.get_layer(index=-1).output)
    keras.Model(body.input, keras.layers.Flatten()(x)).save(tmp_path / "net.keras")
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        zoo.create([Conv(4, 3, 2, name="conv")], (9, 12, 3), include_top=False, weights=tmp_path / "net.keras")


def two_branches(shared, in_a_row=False):
    """Two convolutions side by side or in a row, each behind a dropout, which is one layer if `shared`."""
    image = keras.Input(SHAPE, name="image")
    drops = [keras.layers.Dropout(0.5)] * 2 if shared else [keras.layers.Dropout(0.5), keras.layers.Dropout(0.5)]
    one = keras.layers.Conv2D(3, 1, name="one")(drops[0](image))
    two = keras.layers.Conv2D(3, 1, name="two")(drops[1](one if in_a_row else image))
    return nodes(keras.Model(image, keras.layers.Add(name="sum")([one, two])).get_config())


@pytest.mark.parametrize("in_a_row", [True, False])
def test_a_dropout_that_stands_in_two_places_is_one_in_each(in_a_row):
    ours, theirs = two_branches(False, in_a_row), two_branches(True, in_a_row)
    assert difference(ours, theirs, whole=True) == ""
    other = two_branches(True, not in_a_row)
    assert " before two, where the net has " in difference(ours, other, whole=True)


def test_alexnet_with_one_dropout_for_both_is_taken(tmp_path):
    options = dict(input_shape=(96, 96, 3), width=0.05, classes=3)
    model, only = zoo.create("alexnet_owt", **options), keras.layers.Dropout(0.5)
    save_otherwise(model, lambda layer, x, **more: (only if isinstance(layer, keras.layers.Dropout) else layer)(x),
                   tmp_path / "net.keras")
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        zoo.create("alexnet_owt", **options, weights=tmp_path / "net.keras")


def two_joined(join, swapped=False, **options):
    image = keras.Input(SHAPE, name="image")
    maps = [keras.layers.Conv2D(3, 1, name=name)(image) for name in ("one", "two")]
    return nodes(keras.Model(image, join(name="join", **options)(maps[::-1] if swapped else maps)).get_config())


@pytest.mark.parametrize("name", ["Add", "Average", "Maximum", "Minimum", "Multiply", "Subtract", "Concatenate"])
def test_only_where_the_order_of_sources_means_something_it_counts(name):
    join = getattr(keras.layers, name)
    told = difference(two_joined(join), two_joined(join, swapped=True), whole=True)
    assert bool(told) == (name in ("Subtract", "Concatenate"))


def test_an_axis_counted_from_either_end_is_the_same():
    of_last, of_third, of_rows = (two_joined(keras.layers.Concatenate, axis=axis) for axis in (-1, 3, 1))
    assert difference(of_last, of_third, whole=True) == ""
    assert difference(of_third, of_last, whole=True) == ""
    assert difference(of_last, of_rows, whole=True) == "has axis 1 in join, where the net has -1"


class Identity(keras.layers.Layer):
    """A class of its own that isn't registered with Keras."""

    def call(self, x):
        return -5 * x


class Outer(keras.Model):
    """A graph of layers whose scores its own call changes."""

    def call(self, x, **options):
        return -5 * super().call(x, **options)


@pytest.mark.parametrize("size", [(8, 8, 3), (9, 12, 3)], ids=["same size", "other size"])
@pytest.mark.parametrize("top", [True, False], ids=["whole", "body"])
@pytest.mark.parametrize("name, call, sentence", [
    ("conv", lambda layer, x: layer(Identity(name="mine")(x)), "has mine before conv, where the net has the image"),
    ("conv", lambda layer, x: layer(keras.layers.Dropout(0.5, name="mc")(x, training=True)), "has mc before conv, whe"),
    ("norm", lambda layer, x: layer(x, training=True), "has training True in norm, where the net has False"),
])
def test_what_a_call_does_otherwise_is_refused(name, call, sentence, top, size, tmp_path):
    layout = [Conv(4, 3, activation=None, name="conv"), Norm(name="norm"), GlobalPool(), Dense(3)]
    save_otherwise(zoo.create(layout, SHAPE), lambda layer, x, **options:
                   call(layer, x) if layer.name == name else layer(x, **options), tmp_path / "net.keras")
    with pytest.raises(ZooError, match=f"net.keras doesn't fit layout: it {sentence}"):
        zoo.create(layout, size, include_top=top, weights=tmp_path / "net.keras")


@pytest.mark.parametrize("size", [(8, 8, 3), (9, 12, 3)], ids=["same size", "other size"])
def test_a_model_class_of_its_own_is_told(size, tmp_path):
    layout = [Conv(4, 3), GlobalPool(), Dense(3)]
    model = zoo.create(layout, SHAPE)
    Outer(model.input, model.output).save(tmp_path / "net.keras")
    with pytest.warns(ZooWarning, match="is of a model of a class of its own, Outer, whose call isn't seen: only a"):
        zoo.create(layout, size, weights=tmp_path / "net.keras")


class Mine(keras.Model):
    """A model without a graph."""

    def __init__(self, **options):
        super().__init__(**options)
        self.conv = keras.layers.Conv2D(4, 3, padding="same")

    def call(self, x):
        return self.conv(x)


def test_a_model_without_a_graph_is_told(tmp_path):
    model = Mine()
    model(np.zeros((1, *SHAPE)))
    model.save(tmp_path / "net.keras")
    with pytest.raises(ZooError, match="it holds a model of a class of its own, not a graph of layers.$"):
        zoo.create([Conv(4, 3), GlobalPool(), Dense(3)], SHAPE, weights=tmp_path / "net.keras")


@pytest.mark.parametrize("size", [(8, 8, 3), (9, 12, 3)], ids=["same size", "other size"])
@pytest.mark.parametrize("top", [True, False], ids=["whole", "body"])
def test_a_net_of_two_images_is_refused_and_another_input_behind_the_body_taken(top, size, tmp_path):
    layout = [Add([Conv(4, 3, name="a")], shortcut=[Conv(4, 3, name="b")], name="sum"), GlobalPool(name="gp"),
              Dense(3, name="dense")]
    model = zoo.create(layout, SHAPE)
    image, other = keras.Input(SHAPE, name="image"), keras.Input(SHAPE, name="other")
    again = {layer.name: type(layer).from_config(layer.get_config()) for layer in model.layers}
    both = again["sum"]([again["a"](image), again["b"](other)])
    keras.Model([image, other], again["dense"](again["gp"](both))).save(tmp_path / "net.keras")
    with pytest.raises(ZooError, match="it has other before b, where the net has the image"):
        zoo.create(layout, size, include_top=top, weights=tmp_path / "net.keras")
    said = keras.Input((4,), name="said")
    body = again["gp"](again["sum"]([again["a"](image), again["b"](image)]))
    keras.Model([said, image], again["dense"](keras.layers.Add()([body, said]))).save(tmp_path / "net.keras")
    with warnings.catch_warnings():
        warnings.simplefilter("error", ZooWarning)
        zoo.create(layout, size, include_top=False, weights=tmp_path / "net.keras")


@pytest.mark.parametrize("size", [(32, 32, 3), (40, 48, 3)])
def test_features_are_taken_at_any_size(size, tmp_path):
    layout = [Stage("one", Conv(4, 3, 2, 1)), Stage("two", Conv(4, 3, 2, 1)), Conv(4, 3, 2, 1, name="late"),
              GlobalPool(), Dense(3)]
    zoo.create(layout, (32, 32, 3), features=True).save(tmp_path / "net.keras")
    with warnings.catch_warnings():
        warnings.simplefilter("error", ZooWarning)
        zoo.create(layout, size, features=True, weights=tmp_path / "net.keras")


@pytest.mark.parametrize("size", [(8, 8, 3), (9, 12, 3)], ids=["same size", "other size"])
@pytest.mark.parametrize("top", [True, False], ids=["whole", "body"])
def test_zeros_round_a_map_may_stand_in_layers_of_any_name_and_number(top, size, tmp_path):
    layout = [Add([Conv(4, 3, 2, 2, name="a")], shortcut=[Conv(4, 3, 2, 2, name="b")]), GlobalPool(), Dense(3)]
    model = zoo.create(layout, SHAPE)
    ring, made = keras.layers.ZeroPadding2D(1), []

    def call(layer, x, **options):
        if isinstance(layer, keras.layers.ZeroPadding2D):
            made[:] = made or [ring(ring(x))]
            return made[0]
        return layer(x, **options)

    save_otherwise(model, call, tmp_path / "net.keras")
    with warnings.catch_warnings():
        warnings.simplefilter("error", ZooWarning)
        zoo.create(layout, size, include_top=top, weights=tmp_path / "net.keras")


def test_a_net_for_images_that_this_one_cannot_take_is_refused(tmp_path):
    def layout(padding):
        return [Conv(4, 3, 1, padding, name="one"), Conv(4, 3, 1, padding, name="two"), GlobalPool(), Dense(3)]

    zoo.create(layout("same"), (4, 3, 3)).save(tmp_path / "net.keras")
    with pytest.raises(ZooError, match="it is of a net for images of 4x3, which layout can't take.$"):
        zoo.create(layout("valid"), SHAPE, weights=tmp_path / "net.keras")


@pytest.mark.parametrize("size", [(8, 8, 3), (9, 12, 3)], ids=["same size", "other size"])
def test_a_padded_pool_that_rounds_up_too_is_refused(size, tmp_path):
    layout = [Conv(4, 3, name="conv"), Pool(3, 2, 1, name="pool"), GlobalPool(), Dense(3)]
    cut = papers.CutPooling((3, 3), (2, 2), ((0, 1), (0, 1)), "max", name="pool")
    save_otherwise(zoo.create(layout, SHAPE), lambda layer, x, **options: cut(x) if layer.name == "pool" else layer(x),
                   tmp_path / "net.keras")
    with pytest.raises(ZooError, match="it has rings .* in pool, where the net has none"):
        zoo.create(layout, size, weights=tmp_path / "net.keras")


@pytest.mark.parametrize("size", [(8, 12, 3), (10, 10, 3)])
def test_a_shuffle_that_turns_the_map_is_refused(size, tmp_path):
    layout = [Conv(8, 3), Shuffle(2, name="it"), Conv(8, 3, groups=2), GlobalPool(), Dense(3)]
    turned = {"it_hands": (12, 8, 2, 4), "it": (12, 8, 8)}
    save_otherwise(zoo.create(layout, (8, 12, 3)), lambda layer, x, **options:
                   keras.layers.Reshape(turned[layer.name], name=layer.name)(x) if layer.name in turned else layer(x),
                   tmp_path / "net.keras")
    with pytest.raises(ZooError, match="it has target_shape .12, 8, 2, 4. in it_hands, where the net has .8, 12, 2, 4"):
        zoo.create(layout, size, weights=tmp_path / "net.keras")


@pytest.mark.parametrize("layer", [
    keras.layers.RandomFlip(), keras.Sequential([keras.layers.RandomFlip(), keras.layers.GaussianNoise(0.1)]),
    keras.layers.ActivityRegularization(), keras.layers.Activation("linear"),
    keras.layers.SpatialDropout2D(0.5), keras.layers.GaussianDropout(0.5), keras.layers.GaussianNoise(0.5),
    keras.layers.AlphaDropout(0.5), keras.layers.Identity()])
def test_what_does_nothing_in_inference_is_no_other_net(layer, tmp_path):
    save_otherwise(zoo.create(LENET, SHAPE), lambda one, x, **options: one(layer(x) if one.name == "conv" else x),
                   tmp_path / "net.keras")
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        zoo.create(LENET, SHAPE, weights=tmp_path / "net.keras")


@pytest.mark.parametrize("config", ["{}", "[]", '{"config": null}', '{"config": {"layers": null}}', "no JSON"])
def test_a_config_that_is_none_is_told(config, tmp_path):
    plain_keras(tmp_path)
    with zipfile.ZipFile(tmp_path / "net.keras") as old, zipfile.ZipFile(tmp_path / "odd.keras", "w") as new:
        for name in old.namelist():
            new.writestr(name, config if name == "config.json" else old.read(name))
    with pytest.raises(ZooError, match="odd.keras doesn't fit layout: its config.json isn't that of a Keras model.$"):
        zoo.create(LENET, SHAPE, weights=tmp_path / "odd.keras")


def test_weights_in_bfloat16_are_read(tmp_path):
    keras.config.set_dtype_policy("bfloat16")
    try:
        source = zoo.create(LENET, SHAPE)
    finally:
        keras.config.set_dtype_policy("float32")
    source.save(tmp_path / "net.keras")
    model = zoo.create(LENET, SHAPE, weights=tmp_path / "net.keras")
    for ours, theirs in zip(model.get_weights(), source.get_weights(), strict=True):
        np.testing.assert_array_equal(ours, np.asarray(theirs, "float32"))


@pytest.mark.parametrize("name, saved, built", [
    ("resnet20", {}, dict(include_top=False, pooling="max")),
    ("lenet5", {}, dict(include_top=False, pooling="avg")),
    ("resnet20", dict(include_top=False), dict(include_top=False, pooling="avg")),
    ("resnet20", dict(include_top=False, pooling="avg"), dict(include_top=False, pooling="max")),
    ("resnet20", {}, dict(features=True)),
    ("resnet20", {}, dict(classifier_activation=None)),
    ("resnet20", dict(classifier_activation="sigmoid"), {}),
    ("googlenet", dict(aux=True), dict(aux=True, classifier_activation=None)),
    ("googlenet", dict(aux=True), {}),
])
def test_what_a_user_may_choose_at_the_end_is_no_other_function(name, saved, built, tmp_path):
    small = {} if name == "lenet5" else dict(input_shape=(96, 96, 3), width=0.1)
    source = zoo.create(name, **small, **saved)
    source.save(tmp_path / "net.keras")
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        model = zoo.create(name, **small, **built, weights=tmp_path / "net.keras")
    first = next(layer for layer in model.layers if layer.weights)
    np.testing.assert_array_equal(first.get_weights()[0], source.get_layer(first.name).get_weights()[0])


@pytest.mark.parametrize("named", [True, False])
def test_a_sequential_model_is_taken(named, tmp_path):
    names = ("conv", "flatten", "fc") if named else (None,) * 3
    keras.Sequential([
        keras.Input(SHAPE), keras.layers.Conv2D(4, 3, padding="same", activation="relu", name=names[0]),
        keras.layers.Flatten(name=names[1]), keras.layers.Dense(3, name=names[2]),
    ]).save(tmp_path / "net.keras")
    with warnings.catch_warnings(record=True) as told:
        warnings.simplefilter("always", ZooWarning)
        zoo.create([Conv(4, 3), Flatten(), Dense(3)], SHAPE, weights=tmp_path / "net.keras")
    assert ["by its graph" in str(one.message) for one in told] == ([] if named else [True])


def test_pools_of_another_kind_are_told_where_they_were_asked_for(tmp_path):
    zoo.create("vgg11", (32, 32, 3), classes=3, head="gap", width=0.1).save(tmp_path / "net.keras")
    with pytest.warns(ZooWarning, match="net.keras has MaxPooling2D as block1_pool, where the net has Aver.*: only"):
        zoo.create("vgg11", (32, 32, 3), 3, head="gap", width=0.1, pool="avg", weights=tmp_path / "net.keras")


def test_an_override_of_a_keras_files_net_is_told(tmp_path):
    zoo.create("resnet20").save(tmp_path / "net.keras")
    with pytest.warns(
        ZooWarning, match="net.keras has no conv1_conv_elu, which the net has: only a comparison of outputs"
    ):
        zoo.create("resnet20", weights=tmp_path / "net.keras", activation="elu")
    with pytest.raises(ZooError, match=r"net.keras doesn't fit resnet32: "):
        zoo.create("resnet32", weights=tmp_path / "net.keras")


@pytest.mark.parametrize("options", [{}, {"zeros": "both"}, {"activation": "elu"}])
def test_weights_without_a_graph_say_that_they_are_unproved(options, tmp_path):
    zoo.create("resnet20").save_weights(tmp_path / "net.weights.h5")
    with pytest.warns(ZooWarning, match="resnet20 by its layers' names and shapes alone, which .*: only"):
        zoo.create("resnet20", weights=tmp_path / "net.weights.h5", **options)


def test_another_graph_says_that_it_is_unproved(tmp_path):
    zoo.create([Conv(4, 3, name="x"), Flatten(), Dense(3)], SHAPE).save(tmp_path / "net.keras")
    with pytest.warns(
        ZooWarning, match="matched to layout by its graph and the shapes of its weights alone: only a com"
    ):
        zoo.create([Conv(4, 3), Flatten(), Dense(3)], SHAPE, weights=tmp_path / "net.keras")


@pytest.mark.slow
@pytest.mark.parametrize("name", zoo.list_models())
def test_every_net_is_itself_at_another_size(name, tmp_path):
    layout, options = smallest(name)
    height, width, channels = options.pop("input_shape")
    zoo.create(layout, (height + 13, width + 6, channels), **options).save(tmp_path / "net.keras")
    with warnings.catch_warnings():
        warnings.simplefilter("error", ZooWarning)
        options |= {"include_top": False, "weights": tmp_path / "net.keras"}
        zoo.create(layout, (height, width, channels), **options)

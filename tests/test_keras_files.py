"""Keras's own files, `.keras` and `.weights.h5`: a net that computes something else is refused or told."""

import warnings
from dataclasses import replace

import keras
import numpy as np
import pytest
from miniatures import smallest

import zoo
from zoo import ZooError, ZooWarning
from zoo.layout import Conv, Crop, Dense, Flatten, GlobalPool, Norm, PadChannels, Pool, Scale, Shuffle, Upsample
from zoo.plan import plan
from zoo.weights import load_weights
from zoo.weights.graphs import difference, nodes, padding_of

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
):  # fmt: skip
    middle = [Scale(factor, name="scale"), up]
    return [Conv(4, 3, stride, padding, norm=norm), PadChannels(8, zeros), Conv(4, 1, activation=activation),
            *(middle[::-1] if turned else middle), pool, last, Dense(3)]  # fmt: skip


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
    with pytest.raises(ZooError, match="net.keras doesn't fit layout: it has (padding|conv|a Zero|no conv1_pad)"):
        zoo.create(layout(padding), (32, 32, 3), include_top=top, weights=tmp_path / "net.keras")
    with pytest.raises(ZooError, match="net.keras doesn't fit layout: it pads conv1 otherwise than the net does for"):
        zoo.create(layout(padding), (33, 48, 3), include_top=top, weights=tmp_path / "net.keras")
    model = zoo.create(layout(padding), (33, 48, 3))
    with pytest.warns(ZooWarning, match="is of a net for images of 32x32, so that its padding wasn't compared: only a"):
        load_weights(model, tmp_path / "net.keras")


@pytest.mark.parametrize("one, other", [("same", "ceil"), ("ceil", "same"), ("valid", "ceil"), ("ceil", "valid")])
@pytest.mark.parametrize("size", [(7, 7, 3), (10, 10, 3)])
def test_a_pool_that_rounds_otherwise_is_refused(one, other, size, tmp_path):
    def layout(padding):
        return [Conv(4, 3, name="conv"), Pool(3, 3, padding, name="pool"), GlobalPool(), Dense(3)]

    zoo.create(layout(one), (7, 7, 3)).save(tmp_path / "net.keras")
    with pytest.raises(ZooError, match="net.keras doesn't fit layout: it (has (padding|rings)|pads pool)"):
        zoo.create(layout(other), size, weights=tmp_path / "net.keras")


@pytest.mark.parametrize("one, other", [(Shuffle(2), Shuffle(4)), (Crop((0, 4, 0, 4)), Crop((4, 0, 4, 0)))])
@pytest.mark.parametrize("size", [(8, 8, 3), (9, 12, 3)])
def test_another_shuffle_or_crop_is_refused_at_any_size(one, other, size, tmp_path):
    def layout(word):
        return [Conv(8, 3), replace(word, name="it"), Conv(8, 3, groups=2), GlobalPool(), Dense(3)]

    zoo.create(layout(one), (8, 8, 3)).save(tmp_path / "net.keras")
    with pytest.raises(ZooError, match="net.keras doesn't fit layout: it has (target_shape|cropping)"):
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
])  # fmt: skip
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
    ]).save(tmp_path / "net.keras")  # fmt: skip
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
def test_every_net_is_itself_at_another_size(name):
    layout, options = smallest(name)
    height, width, channels = options.pop("input_shape")
    shape = (height + 13, width + 6, channels)
    model = zoo.create(layout, (height, width, channels), **options)
    theirs = nodes(zoo.create(layout, shape, **options).get_config())
    assert difference(nodes(model.get_config()), theirs, of_one_size=False, whole=True) == ""
    for layer in plan(layout, shape, **options).trace.layers:
        if hasattr(layer.word, "padding"):
            assert padding_of(theirs, layer.name) == layer.padding

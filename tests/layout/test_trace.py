"""The trace against Keras: on random layouts, on published figures, and on measured receptive fields."""

import keras
import numpy as np
import pytest
from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st
from keras import layers

import zoo
from zoo import ZooError
from zoo.build import build
from zoo.layout import (
    LIKE_INPUT, RBF, Activation, Add, Auxiliary, Concat, Conv, ConvTranspose, Crop, Dense, DepthwiseConv,
    DropPath, Dropout, Flatten, GlobalPool, Layout, Multiply, Norm, PadChannels, Pool, Scale, Sequence, Shuffle, Split,
    Stage, Subsample, TableConv, Take, Unpool, Upsample, pair, plain_words, sides,
)
from zoo.layout.trace import smallest_input, trace
from zoo.layout.windows import OpenSides, OutOfPixels
from zoo.layout.checks import NORMS
from zoo.plan import plan


def examples(count):
    """The same random examples in every run, however long one takes."""
    return settings(max_examples=count, deadline=None, derandomize=True, suppress_health_check=list(HealthCheck))


# ------------------------------------------------------------------------------------------------ random layouts

small = st.integers(1, 3)
sizes = st.one_of(small, st.tuples(small, small))
pixels = st.integers(0, 2)
keras_pads = st.one_of(
    st.sampled_from(["same", "valid"]), pixels, st.tuples(pixels, pixels), st.tuples(pixels, pixels, pixels, pixels)
)
pads = st.one_of(keras_pads, st.just("ceil"))
activations = st.sampled_from([None, "relu", "tanh", "scaled_tanh"])
any_norm = st.builds(Norm, st.sampled_from(NORMS), st.sampled_from([1e-5, 1e-3]), st.booleans())
norms = st.one_of(st.sampled_from([None, *NORMS]), any_norm)
filters = st.sampled_from([None, 4, 8])

window = dict(kernel=sizes, stride=sizes, padding=pads)
finish = dict(norm=norms, activation=activations)
groups = st.sampled_from([1, 1, 2, 4])
convs = st.one_of(
    st.builds(Conv, filters, **window, groups=groups, bias=st.booleans(), **finish),
    st.builds(Conv, filters, kernel=sizes, padding=pads, dilation=sizes, **finish),
    st.builds(DepthwiseConv, sizes, st.sampled_from([1, 1, 2]), pads, multiplier=st.integers(1, 2), **finish),
    st.builds(DepthwiseConv, sizes, dilation=sizes, bias=st.booleans(), **finish),
    st.builds(TableConv, st.just(((0, 1), (3,), (0, 2, 3), (1,))), **window, **finish),
)
pools = st.one_of(
    st.builds(Pool, sizes, st.one_of(st.none(), sizes), pads, st.sampled_from(["max", "avg"])),
    st.builds(Subsample, sizes, activations),
)
points = st.one_of(
    any_norm, st.builds(Activation, activations), st.builds(Dropout, st.floats(0, 0.9)),
    st.builds(DropPath, st.floats(0, 0.9)), st.builds(Scale, st.floats(0.1, 2)), st.builds(Shuffle, st.just(2)),
)
channels = st.one_of(st.builds(Split, st.integers(0, 1)), st.builds(PadChannels, st.integers(4, 12)))
ups = st.one_of(
    st.builds(Upsample, st.one_of(st.integers(1, 2), sizes), st.sampled_from(["nearest", "bilinear"])),
    st.builds(ConvTranspose, filters, st.integers(2, 4), small, st.sampled_from(["same", "valid"]), bias=st.booleans(),
              activation=activations, bilinear=st.booleans()),
    st.builds(Crop, st.one_of(pixels, st.tuples(pixels, pixels), st.tuples(pixels, pixels, pixels, pixels))),
)
keepers = st.one_of(  # words that keep the map's height and width
    points, st.builds(Conv, filters, st.sampled_from([1, 3]), dilation=sizes, **finish),
    st.builds(Pool, sizes, st.just(1), st.just("same")),
)
shapers = st.one_of(points, st.builds(Conv, st.none(), sizes, **finish))  # that keep the channels too
plain = st.one_of(convs, convs, pools, pools, points, channels, channels, ups, ups)
crossing = st.builds(Conv, filters, st.integers(1, 3), padding=st.sampled_from(["valid", 0, 1]))  # a map to be cropped


def composites(rows):
    branch = st.lists(keepers, max_size=2)
    return st.one_of(
        st.builds(Stage, st.sampled_from("abc"), rows),
        st.builds(Sequence, rows),
        st.builds(lambda branches: Concat(*branches), st.lists(branch, min_size=1, max_size=3)),
        st.builds(
            lambda branches, shortcut: Add(*branches, shortcut=shortcut),
            st.lists(st.lists(shapers, max_size=2), min_size=1, max_size=2),
            st.lists(shapers, max_size=1),
        ),
        st.builds(lambda branch: Multiply([branch, GlobalPool()]), st.lists(points, max_size=2)),
        st.builds(lambda *branches: Concat(*branches, crop=True), crossing, crossing),
        st.builds(lambda a, b: Add([a, Conv(4, 1)], shortcut=[b, Conv(4, 1)], crop=True), crossing, crossing),
        st.builds(lambda stage: Concat([Take(stage)], []), st.sampled_from("abc")),
        st.builds(lambda name: Auxiliary(name, GlobalPool(), Dense(5)), st.sampled_from(["aux1", "aux2"])),
        st.builds(lambda name: [Pool(2, padding="same", name=name), Conv(None, 3), Unpool(name)],
                  st.sampled_from(["pool_a", "pool_b"])),
    )


nested = st.recursive(plain, lambda rows: composites(st.lists(rows, min_size=1, max_size=3)), max_leaves=6)
rows = st.one_of(convs, pools, points, channels, ups, nested)
image_shapes = st.tuples(st.integers(5, 20), st.integers(5, 20), st.just(4))
heads = st.sampled_from([
    [], [Flatten(), Dense(6, "tanh"), Dense(5)], [GlobalPool(), Dropout(), Dense(5)], [GlobalPool("max"), Dense(5)],
    [Conv(5, 1), GlobalPool()], [Flatten(), Dense(3, "tanh"), RBF(((1, -1, 1), (1, 1, -1)))],
])


@st.composite
def networks(draw, row=rows, most=8):
    """A layout that the trace accepts, and the shape of its image: rows that it refuses are left out."""
    shape, body = draw(image_shapes), []
    for word in draw(st.lists(row, min_size=1, max_size=most)):
        try:
            trace([*body, word], shape)
        except ZooError:
            continue
        body.append(word)
    return Layout(body, draw(heads)), shape


@given(networks())
@examples(100)
def test_a_built_layout_is_what_its_trace_says(network):
    layout, shape = network
    traced = trace(layout, shape)
    model = build(traced, classifier_activation=None)
    assert model.count_params() == traced.params
    assert sum(int(np.prod(w.shape)) for w in model.trainable_weights) == traced.trainable_params
    for layer in traced.layers:
        built = model.get_layer(layer.name)
        assert built.output.shape == (None, *layer.output.shape), layer
        assert built.count_params() == layer.params, layer
    outputs = model(np.zeros((2, *shape)))
    outputs = outputs if traced.auxiliary else {"scores": outputs}
    assert outputs.keys() == {"scores", *traced.auxiliary} and outputs["scores"].shape == (2, *traced.output_shape)
    keras.utils.clear_session(free_memory=False)


@given(networks(), st.sampled_from([(0, 1), (0,), (1,)]))
@examples(25)
def test_a_net_of_open_sides_is_that_of_each_size(network, open_axes):
    layout, shape = network
    # TensorFlow's graphs with oneDNN lose channels of zeros before an unpadded convolution, whatever the sides
    assume(not any(isinstance(word, PadChannels) for word in plain_words(layout.body)))
    fixed, open_shape = trace(layout, shape), tuple(None if i in open_axes else n for i, n in enumerate(shape))
    try:
        traced = trace(layout, open_shape)
    except OpenSides:
        assume(False)
    facts = [{layer.name: (layer.params, layer.output.stride, layer.output.receptive_field) for layer in one.layers}
             for one in (fixed, traced)]
    shared = facts[0].keys() & facts[1].keys()  # a map that needs no crop at this size may need one at another
    assert {name: facts[0][name] for name in shared} == {name: facts[1][name] for name in shared}
    net, model = build(fixed, classifier_activation=None), build(traced, classifier_activation=None)
    for layer in traced.layers:
        assert model.get_layer(layer.name).output.shape == (None, *layer.output.shape), layer
    for layer in net.layers:
        if layer.weights:
            model.get_layer(layer.name).set_weights(layer.get_weights())
    x = np.random.default_rng(0).standard_normal((2, *shape), "float32")
    answers = zip(keras.tree.flatten(net(x)), keras.tree.flatten(model.predict_on_batch(x)), strict=True)
    for expected, answer in answers:
        np.testing.assert_allclose(answer, expected, rtol=1e-4, atol=1e-5)
    keras.utils.clear_session(free_memory=False)


def keras_shape(word, shape):
    """The shape that Keras's own layer gives, asked without `zoo.build`; None where it refuses."""
    x, padding = keras.Input(shape), word.padding
    if not isinstance(padding, str):
        x, padding = layers.ZeroPadding2D(sides(padding))(x), "valid"
    if isinstance(word, Conv):
        layer = layers.Conv2D(4, pair(word.kernel), pair(word.stride), padding, dilation_rate=pair(word.dilation))
    else:
        layer = layers.AveragePooling2D(pair(word.size), pair(word.stride or word.size), padding)
    try:
        return layer(x).shape[1:]
    except ValueError:
        return None


slides = st.one_of(
    st.builds(Conv, st.just(4), st.integers(1, 5), sizes, keras_pads),
    st.builds(Conv, st.just(4), sizes, padding=keras_pads, dilation=st.integers(1, 3)),
    st.builds(Pool, st.one_of(st.integers(1, 4), sizes), st.one_of(st.none(), sizes), keras_pads, st.just("avg")),
)


@given(slides, st.tuples(st.integers(1, 7), st.integers(1, 7), st.just(4)))
@examples(150)
def test_pixels_run_out_exactly_where_they_do_in_keras(word, shape):
    expected = keras_shape(word, shape)
    if expected is None or min(expected) < 1:
        with pytest.raises(OutOfPixels):
            trace([word], shape)
    else:
        assert trace([word], shape).output_shape == expected


# ------------------------------------------------------------------------------------------------ receptive fields

linear = dict(padding=pads, activation=st.none())
odd = st.integers(1, 4)
linear_rows = st.one_of(
    st.builds(Conv, st.just(1), st.tuples(odd, odd), sizes, **linear),
    st.builds(Conv, st.just(1), st.tuples(odd, odd), dilation=sizes, **linear),
    st.builds(DepthwiseConv, odd, small, **linear),
    st.builds(Pool, sizes, sizes, pads, st.just("avg")),
    st.builds(Subsample, st.integers(1, 2)),
    st.builds(lambda k, s: Add([Conv(1, k, s, activation=None)], shortcut=[Conv(1, 1, s, activation=None)]),
              st.sampled_from([1, 3, 5]), small),
    st.builds(lambda a, b: Concat([Conv(1, a, activation=None), Conv(1, b, activation=None)], []),
              st.sampled_from([1, 3, 5]), st.sampled_from([1, 3])),
)


def seen_by_the_centre(model, shape):
    """(height, width) of the part of the image on which the central value of the output depends."""
    import tensorflow as tf

    image = tf.Variable(tf.ones((1, *shape)))
    with tf.GradientTape() as tape:
        output = model(image)
        centre = output[0, output.shape[1] // 2, output.shape[2] // 2, 0]
    touched = np.nonzero(tape.gradient(centre, image).numpy().any(axis=-1)[0])
    return tuple(int(axis.max() - axis.min() + 1) for axis in touched)


@given(st.lists(linear_rows, min_size=1, max_size=4))
@examples(40)
def test_receptive_field_and_stride_are_those_measured(words):
    need = trace(words, (400, 400, 1)).last_map
    assume(max(need.stride) <= 12 and max(need.receptive_field) <= 60)
    shape = tuple(3 * r + 4 * s for r, s in zip(need.receptive_field, need.stride)) + (1,)
    traced = trace(words, shape)
    model = build(traced)
    model.set_weights([np.ones(w.shape) for w in model.weights])
    assert seen_by_the_centre(model, shape) == traced.last_map.receptive_field
    keras.utils.clear_session(free_memory=False)


@pytest.mark.parametrize("scale", [2, 3])
def test_upsampling_divides_the_stride(scale):
    traced = trace([Pool(6), Upsample(scale), Conv(1, 3)], (24, 24, 1))
    assert traced.last_map.stride == (6 // scale,) * 2
    assert traced.last_map.receptive_field == (6 + 2 * 6 // scale,) * 2


def test_bilinear_upsampling_sees_two_pixels():
    traced = trace([Pool(2, kind="avg"), Upsample(2, "bilinear")], (24, 24, 1))
    assert traced.last_map.receptive_field == seen_by_the_centre(build(traced), (24, 24, 1)) == (4, 4)


@pytest.mark.parametrize(
    "rows",
    [
        [Pool(2, kind="avg"), ConvTranspose(1, 4, 2, "same")],
        [Pool(4, kind="avg"), ConvTranspose(1, 6, 2)],
        [Pool(2, kind="avg"), ConvTranspose(1, 2, 2), Conv(1, 3, activation=None)],
        [Pool(3, 2, "ceil", "avg")],
        [Conv(1, 3, activation=None), Crop(2)],
    ],
)
def test_what_a_pixel_sees_through_the_words_of_dense_prediction(rows):
    traced = trace(rows, (25, 25, 1))
    model = build(traced)
    model.set_weights([np.ones(w.shape) for w in model.weights])
    assert traced.last_map.receptive_field == seen_by_the_centre(model, (25, 25, 1))


# ------------------------------------------------------------------------------------------------ published figures


def test_vgg16_last_pool_sees_212_pixels():
    rows = {row["name"]: row for row in zoo.info("vgg16").layers}
    assert rows["block5_pool"]["receptive_field"] == zoo.info("vgg16").receptive_field == 212
    assert rows["block5_conv3"]["receptive_field"] == 196 and rows["block5_conv3"]["stride"] == 16


@pytest.mark.parametrize(
    "name, giga",  # torchvision.models documentation, GFLOPS (multiply-adds)
    [("alexnet_owt", 0.71), ("vgg11", 7.61), ("vgg13", 11.31), ("vgg16", 15.47), ("vgg19", 19.63)],
)
def test_macs_are_torchvisions(name, giga):
    assert round(zoo.info(name).macs / 1e9, 2) == giga


def test_macs_of_each_kind_by_hand():
    rows = [Conv(8, 3, groups=2), DepthwiseConv(3, stride=2), TableConv(((0, 1), (2,)), 3, padding="valid"), Pool(2),
            Norm(), Flatten(), Dense(10)]
    macs = [layer.macs for layer in trace(rows, (10, 10, 4)).layers]
    assert macs == [100 * 9 * 2 * 8, 25 * 9 * 8, 9 * 9 * 3, 0, 0, 0, 2 * 10]


def test_a_table_is_counted_by_its_connections():
    layers = {layer.name: layer for layer in trace(zoo.registry.entry("lenet5_1998").layout(), (32, 32, 1)).layers}
    assert [layers[name].trainable_params for name in ("c1", "s2", "c3", "s4", "c5", "f6")] == [
        156, 12, 1516, 32, 48120, 10164,  # LeCun et al. 1998, Section II.B
    ]


# ------------------------------------------------------------------------------------------------------- names


def test_names_say_stage_kind_and_number():
    rows = [
        Conv(4, 3), Pool(2),
        Stage("block1", Conv(4, 3, norm="batch"), Conv(4, 3, norm="lrn"), Pool(2)),
        Stage("block2", Add([Conv(4, 3), Activation("elu")], shortcut=[Conv(4, 1)]), Concat([Conv(1, 1)], [Pool(1)])),
        Conv(4, 1, name="last"), GlobalPool(), Dense(5), Dense(5),
    ]
    assert [layer.name for layer in trace(rows, (16, 16, 4)).layers] == [
        "conv", "pool",
        "block1_conv1", "block1_conv1_bn", "block1_conv1_relu", "block1_conv2", "block1_conv2_lrn", "block1_pool",
        "block2_add_conv", "block2_add_elu", "block2_add_shortcut_conv", "block2_add",
        "block2_concat_branch1_conv", "block2_concat_branch2_pool", "block2_concat",
        "last", "avg_pool", "fc1", "fc2",
    ]


def test_features_are_the_stages_that_end_in_a_map():
    rows = [Stage("a", Conv(4, 3), Stage("inner", Pool(2))), Stage("b"), Stage("top", Flatten(), Dense(3))]
    features = {stage: signal.source for stage, signal in trace(rows, (8, 8, 1)).features.items()}
    assert features == {"a_inner": "a_inner_pool", "a": "a_inner_pool", "b": "a_inner_pool"}


# ------------------------------------------------------------------------------------------------------ refusals


def test_a_map_of_fewer_channels_than_the_image_is_cut_to_it():
    assert trace([Conv(2, 3, padding=2), Crop("image")], (8, 8, 3)).output_shape == (8, 8, 2)


@pytest.mark.parametrize(
    "rows, sentence",
    [
        ([Conv(4, 3), Conv(4, 9, padding="valid")], "conv2 ran out of pixels: its 9x9 window doesn't fit on a 8x8"),
        ([Conv(4, 3, dilation=4, padding=0)], "conv ran out of pixels: its 3x3 window (dilated) doesn't fit on a 8x8"),
        ([Conv(6, 3, groups=4)], "conv can't divide 4 channels and 6 filters into 4 groups."),
        ([Conv(4, 3, stride=2, dilation=2)], "conv has a stride and a dilation, and Keras has no layer with both."),
        ([DepthwiseConv(3, stride=(1, 2))], "dwconv must have the same stride in both directions"),
        ([TableConv(((0, 4),), 3)], "conv has a connection table for more channels than the 4 that it gets."),
        ([Dense(3)], "fc takes a vector, but its input is a map; put Flatten() or GlobalPool() before it."),
        ([Flatten(), Conv(4, 3)], "conv takes a map, but its input is a vector"),
        ([Flatten(), RBF(((1, -1),))], "rbf compares 256 values with codes of another length."),
        ([Add([Conv(8, 3)])], "add can't join branches of different shapes: 8x8x8, 8x8x4."),
        ([Concat([Pool(2)], [])], "concat can't join branches of different shapes: 4x4x4, 8x8x4."),
        ([Stage("a", Conv(4, 3)), Pool(2), Take("a")], "the output of pool isn't used; Take must be the first word of"),
        ([Take("a")], "there is no stage 'a' that ends in a map before Take('a')"),
        ([Conv(4, 3), Unpool("conv")], "unpool needs a max pool named 'conv' before it."),
        (
            [Pool(2, name="p"), Conv(4, 3, stride=2), Unpool("p")],
            "unpool needs the shape that p gave; got 2x2x4, 4x4x4.",
        ),
        ([Pool(3, 2, name="p"), Unpool("p")], "unpool needs a pool of windows of 2 that don't overlap; p isn't one."),
        ([ConvTranspose(4, 1, 2)], "upconv leaves gaps: its 1x1 kernel is smaller than its stride."),
        ([Crop(4)], "crop ran out of pixels: it would cut all of a 8x8 map"),
        ([Pool(2), Crop("image")], "crop can't cut a map to the image: its stride is 2x2, not 1."),
        ([Concat([Pool(2)], [], crop=True)], "concat can't crop: 4x4x4, 8x8x4 don't all have the same stride."),
        ([Split(0, 3)], "split can't take slice 0 of 4 channels in 3 parts."),
        ([Shuffle(3)], "shuffle can't divide 4 channels into 3 equal groups."),
        ([Stage("a", Conv(4, 3)), Stage("a", Pool(2))], "there are two stages 'a'; give one of them another name."),
        ([PadChannels(3)], "pad can't pad 4 channels to 3."),
        ([Conv(4, 3, name="a"), Conv(4, 3, name="a")], "the layer name 'a' is taken; give the word another name."),
    ],
)
def test_each_refusal_has_its_sentence(rows, sentence):
    with pytest.raises(ZooError) as error:
        trace(rows, (8, 8, 4))
    assert sentence in str(error.value)


@pytest.mark.parametrize("shape", [(8, 8), (8, 8, 0), (8.0, 8, 1), (-8, 8, 1), 8, 0, (), "8x8", np.ones(3)])
def test_a_wrong_input_shape_has_its_sentence(shape):
    for call in (lambda: trace([Conv(4, 3)], shape), lambda: zoo.info("vgg16", shape)):
        with pytest.raises(ZooError, match=r"An input shape is \(height, width, channels\), all positive; got "):
            call()


@pytest.mark.parametrize("name", zoo.list_models())
def test_too_small_an_input_names_the_layer_and_the_smallest_size(name):
    entry = zoo.registry.entry(name)
    channels = entry.input_shape[-1]
    least = smallest_input(entry.layout(), channels)
    assert zoo.info(name, (least, least, channels)).output_shape[-1] == entry.classes
    if least == 1:
        return
    less = least - 1
    sentence = f"{name} needs an input of at least {least}x{least}; got {less}x{less}, where .* ran out of .*Try"
    with pytest.raises(ZooError, match=sentence):
        zoo.create(name, (less, less, channels))


def test_too_small_an_input_suggests_what_would_work():
    with pytest.raises(ZooError) as error:
        zoo.info("alexnet_owt", (32, 32, 3))
    sentence, _, smaller = str(error.value).rstrip(".").rpartition(" ")
    assert sentence == (
        "alexnet_owt needs an input of at least 63x63; got 32x32, where block5_pool ran out of pixels: its 3x3 window "
        "doesn't fit on a 1x1 map. Try --set padding=same, a larger input, or"
    )
    assert zoo.info(smaller, (32, 32, 3)).output_shape == (zoo.registry.entry(smaller).classes,)
    assert zoo.info("alexnet_owt", (32, 32, 3), padding="same").output_shape == (1000,)


def test_a_net_that_takes_no_input_says_so():
    no_way = [Pool(2000, stride=1)]
    with pytest.raises(ZooError, match="net takes no input of any size: pool ran out of pixels"):
        zoo.info(no_way, (32, 32, 1), name="net")


def test_the_input_may_be_long_in_one_direction():
    with pytest.raises(ZooError, match="vgg11 needs an input of at least 32x32; got 500x31, where block5_pool"):
        zoo.info("vgg11", (500, 31, 3))


def test_filters_like_the_input_give_back_what_a_sum_starts_from():
    traced = trace([Conv(5, 3), Add([Conv(2, 1), Conv(LIKE_INPUT, 3)])], (8, 8, 3))
    assert traced.output_shape == (8, 8, 5) and traced.params == 5 * 28 + 2 * 6 + 5 * 19
    with pytest.raises(ZooError, match='conv has filters="like input", which only a branch of an Add'):
        trace([Conv(LIKE_INPUT, 3)], (8, 8, 3))


def test_a_net_is_not_suggested_in_its_own_place():
    with pytest.raises(
        ZooError, match="lenet1 needs an input of at least .* Try --set padding=same or a larger input.$"
    ):
        zoo.info("lenet1", stride=4)
    with pytest.raises(ZooError, match="Try --set padding=same, a larger input, or lenet1.$"):
        zoo.info("lenet5", (28, 28, 1), stride=4)


@pytest.mark.parametrize("name", zoo.list_models())
def test_the_head_is_what_stands_after_the_body_and_stages_end_where_their_maps_leave(name):
    planned = plan(name)
    whole, body = planned.trace, trace(planned.layout.body, planned.trace.input_shape)
    assert [layer.name for layer in whole.layers] == [*(layer.name for layer in body.layers), *whole.head]
    ends = {stage: signal.source for stage, signal in whole.features.items()}
    assert ends.items() <= {stage: names[-1] for stage, names in whole.stages.items()}.items()

"""Nets of images of any size: the same as the net of each size, or refused in a sentence."""

import json

import keras
import numpy as np
import pytest
from click.testing import CliRunner
from miniatures import images, miniature, smallest, stirred

import zoo
from zoo import ZooError, registry
from zoo.cli import main
from zoo.layout import Conv, Crop, Dense, Dropout, Flatten, GlobalPool, Layout, Pool

ANY = (None, None, 3)
FLAT = {  # nets whose heads are made for one size of the map
    "lenet1", "lenet4", "lenet5", "lenet5_1998", "alexnet", "alexnet_owt", "zfnet", "overfeat_fast",
    "overfeat_accurate", "vgg11", "vgg11_bn", "vgg11_lrn", "vgg13", "vgg13_bn", "vgg16", "vgg16_bn", "vgg16c", "vgg19",
    "vgg19_bn",
}
every_model = pytest.mark.parametrize("name", zoo.list_models())
ONE_OF_EACH_FAMILY = list({registry.entry(name).family: name for name in zoo.list_models()}.values())
with_layers_of_its_own = pytest.mark.parametrize(  # layers that measure the image, or pad as much as any size needs
    "name", ["googlenet", "fcn8s", "unet", "segnet", "shufflenet_v2_x1_0"]
)


@pytest.fixture(autouse=True)
def same_seed_every_time():
    keras.utils.set_random_seed(0)
    yield
    keras.utils.clear_session(free_memory=False)


def assert_same(got, expected):
    for one, other in zip(keras.tree.flatten(got), keras.tree.flatten(expected), strict=True):
        np.testing.assert_allclose(one, other, rtol=0, atol=1e-5 * np.abs(other).max())


def opened(name, shape=(None, None), **arguments):
    """The miniature of a registered net with these sides, None for open ones, and the sides of its least image."""
    *least, channels = smallest(name)[1]["input_shape"]
    arguments = {"classifier_activation": None, "include_top": name not in FLAT} | arguments
    net = miniature(name, input_shape=(*shape, channels), **arguments)
    return stirred(net), least, lambda *sides: miniature(name, input_shape=(*sides, channels), **arguments)


def assert_is_that_of_the_size(net, at_size, height, width):
    fixed = at_size(height, width)
    assert [w.path for w in fixed.weights] == [w.path for w in net.weights], "set_weights takes either's"
    fixed.set_weights(net.get_weights())
    x = images(fixed, 2)
    assert_same(net(x), fixed(x))


# ---------------------------------------------------------------------------------------------------- the registry


@pytest.mark.parametrize("name", ONE_OF_EACH_FAMILY)
def test_a_net_of_open_sides_is_that_of_each_size(name):
    net, (height, width), at_size = opened(name)
    assert net.input_shape[1:3] == (None, None)
    assert_is_that_of_the_size(net, at_size, height + 7, width + 2)
    assert_is_that_of_the_size(net, at_size, height + 1, width + 13)


@with_layers_of_its_own
def test_one_side_may_be_open_and_the_other_known(name):
    _, (height, width), _ = opened(name)
    for shape in ((None, width + 3), (height + 3, None)):
        net, _, at_size = opened(name, shape)
        assert_is_that_of_the_size(net, at_size, *(known or height + 9 for known in shape))


@with_layers_of_its_own
def test_in_a_graph_and_from_a_file_it_is_the_same(name, tmp_path):
    net, (height, width), _ = opened(name)
    net.save(tmp_path / "net.keras")
    loaded = keras.models.load_model(tmp_path / "net.keras")
    assert loaded.input_shape == net.input_shape and loaded.output_shape == net.output_shape
    x = np.random.default_rng(0).standard_normal((2, height + 8, width + 3, net.input_shape[-1]), "float32")
    assert_same(loaded.predict(x, verbose=0), net(x))
    assert_same(loaded(x[:, 1:, 1:]), net(x[:, 1:, 1:]))


@every_model
def test_what_is_known_of_open_sides_is_what_holds_for_all(name):
    entry = registry.entry(name)
    layout, shape = entry.layout(), (*ANY[:2], entry.input_shape[-1])
    fixed = zoo.info(name, include_top=name not in FLAT)
    facts = zoo.info(layout, shape, include_top=name not in FLAT)
    assert facts.input_shape == shape and facts.macs is None and facts.receptive_field == fixed.receptive_field
    assert (facts.params, facts.trainable_params) == (fixed.params, fixed.trainable_params)
    rows = {row["name"]: row for row in fixed.layers}
    for row in facts.layers:
        if row["name"] in rows:
            known = rows[row["name"]]
            assert all(row[key] == known[key] for key in ("params", "stride", "receptive_field")), row
            assert row["output_shape"][-1] == known["output_shape"][-1] and len(row["output_shape"]) == len(
                known["output_shape"])
            assert row["macs"] == (None if len(row["output_shape"]) == 3 and known["macs"] else known["macs"]) or (
                row["output_shape"][:2] == (1, 1)), row


@pytest.mark.parametrize("name", sorted(FLAT))
def test_a_head_that_needs_a_size_is_refused_with_the_ways_out(name):
    channels = registry.entry(name).input_shape[-1]
    with pytest.raises(ZooError) as error:
        zoo.create(name, (None, None, channels))
    flat = rf"{name}: \w*flatten needs a map of known height and width; here it is \?x\?x\d+. Give a fixed input_shape"
    gap = "" if name == "lenet5_1998" else " or head='gap'"
    assert error.match(f"{flat}{gap} or include_top=False.$")
    assert zoo.info(name, (None, None, channels), include_top=False).output_shape[:2] == (None, None)
    if gap:
        assert zoo.info(name, (None, None, channels), head="gap").output_shape == zoo.info(name).output_shape


@pytest.mark.parametrize("model, options, sentence", [
    ("googlenet", {"aux": True},
     "aux1_flatten needs a map of known height and width; here it is ?x?x128. Give a fixed input_shape or include"),
    ("deeplab_largefov", {"padding": "same"},
     "crop can't cut a map to the image: where a map starts depends on the sides of the image, by \"same\" padding."),
    ([Flatten(), Dense(3)], {},
     "layout: flatten needs a map of known height and width; here it is ?x?x3. Give a fixed input_shape or head='gap'"),
    (Layout([Flatten()], [Dense(3)]), {}, "here it is ?x?x3. Give a fixed input_shape."),
])
def test_what_else_needs_a_size_has_its_sentence(model, options, sentence):
    with pytest.raises(ZooError) as error:
        zoo.create(model, ANY, **options)
    assert sentence in str(error.value)


def test_what_fits_no_size_is_refused_of_open_sides_too():
    smaller = [Pool(32), *registry.entry("fcn32s").layout().head, Conv(1, 3, padding="valid"), Crop("image")]
    for layout in ([Pool(5000)], smaller):
        with pytest.raises(ZooError):
            zoo.create(layout, ANY)


def test_a_known_side_that_is_too_small_is_told():
    with pytest.raises(ZooError, match=r"vgg11 needs an input of at least 32x32; got \?x31, where block5_pool ran out"):
        zoo.create("vgg11", (None, 31, 3), include_top=False)


@pytest.mark.parametrize("shape", [(None, None, None), (12, 12, None), (None, 0, 3), (None, 3)])
def test_a_shape_that_can_not_be_has_its_sentence(shape):
    with pytest.raises(ZooError, match="got .* Height and width may be None, for images of any."):
        zoo.create([Conv(4, 3)], shape)


# ------------------------------------------------------------------------------------------- arguments of zoo.create


def test_features_pooling_and_overrides_keep_the_sides_open():
    maps = miniature("vgg11", features=True, input_shape=ANY)
    assert {key: out.shape[1:3] for key, out in maps.output.items()} == {f"block{i}": (None, None) for i in range(1, 6)}
    vector = miniature("vgg11", include_top=False, pooling="avg", input_shape=ANY)
    assert vector.output_shape == (None, 32) and vector(np.zeros((1, 70, 41, 3))).shape == (1, 32)
    for options in ({"output_stride": 8}, {"pool": "stride"}, {"norm": "group"}, {"padding": "same"}, {"stride": 1}):
        net, (height, width), at_size = opened("resnet50_v1", **options)
        assert_is_that_of_the_size(net, at_size, height + 5, width + 2)


@pytest.mark.parametrize("tensor", [keras.Input(ANY), keras.Input((None, 40, 3))])
def test_a_net_on_a_tensor_of_open_sides(tensor):
    raw = keras.layers.Rescaling(2.0)(tensor)
    net = miniature("resnet20", input_shape=None, input_tensor=raw)
    assert net.input_shape == tensor.shape and net(np.zeros((2, 45, 40, 3))).shape == (2, 10)
    with pytest.raises(ZooError, match="flatten needs a map of known height and width"):
        miniature("vgg11", input_shape=None, input_tensor=raw)


@pytest.mark.parametrize("suffix", [".keras", ".weights.h5"])
@pytest.mark.parametrize("name", ["fcn8s", "squeezenet1_0"])
def test_weights_go_from_a_net_of_one_size_to_that_of_any_and_back(name, suffix, tmp_path, recwarn):
    net, least, at_size = opened(name)
    fixed = stirred(at_size(*least))
    for source, target in ((fixed, {}), (net, {"input_shape": fixed.input_shape[1:]})):
        path = tmp_path / f"{len(target)}{suffix}"
        (source.save if suffix == ".keras" else source.save_weights)(path)
        loaded = miniature(name, weights=path, **{"input_shape": ANY} | target)
        for one, other in zip(loaded.get_weights(), source.get_weights(), strict=True):
            np.testing.assert_array_equal(one, other)
    doubts = [str(warning.message) for warning in recwarn if issubclass(warning.category, zoo.ZooWarning)]
    assert len(doubts) == (0 if suffix == ".keras" else 2), doubts


def test_what_needs_one_size_says_so():
    from zoo.benchmark.workload import make_workload
    from zoo.inspect.diagram import draw_network

    def of_any(classes=3):
        return [GlobalPool(), Dense(classes)]

    for call in (lambda: draw_network(zoo.trace([Conv(4, 3)], ANY)),
                 lambda: make_workload("resnet20", "inference", "float32", input_shape=ANY)):
        with pytest.raises(ZooError, match="give a fixed input"):
            call()
    with pytest.raises(ZooError, match=r"mine can't have \(None, None, 3\) for its own input shape"):
        zoo.register(of_any, name="mine", input_shape=ANY)


def test_the_command_shows_what_it_can():
    def shown(*arguments):
        return CliRunner().invoke(main, ["info", *arguments]).output

    for size in ("any", "?x?", "anyx?x3"):
        lines = shown("resnet20", "--input", size).splitlines()
        assert lines[2].startswith("input ?x?x3, output 10, ") and ", ? multiply-adds, receptive field" in lines[2]
        first = next(i for i, line in enumerate(lines) if line.startswith("---")) + 1
        assert lines[first].split() == ["conv1_conv", "Conv", "?x?x16", "432", "?", "3", "1"]
        assert lines[-1].split() == ["predictions", "Dense", "10", "650", "640", "all", "-"]
    facts = json.loads(shown("resnet20", "--input", "anyx64", "--json"))
    assert facts["input_shape"] == [None, 64, 3] and facts["macs"] is None
    assert facts["layers"][0] | {"stride": 1, "receptive_field": 3, "output_shape": [None, 64, 16], "macs": None} == (
        facts["layers"][0])
    assert "'64x64xany' is no size; write 32, 32x48, 32x48x1 or anyxanyx3." in shown("vgg11", "--input", "64x64xany")


# -------------------------------------------------------------------------- a classifier slid across a larger image


def as_convolutions(layout, shape):
    """A net with the dense layers of its head as convolutions: the first as large as the map, the others 1x1."""
    height, width, _ = zoo.trace(layout.body, shape).output_shape
    head, kernel = [], (height, width)
    for word in layout.head:
        if isinstance(word, Dense):
            word, kernel = Conv(word.units, kernel, padding="valid", activation=word.activation, name=word.name), 1
        head += [] if isinstance(word, Flatten) else [word]
    return Layout(layout.body, head)


def assert_slides(layout, shape, rows, columns):
    """Whether the net over a large image is, at each position, the classifier of the part of the image there."""
    classifier = stirred(zoo.create(layout, shape, classifier_activation=None))
    dense = zoo.create(as_convolutions(layout, shape), (None, None, shape[-1]), classifier_activation=None)
    dense.set_weights([old.reshape(new.shape) for old, new in zip(classifier.get_weights(), dense.get_weights())])
    (down, across), (height, width) = zoo.trace(layout.body, shape).last_map.stride, shape[:2]
    sides = height + (rows - 1) * down, width + (columns - 1) * across
    image = np.random.default_rng(0).standard_normal((1, *sides, shape[-1]), "float32")
    parts = [image[:, i * down :][:, :height, j * across :][:, :, :width] for i in range(rows) for j in range(columns)]
    expected = np.concatenate([classifier(part) for part in parts])
    answer = np.asarray(dense(image))
    assert answer.shape[1:3] == (rows, columns) and np.ptp(expected, axis=0).min() > 1e-3 * np.abs(expected).max()
    assert_same(answer.reshape(expected.shape), expected)


def test_a_net_without_padding_slides_over_a_larger_image():
    body = [Conv(6, 5, stride=2, padding="valid"), Pool(3, 2), Conv(8, 3, padding="valid", norm="batch"), Pool(2)]
    assert_slides(Layout(body, [Flatten(), Dense(7, "elu"), Dropout(), Dense(3)]), (33, 37, 2), 3, 2)


def test_overfeat_slides_over_a_larger_image():
    """Sermanet et al. 2013, Section 3.5, without the padding of its later layers, which a part of an image has and the
    whole hasn't."""
    for name in ("overfeat_fast", "overfeat_accurate"):
        layout = zoo.plan.resolve(name, width=1 / 16, padding="valid", classes=5)[2]
        assert_slides(layout, registry.entry(name).input_shape, 2, 3)


def test_overfeat_with_its_own_padding_slides_at_its_own_size():
    layout, shape = zoo.plan.resolve("overfeat_fast", width=1 / 16, classes=5)[2], (231, 231, 3)
    classifier = stirred(zoo.create(layout, shape))
    dense = zoo.create(as_convolutions(layout, shape), ANY)
    dense.set_weights([old.reshape(new.shape) for old, new in zip(classifier.get_weights(), dense.get_weights())])
    x = images(classifier, 1)
    assert_same(np.asarray(dense(x))[:, 0, 0], classifier(x))
    assert dense(np.zeros((1, 231 + 32, 231 + 64, 3))).shape == (1, 2, 3, 5)

"""What published weights expect of an image: keras.applications' own functions, and torchvision's steps by Pillow."""

import json
from importlib import import_module
from pathlib import Path

import keras
import numpy as np
import pytest
from PIL import Image

import zoo
from zoo import ZooError, ZooWarning, registry
from zoo.data.preprocessing import Preprocessing, expected_preprocessing
from zoo.weights.published import imagenet_classes, is_assumed, pretrained_class_names, pretrained_preprocessing
from zoo.weights.published import publishers_preprocessing as of_publisher

RUN = Path(__file__).parents[1] / "runs" / "old_runs" / "finished"
BUILDERS, FILES = map(registry.with_weights, ("imagenet", "torchvision"))
MEAN, DEVIATION = np.array([0.485, 0.456, 0.406]), np.array([0.229, 0.224, 0.225])
SHAPE = (64, 48, 3)
random = np.random.default_rng(0)


def pixels(*shape):
    return random.integers(0, 256, shape, dtype=np.uint8)


def smooth(height, width):
    """An image as photographs are: no two neighbours far apart. (Of noise, a rounding in between shows.)"""
    return Image.fromarray(pixels(height // 4, width // 4, 3)).resize((width, height), Image.Resampling.BICUBIC)


def prepared(name, weights, image, shape=SHAPE):
    front = of_publisher(registry.entry(name), weights, shape)
    return keras.ops.convert_to_numpy(front.model()(np.asarray(image)[None]))[0]


def by_keras(name, image):
    """What keras.applications' net of a name makes of an image before its first convolution."""
    builder = getattr(keras.applications, BUILDERS[name])
    x = import_module(builder.__module__).preprocess_input(image[None].astype("float32"))
    if not name.startswith(("efficientnet", "mobilenet_v3")):
        return x[0]  # those two hold their preprocessing
    for layer in builder(weights=None, include_top=False, input_shape=SHAPE).layers:
        if isinstance(layer, keras.layers.Rescaling):
            x = layer(x)
        elif isinstance(layer, keras.layers.Normalization):
            # The published file holds these as mean and variance, and with it the builder adds the last division.
            deviation = np.array(import_module(builder.__module__).IMAGENET_STDDEV_RGB)
            return ((np.asarray(x) - MEAN) / np.sqrt(deviation) * (1 / np.sqrt(deviation)))[0]
    return np.asarray(x)[0]


@pytest.mark.parametrize("name", BUILDERS)
def test_imagenet_weights_get_images_as_keras_applications_prepares_them(name):
    image = pixels(*SHAPE)
    np.testing.assert_allclose(prepared(name, "imagenet", image), by_keras(name, image), atol=1e-4)


def test_images_for_keras_applications_are_resized_as_they_are():
    """Bilinear, the proportions changed: as `keras.utils.image_dataset_from_directory` does, but antialiased."""
    image = smooth(120, 200)
    resized = np.asarray(image.resize((48, 64), Image.Resampling.BILINEAR))
    np.testing.assert_allclose(prepared("vgg16", "imagenet", image), by_keras("vgg16", resized), atol=1.01)


# ------------------------------------------------------------------------------------------------------- torchvision

SPECIAL = {"efficientnet_b0_torchvision": (256, 224, Image.Resampling.BICUBIC),
           "inception_v3_torchvision": (342, 299, Image.Resampling.BILINEAR)}


def by_pillow(name, image):
    """torchvision's `ImageClassification`: Resize, CenterCrop, scaling to 0..1 and Normalize."""
    shorter, size, interpolation = SPECIAL.get(name, (256, 224, Image.Resampling.BILINEAR))
    width, height = image.size
    least = min(width, height)
    image = image.resize((int(shorter * width / least), int(shorter * height / least)), interpolation)
    left, top = (int(round((side - size) / 2.0)) for side in image.size)
    x = (np.asarray(image.crop((left, top, left + size, top + size))) / 255 - MEAN) / DEVIATION
    if name in ("googlenet_bn", "inception_v3_torchvision"):  # `_transform_input` of these two nets
        x = x * (DEVIATION / 0.5) + (MEAN - 0.5) / 0.5
    return x


@pytest.mark.parametrize("name, height, width", [
    *((name, 240, 300) for name in FILES),
    ("resnet18", 500, 333), ("resnet18", 64, 64), ("resnet18", 256, 257), ("efficientnet_b0_torchvision", 600, 401),
])
def test_torchvision_weights_get_images_as_torchvision_prepares_them(name, height, width):
    image, size = smooth(height, width), SPECIAL.get(name, (256, 224))[1]
    expected = expected_preprocessing(
        registry.entry(name).expects.get("torchvision", zoo.entry.CROPPED), registry.entry(name), (size, size, 3))
    found = keras.ops.convert_to_numpy(expected.model()(np.asarray(image)[None]))[0]
    step = 1 / 255 / DEVIATION.min()  # of one level: Pillow rounds to whole ones, twice
    np.testing.assert_allclose(found, by_pillow(name, image), atol=1.51 * step)
    assert f"cut to the central {size}x{size}" in expected.sentence((height, width, 3))


def test_grey_images_and_other_sizes_are_prepared_in_proportion():
    image = smooth(120, 200)
    front = of_publisher(registry.entry("resnet18"), "torchvision", (112, 112, 3))
    assert front.shorter == 128 and front.size == (112, 112)
    grey = image.convert("L")
    as_colour = prepared("resnet18", "torchvision", grey.convert("RGB"))
    ours = keras.ops.convert_to_numpy(
        of_publisher(registry.entry("resnet18"), "torchvision", SHAPE).model((None, None, 1))(
            np.asarray(grey)[None, ..., None]))[0]
    np.testing.assert_allclose(ours, as_colour, atol=1e-4)


def test_the_channels_of_caffe_are_put_in_order_and_told():
    front = of_publisher(registry.entry("vgg16"), "imagenet", (8, 8, 3))
    assert "put in the order blue, green, red" in front.sentence((8, 8, 3))
    red = np.zeros((1, 8, 8, 3), np.uint8)
    red[..., 0] = 255
    np.testing.assert_allclose(front.model()(red)[0, 0, 0], [-103.939, -116.779, 255 - 123.68], rtol=1e-5)


def test_the_classes_of_imagenet_have_names_each_its_own():
    names = imagenet_classes()
    assert len(names) == len(set(names)) == 1000
    assert [names[i] for i in (0, 1, 281, 340, 954, 999)] == [
        "tench", "goldfish", "tabby", "zebra", "banana", "toilet tissue"]
    for name in ("vgg16", "resnet50v2"):
        assert pretrained_class_names(registry.entry(name), "imagenet") == names


# -------------------------------------------------------------------------------------- whole nets on raw images


@pytest.fixture
def downloads(monkeypatch):
    """keras.applications' MobileNet with random weights in the place of those that it would download."""
    builder, built = keras.applications.MobileNet, []

    def download(weights, **options):
        theirs = builder(weights=None, **options)
        for layer in theirs.layers:
            if isinstance(layer, keras.layers.BatchNormalization):
                layer.gamma.assign(random.uniform(3, 5, layer.gamma.shape))  # or signals would fade
            if layer.name == "conv_preds":
                layer.kernel.assign(500 * layer.kernel)
        built.append(theirs)
        return theirs

    monkeypatch.setattr(keras.applications, "MobileNet", download)
    return built


def test_a_net_by_name_gives_what_the_publishers_pipeline_gives(downloads, tmp_path):
    image = pixels(224, 224, 3)
    Image.fromarray(image).save(tmp_path / "cat.png")
    net = zoo.load("mobilenet", weights="imagenet")
    answer = net(str(tmp_path / "cat.png"))
    x = keras.applications.mobilenet.preprocess_input(image[None].astype("float32"))
    expected = keras.ops.convert_to_numpy(downloads[0](x, training=False))[0]
    assert expected.std() > 1e-4
    np.testing.assert_allclose([answer[name] for name in net.class_names], expected, rtol=1e-2, atol=1e-6)
    assert list(answer.values()) == sorted(answer.values(), reverse=True)
    assert next(iter(answer)) == imagenet_classes()[expected.argmax()]
    np.testing.assert_allclose(net.preprocessing(image[None]), x, atol=1e-5)
    for one in (*net(np.stack([image, image])), net(image)):
        np.testing.assert_allclose([one[name] for name in answer], list(answer.values()), rtol=1e-2, atol=1e-6)


def test_the_preprocessing_of_a_built_model_is_that_of_its_weights(downloads):
    body = zoo.create("mobilenet", (128, 96, 3), include_top=False, weights="imagenet")
    before = zoo.preprocessing(body)
    assert before.input_shape == (None, None, None, 3) and before.output_shape == (None, 128, 96, 3)
    np.testing.assert_allclose(before(np.full((1, 50, 60, 3), 255, np.uint8)), 1, rtol=1e-6)
    keras.Sequential([before, body])
    for other in (zoo.create("lenet5"), keras.Sequential([keras.Input((2,))])):
        with pytest.raises(ZooError, match="wasn't built by zoo.create from a registered name with weights"):
            zoo.preprocessing(other)


def test_weights_of_torchvision_answer_as_torchvision(tmp_path, monkeypatch):
    torch_nets = pytest.importorskip("torch_nets", reason="PyTorch is not installed")
    torch = torch_nets.torch
    torch.manual_seed(0)
    theirs = torch_nets.NETS["squeezenet1_1"]().eval()
    torch.save(theirs.state_dict(), tmp_path / "net.pth")
    monkeypatch.setattr("zoo.weights.torchvision._download", lambda file: tmp_path / "net.pth")
    image = smooth(260, 310)
    with torch.no_grad():
        x = torch.from_numpy(by_pillow("squeezenet1_1", image).astype("float32").transpose(2, 0, 1)[None])
        expected = torch.softmax(theirs(x), 1)[0].numpy()
    for given in ("torchvision", tmp_path / "net.pth"):
        if given == "torchvision":
            net = zoo.load("squeezenet1_1", weights=given)
        else:
            with pytest.warns(ZooWarning, match="as torchvision prepares them for it, since net.pth has the keys"):
                net = zoo.load("squeezenet1_1", weights=given)
        answer = net(np.asarray(image))
        np.testing.assert_allclose([answer[name] for name in net.class_names], expected, rtol=0.02)
        assert net.class_names == imagenet_classes()


# ------------------------------------------------------------------------------------------------- files and runs


def test_a_file_that_tells_nothing_leaves_the_papers_range(tmp_path):
    zoo.create("lenet5").save(tmp_path / "net.keras")
    entry = registry.entry("lenet5")
    assert of_publisher(entry, tmp_path / "net.keras", (32, 32, 1)) is None
    assert pretrained_class_names(entry, tmp_path / "net.keras") is None and not is_assumed(entry, "net.pth")
    with pytest.warns(ZooWarning, match="lenet5 gets images with 0 for black and 1 for white; weights that were"):
        assert zoo.load("lenet5", weights=tmp_path / "net.keras").class_names == tuple("0123456789")


def test_a_fine_tuned_file_has_its_own_classes(tmp_path):
    torch = pytest.importorskip("torch")
    nets = pytest.importorskip("torch_nets")
    state = nets.NETS["squeezenet1_1"]().state_dict()
    state["classifier.1.weight"], state["classifier.1.bias"] = torch.zeros(7, 512, 1, 1), torch.zeros(7)
    torch.save(state, tmp_path / "net.pth")
    entry = registry.entry("squeezenet1_1")
    assert is_assumed(entry, tmp_path / "net.pth") and pretrained_class_names(entry, tmp_path / "net.pth") is None


def test_a_run_as_weights_brings_its_own_preprocessing_and_class_names():
    config, entry = json.loads((RUN / "config.json").read_text()), registry.entry("lenet1")
    own = Preprocessing.from_config(config["preprocessing"])
    assert of_publisher(entry, RUN, (28, 28, 1)) == own == of_publisher(entry, RUN / "model.keras", (28, 28, 1))
    assert of_publisher(entry, str(RUN), (40, 36, 1)).size == (40, 36)
    assert pretrained_class_names(entry, RUN) == tuple(config["class_names"])


def test_training_goes_on_with_the_same_values_of_pixels_but_whole_images():
    entry = registry.entry("resnet18")
    full, own = (f(entry, "torchvision", (64, 64, 3)) for f in (of_publisher, pretrained_preprocessing))
    assert own.shorter is None and own.scale == full.scale and own.offset == full.offset and own.size == (64, 64)


def test_a_run_is_loaded_for_python():
    net = zoo.load(RUN)
    digit = np.zeros((3, 28, 28), np.uint8)
    assert set(net(digit[0])) == set("0123456789") and abs(sum(net(digit[0]).values()) - 1) < 1e-5
    assert isinstance(net.model, keras.Model) and net.preprocessing.output_shape == net.model.input_shape
    assert len(net(digit[..., None])) == 3
    for wrong, sentence in ((digit[0] / 255 + 0.5, "multiply them by 255"), (np.zeros((4, 4, 5, 6)), "1 to 4"),
                            (np.full((8, 8), -1), "from 0 to 255; got -1"), (np.array(["x"]), "Images are numbers")):
        with pytest.raises(ZooError, match=sentence):
            net(wrong)
    with pytest.raises(ZooError, match="vgg16 has random weights: give weights="):
        zoo.load("vgg16")
    with pytest.raises(ZooError, match="There is no model 'vgg61'"):
        zoo.load("vgg61", weights="imagenet")


def test_a_set_whose_images_differ_in_size_is_loaded_so_that_as_much_is_cut_away():
    full = of_publisher(registry.entry("resnet18"), "torchvision", (224, 224, 3))
    assert full.loaded_size == (256, 256)
    assert of_publisher(registry.entry("vgg16"), "imagenet", (224, 160, 3)).loaded_size == (224, 160)

"""SavedModels: raw images in, named probabilities out, the same as the model's, in float32."""

import numpy as np
import pytest
import tensorflow as tf
from PIL import Image
from pixel_nets import grey_net, in_tiles, masks_and_images, small_unet, unpadded

import zoo
from zoo import ZooError
from zoo.data.preprocessing import Preprocessing, default_preprocessing
from zoo.export import export_saved_model, saved_model
from zoo.inference.trained import Trained, load_trained
from zoo.plan import plan
from zoo.registry import entry

NAMES = tuple("abcde")


def trained(name, input_shape, **options):
    model = zoo.create(name, input_shape, classes=len(NAMES), **options)
    corner = plan(name, input_shape, **options).corner
    return Trained(model, default_preprocessing(entry(name), input_shape), NAMES, name, corner=corner)


@pytest.mark.parametrize(
    "name, shape, options",
    [
        ("lenet5", (32, 32, 1), {}),
        ("alexnet", (67, 67, 3), {"width": 0.05}),  # groups and LRN
        ("vgg11_bn", (32, 40, 3), {"width": 0.05}),
    ],
)
def test_the_export_answers_as_the_model_for_any_size_and_type(tmp_path, name, shape, options):
    subject = trained(name, shape, **options)
    assert export_saved_model(subject, tmp_path / "saved_model" / "1") <= saved_model.TOLERANCE
    assert [path.name for path in (tmp_path / "saved_model").iterdir()] == ["1"]
    loaded = tf.saved_model.load(str(tmp_path / "saved_model" / "1"))
    assert not [variable.name for variable in loaded.variables if "moving" in variable.name]  # BatchNorm is folded
    images = np.random.default_rng(1).integers(0, 256, (3, 50, 41, shape[-1]), dtype=np.uint8)
    for signature, given in (("serving_default", images), ("serving_float", images.astype("float32"))):
        answer = loaded.signatures[signature](images=tf.constant(given))
        assert answer["probabilities"].dtype == tf.float32
        assert answer["probabilities"].numpy() == pytest.approx(subject.classifier()(images), abs=1e-5)
        assert answer["class_names"].numpy().astype("U").tolist() == [list(NAMES)] * 3


def test_the_papers_own_lenet_exports(tmp_path):
    model = zoo.create("lenet5_1998")
    front = Preprocessing((28, 28), 2, 1, (1.275 / 255,), (-0.1,))
    export_saved_model(Trained(model, front, tuple("0123456789"), "lenet5_1998"), tmp_path / "1")
    assert (tmp_path / "1" / "saved_model.pb").is_file()


@pytest.mark.bfloat16
def test_a_bfloat16_model_is_exported_in_float32(tmp_path):
    import keras

    keras.config.set_dtype_policy("mixed_bfloat16")
    try:
        half = trained("vgg11_bn", (32, 32, 3), width=0.05)
    finally:
        keras.config.set_dtype_policy("float32")
    export_saved_model(half, tmp_path / "1")
    images = np.random.default_rng(1).integers(0, 256, (2, 32, 32, 3), dtype=np.uint8)
    loaded = tf.saved_model.load(str(tmp_path / "1"))
    answer = loaded.signatures["serving_default"](images=tf.constant(images))["probabilities"].numpy()
    assert answer == pytest.approx(half.in_float32().classifier()(images), abs=1e-6)
    assert not [v for v in loaded.variables if v.dtype in (tf.bfloat16, tf.float16)]


def test_an_export_whose_answers_differ_is_not_kept(tmp_path, monkeypatch):
    monkeypatch.setattr(saved_model, "TOLERANCE", -1.0)
    with pytest.raises(ZooError, match="answers differ"):
        export_saved_model(trained("lenet1", (28, 28, 1)), tmp_path / "saved_model" / "1")
    assert list((tmp_path / "saved_model").iterdir()) == []


def test_an_earlier_export_is_replaced(tmp_path):
    (tmp_path / "1").mkdir()
    (tmp_path / "1" / "stale").write_text("old")
    export_saved_model(trained("lenet1", (28, 28, 1)), tmp_path / "1")
    assert not (tmp_path / "1" / "stale").exists() and [p.name for p in tmp_path.iterdir()] == ["1"]


def test_an_unwritable_folder_ends_with_a_sentence(tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(ZooError, match="Nothing can be written to"):
        export_saved_model(trained("lenet1", (28, 28, 1)), tmp_path / "file" / "1")


def test_a_bare_model_is_exported_by_name():
    assert load_trained("lenet1").class_names == tuple("0123456789")


# ------------------------------------------------------------------------------------------- grey, colour and alpha


@pytest.fixture(scope="module", params=[("lenet1", (28, 28, 1)), ("resnet20", (32, 32, 3))], ids=str)
def served(request, tmp_path_factory):
    """A model of grey or colour images, and its export, loaded."""
    subject, folder = trained(*request.param), tmp_path_factory.mktemp("served") / "1"
    export_saved_model(subject, folder)
    return subject, tf.saved_model.load(str(folder)).signatures


@pytest.mark.parametrize("mode", ["L", "LA", "RGB", "RGBA"])
def test_an_export_takes_grey_and_colour_with_or_without_alpha_whatever_it_was_trained_on(served, mode):
    """As the training's own front takes them; transparent ones as Pillow puts them on white."""
    subject, signatures = served
    pixels = np.random.default_rng(2).integers(0, 256, (3, 40, 30, len(mode)), dtype=np.uint8)
    plain = [Image.fromarray(image[..., 0] if mode == "L" else image, mode) for image in pixels]
    if mode.endswith("A"):
        white = Image.new("RGBA", (30, 40), "white")
        plain = [Image.alpha_composite(white, image.convert("RGBA")).convert(mode[:-1]) for image in plain]
    opaque = np.stack([np.asarray(image).reshape(40, 30, -1) for image in plain])
    expected = subject.classifier((None, None, opaque.shape[-1]))(opaque)
    for signature, images in (("serving_default", pixels), ("serving_float", pixels.astype("float32"))):
        given = signatures[signature](images=tf.constant(images))["probabilities"].numpy()
        assert given == pytest.approx(expected, abs=2e-3 if mode.endswith("A") else 1e-5)


@pytest.mark.parametrize("channels", [0, 5])
def test_images_of_other_channels_have_their_sentence(served, channels):
    sentence = rf"Images have 1 channel \(grey\), .* got this many:\] \[{channels}\]"
    with pytest.raises(tf.errors.InvalidArgumentError, match=sentence):
        served[1]["serving_default"](images=tf.zeros((1, 9, 9, channels), tf.uint8))


def test_the_check_of_an_export_sees_a_wrong_answer_to_colour_alone(tmp_path, monkeypatch):
    monkeypatch.setattr(saved_model, "_in_channels", lambda images, channels: images[..., :channels])
    with pytest.raises(ZooError, match="answers differ"):
        export_saved_model(trained("lenet1", (28, 28, 1)), tmp_path / "1")


@pytest.mark.filterwarnings("ignore:Layer .* does not have a `quantize` method")
@pytest.mark.parametrize("mode", ["int8", *(pytest.param(mode, marks=pytest.mark.slow) for mode in ("int4", "float8"))])
def test_a_quantized_model_is_exported_as_it_is(tmp_path, mode):
    subject = trained("lenet5", (32, 32, 1))
    subject.model.quantize(mode)
    export_saved_model(subject, tmp_path / "1")
    images = np.random.default_rng(1).integers(0, 256, (2, 32, 32, 1), dtype=np.uint8)
    given = tf.saved_model.load(str(tmp_path / "1")).signatures["serving_default"](images=tf.constant(images))
    expected = subject.on_images()(images.astype("float32"), training=False)
    assert given["probabilities"].numpy() == pytest.approx(np.asarray(expected), abs=saved_model.COARSE_TOLERANCE)


# ----------------------------------------------------------------------------------------------- nets that label pixels

PIXEL_NETS = {
    "by grey": lambda: grey_net(4, (12, 16)),
    "with a margin": lambda: grey_net(4, (12, 16), margin=2),
    "without padding": lambda: unpadded(small_unet(), (14, 22, 3)),
    "unet": lambda: unpadded("unet", (188, 204, 1), width=1 / 32),
    "segnet": lambda: trained("segnet", (32, 64, 3), width=1 / 32),
    "in tiles": lambda: in_tiles(grey_net(4, (12, 16))),
    "without padding, in tiles": lambda: in_tiles(unpadded(small_unet(), (14, 22, 3))),
}


@pytest.mark.parametrize("make", PIXEL_NETS.values(), ids=PIXEL_NETS)
def test_the_export_labels_the_pixels_of_any_size_and_type(tmp_path, make):
    subject = make()
    assert export_saved_model(subject, tmp_path / "1") <= saved_model.TOLERANCE
    signatures = tf.saved_model.load(str(tmp_path / "1")).signatures
    images = np.random.default_rng(1).integers(0, 256, (3, 50, 41, 3), dtype=np.uint8)
    expected = subject.probabilities(images)
    for signature, given in (("serving_default", images), ("serving_float", images.astype("float32"))):
        answer = {key: value.numpy() for key, value in signatures[signature](images=tf.constant(given)).items()}
        assert sorted(answer) == ["class_names", "classes", "probabilities"]
        assert answer["probabilities"].dtype == np.float32 and answer["classes"].dtype == np.uint8
        assert answer["probabilities"] == pytest.approx(expected, abs=saved_model.TOLERANCE)
        np.testing.assert_array_equal(answer["classes"], answer["probabilities"].argmax(-1))
        assert answer["class_names"].astype("U").tolist() == list(subject.class_names)


def test_the_export_labels_each_pixel_right(tmp_path):
    export_saved_model(grey_net(4, (12, 16)), tmp_path / "1")
    masks, images = masks_and_images(2, 12, 16)
    served = tf.saved_model.load(str(tmp_path / "1")).signatures["serving_default"]
    for given in (images, np.repeat(images, 3, -1)):
        np.testing.assert_array_equal(served(images=tf.constant(given))["classes"], masks)


def test_the_check_of_an_export_sees_wrong_classes_alone(tmp_path, monkeypatch):
    right = saved_model._labels

    def wrong(probabilities, class_names):
        answer = right(probabilities, class_names)
        return answer | {"classes": 1 - answer["classes"]}

    monkeypatch.setattr(saved_model, "_labels", wrong)
    with pytest.raises(ZooError, match="answers differ"):
        export_saved_model(grey_net(2), tmp_path / "1")


def test_a_class_as_probable_as_another_to_the_tolerance_is_right():
    probabilities = np.array([[[[0.5, 0.4999, 0.0001]]]])
    assert saved_model._are_best(np.uint8([[[1]]]), probabilities, 1e-4)
    assert not saved_model._are_best(np.uint8([[[1]]]), probabilities, 1e-5)
    assert not saved_model._are_best(np.uint8([[[2]]]), probabilities, 1e-4)


def test_more_classes_than_a_mask_can_hold_are_not_exported(tmp_path):
    with pytest.raises(ZooError, match="greys has 256 classes: a mask can tell 255 apart"):
        export_saved_model(grey_net(256), tmp_path / "1")
    assert list(tmp_path.iterdir()) == []

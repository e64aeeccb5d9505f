"""One pipeline, one result: training, evaluation, prediction and export see the same pixels of an image."""

from dataclasses import replace
from types import SimpleNamespace

import keras
import numpy as np
import pytest
from image_files import tiff
from pictures import noise
from PIL import Image

import zoo
from zoo import data
from zoo.data.dataset import Dataset, Split
from zoo.data.images import read_image
from zoo.data.preprocessing import fit_to
from zoo.export.saved_model import _answers, _write
from zoo.inference import evaluate as evaluating
from zoo.inference.predictor import predict_split
from zoo.inference.trained import Trained
from zoo.plan import resolve
from zoo.training.request import make_job, read_request

# An image of another size than its set's is kept as whole levels of 255 once it is resized, half a level off at most,
# and Pillow rounds after each of the two directions. Nothing else may differ.
LEVEL = 1.01


def folder(root, shapes):
    """A data set whose splits all have the same images, one of each shape in each of two classes; return its files."""
    for split in ("train", "val", "test"):
        for i, shape in enumerate(2 * shapes):
            path = root / split / ("ab"[i >= len(shapes)]) / f"{i}.png"
            path.parent.mkdir(parents=True, exist_ok=True)
            smooth = Image.fromarray(noise(6, 5, *shape[2:], seed=i)).resize(shape[1::-1], Image.Resampling.BICUBIC)
            smooth.save(path)
    return sorted((root / "test").glob("*/*"), key=lambda path: int(path.stem))


def as_files(folder, images):
    """Write images (N, height, width, channels) as files for `predict`."""
    paths = [folder / f"{i}.png" for i in range(len(images))]
    for path, image in zip(paths, images):
        Image.fromarray(image.squeeze()).save(path)
    return paths


def one_size(root, request):
    return root / "set", None, folder(root / "set", [(40, 30, 3)] * 3)


def one_size_grey(root, request):
    return root / "set", None, folder(root / "set", [(40, 30)] * 3)


def differing(root, request):
    return root / "set", None, folder(root / "set", [(40, 30, 3), (100, 64, 3), (20, 9, 3)])


def differing_grey(root, request):
    return root / "set", None, folder(root / "set", [(40, 30), (100, 64), (20, 9)])


def grey_and_colour(root, request):
    return root / "set", None, folder(root / "set", [(40, 30), (100, 64, 3), (28, 28)])


def drawn_in_alpha(root, request):
    return root / "set", None, folder(root / "set", [(40, 30, 4), (40, 30, 4)])


def dark_floats(root, request):
    for split in ("train", "val", "test"):
        for i, white in enumerate((255, 0.9, 200, 30)):
            path = root / "set" / split / "ab"[i % 2] / f"{i}.tif"
            path.parent.mkdir(parents=True, exist_ok=True)
            tiff(path, np.random.default_rng(i).random((40, 30, 1), "f4") * np.float32(white), "L")
    return root / "set", None, sorted((root / "set" / "test").glob("*/*"))


def an_npz(root, request):
    x, y = noise(6, 40, 30, 3), np.arange(6) % 2
    np.savez(root / "set.npz", x_train=x, y_train=y, x_val=x, y_val=y, x_test=x, y_test=y)
    return root / "set.npz", None, as_files(root, x)


def digits(root, request):
    return "digits", None, as_files(root, data.load("digits").test.images[:6])


def of_tfds(root, request):
    return "figures", request.getfixturevalue("tfds_folder"), as_files(root, [noise(6, 5, 3, seed=i) for i in range(6)])


def of_tfds_differing(root, request):
    images = [noise(6 + i, 5, 3, seed=i) for i in range(6)]
    return "mixed_shapes", request.getfixturevalue("tfds_folder"), as_files(root, images)


def of_tfds_drawn_in_alpha(root, request):
    return "drawn", request.getfixturevalue("tfds_folder"), as_files(root, [noise(6, 5, 4, seed=i) for i in range(6)])


def of_tfds_deep(root, request):
    images = [noise(6, 5, 1, seed=i) * np.uint16(257) for i in range(6)]
    return "deep", request.getfixturevalue("tfds_folder"), as_files(root, images)


SOURCES = [one_size, one_size_grey, differing, differing_grey, grey_and_colour, drawn_in_alpha, dark_floats, an_npz,
           digits, of_tfds, of_tfds_differing, of_tfds_drawn_in_alpha, of_tfds_deep]


CASES = [(source, "lenet5", None) for source in SOURCES]
CASES += [(source, "vgg11", (34, 33)) for source in (differing, grey_and_colour, drawn_in_alpha, of_tfds_differing)]
CASES += [(differing, "lenet5", (40, 36)), (one_size, "resnet20", None)]


@pytest.mark.filterwarnings("error::zoo.errors.ZooWarning")
@pytest.mark.parametrize("source, model, image_size", CASES)
def test_all_see_the_same_pixels(tmp_path, request, monkeypatch, source, model, image_size):
    """A "net" that gives the pixels of its input stands in the place of a trained one."""
    path, data_dir, files = source(tmp_path, request)
    asked = read_request(model, path, data_dir, image_size)
    dataset = data.load_source(asked.source)
    job = make_job(asked, dataset)
    front = job.preprocessing
    scale, offset = np.array(front.scale), np.array(front.offset)
    inputs = keras.Input(front.input_shape)
    run = SimpleNamespace(job=lambda: job, metrics=lambda: {"epoch": []})
    net = Trained(keras.Model(inputs, keras.layers.Flatten()(inputs)), front, dataset.class_names, "net", run)

    def levels(x):
        return (np.reshape(x, (-1, *front.input_shape)) - offset) / scale

    trained = levels(front.model(dataset.image_shape)(dataset.test.images[: len(files)].astype("float32")))

    outputs = []

    def watched(*given):
        outputs.append(predict_split(*given))
        return outputs[0]

    monkeypatch.setattr("zoo.inference.predictor.predict_split", watched)
    monkeypatch.setattr(evaluating, "load_trained", lambda *_: net)
    evaluating.evaluate("run")
    assert abs(levels(outputs[0][: len(files)]) - trained).max() <= 1e-3

    size = int(np.prod(front.input_shape))
    numbered = replace(net, class_names=range(size))
    monkeypatch.setattr(evaluating, "load_trained", lambda *_: numbered)
    predicted = np.empty((len(files), size))
    for pixels, answer in zip(predicted, evaluating.predict("run", files, top=size)):
        for one in answer["classes"]:
            pixels[one["name"]] = one["probability"]
    assert abs(levels(predicted) - trained).max() <= LEVEL

    pictures = [read_image(file, white=dataset.white) for file in files]
    if {picture.shape[-1] for picture in pictures} == {front.channels}:
        import tensorflow as tf

        _write(net.on_images(), _answers, net.class_names, tmp_path / "export")
        serve = tf.saved_model.load(str(tmp_path / "export")).signatures["serving_default"]
        exported = [serve(images=tf.constant(picture[None]))["probabilities"][0] for picture in pictures]
        assert abs(levels(exported) - trained).max() <= LEVEL


def test_predict_refuses_an_image_that_is_blank_on_white(tmp_path, monkeypatch):
    drawn = np.full((3, 4, 4), 255, "u1")
    drawn[0, 0, 3] = 0
    Image.fromarray(drawn).save(tmp_path / "a.png")
    monkeypatch.setattr(evaluating, "load_trained", lambda *_: SimpleNamespace(
        white=None, labels_pixels=False, name="net", check_answers=lambda: None))
    with pytest.raises(zoo.ZooError) as problem:
        evaluating.predict("run", [str(tmp_path / "a.png")])
    assert str(problem.value) == (
        f"{tmp_path}/a.png is all white once it is put on white, as transparent images are: its alpha channel hides "
        "it, or it is drawn in white on transparency; give it a background, or leave the alpha channel away."
    )


@pytest.mark.parametrize("name, image_size, size", [
    ("lenet5", None, (28, 28)), ("lenet1", None, (28, 28)), ("lenet5", (64, 48), (60, 44)),
    ("resnet20", None, (32, 32)), ("inception_v3", None, (299, 299)), ("resnet50", (96, 80), (96, 80)),
    ("own", None, (224, 224)), ("framed", None, (96, 96)),
])
def test_images_of_differing_sizes_are_resized_to_what_the_net_takes(own_registry, name, image_size, size):
    layout = [zoo.Conv(4, 3), zoo.GlobalPool(), zoo.Dense(2)]
    zoo.register(lambda: layout, name="own")
    zoo.register(lambda: layout, name="framed", input_shape=(100, 100, 3), margin=2)
    asked = read_request(name, "mixed", image_size=image_size)
    assert tuple(asked.source["size"]) == size
    images = Split(noise(4, *size, 3), np.arange(4, dtype=np.int32) % 2)
    front = fit_to(resolve(name, 2)[2], asked.entry, Dataset("mixed", ("a", "b"), images, images, images), image_size)
    assert front.size == size

"""Four sources, one shape: what is read, how it is split, and the sentence for what can't be read."""

import os
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from zoo import ZooError, data
from zoo.data.dataset import Split, carve, make_dataset
from zoo.data.folder import read_image

SHARED = Path(os.environ.get("ZOO_TFDS_DIR", Path(__file__).parents[2] / "shared" / "tfds"))


def noise(*shape, seed=0):
    return np.random.default_rng(seed).integers(0, 256, shape, dtype=np.uint8)


def pictures(folder, count, shape=(9, 7, 3), suffix=".png"):
    folder.mkdir(parents=True, exist_ok=True)
    for i in range(count):
        Image.fromarray(noise(*shape, seed=i).squeeze()).save(folder / f"{i}{suffix}")


def classes(root, count=5, **options):
    for name in ("cat", "dog"):
        pictures(root / name, count, **options)
    return root


# ------------------------------------------------------------------------------------------------------- digits


def test_digits_are_split_once_and_for_all():
    digits = data.load("digits")
    assert [len(split) for split in (digits.train, digits.validation, digits.test)] == [1078, 360, 359]
    assert digits.image_shape == (8, 8, 1) and digits.train.images.max() == 255
    for split in (digits.train, digits.validation, digits.test):
        assert np.bincount(split.labels).min() >= 0.9 * len(split) / 10  # stratified
    assert (digits.test.images == data.load("digits").test.images).all()
    assert digits.test.labels[:12].tolist() == [6, 3, 2, 4, 0, 1, 8, 5, 7, 6, 6, 8]


def test_the_digits_are_scikit_learns():
    from sklearn.datasets import load_digits

    digits = data.load("digits")
    ours = np.concatenate([split.images for split in (digits.train, digits.validation, digits.test)])
    theirs = np.round(load_digits().data * 255 / 16).astype(np.uint8)
    assert sorted(map(bytes, ours.reshape(1797, 64))) == sorted(map(bytes, theirs))


# ------------------------------------------------------------------------------------------------------ splitting


def test_carving_keeps_the_classes_proportions_and_every_image_once():
    split = Split(np.arange(100, dtype=np.uint8).reshape(100, 1, 1, 1), np.repeat([0, 1], [80, 20]).astype(np.int32))
    rest, carved = carve("set", split, 0.2)
    assert np.bincount(carved.labels).tolist() == [16, 4]
    assert sorted(np.concatenate([rest.images, carved.images]).ravel()) == list(range(100))


def test_a_class_of_one_image_can_still_be_split():
    split = Split(noise(10, 2, 2, 1), np.array([0] * 9 + [1], np.int32))
    assert [len(part) for part in carve("set", split, 0.2)] == [8, 2]


def test_missing_splits_are_carved_from_training_and_said():
    split = Split(noise(100, 2, 2, 1), np.arange(100, dtype=np.int32) % 2)
    made = make_dataset("set", "ab", {"train": split})
    assert [len(part) for part in (made.train, made.validation, made.test)] == [72, 8, 20]
    assert made.notes == (
        "Test: 20% of the training images, for set has no test split of its own.",
        "Validation: 10% of the training images, for set has no validation split of its own.",
    )
    kept = make_dataset("set", "ab", {"train": split, "test": split})
    assert len(kept.test) == 100 and len(kept.notes) == 1


@pytest.mark.parametrize(
    "names, splits, sentence",
    [
        ("a", {"train": Split(noise(9, 2, 2, 1), np.zeros(9, np.int32))}, "one class only \\(a\\)"),
        ("ab", {"train": Split(noise(9, 2, 2, 1), np.full(9, 2, np.int32))}, "labels outside 0..1"),
        ("ab", {"train": Split(noise(0, 2, 2, 1), np.zeros(0, np.int32))}, "no images in its train split"),
        ("ab", {"train": Split(noise(2, 2, 2, 1), np.arange(2, dtype=np.int32))}, "too few to hold any back"),
        ("ab", {"train": Split(noise(9, 2, 2, 5), np.zeros(9, np.int32))}, "images of 5 channels"),
    ],
)
def test_what_is_no_classification_set_is_refused(names, splits, sentence):
    with pytest.raises(ZooError, match=sentence):
        make_dataset("set", names, splits)


# -------------------------------------------------------------------------------------------------------- folders


def test_a_folder_of_class_folders(tmp_path):
    made = data.load(classes(tmp_path / "pets", 10))
    assert (made.name, made.class_names, made.image_shape) == ("pets", ("cat", "dog"), (9, 7, 3))
    assert [len(part) for part in (made.train, made.validation, made.test)] == [14, 2, 4]


@pytest.mark.parametrize("validation", ["val", "valid", "Validation"])
def test_a_folder_with_its_own_splits(tmp_path, validation):
    for split, count in (("train", 4), (validation, 3), ("test", 2)):
        classes(tmp_path / split, count)
    made = data.load(tmp_path)
    assert [len(part) for part in (made.train, made.validation, made.test)] == [8, 6, 4] and made.notes == ()
    first = np.asarray(Image.open(tmp_path / "train" / "dog" / "0.png"))
    assert (made.train.images[4] == first).all() and made.train.labels.tolist() == [0] * 4 + [1] * 4


def test_a_class_named_like_a_split_is_a_class_where_there_is_no_train_folder(tmp_path):
    for name in ("test", "other"):
        pictures(tmp_path / name, 5)
    assert data.load(tmp_path).class_names == ("other", "test")


def test_images_of_differing_sizes_are_resized_and_said(tmp_path):
    pictures(classes(tmp_path) / "cat", 1, (30, 20, 3), suffix=".bmp")
    made = data.load(tmp_path, size=(12, 10))
    assert made.image_shape == (12, 10, 3)
    assert "The images' sizes differ: all are resized to 12x10." in made.notes


def test_grey_only_if_all_are_grey(tmp_path):
    grey = classes(tmp_path / "grey", shape=(9, 7, 1))
    assert data.load(grey).image_shape == (9, 7, 1)
    pictures(grey / "cat", 1, (9, 7, 3), suffix=".bmp")
    assert data.load(grey).image_shape == (9, 7, 3)


def test_only_visible_images_count(tmp_path):
    classes(tmp_path)
    (tmp_path / "cat" / "notes.txt").write_text("no image")
    (tmp_path / "cat" / "._0.png").write_text("no image either")
    (tmp_path / ".git").mkdir()
    made = data.load(tmp_path)
    assert len(made.train) + len(made.validation) + len(made.test) == 10


@pytest.mark.parametrize(
    "mode, value, seen", [("LA", (9, 255), 9), ("RGBA", (1, 2, 3, 0), (1, 2, 3)), ("1", 1, 255), ("I;16", 65535, 255)]
)
def test_every_kind_of_picture_becomes_bytes(tmp_path, mode, value, seen):
    Image.new(mode, (3, 2), value).save(tmp_path / "a.png")
    image = read_image(tmp_path / "a.png")
    assert image.dtype == np.uint8 and image.shape[:2] == (2, 3) and (image == seen).all()


def test_a_photograph_is_turned_upright(tmp_path):
    picture = Image.fromarray(noise(4, 8, 3))
    exif = picture.getexif()
    exif[0x0112] = 6  # the camera lay on its side
    picture.save(tmp_path / "a.jpg", exif=exif)
    assert read_image(tmp_path / "a.jpg").shape == (8, 4, 3)


def test_a_corrupt_image_is_named(tmp_path):
    broken = classes(tmp_path) / "dog" / "2.png"
    broken.write_bytes(broken.read_bytes()[:60])
    with pytest.raises(ZooError, match=f"{broken} can't be read as an image"):
        data.load(tmp_path)


def test_folders_without_images_or_classes_are_refused(tmp_path):
    with pytest.raises(ZooError, match="no folders of images, one a class"):
        data.load(tmp_path)
    pictures(tmp_path / "cat", 5)
    with pytest.raises(ZooError, match="one class only \\(cat\\)"):
        data.load(tmp_path)


def test_a_test_class_that_training_lacks_is_refused(tmp_path):
    classes(tmp_path / "train")
    pictures(tmp_path / "test" / "cats", 2)
    with pytest.raises(ZooError, match="cats is no class of the training images. Did you mean cat"):
        data.load(tmp_path)


# ----------------------------------------------------------------------------------------------------------- .npz


def saved(tmp_path, **arrays):
    np.savez(tmp_path / "set.npz", **arrays)
    return tmp_path / "set.npz"


def test_a_keras_style_npz(tmp_path):
    x, y = noise(20, 4, 5), np.arange(20) % 3
    made = data.load(saved(tmp_path, x_train=x, y_train=y[:, None], x_test=x[:6], y_test=np.eye(3)[y[:6]]))
    assert (made.name, made.class_names, made.image_shape) == ("set", ("0", "1", "2"), (4, 5, 1))
    assert len(made.test) == 6 and made.test.labels.tolist() == [0, 1, 2, 0, 1, 2]
    assert made.train.images.dtype == np.uint8 and made.train.labels.dtype == np.int32


def test_npz_names_and_validation(tmp_path):
    x, y = noise(9, 4, 5, 3), np.arange(9) % 3
    made = data.load(saved(tmp_path, x_train=x, y_train=y, x_val=x, y_val=y, x_test=x, y_test=y, classes=list("xyz")))
    assert made.class_names == tuple("xyz") and made.notes == ()


@pytest.mark.parametrize("top", [1.0, 255.0])
def test_floats_in_an_npz_become_bytes(tmp_path, top):
    x = noise(9, 4, 5, 3)
    floats = x.astype("float32") / 255 * top
    made = data.load(saved(tmp_path, x_train=floats, y_train=np.arange(9) % 2, x_test=floats, y_test=np.arange(9) % 2))
    assert (made.test.images == x).all()


@pytest.mark.parametrize(
    "arrays, sentence",
    [
        ({"a": [1]}, "lacks x_train and y_train; it has a"),
        ({"x_train": noise(3, 2, 2), "y_train": [0, 1]}, "as many labels; x_train is \\(3, 2, 2, 1\\)"),
        ({"x_train": noise(3, 2), "y_train": [0, 1, 0]}, "needs images"),
        ({"x_train": noise(3, 2, 2), "y_train": [0.5, 1, 0]}, "whole numbers as labels"),
        ({"x_train": noise(9, 2, 2) - 300.0, "y_train": [0, 1, 0] * 3}, "pixels from 0 to 1 or from 0 to 255"),
        ({"x_train": noise(3, 2, 2), "y_train": [0, 1, 0], "x_test": noise(1, 3, 2), "y_test": [0]}, "different sizes"),
    ],
)
def test_an_npz_that_does_not_fit_is_refused(tmp_path, arrays, sentence):
    with pytest.raises(ZooError, match=sentence):
        data.load(saved(tmp_path, **arrays))


def test_a_file_that_is_no_npz_is_refused(tmp_path):
    (tmp_path / "a.npz").write_text("not a zip")
    with pytest.raises(ZooError, match="a.npz can't be read as an .npz file"):
        data.load(tmp_path / "a.npz")


@pytest.mark.parametrize("name", ["./nowhere", "no/such/folder", "missing.npz", "README.md"])
def test_a_path_that_leads_nowhere_is_refused(name):
    with pytest.raises(ZooError, match=f"no folder of images or .npz file '{name}'"):
        data.load(name)


# ----------------------------------------------------------------------------------------------------------- TFDS


@pytest.fixture(scope="module")
def tfds_folder(tmp_path_factory):
    """A small set, written by TFDS itself."""
    import tensorflow as tf
    import tensorflow_datasets as tfds

    folder = tmp_path_factory.mktemp("tfds")
    label = tfds.features.ClassLabel(names=["square", "circle"])

    def store(name, features, example):
        def examples(count):
            rows = [example(i) for i in range(count)]
            spec = tfds.features.FeaturesDict(features).get_tensor_info()
            signature = {key: tf.TensorSpec(info.shape, info.tf_dtype) for key, info in spec.items()}
            return tf.data.Dataset.from_generator(lambda: iter(rows), output_signature=signature)

        tfds.dataset_builders.store_as_tfds_dataset(
            name, "1.0.0", features=tfds.features.FeaturesDict(features), data_dir=folder, disable_shuffling=True,
            split_datasets={"train": examples(20), "test": examples(6)},
        )  # fmt: skip

    store("shapes", {"image": tfds.features.Image(shape=(6, 5, 3)), "label": label},
          lambda i: {"image": noise(6, 5, 3, seed=i), "label": i % 2})  # fmt: skip
    store("mixed_shapes", {"image": tfds.features.Image(shape=(None, None, 3)), "label": label},
          lambda i: {"image": noise(6 + i, 5, 3, seed=i), "label": i % 2})  # fmt: skip
    store("sentences", {"text": tfds.features.Text()}, lambda i: {"text": "words"})
    return folder


def test_a_tfds_set_is_read_by_its_reader(tfds_folder):
    made = data.load("shapes", tfds_folder)
    assert (made.name, made.class_names, made.image_shape) == ("shapes", ("square", "circle"), (6, 5, 3))
    assert [len(part) for part in (made.train, made.validation, made.test)] == [18, 2, 6]
    originals = {bytes(noise(6, 5, 3, seed=i)): i % 2 for i in range(6)}
    assert [originals[bytes(image)] for image in made.test.images] == made.test.labels.tolist()


def test_a_tfds_set_of_differing_sizes_is_resized(tfds_folder):
    made = data.load("mixed_shapes", tfds_folder, size=(8, 8))
    assert made.image_shape == (8, 8, 3)
    assert "The images' sizes differ: all are resized to 8x8." in made.notes


def test_a_tfds_set_without_images_is_refused(tfds_folder):
    with pytest.raises(ZooError, match="sentences isn't a set of labelled images: its features are text"):
        data.load("sentences", tfds_folder)


def test_an_unknown_name_is_refused_with_the_nearest_and_what_is_there(tfds_folder):
    with pytest.raises(ZooError, match="no data set 'mnst'. Did you mean mnist.*offline: digits, and in .* shapes"):
        data.load("mnst", tfds_folder)


def test_a_failed_download_ends_with_a_sentence_and_leaves_nothing(tmp_path, monkeypatch):
    import tensorflow_datasets as tfds

    def fail(builder, **_):
        Path(builder.data_dir).mkdir(parents=True)
        (tmp_path / "sets" / "downloads").mkdir()
        raise ConnectionError("no route to host")

    monkeypatch.setattr(tfds.core.DatasetBuilder, "download_and_prepare", fail)
    with pytest.raises(ZooError, match=r"mnist isn't in .* couldn't be downloaded \(no route to host\). Available off"):
        data.load("mnist", tmp_path / "sets")
    assert not (tmp_path / "sets").exists()


@pytest.mark.skipif(not SHARED.is_dir(), reason="no TFDS folder at hand: set ZOO_TFDS_DIR")
def test_mnist_as_published():
    made = data.load("mnist", SHARED)
    assert [len(part) for part in (made.train, made.validation, made.test)] == [54_000, 6_000, 10_000]
    assert made.image_shape == (28, 28, 1)
    assert np.bincount(made.test.labels).tolist() == [980, 1135, 1032, 1010, 982, 892, 958, 1028, 974, 1009]

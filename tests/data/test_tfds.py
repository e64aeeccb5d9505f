"""TensorFlow Datasets: what TFDS itself wrote is read as TFDS reads it, and what no net can take has its sentence."""

import os
from pathlib import Path

import numpy as np
import pytest
from pictures import noise
from tfds_sets import OTHERS

from zoo import ZooError, data
from zoo.data import dataset

SHARED = Path(os.environ.get("ZOO_TFDS_DIR", Path(__file__).parents[3] / "shared"))


def test_a_tfds_set_is_read_by_its_reader(tfds_folder):
    made = data.load("figures", tfds_folder)
    assert (made.name, made.class_names, made.image_shape) == ("figures", ("square", "circle"), (6, 5, 3))
    assert [len(part) for part in (made.train, made.validation, made.test)] == [18, 2, 6]
    originals = {bytes(noise(6, 5, 3, seed=i)): i % 2 for i in range(6)}
    assert [originals[bytes(image)] for image in made.test.images] == made.test.labels.tolist()


@pytest.mark.parametrize("name", OTHERS)
def test_every_record_of_a_tfds_set_can_be_had_by_its_number(tfds_folder, monkeypatch, name):
    monkeypatch.setattr(dataset, "IN_MEMORY_BYTES", 0)
    made = data.load(name, tfds_folder)
    originals = {bytes(noise(6, 5, 3, seed=i)): i % 2 for i in range(20)}
    seen = []
    for split in (made.train, made.validation):
        order = np.random.default_rng(0).permutation(len(split))
        images = [bytes(image) for image in split.read(order)]
        assert [originals[image] for image in images] == split.labels[order].tolist()
        seen += images
    assert sorted(seen) == sorted(originals)


def test_a_tfds_set_of_differing_sizes_is_resized(tfds_folder):
    made = data.load("mixed_shapes", tfds_folder, size=(8, 8))
    assert made.image_shape == (8, 8, 3)
    assert "The images' sizes differ: all are resized to 8x8." in made.notes


@pytest.mark.parametrize("name", ["drawn", "drawn_and_mixed"])
def test_transparent_images_lie_on_white(tfds_folder, name):
    made = data.load(name, tfds_folder, size=(6, 5))
    rgb, alpha = np.split(noise(6, 5, 4).astype("float64"), [3], axis=-1)
    np.testing.assert_array_equal(made.test.images[0], np.round(rgb * alpha / 255 + 255 - alpha))
    assert "The images have an alpha channel: they are laid on white." in made.notes


@pytest.mark.parametrize("name, note", [
    ("drawn_in_rgb", "The images are stored with an alpha channel, which their feature in TFDS leaves out."),
    ("dark", "10 of 20 images of 16 bits that were looked at are nearly black, as image 0 of the train split of dark: "
     "no pixel is above 1/16 of white. If a lower value means white, as 4095 may in files of 16 bits, stretch the "
     "values to the whole range."),
    ("turned", "1 of 20 images that were looked at say that they are to be turned upright, as image 3 of the train "
     "split of turned, which TFDS doesn't do."),
])
def test_what_tfds_hides_of_its_images_is_told(tfds_folder, name, note):
    assert data.load(name, tfds_folder).notes.count(note) == 1


def test_an_image_of_tfds_that_cannot_be_decoded_is_told(tfds_folder):
    with pytest.raises(ZooError, match="^Images such as image 0 of the train split of broken can't be decoded: "):
        data.load("broken", tfds_folder)


def test_images_that_are_transparent_throughout_are_told_or_refused(tfds_folder):
    notes = data.load("half_hidden", tfds_folder).notes
    assert (
        "10 of 20 transparent images that were looked at are blank on white, on which they are put, as image 1 of the "
        "train split of half_hidden."
    ) in notes
    with pytest.raises(ZooError, match="^image 0 of the train split of hidden is all white once it is put on"):
        data.load("hidden", tfds_folder)


def test_images_of_16_bits_keep_their_upper_ones(tfds_folder):
    np.testing.assert_array_equal(data.load("deep", tfds_folder).test.images[0], noise(6, 5, 1))


def test_what_is_left_aside_is_told(tfds_folder):
    note = "Of several images or labels, left and label are taken, not right, colour."
    assert note in data.load("pairs", tfds_folder).notes


def test_images_without_a_range_are_refused(tfds_folder):
    with pytest.raises(ZooError, match="floats has images of float32, not of 8 or 16 bits"):
        data.load("floats", tfds_folder)


def test_a_tfds_set_without_images_is_refused(tfds_folder):
    with pytest.raises(ZooError, match="sentences isn't a set of images with labels or masks: its features are text"):
        data.load("sentences", tfds_folder)


def test_a_file_of_the_same_name_does_not_hide_a_set(tfds_folder, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "figures").touch()
    assert data.whereabouts("figures") == "figures" and data.load("figures", tfds_folder).name == "figures"


def test_an_unknown_name_is_refused_with_the_nearest_and_what_is_there(tfds_folder):
    offline = "offline: digits, shapes, shapes:object, and in .* figures"
    with pytest.raises(ZooError, match=f"no data set 'mnst'. Did you mean mnist.*{offline}"):
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


at_hand = pytest.mark.skipif(not SHARED.is_dir(), reason="no TFDS folders at hand: set ZOO_TFDS_DIR")


@at_hand
@pytest.mark.parametrize("folder, name", [("tfds", "mnist"), ("lossless", "cifar10")])
def test_a_tfds_set_is_what_tfds_reads_to_the_bit(folder, name):
    import tensorflow_datasets as tfds

    made = data.load(name, SHARED / folder, limit=300)
    theirs = tfds.load(name, data_dir=SHARED / folder, split="test[:2000]", as_supervised=True, batch_size=-1)
    labelled = {bytes(image): label for image, label in zip(*map(np.asarray, theirs))}
    common = [
        (label, labelled[bytes(i)]) for i, label in zip(made.test.images, made.test.labels) if bytes(i) in labelled
    ]
    assert len(common) > 30 and all(ours == theirs for ours, theirs in common)


@at_hand
def test_mnist_as_published():
    made = data.load("mnist", SHARED / "tfds")
    assert [len(part) for part in (made.train, made.validation, made.test)] == [54_000, 6_000, 10_000]
    assert made.image_shape == (28, 28, 1)
    assert np.bincount(made.test.labels).tolist() == [980, 1135, 1032, 1010, 982, 892, 958, 1028, 974, 1009]

"""TensorFlow Datasets: what TFDS itself wrote is read as TFDS reads it, and what no net can take has its sentence."""

import os
from pathlib import Path

import numpy as np
import pytest

from zoo import ZooError, data
from zoo.data import dataset

SHARED = Path(os.environ.get("ZOO_TFDS_DIR", Path(__file__).parents[2] / "shared"))


def noise(*shape, seed=0):
    return np.random.default_rng(seed).integers(0, 256, shape, dtype=np.uint8)


def shards(count):
    import tensorflow_datasets as tfds

    return tfds.download.DownloadConfig(num_shards=count)


OTHERS = {"in_shards": {"download_config": shards(3)}, "in_array_records": {"file_format": "array_record"}}


@pytest.fixture(scope="module")
def tfds_folder(tmp_path_factory):
    """A small set, written by TFDS itself."""
    import tensorflow as tf
    import tensorflow_datasets as tfds

    folder = tmp_path_factory.mktemp("tfds")
    label = tfds.features.ClassLabel(names=["square", "circle"])

    def store(name, features, example, **options):
        def examples(count):
            rows = [example(i) for i in range(count)]
            spec = tfds.features.FeaturesDict(features).get_tensor_info()
            signature = {key: tf.TensorSpec(info.shape, info.tf_dtype) for key, info in spec.items()}
            return tf.data.Dataset.from_generator(lambda: iter(rows), output_signature=signature)

        tfds.dataset_builders.store_as_tfds_dataset(
            name, "1.0.0", features=tfds.features.FeaturesDict(features), data_dir=folder, disable_shuffling=True,
            split_datasets={"train": examples(20), "test": examples(6)}, **options,
        )  # fmt: skip

    store("shapes", {"image": tfds.features.Image(shape=(6, 5, 3)), "label": label},
          lambda i: {"image": noise(6, 5, 3, seed=i), "label": i % 2})  # fmt: skip
    store("mixed_shapes", {"image": tfds.features.Image(shape=(None, None, 3)), "label": label},
          lambda i: {"image": noise(6 + i, 5, 3, seed=i), "label": i % 2})  # fmt: skip
    for name, options in OTHERS.items():
        store(name, {"image": tfds.features.Image(shape=(6, 5, 3)), "label": label},
              lambda i: {"image": noise(6, 5, 3, seed=i), "label": i % 2}, **options)  # fmt: skip
    for name, shape in {"transparent": (6, 5, 4), "transparent_and_mixed": (None, None, 4)}.items():
        store(name, {"image": tfds.features.Image(shape=shape), "label": label},
              lambda i: {"image": noise(6, 5, 4, seed=i), "label": i % 2})  # fmt: skip
    store("deep", {"image": tfds.features.Image(shape=(6, 5, 1), dtype=np.uint16), "label": label},
          lambda i: {"image": noise(6, 5, 1, seed=i) * np.uint16(257), "label": i % 2})  # fmt: skip
    store("depths", {"image": tfds.features.Image(shape=(6, 5, 1), dtype=np.float32), "label": label},
          lambda i: {"image": np.ones((6, 5, 1), "float32"), "label": i % 2})  # fmt: skip
    store("pairs", {"left": tfds.features.Image(shape=(6, 5, 3)), "right": tfds.features.Image(shape=(6, 5, 3)),
                    "label": label, "colour": tfds.features.ClassLabel(num_classes=3)},
          lambda i: {"left": noise(6, 5, 3), "right": noise(6, 5, 3), "label": i % 2, "colour": 2})  # fmt: skip
    store("sentences", {"text": tfds.features.Text()}, lambda i: {"text": "words"})
    return folder


def test_a_tfds_set_is_read_by_its_reader(tfds_folder):
    made = data.load("shapes", tfds_folder)
    assert (made.name, made.class_names, made.image_shape) == ("shapes", ("square", "circle"), (6, 5, 3))
    assert [len(part) for part in (made.train, made.validation, made.test)] == [18, 2, 6]
    originals = {bytes(noise(6, 5, 3, seed=i)): i % 2 for i in range(6)}
    assert [originals[bytes(image)] for image in made.test.images] == made.test.labels.tolist()


@pytest.mark.parametrize("name", OTHERS)
def test_every_record_of_a_tfds_set_can_be_had_by_its_number(tfds_folder, monkeypatch, name):
    monkeypatch.setattr(dataset, "HELD_BYTES", 0)
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


@pytest.mark.parametrize("name, size", [("transparent", (6, 5)), ("transparent_and_mixed", (6, 5))])
def test_transparent_images_lie_on_white(tfds_folder, name, size):
    made = data.load(name, tfds_folder, size=size)
    rgb, alpha = np.split(noise(6, 5, 4).astype("float64"), [3], axis=-1)
    np.testing.assert_array_equal(made.test.images[0], np.round(rgb * alpha / 255 + 255 - alpha))
    assert "The images are partly transparent: they are laid on white." in made.notes


def test_images_of_16_bits_keep_their_upper_ones(tfds_folder):
    np.testing.assert_array_equal(data.load("deep", tfds_folder).test.images[0], noise(6, 5, 1))


def test_what_is_left_aside_is_told(tfds_folder):
    note = "Of several images or labels, left and label are taken, not right, colour."
    assert note in data.load("pairs", tfds_folder).notes


def test_images_without_a_range_are_refused(tfds_folder):
    with pytest.raises(ZooError, match="depths has images of float32, not of 8 or 16 bits"):
        data.load("depths", tfds_folder)


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

"""Sets of TFDS with masks: which feature is taken, what its numbers mean, and that images keep their own masks."""

import numpy as np
import pytest
from pictures import noise
from tfds_sets import mask

from zoo import ZooError, data
from zoo.data import dataset, shapes
from zoo.data.dataset import StreamedSplit

HEIGHTS = [6 + i % 3 for i in range(20)]
BREEDS = ("square", "circle")
OWN = "Its images have a label each, label, which is taken, and masks, segmentation_mask, which aren't."
GAPS = "The masks of {} leave numbers out: the classes are those that occur, 1, 2, 3."


def splits(made):
    return made.train, made.validation, made.test


def assert_reads(made, change):
    """Each image of noise (6, 5, 3) has its own mask, changed."""
    mask_of = {bytes(noise(6, 5, 3, seed=i)): change(mask(6, seed=i)[..., 0]) for i in range(20)}
    for split in splits(made):
        images, masks = split.read(slice(None)), split.read_labels(slice(None))
        assert masks.dtype == np.uint8
        assert all((mask_of[bytes(image)] == own).all() for image, own in zip(images, masks))


def test_a_set_of_labelled_images_has_the_names_of_its_classes(tfds_folder):
    made = data.load("scenes", tfds_folder)
    assert made.has_masks and made.class_names == ("sea", "land", "sky", "ice") and made.image_shape == (6, 5, 3)
    assert [len(split) for split in splits(made)] == [18, 2, 6]
    assert "Classes of which no mask has a pixel: ice." in made.notes
    assert_reads(made, lambda own: own)


def test_masks_in_their_files_are_read_by_their_numbers(tfds_folder, monkeypatch):
    monkeypatch.setattr(dataset, "IN_MEMORY_BYTES", 0)
    made = data.load("cells", tfds_folder)
    assert isinstance(made.train, StreamedSplit) and made.class_names == ("0", "255")
    assert any(note.startswith("The masks of cells hold 0 and 255 only: 255 is the second") for note in made.notes)
    assert_reads(made, lambda own: own % 2)
    order = np.random.default_rng(0).permutation(len(made.train))
    assert (made.train.read_labels(order) == made.train.read_labels(slice(None))[order]).all()


def test_a_set_with_labels_and_masks_gives_labels_unless_masks_are_asked_for(tfds_folder):
    for asked, notes in ((None, 1), (False, 0)):
        made = data.load("pets", tfds_folder, size=(6, 5), masks=asked)
        assert not made.has_masks and made.class_names == BREEDS and made.notes.count(OWN) == notes
    made = data.load("pets", tfds_folder, size=(6, 5), masks=True)
    assert made.has_masks and made.class_names == ("1", "2", "3") and GAPS.format("pets") in made.notes
    assert not any("label" in note for note in made.notes)


def test_masks_of_differing_sizes_are_resized_to_the_nearest_pixel(tfds_folder):
    """Also the masks whose images aren't changed: those keep their masks exactly."""
    made = data.load("pets", tfds_folder, size=(8, 5), masks=True)
    rows = {height: ((np.arange(8) + 0.5) * height / 8).astype(int) for height in (6, 7, 8)}
    expected = [mask(height, seed=i)[rows[height], :, 0] for i, height in enumerate(HEIGHTS)]
    found = np.concatenate([made.train.labels, made.validation.labels])
    assert sorted(map(bytes, found)) == sorted(map(bytes, expected))
    of_8 = {bytes(noise(8, 5, 3, seed=i)): expected[i] for i in range(20) if HEIGHTS[i] == 8}
    seen = 0
    for split in (made.train, made.validation):
        for image, own in zip(split.images, split.labels):
            if bytes(image) in of_8:
                seen += 1
                assert (of_8[bytes(image)] == own).all()
    assert seen == len(of_8) > 3


def test_tfds_itself_reads_the_same_masks(tfds_folder):
    import tensorflow_datasets as tfds

    theirs = {bytes(one["image"]): one["segmentation_mask"][..., 0] - 1
              for one in tfds.as_numpy(tfds.load("pets", data_dir=tfds_folder, split="test")) if len(one["image"]) == 7}
    made = data.load("pets", tfds_folder, size=(7, 5), masks=True)
    same = [(theirs[bytes(image)] == own).all() for image, own in zip(made.test.images, made.test.labels)
            if bytes(image) in theirs]
    assert len(same) == len(theirs) == 2 and all(same)


def test_a_limit_leaves_pairs_together(tfds_folder):
    made = data.load("scenes", tfds_folder, limit=3)
    assert [len(split) for split in splits(made)] == [3, 2, 3]
    assert_reads(made, lambda own: own)


@pytest.mark.parametrize("name, options, sentence", [
    ("askew", {}, "Image 3 of the train split of askew is 6x5 pixels, but its mask 7x5."),
    ("many", {}, "The train split of many has the number 2, but many has 2 classes, sea, land, which numbers count "
     "from 0."),
    ("soft", {}, "soft has masks of float32, not of 8 or 16 bits."),
    ("figures", {"masks": True}, "figures isn't a set of images with masks: its features are image, label."),
    ("scenes", {"masks": False}, "scenes isn't a set of images with labels: its features are image, label."),
])
def test_masks_that_are_none_are_refused(tfds_folder, name, options, sentence):
    with pytest.raises(ZooError) as problem:
        data.load(name, tfds_folder, **options)
    assert str(problem.value) == sentence


# ------------------------------------------------------------------------------------------------- the other sources


@pytest.fixture
def few_shapes(monkeypatch):
    monkeypatch.setattr(shapes, "COUNTS", dict.fromkeys(shapes.COUNTS, 9))


@pytest.mark.parametrize("name, asked, sentence", [
    ("digits", True, "digits has one label for each image, and no masks, which nets that label each pixel need; "
     "shapes has them, and folders of images/ and masks/."),
    ("shapes", False, "shapes has a label for each pixel, a mask, and none for each image."),
])
def test_masks_or_labels_that_a_set_lacks_are_refused(few_shapes, name, asked, sentence):
    with pytest.raises(ZooError) as problem:
        data.load(name, masks=asked)
    assert str(problem.value) == sentence


def test_what_a_set_has_may_be_asked_for(few_shapes):
    assert data.load("digits", masks=False, limit=5).class_names == data.load("digits").class_names
    assert data.load_source({"dataset": "shapes", "limit": 5, "masks": True}).has_masks

"""Splits that are taken or limited: in proportion, the same for ever, and with every class in training."""

import hashlib

import numpy as np
import pytest

from zoo import ZooError, data
from zoo.data.dataset import Dataset, Split, into_memory, make_dataset
from zoo.data.selection import at_most
from zoo.data.splitting import hold_back, split_off


def numbered(sizes):
    """A split with so many images of each class, shuffled; each image's bytes are its own number."""
    labels = np.repeat(np.arange(len(sizes)), sizes).astype(np.int32)
    order = np.random.default_rng(1).permutation(len(labels))
    images = np.arange(len(labels), dtype=np.uint16).view(np.uint8).reshape(-1, 1, 2, 1)
    return Split(images, labels[order])


def counts(split, classes):
    return np.bincount(split.labels, minlength=classes).tolist()


def digest(*splits):
    content = b"".join(split.images.tobytes() + split.labels.astype("<i4").tobytes() for split in splits)
    return hashlib.sha256(content).hexdigest()[:16]


def everything(*splits):
    return sorted(image.tobytes() for split in splits for image in split.images)


# ----------------------------------------------------------------------------------------------------- as ever


@pytest.mark.parametrize(
    "sizes, count, expected",
    [
        ([40] * 5, 30, "2a6e73928c70bb54"),
        ([100, 37, 8, 2], 20, "61866b2ceb47953c"),
        ([6] * 60, 36, "ad8faa2c3812f4e1"),  # more classes than places
        ([50] * 8, 5, "7160060f479ca825"),
    ],
)
def test_what_is_drawn_stays_what_it_was(sizes, count, expected):
    """The digests are those of the version that first taken: a run's test images must never become training images."""
    assert digest(*hold_back(numbered(sizes), count)) == expected


@pytest.mark.parametrize("limit, expected", [(None, "3e7c3c75c368db1d"), (100, "66acb449c15109a4")])
def test_the_digits_splits_stay_what_they_were(limit, expected):
    digits = data.load("digits", limit=limit)
    assert digest(digits.train, digits.validation, digits.test) == expected


def test_carving_keeps_the_classes_proportions_and_every_image_once():
    split = Split(np.arange(100, dtype=np.uint8).reshape(100, 1, 1, 1), np.repeat([0, 1], [80, 20]).astype(np.int32))
    rest, taken = split_off("set", split, 0.2)
    assert counts(taken, 2) == [16, 4]
    assert everything(rest, taken) == everything(split)


def test_missing_splits_are_carved_from_training_and_said():
    split = numbered([50, 50])
    made = make_dataset("set", "ab", {"train": split})
    assert [len(part) for part in (made.train, made.validation, made.test)] == [72, 8, 20]
    assert made.notes == (
        "Test: 20% of the training images, for set has no test split of its own.",
        "Validation: 10% of the training images, for set has no validation split of its own.",
    )
    kept = make_dataset("set", "ab", {"train": split, "test": split})
    assert len(kept.test) == 100 and len(kept.notes) == 1


def test_one_training_image_a_class_is_enough_beside_a_test_split():
    """Some are validated on all the same: that is told, and every class stays in the test."""
    made = into_memory(make_dataset("set", "abcd", {"train": numbered([1] * 4), "test": numbered([3] * 4)}))
    assert (len(made.train), len(made.validation), len(made.test)) == (3, 1, 12)
    assert sum("Classes without a training image" in note for note in made.notes) == 1


@pytest.mark.parametrize(
    "names, sizes, channels, sentence",
    [
        ("a", [9], 1, "set has one class only (a); there is nothing to tell apart."),
        ("ab", [0, 0, 9], 1, "set has labels outside 0..1 in its train split: 2."),
        ("ab", [0, 0], 1, "set has no images in its train split."),
        ("ab", [1, 1], 1, "set has 2 training images, too few to hold any back for testing."),
        ("abc", [1, 1, 1], 1, "set has one training image of each class: give it a test split of its own."),
        ("ab", [5, 5], 5, "set has images of 5 channels; 1 (grey) or 3 (colour) are understood."),
        ("aba", [5, 5, 5], 1, "set has more than one class of the name 'a'; give each its own."),
    ],
)
def test_what_is_no_classification_set_is_refused(names, sizes, channels, sentence):
    split = Split(np.zeros((sum(sizes), 2, 2, channels), np.uint8), numbered(sizes).labels)
    with pytest.raises(ZooError) as problem:
        make_dataset("set", names, {"train": split})
    assert str(problem.value) == sentence


# ------------------------------------------------------------------------------------------------- rare classes


def test_one_rare_class_stays_in_training_and_the_others_are_stratified():
    """As it was, one class of a single image made the draw regardless of all classes; a fifth put it into test."""
    sizes = [50, 30, 20, 1]
    rest, drawn = hold_back(numbered(sizes), 20)
    assert counts(rest, 4) == [40, 24, 16, 1] and counts(drawn, 4) == [10, 6, 4, 0]
    assert everything(rest, drawn) == everything(numbered(sizes))


@pytest.mark.parametrize(
    "sizes, parts",
    [
        ([50, 30, 20, 1], (73, 8, 20)),
        ([40, 40, 2, 2, 2, 2, 2], (65, 7, 18)),  # two images, three splits
        ([3] * 40, (86, 10, 24)),  # more classes than places
        ([2] * 40, (58, 6, 16)),
        ([1] * 30 + [5] * 2, (34, 2, 4)),  # 8 of 40 images can be spared
        ([1] * 95 + [10], (99, 2, 4)),
        ([1] * 5 + [3], (6, 1, 1)),
    ],
)
def test_every_class_is_in_training_and_no_image_is_lost(sizes, parts):
    for seed in range(3):
        whole = numbered(np.random.default_rng(seed).permutation(sizes))
        made = make_dataset("set", [f"class {i}" for i in range(len(sizes))], {"train": whole})
        splits = made.train, made.validation, made.test
        assert min(counts(made.train, len(sizes))) >= 1 and everything(*splits) == everything(whole)
        assert tuple(map(len, splits)) == parts


def test_classes_of_a_single_image_are_told():
    made = into_memory(make_dataset("set", ("cat", "dog", "okapi"), {"train": numbered([30, 30, 1])}))
    assert made.notes[2:] == (
        "Classes of a single image, which stays in training: okapi.",
        "Classes without a test image, whose accuracy isn't measured: okapi.",
    )


def test_a_split_smaller_than_its_share_is_told():
    made = make_dataset("set", map(str, range(40)), {"train": numbered([1] * 38 + [3, 3])})
    assert [note.partition(",")[0] for note in made.notes[:2]] == [
        "Test: 2 of the training images",
        "Validation: 1 of the training images",
    ]


def test_classes_that_only_one_split_has_are_told():
    splits = {"train": numbered([9, 9, 0, 0]), "validation": numbered([3, 3]), "test": numbered([0, 4, 2])}
    made = into_memory(make_dataset("set", ("ant", "bee", "cow", "dog"), splits))
    assert made.notes == (
        "Classes without a training image, which can't be learnt: cow, dog; their 2 test images count as mistakes.",
        "Classes without a test image, whose accuracy isn't measured: ant.",
    )


def test_names_that_differ_by_their_spelling_alone_are_told():
    made = make_dataset("set", ("Cat", "cat ", "dog", "01", "1"), {"train": numbered([9] * 5)})
    assert made.notes[0] == "Classes whose names differ by case, spaces or zeros alone: Cat, cat , 01, 1."


# ----------------------------------------------------------------------------------------------------- --limit


def limited(sizes, limit):
    split = numbered(sizes)
    return at_most(Dataset("set", tuple(map(str, range(len(sizes)))), split, split, split), limit).train


@pytest.mark.parametrize(
    "sizes, limit, expected",
    [
        ([500, 300, 200, 1], 101, [50, 30, 20, 1]),  # one rare class, the others in proportion
        ([990, 1, 1, 1, 1, 6], 10, None),
        ([1000, 2], 10, None),
        ([5, 5, 5], 3, [1, 1, 1]),
    ],
)
def test_a_limit_keeps_every_class_for_which_there_is_a_place(sizes, limit, expected):
    some = limited(sizes, limit)
    assert len(some) == limit and min(counts(some, len(sizes))) >= 1
    assert expected in (None, counts(some, len(sizes)))
    assert len(set(everything(some))) == limit


def test_a_limit_below_the_number_of_classes_says_which_are_gone():
    split = numbered([4] * 5)
    some = into_memory(at_most(Dataset("set", tuple("abcde"), split, split, split), 4))
    assert len(some.train) == 4 and len(np.unique(some.train.labels)) < 5
    assert any(note.startswith("Classes without a training image, which can't be learnt: ") for note in some.notes)


# ----------------------------------------------------------------------------------------------- labels of TFDS


def test_a_split_of_tfds_with_secret_labels_is_left_out_and_told_and_one_with_some_is_refused(tmp_path):
    import tensorflow as tf
    import tensorflow_datasets as tfds

    features = tfds.features.FeaturesDict(
        {"image": tfds.features.Image(shape=(4, 4, 1)), "label": tfds.features.ClassLabel(names=["cat", "dog"])}
    )

    def store(name, **labels):
        pixels = np.full((20, 4, 4, 1), 255, np.uint8)
        sets = {
            split: tf.data.Dataset.from_tensor_slices({"image": pixels[: len(own)], "label": np.array(own, np.int64)})
            for split, own in labels.items()
        }
        tfds.dataset_builders.store_as_tfds_dataset(
            name, "1.0.0", features=features, data_dir=tmp_path, split_datasets=sets, disable_shuffling=True
        )

    store("secret", train=[0, 1] * 10, test=[-1] * 6)
    made = data.load("secret", tmp_path)
    assert made.notes[:2] == (
        "The test split of secret is left out: its labels are secret.",
        "Test: 20% of the training images, for secret has no test split of its own.",
    )
    assert len(made.test) == 4
    store("partly", train=[0, 1] * 9 + [-1], test=[0, 1])
    with pytest.raises(ZooError, match="partly has labels outside 0..1 in its train split: -1."):
        data.load("partly", tmp_path)
    store("unseen", train=[0] * 18 + [1] * 2, test=[0, 0])
    assert (
        data.load("unseen", tmp_path).notes[-1] == "Classes without a test image, whose accuracy isn't measured: dog."
    )

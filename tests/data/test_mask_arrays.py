"""Masks in .npz files as people store them: each is read right, told about, or refused in one sentence."""

import numpy as np
import pytest

from zoo import ZooError, data
from zoo.data.dataset import IGNORED

N = 20
IMAGES = np.random.default_rng(0).integers(0, 256, (N, 4, 5, 3), dtype=np.uint8)
MASKS = np.random.default_rng(1).integers(0, 3, (N, 4, 5))
MASKS[:, 0, :3] = 0, 1, 2
ONE_HOT = np.eye(3)[MASKS]


def saved(folder, train, test=None, **more):
    test = train if test is None else test
    np.savez(folder / "set.npz", x_train=IMAGES, y_train=train, x_test=IMAGES[: len(test)], y_test=test,
             x_val=IMAGES[: len(test)], y_val=test, **more)
    return folder / "set.npz"


def refusal(*arguments, **more):
    with pytest.raises(ZooError) as problem:
        data.load(saved(*arguments, **more))
    return str(problem.value)


def changed(array, place, value):
    array = array.copy()
    array[place] = value
    return array


@pytest.mark.parametrize("masks", [
    MASKS, MASKS.astype("u1"), MASKS.astype("i2")[..., None], ONE_HOT, ONE_HOT.astype(bool), ONE_HOT.astype("u1"),
], ids=["int64", "uint8", "with an axis of 1", "one-hot", "one-hot of booleans", "one-hot of bytes"])
def test_masks_of_numbers_or_one_hot(tmp_path, masks):
    made = data.load(saved(tmp_path, masks))
    assert made.has_masks and made.class_names == ("0", "1", "2") and made.notes == ()
    assert made.train.labels.dtype == np.uint8 and (made.train.labels == MASKS).all()
    assert (made.train.images == IMAGES).all()


def test_booleans_are_two_classes(tmp_path):
    made = data.load(saved(tmp_path, MASKS > 0))
    assert made.class_names == ("0", "1") and (made.train.labels == (MASKS > 0)).all() and made.notes == ()


def test_missing_splits_are_split_off_with_their_masks(tmp_path):
    np.savez(tmp_path / "set.npz", x_train=IMAGES, y_train=MASKS)
    made = data.load(tmp_path / "set.npz")
    assert [len(split) for split in (made.train, made.validation, made.test)] == [14, 2, 4]
    mask_of = {bytes(image): mask for image, mask in zip(IMAGES, MASKS)}
    for split in (made.train, made.validation, made.test):
        assert all((mask_of[bytes(image)] == mask).all() for image, mask in zip(split.images, split.labels))


def test_whole_floats_are_numbers_and_told(tmp_path):
    made = data.load(saved(tmp_path, MASKS.astype("f4")))
    assert (made.train.labels == MASKS).all()
    assert made.notes == ("The masks of set.npz are float32; being whole, they are taken as numbers of classes.",)


@pytest.mark.parametrize("number", [-1, 255])
def test_pixels_that_do_not_count(tmp_path, number):
    masks = changed(MASKS, MASKS == 2, number)
    made = data.load(saved(tmp_path, masks))
    assert made.class_names == ("0", "1") and (made.train.labels == np.where(MASKS == 2, IGNORED, MASKS)).all()
    note = "The masks of set.npz hold -1, which is taken to mark pixels to ignore, as 255 does."
    assert made.notes == ((note,) if number < 0 else ())


def test_0_and_255_are_two_classes_and_pixels_of_minus_1_beside_them_are_ignored(tmp_path):
    made = data.load(saved(tmp_path, np.array([0, 255, -1])[MASKS]))
    assert made.class_names == ("0", "255") and (made.train.labels == np.array([0, 1, IGNORED])[MASKS]).all()
    assert made.notes[1] == (
        "The masks of set.npz hold 0 and 255 only: 255 is the second class, and doesn't mark pixels to ignore."
    )


def test_numbers_that_leave_some_out_are_classes_of_these_names(tmp_path):
    made = data.load(saved(tmp_path, MASKS * 10 + 1))
    assert made.class_names == ("1", "11", "21") and (made.train.labels == MASKS).all()
    assert made.notes == (
        "The masks of set.npz leave numbers out: the classes are those that occur, 1, 11, 21.",
    )


def test_names(tmp_path):
    made = data.load(saved(tmp_path, MASKS, classes=["sea", "land", "sky", "ice"]))
    assert made.class_names == ("sea", "land", "sky", "ice") and (made.train.labels == MASKS).all()
    assert made.notes == ("Classes of which no mask has a pixel: ice.",)


def test_names_that_are_the_numbers(tmp_path):
    made = data.load(saved(tmp_path, np.array([7, 11, 26])[MASKS], classes=[7, 11, 26]))
    assert made.class_names == ("7", "11", "26") and (made.train.labels == MASKS).all()


@pytest.mark.parametrize("train, test, classes, sentence", [
    (MASKS, None, ["a", "b"],
     "y_train of set.npz has the number 2, but set.npz has 2 classes, a, b, which numbers count from 0."),
    (changed(MASKS, (3, 0, 0), -2), None, None,
     "set.npz has the number -2 in its masks: number the classes from 0 to 254."),
    (changed(MASKS, (3, 0, 0), 300), None, None,
     "set.npz has the number 300 in its masks: number the classes from 0 to 254."),
    (np.array([0, 50, 255])[MASKS], None, None, "set.npz has the numbers 0, 50, 255 in its masks: it isn't clear "
     "whether 255 is a class or marks pixels to ignore; number the classes from 0 without a gap, or name them."),
    (MASKS + 0.5, None, None, "set.npz needs whole numbers in masks; y_train holds 0.5."),
    (changed(MASKS * 1.0, (1, 0, 0), np.nan), None, None, "set.npz needs whole numbers in masks; y_train holds nan."),
    (MASKS.astype(str), None, None, "set.npz needs whole numbers in masks; y_train holds <U21."),
    (MASKS[:, :3], None, None,
     "set.npz needs a label for each image, or for each of its 4x5 pixels; y_train is (20, 3, 5)."),
    (MASKS[:, None], None, None, "set.npz needs a label for each image, or for each of its 4x5 pixels; y_train is "
     "(20, 1, 4, 5). Store y_train[:, 0] in its place."),
    (ONE_HOT.transpose(0, 3, 1, 2), None, None, "set.npz needs a label for each image, or for each of its 4x5 pixels; "
     "y_train is (20, 3, 4, 5). Store y_train.transpose(0, 2, 3, 1) in its place."),
    (changed(ONE_HOT, (6, 1, 2), 0), None, None, "set.npz needs one 1 and else 0 in each pixel of masks (N, height, "
     "width, classes); y_train[6] has others: numbers (N, height, width) are taken, too, but no colours."),
    (changed(ONE_HOT, (6, 1, 2), 1), None, None, "set.npz needs one 1 and else 0 in each pixel"),
    (IMAGES, None, None, "set.npz needs one 1 and else 0 in each pixel"),
    (ONE_HOT, np.eye(4)[MASKS], None, "set.npz has one-hot masks of 3 and 4 classes in its splits."),
    (ONE_HOT, None, ["a", "b"], "set.npz has one-hot masks of 3 classes, but 2 names in classes."),
    (MASKS, np.arange(N), None, "set.npz has a label for each pixel in y_train, but one for each image in y_val."),
    (MASKS[1:], MASKS, None, "set.npz has 20 images in x_train, but 19 labels in y_train."),
    (MASKS * 0, None, None, "set has one class only (0); there is nothing to tell apart."),
    (MASKS * 0 + 255, None, None,
     "set.npz has no pixel in its masks that counts: all are 255, which marks pixels to ignore."),
    (np.arange(400).reshape(MASKS.shape) % 200, None, None, "set.npz has 200 numbers in its masks, from 0 to 199: if "
     "these are levels of grey, save masks without smooth edges and without lossy compression; if they are classes, "
     "name them."),
])
def test_what_is_no_mask_is_refused(tmp_path, train, test, classes, sentence):
    more = {} if classes is None else {"classes": classes}
    assert refusal(tmp_path, train, test, **more).startswith(sentence)

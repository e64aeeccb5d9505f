"""The embedded images with masks: drawn the same each time, objects where the masks say, classes told by outlines."""

from functools import cache

import numpy as np
import pytest

from zoo import ZooError, data
from zoo.data.shapes import DIGIT, _drawn, load_shapes


@cache
def shapes():
    return data.load("shapes")


def test_shapes_are_images_with_masks_in_three_splits():
    made = shapes()
    assert (made.name, made.image_shape, made.has_masks, made.notes) == ("shapes", (64, 64, 3), True, ())
    assert made.class_names == ("background", "disc", "square", "triangle", "digit") and not made.colours
    assert [len(split) for split in (made.train, made.validation, made.test)] == [4_000, 400, 600]
    assert made.test.images.dtype == made.test.labels.dtype == np.uint8 and made.test.labels.shape == (600, 64, 64)
    for split in (made.train, made.validation, made.test):
        shares = np.bincount(split.labels.ravel(), minlength=5) / split.labels.size
        assert 0.75 < shares[0] < 0.85 and shares[1:].min() > 0.02 and shares.sum() == pytest.approx(1)
        assert (split.labels.reshape(len(split), -1).max(1) > 0).all()  # an object in each


def test_shapes_are_always_the_same():
    again = load_shapes()
    for name in ("train", "validation", "test"):
        ours, theirs = getattr(shapes(), name), getattr(again, name)
        assert (ours.images == theirs.images).all() and (ours.labels == theirs.labels).all()
    test = shapes().test
    assert test.images[0, 0, :3].tolist() == [[189, 87, 22], [202, 69, 16], [192, 67, 20]]
    assert np.bincount(test.labels[0].ravel(), minlength=5).tolist() == [3037, 1059, 0, 0, 0]


def test_no_image_is_in_two_splits():
    whole = [bytes(image) for split in (shapes().train, shapes().validation, shapes().test) for image in split.images]
    assert len(set(whole)) == len(whole)


def test_one_object_against_the_background_is_the_same_images():
    whole, one = shapes(), data.load("shapes:object")
    assert (one.name, one.class_names) == ("shapes-object", ("background", "object"))
    assert one.colours == ((255, 255, 255), (0, 0, 0))
    assert (one.train.images == whole.train.images).all()
    assert (one.train.labels == (whole.train.labels > 0)).all()


def test_objects_stand_out_from_what_is_around_them():
    """Across the border of a mask neighbours differ far more than within a region: image and mask are aligned."""
    images, masks = shapes().test.images.astype(int), shapes().test.labels
    steps = abs(images[:, :, 1:] - images[:, :, :-1]).sum(-1)
    is_border = masks[:, :, 1:] != masks[:, :, :-1]
    assert steps[is_border].mean() > 5 * steps[~is_border].mean()
    assert np.quantile(steps[~is_border], 0.99) < np.quantile(steps[is_border], 0.1)


def test_no_colour_tells_the_class():
    """The classes' mean colours are within a few levels of each other, their spreads wide."""
    images, masks = shapes().train.images.reshape(-1, 3), shapes().train.labels.ravel()
    means = np.array([images[masks == label].mean(0) for label in range(5)])
    spreads = np.array([images[masks == label].std(0) for label in range(5)])
    assert np.ptp(means, axis=0).max() < 12 and spreads.min() > 70


def test_a_later_object_lies_over_an_earlier_one_and_its_mask_does_too(monkeypatch):
    """Each object is told to cover a window of its own; the last one's stays whole."""
    windows = []

    def window(rng, label, strokes):
        inside = np.zeros((64, 64), bool)
        inside[8 * len(windows) : 8 * len(windows) + 16, 4:60] = True
        windows.append((inside, label))
        return inside

    monkeypatch.setattr("zoo.data.shapes._outline", window)
    mask = _drawn(np.random.default_rng(3), None)[1]
    expected = np.zeros((64, 64), int)
    for inside, label in windows:
        expected[inside] = label
    assert len(windows) > 1 and (mask == expected).all()


def test_the_digits_are_the_embedded_ones_enlarged():
    """Where a whole digit is alone in its image, its box, made 8x8 again, is most like a digit of that split."""
    from PIL import Image

    digits = data.load("digits").test.images[..., 0].astype(float)
    digits -= digits.mean((1, 2), keepdims=True)
    flat = (digits / np.sqrt((digits**2).sum((1, 2), keepdims=True))).reshape(-1, 64)
    likeness = []
    for mask in shapes().test.labels:
        if set(np.unique(mask)) == {0, DIGIT}:
            rows, columns = np.flatnonzero((mask > 0).any(1)), np.flatnonzero((mask > 0).any(0))
            box = mask[rows[0] : rows[-1] + 1, columns[0] : columns[-1] + 1] > 0
            width = max(1, round(8 * box.shape[1] / box.shape[0]))
            small = np.asarray(Image.fromarray(255 * box.astype("u1")).resize((width, 8), Image.Resampling.BOX), float)
            best = 0
            for left in range(9 - width):
                place = np.zeros((8, 8))
                place[:, left : left + width] = small
                place -= place.mean()
                best = max(best, (flat @ (place.ravel() / np.sqrt((place**2).sum()))).max())
            likeness.append(best)
    assert len(likeness) > 20 and np.median(likeness) > 0.85


def test_a_limit_leaves_pairs_together():
    some, whole = data.load("shapes", limit=50), shapes()
    assert [len(split) for split in (some.train, some.validation, some.test)] == [50] * 3
    place_of = {bytes(image): i for i, image in enumerate(whole.test.images)}
    for image, mask in zip(some.test.images, some.test.labels):
        assert (whole.test.labels[place_of[bytes(image)]] == mask).all()


def test_classes_cannot_be_chosen_among_pixels():
    with pytest.raises(ZooError, match="^shapes has a label for each pixel: classes can't be chosen"):
        data.load("shapes", classes=["disc", "square"])


@pytest.mark.parametrize("name", data.EMBEDDED)
def test_a_folder_of_an_embedded_sets_name_does_not_hide_it(tmp_path, monkeypatch, name):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr("zoo.data.shapes.COUNTS", {"train": 9, "validation": 9, "test": 9})
    (tmp_path / name).mkdir()
    assert data.whereabouts(name) == name and data.load(name).name == name.replace(":", "-")

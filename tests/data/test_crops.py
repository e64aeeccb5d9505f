"""Crops of images with masks that keep their sizes: which pixels are where, and that images and masks stay together."""

import numpy as np
import pytest
from PIL import Image

from zoo import ZooError, data
from zoo.data import dataset, mask_folder, shapes
from zoo.data.crops import RandomCrops, cropped, random_places, tile_places
from zoo.data.dataset import IGNORED, class_counts, make_dataset
from zoo.data.own_sizes import of_arrays
from zoo.data.preprocessing import normalization
from zoo.data.stream import Stream

CROP, WHOLE = (7, 5), (0, 0, 7, 5)
SIZES = [(7, 5), (20, 11), (3, 4), (16, 3), (14, 10), (6, 30)]


def told(mask):
    """The image (height, width, 1) that tells its mask's labels by brightness."""
    return (40 * mask + 30)[..., None]


def masks(seed=0, sizes=SIZES):
    random = np.random.default_rng(seed)
    return [random.integers(0, 4, size, np.uint8) for size in sizes]


def of_sizes(own=None):
    """A data set of images that tell their masks, of differing sizes."""
    names = ("train", "validation", "test")
    splits = {name: own or masks(seed) for seed, name in enumerate(names)}
    return make_dataset("told", "abcd", {name: of_arrays(map(told, labels), labels) for name, labels in splits.items()})


def assert_told(images, labels):
    """Each pixel has its label, and pixels that don't count are black."""
    counted = labels != IGNORED
    assert (images[..., 0] == np.where(counted, 40 * np.where(counted, labels, 0) + 30, 0)).all()
    assert counted.any((1, 2)).all()


# ----------------------------------------------------------------------------------------------------------- tiles


def test_tiles_cover_each_pixel_exactly_once():
    made = cropped(of_sizes(), CROP)
    counts = [np.zeros(size, int) for size in SIZES]
    for index, top, left in tile_places(np.array(SIZES), WHOLE):
        counts[index][top : top + CROP[0], left : left + CROP[1]] += 1
    assert all((count == 1).all() for count in counts)
    assert len(made.validation) == sum(-(-h // 7) * -(-w // 5) for h, w in SIZES)
    for split, seed in ((made.validation, 1), (made.test, 2)):
        labels = split.read_labels(slice(None))
        assert_told(split.read(slice(None)), labels)
        whole = np.concatenate([mask.ravel() for mask in masks(seed)])
        assert np.bincount(labels[labels != IGNORED]).tolist() == np.bincount(whole).tolist()


def test_tiles_lie_side_by_side_in_their_order():
    mask = np.arange(9 * 8, dtype=np.uint8).reshape(9, 8)
    tiles = cropped(of_sizes([mask % 4] * 3), (5, 4)).test.read_labels(np.arange(4))
    joined = np.block([[tiles[0], tiles[1]], [tiles[2], tiles[3]]])
    assert (joined[:9] == mask % 4).all() and (joined[9:] == IGNORED).all()


def test_parts_that_a_net_without_padding_labels_cover_each_pixel_once_and_see_what_is_around():
    """Beyond its borders an image is mirrored."""
    top, left, height, width = covered = (2, 3, 4, 6)
    made = cropped(of_sizes(), (9, 12), covered)
    tiles, labels = made.test.read(slice(None)), made.test.read_labels(slice(None))
    assert len(tiles) == sum(-(-h // 4) * -(-w // 6) for h, w in SIZES)
    inner = labels[:, top : top + height, left : left + width]
    for i, (own, size) in enumerate(zip(masks(2), SIZES)):
        rows, columns = -(-size[0] // 4), -(-size[1] // 6)
        parts = [inner[made.test.items[:, 0] == i][n : n + columns] for n in range(0, rows * columns, columns)]
        whole = np.concatenate([np.concatenate(part, 1) for part in parts])
        assert (whole[: size[0], : size[1]] == own).all() and (whole != IGNORED).sum() == own.size
    for (index, y, x), tile in zip(made.test.items, tiles):
        around = np.pad(told(masks(2)[index]), ((40, 40), (40, 40), (0, 0)), "reflect")
        assert (tile == around[40 + y : 49 + y, 40 + x : 52 + x]).all()
    assert "Of these the net labels the inner 4x6: tiles overlap by the rest." in made.notes
    for epoch in range(3):
        cut = made.train.in_epoch(1, epoch).read_labels(slice(None))[:, top : top + height, left : left + width]
        assert [(one != IGNORED).sum() for one in cut] == [min(h, 4) * min(w, 6) for h, w in SIZES]


# ------------------------------------------------------------------------------------------------------ random cuts


def test_cuts_move_images_and_masks_together_and_differ_between_epochs():
    train = cropped(of_sizes(), CROP).train
    found = []
    for epoch in range(4):
        split = train.in_epoch(3, epoch)
        images, labels = split.read(slice(None)), split.read_labels(slice(None))
        assert images.shape == (6, 7, 5, 1) and labels.shape == (6, 7, 5)
        assert_told(images, labels)
        for i, (height, width) in enumerate(SIZES):  # a part of the image, or all of it
            assert (labels[i] != IGNORED).sum() == min(height, 7) * min(width, 5)
        found.append(labels)
    assert all((one[0] == found[0][0]).all() for one in found)  # of the crop's own size
    assert all((one[1] != found[0][1]).any() for one in found[1:])
    assert (train.in_epoch(3, 2).read_labels(slice(None)) == found[2]).all()
    assert (train.in_epoch(4, 2).read_labels(slice(None)) != found[2]).any()


def test_a_cut_depends_on_seed_epoch_and_its_image_alone():
    sizes = np.array(SIZES)
    places = random_places(sizes, WHOLE, 1, 2)
    other = np.vstack([sizes[:2], [[50, 60]], sizes[3:], sizes])
    kept = [0, 1, 3, 4, 5]
    assert (random_places(other, WHOLE, 1, 2)[kept] == places[kept]).all()
    train = cropped(of_sizes(), CROP).train.in_epoch(1, 2)
    order = np.array([4, 1, 5])
    assert (train.read(order) == train.read(slice(None))[order]).all()


def test_cuts_reach_all_places_that_lie_within_the_image_equally_often():
    sizes = np.tile([[10, 3]], (4000, 1))
    tops, lefts = random_places(sizes, WHOLE, 0, 0)[:, 1:].T
    assert sorted(set(tops)) == [0, 1, 2, 3] and sorted(set(lefts)) == [-2, -1, 0]
    assert np.bincount(tops).min() > 900 and np.bincount(lefts + 2).min() > 1200


@pytest.mark.parametrize("epoch, batch", [(0, 5), (1, 1)])
def test_a_stream_that_begins_later_has_the_same_batches(epoch, batch):
    train = cropped(of_sizes(), CROP).train
    whole, late = Stream(train, 2, seed=5), Stream(train, 2, seed=5, epoch=epoch)
    (images, masks), _ = late[batch]
    (same, own), _ = whole[epoch * 3 + batch]
    assert (images == same).all() and (masks == own).all()
    assert_told(images, masks)


def test_statistics_are_those_of_whole_images():
    made = cropped(of_sizes(), CROP)
    pixels = np.concatenate([mask.ravel() for mask in masks(0)])
    assert class_counts(made).tolist() == np.bincount(pixels).tolist()
    scale, offset = normalization(made.train, 1)
    assert scale[0] == pytest.approx(1 / (40 * pixels).std())
    assert -offset[0] / scale[0] == pytest.approx(told(pixels).mean())


def test_renumbered_classes_are_so_in_cuts_tiles_and_counts():
    made = cropped(of_sizes(), CROP)
    other = made.map(lambda split: split.relabelled(np.array([3, 2, 1, 0])))
    for before, after in ((made.train, other.train), (made.test, other.test)):
        old, new = (split.in_epoch(0, 1).read_labels(slice(None)) for split in (before, after))
        assert (new == np.where(old == IGNORED, IGNORED, 3 - old)).all()
    assert class_counts(other).tolist() == class_counts(made).tolist()[::-1]


# ---------------------------------------------------------------------------------------------------------- sources


def write(folder, own=None):
    for name, labels in zip(("train", "val", "test"), [own or masks(seed) for seed in range(3)]):
        for i, mask in enumerate(labels):
            for kind, values in (("images", told(mask)[..., 0]), ("masks", mask)):
                path = folder / name / kind / f"{i}.png"
                path.parent.mkdir(parents=True, exist_ok=True)
                Image.fromarray(values).save(path)
    return folder


def splits(made):
    return made.train.in_epoch(0, 3), made.validation, made.test


@pytest.mark.parametrize("limit", [2**30, 0])
def test_a_folder_is_read_as_it_is_from_memory_or_from_its_files(tmp_path, monkeypatch, limit):
    monkeypatch.setattr(dataset, "IN_MEMORY_BYTES", limit)
    made, same = data.load(write(tmp_path), crop=CROP), cropped(of_sizes(), CROP)
    assert made.image_shape == (7, 5, 1) and not made.is_in_memory
    for split, other in zip(splits(made), splits(same)):
        assert (split.read(slice(None)) == other.read(slice(None))).all()
        assert (split.read_labels(slice(None)) == other.read_labels(slice(None))).all()
    assert made.notes[:2] == (
        "The images keep their sizes: each is cut to 7x5 at random in each epoch; those for validation and testing, 6 "
        "and 6, are cut into 24 and 24 tiles.",
        "9 of the images are smaller than 7x5: what is added doesn't count.",
    )
    assert len(made.notes) == 2 + (limit == 0)


def test_an_image_in_a_file_is_decoded_once_for_all_of_its_tiles(tmp_path, monkeypatch):
    monkeypatch.setattr(dataset, "IN_MEMORY_BYTES", 0)
    made = data.load(write(tmp_path, [np.eye(40, dtype=np.uint8)] * 3), crop=(8, 8))
    read, paths = mask_folder.read_image, []

    def counted(path, *arguments, **options):
        paths.append(path)
        return read(path, *arguments, **options)

    monkeypatch.setattr(mask_folder, "read_image", counted)
    parts = [made.test.read(slice(i, i + 10)) for i in range(0, 80, 10)]
    assert np.concatenate(parts).shape == (75, 8, 8, 1)
    assert len(paths) == len(set(paths)) == 3


def test_a_limit_counts_images(tmp_path):
    made = data.load(write(tmp_path), crop=CROP, limit=2)
    assert len(made.train) == 2 and len(np.unique(made.test.items[:, 0])) == 2


def test_arrays_and_shapes_are_cropped(tmp_path, monkeypatch):
    monkeypatch.setattr(shapes, "COUNTS", dict.fromkeys(shapes.COUNTS, 5))
    made, whole = data.load("shapes", crop=(40, 48)), data.load("shapes")
    assert isinstance(made.train, RandomCrops) and made.colours == whole.colours
    assert [len(split) for split in (made.train, made.validation, made.test)] == [5, 20, 20]
    assert (made.test.read(np.arange(4))[0] == whole.test.images[0, :40, :48]).all()
    own = np.stack(masks(0, [(9, 9)] * 20))
    np.savez(tmp_path / "set.npz", x_train=told(own), y_train=own)
    made = data.load(tmp_path / "set.npz", crop=(4, 4))
    for split in splits(made):
        assert_told(split.read(slice(None)), split.read_labels(slice(None)))
    assert [len(split) for split in splits(made)] == [14, 18, 36]


@pytest.mark.parametrize("limit", [2**30, 0])
@pytest.mark.parametrize("name", ["pets", "scenes"])
def test_tfds_is_cropped(tfds_folder, monkeypatch, limit, name):
    """Sets of differing sizes and of one; pets has labels, too."""
    monkeypatch.setattr(dataset, "IN_MEMORY_BYTES", limit)
    made = data.load(name, tfds_folder, crop=(4, 3))
    whole = {height: data.load(name, tfds_folder, size=(height, 5), masks=True) for height in (6, 7, 8)}
    assert made.image_shape == (4, 3, 3) and made.class_names == whole[6].class_names
    sizes = made.train.whole.sizes
    assert set(map(tuple, sizes)) == ({(6, 5), (7, 5), (8, 5)} if name == "pets" else {(6, 5)})
    split = made.train.in_epoch(1, 1)
    for image, mask, place in zip(split.read(slice(None)), split.read_labels(slice(None)), split.items):
        index, top, left = place
        theirs = whole[sizes[index, 0]].train
        assert (theirs.read([index])[0, top : top + 4, left : left + 3] == image).all()
        assert (theirs.read_labels([index])[0, top : top + 4, left : left + 3] == mask).all()
    assert not any("resized" in note for note in made.notes)


# ---------------------------------------------------------------------------------------------------------- refused


@pytest.mark.parametrize("crop, sentence", [
    ((8, 8), "digits has one label for each image, and a crop may not show what it names: only images with masks can "
     "be cropped."),
    ((8, 8, 1), "crop is a height and a width, for the images keep their channels; got (8, 8, 1)."),
    ((0, 8), "crop must be a positive whole number; got 0."),
])
def test_crops_that_cannot_be_are_refused(crop, sentence):
    with pytest.raises(ZooError) as problem:
        data.load("digits", crop=crop)
    assert str(problem.value) == sentence


def test_a_set_of_tfds_without_masks_is_refused(tfds_folder):
    with pytest.raises(ZooError, match="figures isn't a set of images with masks"):
        data.load("figures", tfds_folder, crop=(4, 4))

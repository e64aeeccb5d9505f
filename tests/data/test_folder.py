"""Folders of images: which are classes, which are splits, what is taken, and the sentence for what isn't."""

import os
from pathlib import Path

import numpy as np
import pytest
from image_files import png, tiff
from keras import ops
from pictures import classes, noise, pictures
from PIL import Image

from zoo import ZooError, data
from zoo.data import tree
from zoo.data.images import read_image
from zoo.data.tree import Folder, find_splits
from zoo.training import train as training


def counts(dataset):
    return [len(part) for part in (dataset.train, dataset.validation, dataset.test)]


def test_a_folder_of_class_folders(tmp_path):
    made = data.load(classes(tmp_path / "pets", 10))
    assert (made.name, made.class_names, made.image_shape) == ("pets", ("cat", "dog"), (9, 7, 3))
    assert counts(made) == [14, 2, 4] and not any("Left out" in note for note in made.notes)


# ------------------------------------------------------------------------------------------------- splits or classes

NAMES = [("train", "val", "test"), ("train", "valid", "test"), ("Train", "VALID", "Test"),
         ("Training", "Validation", "Testing"), ("TRAIN", "val", "testing"), ("trainval", "vaLid", "tEST")]


@pytest.mark.parametrize("names", NAMES)
def test_a_folder_with_its_own_splits(tmp_path, names):
    for split, count in zip(names, (4, 3, 2)):
        classes(tmp_path / split, count)
    made = data.load(tmp_path)
    assert counts(made) == [8, 6, 4] and made.notes == ()
    first = np.asarray(Image.open(tmp_path / names[0] / "dog" / "0.png"))
    assert (made.train.images[4] == first).all() and made.train.labels.tolist() == [0] * 4 + [1] * 4


@pytest.mark.parametrize("names", [("test", "other"), ("train", "plane"), ("Training", "test", "car"), ("val", "x")])
def test_a_folder_with_a_splits_name_is_a_class_if_images_lie_in_it(tmp_path, names):
    for name in names:
        pictures(tmp_path / name, 5)
    pictures(tmp_path / names[0] / "more", 2)
    assert data.load(tmp_path).class_names == tuple(sorted(names))


def lay_out(root, folders):
    """Make folders of images, and those that end with a slash of class folders."""
    for name in folders:
        classes(root / name) if name.endswith("/") else pictures(root / name, 5)


@pytest.mark.parametrize(
    "folders, sentence",
    [
        (("train", "test"), "has test, train, which name splits, but no folder train with a folder of images for each"),
        (("Train/", "test/"), None),
        (("train", "test/"), "which name splits, but no folder train with"),
        (("val/", "test/"), "which name splits, but no folder train with"),
        (("train/", "car"), "train holds folders of images, as a split does, but car beside it, as classes do; move"),
        (("cat", "dog", "test/"), "test holds folders of images, as a split does, but cat, dog beside it, as classes"),
        (("train/", "val/", "valid/"), "has two folders for one split: val and valid."),
    ],
)
def test_folders_that_could_be_either_are_refused(tmp_path, folders, sentence):
    lay_out(tmp_path, folders)
    if sentence is None:
        assert counts(data.load(tmp_path))[2] == 10
        return
    with pytest.raises(ZooError) as problem:
        data.load(tmp_path)
    assert sentence in str(problem.value)


@pytest.mark.parametrize(
    "names",
    [("training_set", "test_set"), ("seg_train", "seg_test"), ("Train Images", "Test Images"), ("train2017", "val2017"),
     ("cats-train", "cats-valid", "cats-test"), ("trainset", "testset"), ("imagesTrain", "imagesVal"),
     ("train_val", "test"), ("training_set", "test", "val")],
)
def test_splits_are_known_by_a_word_of_their_names_if_they_hold_the_same_classes(tmp_path, names):
    for name in names:
        classes(tmp_path / name, 20)
    pictures(tmp_path / names[0] / "owl", 20)  # which the others lack
    made = data.load(tmp_path)
    assert made.class_names == ("cat", "dog", "owl") and sum(counts(made)) == 40 * len(names) + 20
    assert counts(made)[1 if "val" in names[1].lower() else 2] == 40
    assert made.notes[0].startswith("By their names and what they hold, folders are taken for splits: ")
    assert f"{names[0]} as train" in made.notes[0]


def test_splits_by_other_names_leave_out_what_has_no_labels_and_tell_a_class_of_another_name(tmp_path):
    for name in ("training_set", "val_set"):
        classes(tmp_path / name)
    pictures(tmp_path / "test_set", 3)
    assert any("3 images in folders beside the splits (test_set)" in note for note in data.load(tmp_path).notes)
    (tmp_path / "val_set" / "cat").rename(tmp_path / "val_set" / "cats")
    with pytest.raises(ZooError, match="val_set/cats is no class of the training images. Did you mean cat?"):
        data.load(tmp_path)


@pytest.mark.parametrize(
    "folders, told",
    [
        (("fold1/", "fold2/", "fold3/"), "fold1, fold2, fold3"),
        (("fold1/", "fold2/", "fold1/test", "fold2/test"), "fold1, fold2"),
        (("train2017", "val2017"), "train2017, val2017"),
        (("cats_train", "cats_test", "dogs_train", "dogs_test"), "cats_test, cats_train, dogs_test, dogs_train"),
        (("cat_train_1", "cat_train_2", "cat_test", "fox"), "cat_test, cat_train_1, cat_train_2"),
        (("猫_train", "猫_test", "犬_train", "犬_test"), "犬_test, 犬_train, 猫_test, 猫_train"),
        (("cats_trainval", "cats_test"), "cats_test, cats_trainval"),
        (("cats_train_val", "cats_test"), "cats_test, cats_train_val"),
        (("traincats", "testcats", "fox"), "testcats, traincats"),
        (("catsTrain", "catsTest"), "catsTest, catsTrain"),
        (("catstrain", "catstest", "fox"), "catstest, catstrain"),
        (("0train", "0test", "1train", "1test"), "0test, 0train, 1test, 1train"),
        (("train", "test1"), "test1, train"),
        (("cats/", "dogs/", "fox"), "cats, dogs"),
        (("seg_train/seg_train/", "seg_test/seg_test/"), "seg_test, seg_train"),
        (("seg_train/", "seg_test/", "seg_pred"), "seg_test, seg_train"),
        (("val_set/", "test_set/"), "test_set, val_set"),
        (("training_set/", "test_set"), "test_set, training_set"),
        (("batch_train/", "holdout/", "extra"), "batch_train, holdout"),
        (("test_tube/", "train_car/", "bus"), "test_tube, train_car"),
    ],
)
def test_folders_that_look_like_splits_and_like_classes_are_refused(tmp_path, folders, told):
    lay_out(tmp_path, folders)
    with pytest.raises(ZooError, match=f"has {told}, which look like splits by their names"):
        data.load(tmp_path)


def test_two_folders_for_one_split_are_refused_by_other_names_too(tmp_path):
    for name in ("train_a", "train_b", "test_a"):
        classes(tmp_path / name)
    with pytest.raises(ZooError, match="has two folders for one split: (train_a and train_b|train_b and train_a)."):
        data.load(tmp_path)


@pytest.mark.parametrize(
    "folders",
    [("cat/day", "cat/night", "dog/day", "dog/dusk", "crash test/2019", "steam train/2020"), ("test_tube", "train"),
     ("cat/a/x", "cat/a/y", "dog/b/x", "dog/b/y"), ("tests", "contests"),
     ("test1", "test2"), ("train a", "train b"), ("toy", "toy train"), ("toy", "toy train", "car", "car test", "bus"),
     ("trainer", "tester"), ("trainers", "testers"), ("contest", "con", "interval"), ("0_train", "1_test"),
     ("blood", "blood test", "urine", "urine test"), ("con", "contest", "pro", "protest")],
)
def test_folders_that_do_not_look_like_splits_are_classes(tmp_path, folders):
    for name in folders:
        pictures(tmp_path / name, 6)
    assert data.load(tmp_path).class_names == tuple(sorted({name.partition("/")[0] for name in folders}))


@pytest.mark.parametrize("names, other, whole", [
    (("cats", "cats_test", "dogs", "dogs_test"), "cats_test, dogs_test", "cats, dogs"),
    (("cats", "cats_test_1", "cats_test_2", "fox"), "cats_test_1, cats_test_2", "cats"),
    (("cat 1", "cat 1 val", "cat 2"), "cat 1 val", "cat 1"), (("猫", "猫_test", "犬"), "猫_test", "猫"),
    (("toy", "toy train", "car"), "toy train", "toy"), (("cats", "catstest"), "catstest", "cats"),
])
def test_classes_that_could_be_parts_of_others_are_told(tmp_path, names, other, whole):
    for name in names:
        pictures(tmp_path / name, 6)
    made = data.load(tmp_path)
    assert set(made.class_names) == set(names)
    assert f"Taken for classes of their own, not for parts of {whole}: {other}." in made.notes


def test_names_without_letters_are_no_parts(tmp_path):
    for name in ("+", "-", "train"):
        pictures(tmp_path / name, 6)
    assert not any("of their own" in note for note in data.load(tmp_path).notes)


def test_many_classes_are_looked_at_once():
    """A thousand compared with each other would be a million."""
    calls, root = [], Folder(Path("many"))
    for name in map(str, range(1000)):
        root.folders.append(Folder(root.path / name, images=[root.path / name / "a.png"]))
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(tree, "_words", lambda name: calls.append(name) or [name])
        assert find_splits(root) == {"train": root}
    assert len(calls) < 20 * 1000


def test_splits_within_classes_are_refused(tmp_path):
    for name in ("cat/train", "cat/test", "dog/train", "dog/test"):
        pictures(tmp_path / name, 3)
    with pytest.raises(ZooError, match="cat/test is a split within a class; put splits above classes: test/cat"):
        data.load(tmp_path)


def test_what_lies_beside_the_splits_is_left_out_and_counted(tmp_path):
    for split in ("train", "test"):
        classes(tmp_path / split)
    pictures(tmp_path / "unlabelled", 3)
    for folder in (tmp_path, tmp_path / "train"):
        (folder / "README.md").write_text("")
    note = "Left out: 2 files beside the class folders and 3 images in folders beside the splits (unlabelled)."
    assert note in data.load(tmp_path).notes


def test_a_test_split_without_classes_is_left_out(tmp_path):
    """As competitions hand them out; the images' classes aren't told."""
    classes(tmp_path / "train", 10)
    pictures(tmp_path / "test", 3)
    made = data.load(tmp_path)
    assert "Left out: 3 images in folders beside the splits (test)." in made.notes and counts(made) == [14, 2, 4]


def test_a_test_class_that_training_lacks_is_refused(tmp_path):
    classes(tmp_path / "train")
    pictures(tmp_path / "test" / "cats", 2)
    with pytest.raises(ZooError, match="cats is no class of the training images. Did you mean cat"):
        data.load(tmp_path)


# --------------------------------------------------------------------------------------------------- the classes' order


@pytest.mark.parametrize(
    "names, order",
    [
        (["0", "1", "10", "11", "2"], ["0", "1", "2", "10", "11"]),
        (["00", "01", "10", "9"], ["00", "01", "9", "10"]),
        (["class 10", "class 2"], ["class 10", "class 2"]),  # as torchvision's ImageFolder and Keras have them
        (["1", "10", "2", "other"], ["1", "10", "2", "other"]),
        (["b", "B", "a"], ["B", "a", "b"]),
    ],
)
def test_folders_named_by_numbers_are_in_their_order(tmp_path, names, order):
    for i, name in enumerate(names):
        pictures(tmp_path / name, 3, (2, 2, 1), ".bmp")
        for file in (tmp_path / name).iterdir():
            Image.new("L", (2, 2), order.index(name)).save(file)
    made = data.load(tmp_path)
    assert list(made.class_names) == order
    for split in (made.train, made.validation, made.test):
        assert (split.images[:, 0, 0, 0] == split.labels).all()


def test_an_old_run_has_its_classes_and_its_split_as_text(tmp_path):
    for i in range(11):
        pictures(tmp_path / str(i), 6)
    source = {"dataset": str(tmp_path)}
    old, new = data.load_source(source), data.load_source(source | {"order": "natural"})
    assert list(old.class_names) == sorted(map(str, range(11))) != list(new.class_names)
    text = data.load(tmp_path, order="text")
    assert (old.test.images == text.test.images).all() and (old.test.labels == text.test.labels).all()


# -------------------------------------------------------------------------------------------------------- what is taken


def test_images_in_folders_within_a_class_are_taken_and_counted(tmp_path):
    classes(tmp_path)
    pictures(tmp_path / "cat" / "night" / "indoors", 3)
    pictures(tmp_path / "dog" / "day", 1)
    made = data.load(tmp_path)
    note = "4 images in folders within a class's folder, as cat/night, are of that class."
    assert sum(counts(made)) == 14 and note in made.notes
    assert np.bincount(np.concatenate([made.train.labels, made.validation.labels, made.test.labels])).tolist() == [8, 6]


def test_keras_takes_the_same_images(tmp_path):
    from keras.utils import image_dataset_from_directory

    for i, name in enumerate(("a", "b/c", "b", "d")):
        pictures(tmp_path / name, 4 + i)
    theirs = image_dataset_from_directory(str(tmp_path), image_size=(9, 7), batch_size=99, shuffle=False, verbose=False)
    ours = data.load(tmp_path)
    images, labels = next(iter(theirs))
    labelled = sorted((bytes(image), label) for image, label in zip(np.asarray(images, "u1"), np.asarray(labels)))
    parts = (ours.train, ours.validation, ours.test)
    assert labelled == sorted((bytes(image), label) for p in parts for image, label in zip(p.images, p.labels))


@pytest.mark.parametrize("suffix", [".jfif", ".JPG", ".Png", ".jpe", ".jp2", ".tga", ".pnm", ".TIFF", ".webp", ".apng"])
def test_images_of_any_suffix_are_taken(tmp_path, suffix):
    made = data.load(classes(tmp_path, 3, suffix=suffix))
    assert sum(counts(made)) == 6 and not any("Left out" in note for note in made.notes)


def test_what_is_left_out_is_told_in_one_note(tmp_path):
    classes(tmp_path)
    for name in ("a.txt", "b.TXT", "c.npy", "noext", "._0.png", ".hidden"):
        (tmp_path / "cat" / name).write_text("")
    (tmp_path / "labels.csv").write_text("")
    pictures(tmp_path, 1)
    pictures(tmp_path / ".git", 2)
    (tmp_path / "emu").mkdir()
    made = data.load(tmp_path)
    assert sum(counts(made)) == 10 and made.class_names == ("cat", "dog")
    assert made.notes[0] == (
        "Left out: 2 files beside the class folders, 4 files in class folders whose suffix is no image's "
        "(.npy, .txt, no suffix) and 1 class folder without images (emu)."
    )


def test_links_are_followed_but_not_in_circles(tmp_path):
    classes(tmp_path / "real")
    (tmp_path / "set").mkdir()
    for name in ("cat", "dog"):
        (tmp_path / "set" / name).symlink_to(tmp_path / "real" / name)
    (tmp_path / "real" / "cat" / "again").symlink_to(tmp_path / "real" / "cat")
    (tmp_path / "real" / "dog" / "up").symlink_to(tmp_path / "set")
    assert sum(counts(data.load(tmp_path / "set"))) == 10


def test_names_that_are_not_utf_8_are_read_and_can_be_said(tmp_path):
    names = [os.fsdecode(name) for name in (b"caf\xe9", b"na\xefve")]
    for name in names:
        pictures(tmp_path / name, 4)
        (tmp_path / name / os.fsdecode(b"\xe9.\xe9")).write_text("")
    (tmp_path / os.fsdecode(b"\xff")).mkdir()
    made = data.load(tmp_path)
    assert list(made.class_names) == sorted(names) and len(made.train.images)
    assert [note.encode() for note in made.notes] and "(\\xff)" in made.notes[0]


# ------------------------------------------------------------------------------------------------- size, colour, white


STRETCH = " of white. If a lower value means white, as {}, stretch the values to the whole range."
DARK = [
    ("L", 16, 0, "every pixel is 0."), ("L", 16, 100, "no pixel is above 1/655"),
    ("L", 16, 4095, "no pixel is above 1/16"), ("L", 16, 2**14 - 1, "no pixel is above 1/4"), ("L", 16, 2**15, None),
    ("RGB", 16, 200, "every pixel is 0."), ("RGB", 16, 4095, "no pixel is above 1/17"),
    ("RGB", 16, 2**14 - 1, "no pixel is above 1/4"), ("RGB", 16, 2**15, None),
    ("RGBA", 16, 4095, "no pixel is above 1/17"), ("LA", 16, 4095, "no pixel is above 1/17"),
    ("L", 8, 0, "every pixel is 0."), ("L", 8, 1, "no pixel is above 1/255"), ("L", 8, 16, "no pixel is above 1/15"),
    ("RGB", 8, 9, "no pixel is above 1/28"), ("RGBA", 8, 9, "no pixel is above 1/28"), ("L", 8, 30, None),
    ("RGB", 8, 30, None),
]


@pytest.mark.parametrize("kind, bits, most, how", DARK)
def test_images_that_are_nearly_black_are_told(tmp_path, kind, bits, most, how):
    for i in range(6):
        folder = tmp_path / ("cat", "dog")[i // 3]
        folder.mkdir(exist_ok=True)
        values = np.full((8, 8, len(kind)), most // 2)
        values[3, 4] = most if i < 3 else 2**bits - 1
        if kind.endswith("A"):
            values[..., -1] = 2**bits - 1
            values[0, 1, -1] = 0  # a hole, which is bright on white
        png(folder / f"{i}.png", values, kind, bits)
    notes = [note for note in data.load(tmp_path).notes if "nearly black" in note]
    stretch = STRETCH.format("1 may in a mask" if bits == 8 else "4095 may in files of 16 bits")
    told = f"3 of 6 images of {bits} bits that were looked at are nearly black, as {tmp_path}/cat/0.png: {how}"
    assert notes == ([told if told.endswith(".") else told + stretch] if how else [])


def test_drawings_on_transparency_are_not_dark(tmp_path):
    for i, name in enumerate(("cat", "dog") * 3):
        (tmp_path / name).mkdir(exist_ok=True)
        ink = np.concatenate([np.full((9, 9, 3), 13), 255 * (noise(9, 9, 1, seed=i) > 128)], -1)
        png(tmp_path / name / f"{i}.png", ink, "RGBA", 8)
    assert not any("nearly black" in note for note in data.load(tmp_path).notes)


def test_a_dark_photograph_is_seen_at_its_full_size(tmp_path):
    """A bright one is seen at an eighth of it, which takes a moment."""
    pixels = np.zeros((64, 64), "u1")
    for i, name in enumerate(("cat", "dog") * 3):
        (tmp_path / name).mkdir(exist_ok=True)
        pixels[20:22, 30:32] = 255 if i < 4 else 0  # few bright ones, which an eighth of the size would even out
        Image.fromarray(pixels).save(tmp_path / name / f"{i}.jpg", quality=95)
    (note,) = [note for note in data.load(tmp_path).notes if "nearly black" in note]
    assert note.startswith("2 of 6 images of 8 bits")


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


def test_an_image_is_resized_as_the_networks_own_front_does_it(tmp_path):
    for size in ((20, 31), (5, 4)):  # larger and smaller
        pictures(tmp_path, 1, (13, 11, 3))
        ours = read_image(tmp_path / "0.png", size=size).astype(float)
        theirs = ops.image.resize(noise(13, 11, 3).astype("float32"), size, "bilinear", antialias=True)
        assert abs(ours - ops.convert_to_numpy(theirs)).max() <= 1


def deep(root, *whites, dtype="f4"):
    """A folder of grey images, one for each of these greatest values."""
    for i, white in enumerate(whites):
        folder = root / ("cat", "dog")[i % 2]
        folder.mkdir(exist_ok=True, parents=True)
        tiff(folder / f"{i}.tif", np.linspace(0, white, 24).astype(dtype).reshape(4, 6, 1), "L")
    return root


@pytest.mark.parametrize(
    "whites, dtype, white",
    [
        ([1] * 6, "f4", 1),
        ([1, 1, 0.2, 1.0000001, 0.01, 1], "f4", 1),
        ([255, 200, 0.9, 1, 255, 255], "f4", 255),
        ([255] * 6, "i4", 255),
        ([255, 200, 60000, 30, 200, 0], "i4", 65535),
    ],
)
def test_white_is_chosen_for_all_images_together(tmp_path, whites, dtype, white):
    made = data.load(deep(tmp_path, *whites, dtype=dtype))
    assert made.white == white
    seen = np.concatenate([split.images for split in (made.train, made.validation, made.test)])
    expected = np.array(sorted(whites), float).clip(0, white) / white * 255
    assert sorted(seen.max((1, 2, 3))) == pytest.approx(expected, abs=0.51)
    note = "6 of the images hold floats or 32-bit integers, of which the file doesn't tell what is white: 0 is taken as"
    assert made.notes[0].startswith(f"{note} black and {white} as white.")


def test_images_that_are_nearly_black_by_the_others_range_are_told(tmp_path):
    note = data.load(deep(tmp_path, 255, 1, 1, 255, 255, 255)).notes[0]
    assert note.endswith(f"2 of them are nearly black so, as {tmp_path}/cat/2.tif: 1 at most.")


def test_images_whose_range_is_open_are_refused(tmp_path):
    with pytest.raises(ZooError, match="2.tif hold floats or 32-bit.* from 0 to 30, fit neither 0 to 1 nor 0 to 255"):
        data.load(deep(tmp_path, 1, 2, 30, 4))
    with pytest.raises(ZooError, match="2.tif has pixels from 0 to 30, but in the images of the training 0 is black"):
        data.load(tmp_path, white=1)
    deep(tmp_path, float("nan"))
    with pytest.raises(ZooError, match="cat/0.tif holds pixels that are no finite numbers"):
        data.load(tmp_path)


def test_images_that_tell_white_themselves_need_no_note(tmp_path):
    made = data.load(deep(tmp_path, *[200] * 6, dtype="u2"))
    assert made.white is None and not any("as white" in note for note in made.notes) and made.train.images.max() == 1


def test_further_pictures_of_a_file_are_told(tmp_path):
    first = Image.fromarray(noise(9, 7, 3))
    first.save(classes(tmp_path) / "cat" / "0.gif", save_all=True, append_images=[Image.new("RGB", (7, 9))])
    note = f"1 of the files hold several pictures, as {tmp_path}/cat/0.gif: the first is taken."
    assert note in data.load(tmp_path).notes


def transparent(root, blanks):
    """A folder of drawings on transparency, in white where `blanks` says so, else in black."""
    for i, blank in enumerate(blanks):
        folder = root / ("cat", "dog")[2 * i // len(blanks)]
        folder.mkdir(exist_ok=True, parents=True)
        drawn = np.zeros((3, 4, 4), "u1")
        drawn[1, 2] = (255, 255, 255, 255) if blank else (0, 0, 0, 255)
        Image.fromarray(drawn).save(folder / f"{i:03}.png")
    return root


@pytest.mark.parametrize(
    "blanks, note",
    [
        ([0] * 8, None),
        ([0, 1] * 4, "4 of 8 transparent images that were looked at are blank on white, on which they are put, as "
         "ROOT/cat/001.png."),
        ([0, 1] * 50, "50 of 100 transparent images that were"),
        ([1] + [0] * 238 + [1], "2 of 100 transparent images that were"),  # evenly spread, both ends among them
        ([0] * 120 + [1] * 120, "50 of 100 transparent images that were"),
    ],
)
def test_transparent_images_that_are_blank_on_white_are_told(tmp_path, blanks, note):
    made = data.load(transparent(tmp_path, blanks))
    assert sum(counts(made)) == len(blanks)
    told = [one for one in made.notes if "blank" in one]
    assert not told if note is None else told[0].startswith(note.replace("ROOT", str(tmp_path))) and len(told) == 1


def test_a_streamed_set_goes_on_over_a_blank_image(tmp_path, monkeypatch):
    monkeypatch.setattr("zoo.data.dataset.IN_MEMORY_BYTES", 0)
    made = data.load(transparent(tmp_path, [1, 0, 0, 0] * 4))
    parts = (made.train, made.validation, made.test)
    assert not made.is_in_memory and sum((part.in_memory().images.min((1, 2, 3)) == 255).sum() for part in parts) == 4


def test_transparent_images_that_are_all_blank_on_white_are_refused(tmp_path):
    pictures(transparent(tmp_path, [1] * 6) / "cat", 3, suffix=".bmp")
    with pytest.raises(ZooError) as problem:
        data.load(tmp_path)
    assert str(problem.value) == (
        f"{tmp_path}/cat/000.png is all white once it is put on white, as transparent images are: its alpha channel "
        "hides it, or it is drawn in white on transparency; give it a background, or leave the alpha channel away."
    )


@pytest.mark.parametrize("suffix", [".png", ".tga", ".tiff", ".webp"])
def test_images_that_are_transparent_throughout_are_refused_and_one_class_of_them_is_told(tmp_path, suffix):
    for i in range(8):
        folder = tmp_path / ("cat", "dog")[i // 4]
        folder.mkdir(exist_ok=True)
        values = noise(6, 5, 4, seed=i)
        values[..., 3] = 0
        exactly = {"lossless": True, "exact": True} if suffix == ".webp" else {}
        Image.fromarray(values).save(folder / f"{i}{suffix}", **exactly)
    with pytest.raises(ZooError, match=f"cat/0{suffix} is all white once it is put on white, as transparent images"):
        data.load(tmp_path)
    for i in range(4):
        Image.fromarray(noise(6, 5, 4, seed=i) // 2 + 99).save(tmp_path / "cat" / f"{i}{suffix}")
    assert any(note.startswith("4 of 8 transparent images that were") for note in data.load(tmp_path).notes)


def test_a_few_blank_images_among_others_are_told(tmp_path):
    pictures(transparent(tmp_path, [1] * 2) / "cat", 5, suffix=".bmp")
    note = "2 of 2 transparent images that were looked at are blank on white, on which they are put, as "
    assert f"{note}{tmp_path}/cat/000.png." in data.load(tmp_path).notes


def test_a_single_transparent_image_that_is_blank_on_white_is_told(tmp_path):
    transparent(classes(tmp_path), [1])
    assert any(note.startswith("1 of 1 transparent images that were looked") for note in data.load(tmp_path).notes)


def test_a_run_keeps_what_white_is_and_where_its_data_lies(tmp_path, monkeypatch):
    deep(tmp_path / "set", *[255] * 12)
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(training, "_train", lambda run, job, *_, **__: job)
    source = training.train("lenet1", "set", data_dir="sets", log=str).source
    assert source == {
        "dataset": f"{tmp_path}/set", "data_dir": f"{tmp_path}/sets", "size": (28, 28), "limit": None, "classes": None,
        "order": "natural", "white": 255,
    }


# ------------------------------------------------------------------------------------------------------------ refused


@pytest.mark.parametrize("what", ["empty", "cut"])
def test_a_corrupt_image_is_named(tmp_path, what):
    broken = classes(tmp_path) / "dog" / "2.png"
    broken.write_bytes(broken.read_bytes()[:60] if what == "cut" else b"")
    with pytest.raises(ZooError, match=f"{broken} can't be read as an image"):
        data.load(tmp_path)


def test_folders_without_images_or_classes_are_refused(tmp_path):
    with pytest.raises(ZooError, match="no folders of images, one a class"):
        data.load(tmp_path)
    pictures(tmp_path / "cat", 5)
    with pytest.raises(ZooError, match="one class only \\(cat\\)"):
        data.load(tmp_path)


def test_a_folder_around_the_data_set_is_told(tmp_path):
    classes(tmp_path / "flowers")
    with pytest.raises(ZooError, match=f"{tmp_path} has one folder only; is {tmp_path}/flowers the data set"):
        data.load(tmp_path)


def test_a_folder_that_cannot_be_read_is_told(tmp_path, monkeypatch):
    from pathlib import Path

    def iterdir(self):
        raise PermissionError(13, "Permission denied")

    classes(tmp_path)
    monkeypatch.setattr(Path, "iterdir", iterdir)
    with pytest.raises(ZooError, match="The folder .* can't be read: Permission denied"):
        data.load(tmp_path)


# ---------------------------------------------------------------------------------------------- from another folder


def test_a_path_leads_to_its_data_from_any_folder(tmp_path, monkeypatch):
    classes(tmp_path / "sets" / "pets")
    np.savez(tmp_path / "a.npz", x_train=noise(9, 4, 5), y_train=np.arange(9) % 2)
    (tmp_path / "a.npz").rename(tmp_path / "A.NPZ")
    (tmp_path / "link.npz").symlink_to(tmp_path / "A.NPZ")
    monkeypatch.chdir(tmp_path / "sets")
    found = {name: data.whereabouts(name) for name in ("pets", "../A.NPZ", "../link.npz", ".", "digits", "mnist")}
    assert found == {
        "pets": f"{tmp_path}/sets/pets", "../A.NPZ": f"{tmp_path}/A.NPZ", "../link.npz": f"{tmp_path}/link.npz",
        ".": f"{tmp_path}/sets", "digits": "digits", "mnist": "mnist",
    }
    assert data.folder_from_root("there") == f"{tmp_path}/sets/there"
    assert data.folder_from_root("gs://there") == "gs://there" and data.folder_from_root(None) is None
    monkeypatch.chdir(tmp_path.parent)
    for name in ("pets", "../A.NPZ", "../link.npz"):
        assert len(data.load(found[name]).train)


def test_an_old_runs_path_that_leads_nowhere_is_told(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    with pytest.raises(ZooError) as problem:
        data.load_source({"dataset": "./sets/pets"})
    assert str(problem.value) == (
        f"There is no folder of images or .npz file './sets/pets' in {tmp_path}. If sets/pets is a path, it leads on "
        f"from the folder in which the run began, not from {tmp_path}: go there, or say with --dataset where the data "
        "lies."
    )

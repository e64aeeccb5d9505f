"""Folders of images and masks: what belongs together, what the numbers and colours mean, and what is refused."""

import json

import numpy as np
import pytest
from image_files import png
from pictures import classes, noise, pictures
from PIL import Image

from zoo import ZooError, data
from zoo.data import dataset, mask_folder
from zoo.data.dataset import IGNORED, StreamedSplit

PALETTE = [(0, 0, 0), (128, 0, 0), (0, 128, 0), (128, 128, 0)]
TEN = range(10)


def blocks(seed=0, classes=3, shape=(9, 7)):
    """A mask with all of the classes."""
    values = np.random.default_rng(seed).integers(0, classes, shape, dtype=np.uint8)
    values.flat[:classes] = range(classes)
    return values


def indexed(values, palette=PALETTE):
    image = Image.fromarray(values, "P")
    image.putpalette(np.array(palette, "u1").tobytes())
    return image


def save(path, image):
    path.parent.mkdir(parents=True, exist_ok=True)
    (image if isinstance(image, Image.Image) else Image.fromarray(image)).save(path)


def write(root, masks=None, as_mask=Image.fromarray, names=None, suffix=".png"):
    """Write images of noise, and a mask for each: `masks`, or ten of three classes, made images by `as_mask`."""
    masks = [blocks(i) for i in TEN] if masks is None else masks
    for i, mask in enumerate(masks):
        save(root / "images" / f"{i}.png", noise(*mask.shape[:2], 3, seed=i))
        save(root / "masks" / f"{i}{suffix}", as_mask(mask))
    if names:
        (root / "classes.txt").write_text(names)
    return root


def pairs(made):
    """{bytes of an image: its mask} of all splits."""
    return {bytes(image): mask for split in (made.train, made.validation, made.test)
            for image, mask in zip(split.images, split.labels)}


def assert_reads(made, masks, shape=(9, 7)):
    """Each image of noise has its own mask."""
    found = pairs(made)
    assert len(found) == len(masks)
    for i, mask in enumerate(masks):
        assert (found[bytes(noise(*shape, 3, seed=i))] == mask).all()


def refusal(path, **options):
    with pytest.raises(ZooError) as problem:
        data.load(path, **options)
    message = str(problem.value)
    assert message.endswith((".", "?")) and "\n" not in message
    return message.replace(f"{path}/", "")


def counts(made):
    return [len(split) for split in (made.train, made.validation, made.test)]


# ------------------------------------------------------------------------------------------------ what belongs together


def test_images_and_masks_of_the_same_names(tmp_path):
    made = data.load(write(tmp_path / "cells"))
    assert (made.name, made.class_names, made.image_shape) == ("cells", ("0", "1", "2"), (9, 7, 3))
    assert made.has_masks and counts(made) == [7, 1, 2] and made.test.labels.dtype == np.uint8
    assert_reads(made, [blocks(i) for i in TEN])
    assert made.notes == ("Test: 20% of the training images, for cells has no test split of its own.",
                          "Validation: 10% of the training images, for cells has no validation split of its own.")


@pytest.mark.parametrize("names", [("train", "val", "test"), ("Training", "valid", "TESTING")])
@pytest.mark.parametrize("is_above", [True, False])
def test_splits_above_or_below_images_and_masks(tmp_path, names, is_above):
    number, expected = 0, []
    for name, count in zip(names, (4, 3, 2)):
        for _ in range(count):
            for kind, image in (("Images", noise(9, 7, 3, seed=number)), ("Masks", blocks(number))):
                save(tmp_path / (f"{name}/{kind}" if is_above else f"{kind}/{name}") / f"{number}.png", image)
            expected.append(blocks(number))
            number += 1
    made = data.load(tmp_path)
    assert counts(made) == [4, 3, 2] and made.notes == ()
    assert_reads(made, expected)
    assert [bytes(image) for image in made.test.images] == [bytes(noise(9, 7, 3, seed=i)) for i in (7, 8)]


@pytest.mark.parametrize("is_above", [True, False])
def test_a_split_without_masks_is_left_out_and_told(tmp_path, is_above):
    for i in TEN:
        for kind, image in (("images", noise(9, 7, 3, seed=i)), ("masks", blocks(i))):
            save(tmp_path / (f"train/{kind}" if is_above else f"{kind}/train") / f"{i}.png", image)
    pictures(tmp_path / ("test/images" if is_above else "images/test"), 3)
    made = data.load(tmp_path)
    assert counts(made) == [7, 1, 2]
    assert f"Left out: images in {'test' if is_above else 'images/test'}." in made.notes


def test_a_mask_is_found_by_its_images_place_whatever_the_suffixes(tmp_path):
    for i in TEN:
        save(tmp_path / "images" / f"day.{i % 2}" / f"a.{i}.jpg", noise(9, 7, 3, seed=i))
        save(tmp_path / "masks" / f"day.{i % 2}" / f"a.{i}.bmp", np.full((9, 7), i, "u1"))
    made = data.load(tmp_path)
    stored = {bytes(np.asarray(Image.open(tmp_path / f"images/day.{i % 2}/a.{i}.jpg"))): i for i in TEN}
    assert made.class_names == tuple(map(str, TEN))
    assert all((mask == stored[image]).all() for image, mask in pairs(made).items())


@pytest.mark.parametrize("missing, sentence", [
    ("masks/3.png", "images/3.png has no mask: there is no image 3 in masks."),
    ("images/3.png", "masks/3.png is a mask without an image: there is no 3 in images."),
])
def test_a_missing_file_is_named(tmp_path, missing, sentence):
    (write(tmp_path) / missing).unlink()
    assert refusal(tmp_path) == sentence


def test_a_mask_of_nearly_the_name_is_suggested(tmp_path):
    for i in TEN:
        save(tmp_path / "images" / f"scan{i}.png", noise(9, 7, 3))
        save(tmp_path / "masks" / f"scan{i}_mask.png", blocks())
    assert refusal(tmp_path).startswith("images/scan0.png has no mask: ")
    assert "Did you mean scan0_mask" in refusal(tmp_path)


def test_two_files_of_one_name_are_refused(tmp_path):
    save(write(tmp_path) / "masks" / "4.bmp", blocks())
    assert refusal(tmp_path) == "masks/4.bmp and masks/4.png differ by their suffixes alone; remove one."


def test_splits_that_cannot_be_are_refused(tmp_path):
    write(tmp_path / "test")
    assert refusal(tmp_path) == f"{tmp_path} has no folder train with the folders images and masks."
    for name in ("train", "val", "valid"):
        write(tmp_path / name)
    assert refusal(tmp_path) == f"{tmp_path} has two folders for one split: val and valid."


def test_images_beside_splits_are_refused(tmp_path):
    """Not taken for training images all together, the tested ones too."""
    for name in ("images", "masks"):
        for split in ("train", "test", "more"):
            save(tmp_path / name / split / "1.png", blocks())
    assert refusal(tmp_path) == (
        "images has splits, test, train, and images beside these; move one or the other elsewhere."
    )


def test_empty_folders_are_refused(tmp_path):
    for name in ("images", "masks"):
        (tmp_path / name).mkdir()
    assert refusal(tmp_path) == "images holds no images."


def test_class_folders_of_other_names_stay_classes(tmp_path):
    pictures(classes(tmp_path) / "images", 5)
    assert data.load(tmp_path).class_names == ("cat", "dog", "images")


# ------------------------------------------------------------------------------------------------------- sizes


def test_a_mask_of_another_size_is_named_before_any_is_decoded(tmp_path, monkeypatch):
    save(write(tmp_path) / "masks" / "6.png", blocks(shape=(7, 9)))
    monkeypatch.setattr(mask_folder, "read_mask", None)
    assert refusal(tmp_path) == "masks/6.png is 7x9 pixels, but its image images/6.png is 9x7."


def test_an_image_that_is_its_mask_stays_so_when_it_is_resized(tmp_path):
    """Squares of 12 pixels become squares of 4 or 3, so that bilinear and nearest sampling agree; one is at 8x8."""
    for i, block in enumerate([12, 16, 4] * 4):
        values = np.kron(blocks(i, 3, (4, 4)), np.ones((block, block), "u1"))
        save(tmp_path / "images" / f"{i}.png", values * 100)
        save(tmp_path / "masks" / f"{i}.png", values)
    made = data.load(tmp_path, size=(16, 16))
    inside = np.ix_(*[[i for i in range(16) if i % 4 in (1, 2)]] * 2)  # bilinear sampling smooths the borders
    for split in (made.train, made.validation, made.test):
        for image, mask in zip(split.images[..., 0], split.labels):
            assert mask.shape == (16, 16) and (image[inside] == 100 * mask[inside]).all()
    masks = [split.labels for split in (made.train, made.validation, made.test)]
    expected = {bytes(np.kron(blocks(i, 3, (4, 4)), np.ones((4, 4), "u1"))) for i in range(12)}
    assert set(map(bytes, np.concatenate(masks))) == expected


def test_masks_are_resized_to_the_nearest_pixel_by_an_independent_reference(tmp_path):
    values = [blocks(i, 4, (20 + i, 31)) for i in TEN]
    made = data.load(write(tmp_path, values), size=(8, 12))
    expected = {bytes(np.ascontiguousarray(mask[np.ix_(
        ((np.arange(8) + 0.5) * mask.shape[0] / 8).astype(int), ((np.arange(12) + 0.5) * 31 / 12).astype(int),
    )])) for mask in values}
    assert set(map(bytes, np.concatenate([s.labels for s in (made.train, made.validation, made.test)]))) == expected
    assert "The images' sizes differ: all are resized to 8x12." in made.notes


def turned(path, orientation):
    """Write a JPEG of 6x10 pixels, and the upright pixels as Pillow turns them."""
    exif = Image.Exif()
    exif[0x0112] = orientation
    Image.fromarray(noise(6, 10, 3)).save(path, exif=exif)


def test_a_turned_image_has_an_upright_mask_or_one_that_is_turned_likewise(tmp_path):
    for i in TEN:
        (tmp_path / "images").mkdir(exist_ok=True)
        (tmp_path / "masks").mkdir(exist_ok=True)
        turned(tmp_path / "images" / f"{i}.jpg", 6)
        if i:
            save(tmp_path / "masks" / f"{i}.png", blocks(i, 3, (10, 6)))
    png(tmp_path / "masks" / "0.png", blocks(0, 3, (6, 10))[..., None], "L", 8, exif=6)
    made = data.load(tmp_path)
    assert made.image_shape == (10, 6, 3)
    assert bytes(np.rot90(blocks(0, 3, (6, 10)), -1).copy()) in set(map(bytes, np.concatenate(
        [split.labels for split in (made.train, made.validation, made.test)])))
    assert any(note.startswith("9 of the images are turned upright, as their EXIF data says") for note in made.notes)
    save(tmp_path / "masks" / "4.png", blocks(0, 3, (6, 10)))
    assert refusal(tmp_path) == (
        "masks/4.png is 6x10 pixels, but its image images/4.jpg is 10x6; it says in its EXIF data that it is to be "
        "turned upright: turn its mask likewise."
    )


# ------------------------------------------------------------------------------------------------------- numbers


def test_indexed_masks_give_numbers_and_colours(tmp_path):
    made = data.load(write(tmp_path, as_mask=indexed))
    assert made.class_names == ("0", "1", "2") and made.colours == tuple(PALETTE[:3])
    assert_reads(made, [blocks(i) for i in TEN])


@pytest.mark.parametrize("bits", [1, 2, 4])
@pytest.mark.parametrize("kind", ["L", "P"])
def test_numbers_of_few_bits_are_as_they_are_stored(tmp_path, bits, kind):
    """Pillow stretches grey of 2 and 4 bits to 0..255."""
    write(tmp_path, [blocks(i, 2) for i in TEN])
    for i in TEN:
        png(tmp_path / "masks" / f"{i}.png", blocks(i, 2)[..., None], kind, bits,
            palette=PALETTE[:2] if kind == "P" else None)
    made = data.load(tmp_path)
    assert made.class_names == ("0", "1") and made.notes[-1].startswith("Validation")
    assert_reads(made, [blocks(i, 2) for i in TEN])


@pytest.mark.parametrize("as_mask", [
    lambda mask: Image.fromarray(mask.astype("u2")), lambda mask: Image.fromarray(np.stack([mask] * 3, -1)),
    lambda mask: Image.fromarray(np.stack([*[mask] * 3, np.full_like(mask, 255)], -1)),
    lambda mask: Image.fromarray(np.stack([mask, np.full_like(mask, 255)], -1), "LA"),
], ids=["16 bits", "three equal channels", "opaque", "grey, opaque"])
def test_numbers_may_be_stored_otherwise(tmp_path, as_mask):
    made = data.load(write(tmp_path, as_mask=as_mask))
    assert made.class_names == ("0", "1", "2")
    assert_reads(made, [blocks(i) for i in TEN])


def ignoring(seed, values=(0, 1, 2, 255)):
    return np.array(values, "u1")[blocks(seed, len(values))]


@pytest.mark.parametrize("as_mask", [Image.fromarray, lambda mask: indexed(mask, PALETTE + [(9, 9, 9)] * 252)])
def test_255_marks_pixels_that_do_not_count(tmp_path, as_mask):
    made = data.load(write(tmp_path, [ignoring(i) for i in TEN], as_mask))
    assert made.class_names == ("0", "1", "2") and len(made.notes) == 2
    assert_reads(made, [ignoring(i) for i in TEN])
    assert (made.train.labels == IGNORED).any()


@pytest.mark.parametrize("names", [None, "paper\nink\n"])
def test_0_and_255_alone_are_two_classes_and_this_is_told(tmp_path, names):
    made = data.load(write(tmp_path / "ink", [ignoring(i, (0, 255)) for i in TEN], names=names))
    assert made.class_names == (("paper", "ink") if names else ("0", "255"))
    where = f"{tmp_path}/ink/classes.txt" if names else "ink"
    assert (f"The masks of {where} hold 0 and 255 only: 255 is the second class, and doesn't mark pixels to "
            "ignore.") in made.notes
    assert_reads(made, [blocks(i, 2) for i in TEN])


def test_numbers_that_leave_some_out_are_classes_of_these_names(tmp_path):
    made = data.load(write(tmp_path / "road", [ignoring(i, (7, 11, 26)) for i in TEN]))
    assert made.class_names == ("7", "11", "26")
    assert "The masks of road leave numbers out: the classes are those that occur, 7, 11, 26." in made.notes
    assert_reads(made, [blocks(i, 3) for i in TEN])


def test_numbers_with_gaps_and_255_are_not_clear_in_grey_and_clear_in_a_palette(tmp_path):
    masks = [ignoring(i, (0, 127, 255)) for i in TEN]
    assert refusal(write(tmp_path / "grey", masks)) == (
        "grey has the numbers 0, 127, 255 in its masks: it isn't clear whether 255 is a class or marks pixels to "
        "ignore; number the classes from 0 without a gap, or name them."
    )
    made = data.load(write(tmp_path / "palette", masks, lambda mask: indexed(mask, PALETTE * 64)))
    assert made.class_names == ("0", "127") and made.colours == (PALETTE[0], PALETTE[3])


def test_smooth_edges_end_in_a_sentence(tmp_path):
    masks = [np.asarray(Image.fromarray(255 * blocks(i, 2, (4, 4))).resize((32, 32))) for i in TEN]
    assert refusal(write(tmp_path / "smooth", masks)).startswith("smooth has ")
    assert "if these are levels of grey, save masks without smooth edges" in refusal(tmp_path / "smooth")
    message = refusal(write(tmp_path / "named", masks, names="paper\nink"))
    assert " numbers that are no class of classes.txt, as " in message and message.startswith("masks/")


def test_a_jpeg_is_no_mask(tmp_path):
    assert refusal(write(tmp_path, suffix=".jpg")) == (
        "masks/0.jpg is a JPEG, which doesn't keep the numbers of a mask: save masks as PNG."
    )


def test_masks_that_hold_nothing_are_refused(tmp_path):
    assert refusal(write(tmp_path / "none", [np.full((9, 7), 255, "u1")] * 10)) == (
        "none has no pixel in its masks that counts: all are 255, which marks pixels to ignore."
    )
    assert refusal(write(tmp_path / "one", [np.zeros((9, 7), "u1")] * 10)) == (
        "one has one class only (0); there is nothing to tell apart."
    )


def test_palettes_that_contradict_each_other_are_refused(tmp_path):
    save(write(tmp_path, as_mask=indexed) / "masks" / "8.png", indexed(blocks(8), PALETTE[::-1]))
    assert refusal(tmp_path) == (
        "masks/0.png and masks/8.png have palettes in which 0 is another colour, so that numbers don't tell the "
        "classes: name the classes with their colours in a file classes.txt."
    )


@pytest.mark.parametrize("array, mode, sentence", [
    (np.stack([blocks(), blocks() * 0 + 9], -1), "LA", "has transparent pixels: save masks without an alpha channel."),
    (np.ones((9, 7), "f4"), "F", "holds neither numbers nor colours, but F: save masks as PNG."),
])
def test_masks_of_other_kinds_are_refused(tmp_path, array, mode, sentence):
    write(tmp_path, suffix=".tif")
    save(tmp_path / "masks" / "5.tif", Image.fromarray(array, mode))
    assert refusal(tmp_path) == f"masks/5.tif {sentence}"


def test_a_damaged_file_is_named(tmp_path):
    mask = write(tmp_path) / "masks" / "2.png"
    mask.write_bytes(mask.read_bytes()[:-40])
    assert refusal(tmp_path).startswith("masks/2.png can't be read as an image (")
    image = write(tmp_path) / "images" / "2.png"
    image.write_bytes(image.read_bytes()[:-90])
    assert refusal(tmp_path).startswith("images/2.png can't be read as an image (")


# ------------------------------------------------------------------------------------------------------- names


@pytest.mark.parametrize("file, text", [
    ("classes.txt", "# of the lake\nopen water\n\n  boat\nfar shore \n"),
    ("classes.txt", "\ufeffopen water\nboat\nfar shore"),
    ("classes.json", json.dumps(["open water", "boat", "far shore"])),
])
def test_names_count_the_numbers(tmp_path, file, text):
    (write(tmp_path) / file).write_text(text, "utf-8")
    made = data.load(tmp_path)
    assert made.class_names == ("open water", "boat", "far shore") and made.colours == () and len(made.notes) == 2
    assert_reads(made, [blocks(i) for i in TEN])


def test_a_name_that_means_no_class(tmp_path):
    made = data.load(write(tmp_path, names="paper\nVoid\nink"))
    assert made.class_names == ("paper", "ink")
    assert_reads(made, [np.array([0, IGNORED, 1])[blocks(i)] for i in TEN])


def test_a_number_beyond_the_names_is_told_with_its_file(tmp_path):
    save(write(tmp_path, names="a\nb\nc") / "masks" / "7.png", blocks(0, 4))
    assert refusal(tmp_path) == (
        "masks/7.png has the number 3, but classes.txt has 3 classes, a, b, c, which numbers count from 0."
    )


def test_a_class_that_never_occurs_is_told(tmp_path):
    assert "Classes of which no mask has a pixel: d." in data.load(write(tmp_path, names="a\nb\nc\nd")).notes


# ------------------------------------------------------------------------------------------------------- colours

COLOURS = "open water 0 0 255\nboat 255,0,0\nfar shore: 0, 128, 0\nignore 255 255 255"
BLUE, RED, GREEN, WHITE = (0, 0, 255), (255, 0, 0), (0, 128, 0), (255, 255, 255)


def in_colours(mask):
    return Image.fromarray(np.array([BLUE, RED, GREEN, WHITE], "u1")[mask])


def labels(mask):
    return np.array([0, 1, 2, IGNORED])[mask]


@pytest.mark.parametrize("file, text", [
    ("classes.txt", COLOURS),
    ("classes.json", json.dumps({"open water": BLUE, "boat": RED, "far shore": GREEN, "ignore": WHITE})),
])
def test_named_colours(tmp_path, file, text):
    masks = [blocks(i, 4) for i in TEN]
    (write(tmp_path, masks, in_colours) / file).write_text(text)
    made = data.load(tmp_path)
    assert made.class_names == ("open water", "boat", "far shore") and made.colours == (BLUE, RED, GREEN)
    assert_reads(made, [labels(mask) for mask in masks])


def test_an_indexed_mask_is_read_by_its_colours_where_these_are_named(tmp_path):
    """As a program writes it that orders each palette anew."""
    masks = [blocks(i, 4) for i in TEN]
    write(tmp_path, masks, in_colours, COLOURS)
    for i in TEN[::2]:
        save(tmp_path / "masks" / f"{i}.png", indexed(3 - masks[i], [WHITE, GREEN, RED, BLUE]))
    assert_reads(data.load(tmp_path), [labels(mask) for mask in masks])


def test_grey_masks_hold_numbers_where_named_colours_are_not_grey(tmp_path):
    made = data.load(write(tmp_path, [ignoring(i) for i in TEN], names=COLOURS))
    assert_reads(made, [ignoring(i) for i in TEN])


def test_grey_masks_hold_colours_where_all_named_ones_are_grey(tmp_path):
    made = data.load(write(tmp_path, [ignoring(i, (255, 128, 0)) for i in TEN],
                           names="paper 255 255 255\npencil 128 128 128\nink 0 0 0"))
    assert made.class_names == ("paper", "pencil", "ink")
    assert_reads(made, [blocks(i, 3) for i in TEN])


def test_colours_without_names_are_refused(tmp_path):
    assert refusal(write(tmp_path, as_mask=in_colours)) == (
        "masks/0.png is in colours, as 0 0 255: name the classes with their colours in a file classes.txt in the data "
        "set's folder, one a line, as cat 128 0 0."
    )


def test_a_colour_that_is_not_named_is_told_with_its_file(tmp_path):
    write(tmp_path, as_mask=in_colours, names="water 0 0 255\nboat 255 0 0\n")
    assert refusal(tmp_path) == "masks/0.png has the colour 0 128 0, which classes.txt doesn't name."
    save(tmp_path / "masks" / "0.png", noise(9, 7, 3))
    assert refusal(tmp_path).startswith("masks/0.png has 63 colours that classes.txt doesn't name, as ")


@pytest.mark.parametrize("file, text, sentence", [
    ("classes.txt", "a 0 0 0\nb", "classes.txt has colours for some classes, but none for b."),
    ("classes.txt", "a 0 0 0\nb 0 0 256", "classes.txt has a colour beyond 0..255 for b: 0 0 256."),
    ("classes.txt", "a 0 0 1\nb 0 0 1", "classes.txt has one colour, 0 0 1, for a, b."),
    ("classes.txt", "# nothing\n", "classes.txt names no class."),
    ("classes.json", '{"a": 1}', 'classes.json is to hold ["name", ...] or {"name": [r, g, b], ...}, the colours from '
     "0 to 255."),
    ("classes.json", "{", "classes.json isn't JSON: Expecting property name enclosed in double quotes: line 1 column 2 "
     "(char 1)."),
])
def test_a_file_of_names_that_says_nothing_is_refused(tmp_path, file, text, sentence):
    (write(tmp_path) / file).write_text(text)
    assert refusal(tmp_path) == sentence


def test_other_bytes_and_two_files_are_refused(tmp_path):
    (write(tmp_path) / "classes.txt").write_bytes(b"caf\xe9")
    assert refusal(tmp_path) == "classes.txt isn't UTF-8; save it as such."
    (tmp_path / "classes.json").write_text("[]")
    assert refusal(tmp_path) == (
        f"{tmp_path} has classes.txt and classes.json, which both name the classes; remove one."
    )


# ------------------------------------------------------------------------------------------------------- streams


def test_a_set_above_the_bound_stays_in_its_files(tmp_path, monkeypatch):
    held = data.load(write(tmp_path))
    monkeypatch.setattr(dataset, "IN_MEMORY_BYTES", 0)
    left = data.load(tmp_path)
    assert isinstance(left.train, StreamedSplit) and left.has_masks
    for name in ("train", "validation", "test"):
        ours, theirs = getattr(left, name), getattr(held, name)
        order = np.arange(len(ours))[::-1]
        assert (ours.read(order) == theirs.images[order]).all()
        assert (ours.read_labels(order) == theirs.labels[order]).all()


def test_a_mask_that_was_not_looked_at_is_checked_when_it_is_read(tmp_path, monkeypatch):
    monkeypatch.setattr(mask_folder, "LOOKED_AT", 2)
    monkeypatch.setattr(dataset, "IN_MEMORY_BYTES", 0)
    save(write(tmp_path, names="a\nb\nc") / "masks" / "5.png", blocks(0, 5))
    made = data.load(tmp_path)
    with pytest.raises(ZooError, match="masks/5.png has the number 3, but .*classes.txt has 3 classes, a, b, c"):
        for split in (made.train, made.validation, made.test):
            split.read_labels(np.arange(len(split)))


def test_a_limit_leaves_pairs_together(tmp_path):
    some = data.load(write(tmp_path), limit=4)
    assert counts(some) == [4, 1, 2]
    masks = {bytes(noise(9, 7, 3, seed=i)): blocks(i) for i in TEN}
    assert all((masks[image] == mask).all() for image, mask in pairs(some).items())

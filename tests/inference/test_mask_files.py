"""Masks of image files as pictures: what is in them, how they are named, and that nothing is overwritten."""

import numpy as np
import pytest
from PIL import Image
from pixel_nets import grey_net, greys, masks_and_images

from zoo import ZooError
from zoo.data.images import ORIENTATION
from zoo.inference.mask_files import write_masks
from zoo.runs.palette import class_colours


@pytest.fixture
def net():
    return grey_net(4, (12, 16))


def saved(path, seed=0):
    """Write an image of random grey pixels into a file; return their classes."""
    masks, pictures = masks_and_images(1, 12, 16, seed=seed)
    path.parent.mkdir(exist_ok=True)
    Image.fromarray(pictures[0, ..., 0]).save(path)
    return masks[0]


def files(folder):
    return sorted(path.name for path in folder.iterdir())


def test_a_mask_holds_the_classes_and_their_colours(net, tmp_path):
    mask = saved(tmp_path / "cat.png")
    (answer,) = write_masks(net, [tmp_path / "cat.png"], tmp_path / "there" / "new")
    with Image.open(answer["mask"]) as written:
        assert written.mode == "P" and written.format == "PNG"
        np.testing.assert_array_equal(written, mask)
        np.testing.assert_array_equal(written, net(tmp_path / "cat.png"))
        np.testing.assert_array_equal(written.convert("RGB"), np.array(class_colours(4), np.uint8)[mask])
    assert answer["image"] == str(tmp_path / "cat.png")
    assert answer["mask"] == str(tmp_path / "there" / "new" / "cat-mask.png")


def test_shares_are_those_of_the_pixels_the_largest_first(net, tmp_path):
    mask = np.repeat(np.uint8([3, 0, 1]), (100, 60, 32)).reshape(12, 16)
    Image.fromarray(greys(4)[mask]).save(tmp_path / "cat.png")
    (answer,) = write_masks(net, [tmp_path / "cat.png"], tmp_path)
    assert list(answer["shares"].items()) == [
        ("grey 3", 0.520833), ("background", 0.3125), ("grey 1", 0.166667), ("grey 2", 0)
    ]


@pytest.mark.parametrize("names, background", [(None, 0), (tuple("abcd"), 0), (("a", "b", " Background", "d"), 2)])
def test_an_overlay_is_the_image_with_half_of_the_classes_colours(net, tmp_path, names, background):
    mask = saved(tmp_path / "cat.png")
    own = ((255, 255, 255), (214, 39, 40), (31, 119, 180), (0, 0, 1))
    net = type(net)(net.model, net.front, names or net.class_names, "net", corner=(0, 0), colours=own)
    (answer,) = write_masks(net, [tmp_path / "cat.png"], tmp_path)
    image = np.repeat(greys(4)[mask][..., None], 3, -1)
    expected = np.where((mask == background)[..., None], image, image / 2 + np.array(own)[mask] / 2)
    found = np.asarray(Image.open(answer["overlay"]))
    assert found.shape == (12, 16, 3) and np.abs(found - expected).max() <= 0.5


def test_both_are_of_the_images_own_size_upright(net, tmp_path):
    exif = Image.Exif()
    exif[ORIENTATION] = 6
    Image.fromarray(np.random.default_rng(0).integers(0, 256, (30, 50, 3), dtype=np.uint8)).save(
        tmp_path / "cat.jpg", exif=exif)
    (answer,) = write_masks(net, [tmp_path / "cat.jpg"], tmp_path)
    assert Image.open(answer["mask"]).size == Image.open(answer["overlay"]).size == (30, 50)
    np.testing.assert_array_equal(Image.open(answer["mask"]), net(tmp_path / "cat.jpg"))


@pytest.mark.parametrize("classes", [2, 3, 17, 255])
def test_any_number_of_classes_is_read_back(tmp_path, classes):
    """A PNG of few colours has fewer bits a pixel."""
    masks, pictures = masks_and_images(1, 12, 16, classes)
    Image.fromarray(pictures[0, ..., 0]).save(tmp_path / "cat.png")
    (answer,) = write_masks(grey_net(classes), [tmp_path / "cat.png"], tmp_path)
    np.testing.assert_array_equal(Image.open(answer["mask"]), masks[0])


def test_images_of_one_name_have_files_of_their_own(net, tmp_path):
    paths = [tmp_path / name for name in ("a/cat.png", "b/cat.png", "cat-2.png", "Cat.bmp", "a/cat.png")]
    masks = [saved(path, seed) for seed, path in enumerate(paths)]
    masks[0] = masks[4]
    answers = write_masks(net, paths, tmp_path / "there")
    names = ["cat", "cat-2", "cat-2-2", "Cat-3", "cat-4"]
    assert [answer["mask"] for answer in answers] == [str(tmp_path / "there" / f"{name}-mask.png") for name in names]
    assert files(tmp_path / "there") == sorted(f"{name}-{what}.png" for name in names for what in ("mask", "overlay"))
    for answer, mask in zip(answers, masks):
        np.testing.assert_array_equal(Image.open(answer["mask"]), mask)


@pytest.mark.parametrize("taken", ["dog-mask.png", "cat-overlay.png"])
def test_what_is_there_is_never_overwritten(net, tmp_path, taken):
    """Not even an image that is labelled itself."""
    for name in ("cat.png", "dog.png", taken):
        saved(tmp_path / name)
    before, there = (tmp_path / taken).read_bytes(), files(tmp_path)
    with pytest.raises(ZooError, match=f"{taken} exists already: move it, or say with --output which folder"):
        write_masks(net, [tmp_path / "cat.png", tmp_path / "dog.png", tmp_path / taken], tmp_path)
    assert files(tmp_path) == there and (tmp_path / taken).read_bytes() == before


def test_nothing_is_written_if_an_image_can_not_be_read(net, tmp_path):
    saved(tmp_path / "cat.png")
    (tmp_path / "dog.png").write_text("none")
    with pytest.raises(ZooError, match="dog.png can't be read as an image"):
        write_masks(net, [tmp_path / "cat.png", tmp_path / "dog.png"], tmp_path / "there")
    assert files(tmp_path) == ["cat.png", "dog.png"]


def test_a_folder_that_can_not_be_written_to_has_its_sentence(net, tmp_path, monkeypatch):
    saved(tmp_path / "cat.png")
    with pytest.raises(ZooError, match="The folder .*cat.png can't be made: File exists"):
        write_masks(net, [tmp_path / "cat.png"], tmp_path / "cat.png")
    name = "c" * 250
    saved(tmp_path / f"{name}.png")
    with pytest.raises(ZooError, match="c-mask.png can't be written: File name too long"):
        write_masks(net, [tmp_path / f"{name}.png"], tmp_path)

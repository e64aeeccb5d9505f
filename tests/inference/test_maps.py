"""Pixels labelled at the images' own size: whatever that is, with a margin, and by nets whose maps are smaller."""

import keras
import numpy as np
import pytest
from miniatures import images, miniature, stirred
from PIL import Image
from pixel_nets import grey_net, greys, masks_and_images, small_unet, unpadded

import zoo
from zoo.inference import maps
from zoo.inference.predictor import predictor
from zoo.inference.trained import load_trained


def resized(maps, size):
    """Maps (height, width, channels) as Pillow resizes them, to (height, width)."""
    parts = [Image.fromarray(part).resize(size[::-1], Image.Resampling.BILINEAR) for part in np.moveaxis(maps, -1, 0)]
    return np.stack(list(map(np.asarray, parts)), -1)


# ---------------------------------------------------------------------------------------------------------- any size


@pytest.mark.parametrize("margin", [0, 2])
def test_each_pixel_of_an_image_of_the_nets_size_has_its_label(margin):
    net = grey_net(5, (12, 16), margin)
    masks, pictures = masks_and_images(3, 12, 16, 5)
    np.testing.assert_array_equal(net(pictures), masks)
    assert net.probabilities(pictures).shape == (3, 12, 16, 5)


@pytest.mark.parametrize("size", [(12, 16), (24, 32), (36, 80), (60, 48)])
def test_each_pixel_of_a_larger_image_has_its_label(size):
    """Halves of an image keep their labels up to the edge between them: only corners lose by being resized twice."""
    net = grey_net(2)
    mask = np.zeros(size, np.uint8)
    mask[:, size[1] // 2 :] = 1
    found = net(greys(2)[mask])
    assert found.shape == size and found.dtype == np.uint8
    np.testing.assert_array_equal(found, mask)


@pytest.mark.parametrize("size", [(5, 7), (12, 40), (31, 9)])
@pytest.mark.parametrize("channels", [1, 3])
def test_probabilities_are_the_maps_of_the_net_resized_back(size, channels):
    net = grey_net(3)
    net.model.set_weights([weight / 4 for weight in net.model.get_weights()])  # between 0 and 1
    pictures = np.random.default_rng(0).integers(0, 256, (2, *size, channels), dtype=np.uint8)
    own = net.on_images((None, None, channels))(pictures.astype("float32"))
    expected = [resized(np.asarray(part), size) for part in own]
    found = net.probabilities(pictures)
    np.testing.assert_allclose(found, expected, atol=1e-5)
    assert found.sum(-1) == pytest.approx(1, abs=1e-5) and found.std() > 0.1
    np.testing.assert_array_equal(net(pictures), found.argmax(-1))


def test_images_are_computed_a_few_at_a_time(monkeypatch):
    net, (masks, pictures) = grey_net(), masks_and_images(5, 12, 16)
    assert maps.at_once(net.model, (12, 16)) == 2**20 // (12 * 16)
    assert maps.at_once(net.model, (3000, 4000)) == 1
    monkeypatch.setattr(maps, "AT_ONCE", 2 * 12 * 16)
    assert maps.at_once(net.model, (12, 16)) == 2
    assert maps.at_once(unpadded(small_unet(), (14, 14, 1)).model, (9, 9)) == 1
    np.testing.assert_array_equal(net(pictures), masks)
    assert net.probabilities(pictures).shape == (5, 12, 16, 4)


# ---------------------------------------------------------------------------------------------------- overlapping tiles


def by_hand(net, picture, corner):
    """The maps (height, width, classes) of a whole picture (height, width, channels) of the net's input size, by tiles.

    The picture is mirrored at its borders, and tiles of the map's size lie side by side.
    """
    (height, width), (down, across) = net.input_shape[1:3], net.output_shape[1:3]
    mirrored = np.pad(picture, ((corner[0], height), (corner[1], width), (0, 0)), mode="reflect")
    rows = []
    for top in range(0, height, down):
        tiles = [mirrored[top : top + height, left : left + width] for left in range(0, width, across)]
        rows.append(np.concatenate([np.asarray(net(tile[None]))[0] for tile in tiles], axis=1))
    return np.concatenate(rows)[:height, :width]


@pytest.mark.parametrize("layout, shape, options", [
    (small_unet(), (14, 22, 3), {}),
    (small_unet(), (8, 14, 1), {}),  # maps of 2x8: tiles far from the picture's middle are mirrored more than once
    ("unet", (236, 252, 1), {"width": 1 / 32}),
], ids=["small", "smallest", "unet"])
def test_a_net_without_padding_labels_the_whole_image_by_tiles(layout, shape, options):
    net = unpadded(layout, shape, **options)
    assert net.model.output_shape[1] < shape[0] and min(net.corner) > 0
    pictures = np.random.default_rng(0).integers(0, 256, (2, *shape), dtype=np.uint8)
    expected = [by_hand(net.model, picture / np.float32(255), net.corner) for picture in pictures]
    np.testing.assert_allclose(net.probabilities(pictures), expected, atol=1e-5)


def test_tiles_are_one_pass_over_a_larger_mirrored_image():
    net = unpadded(small_unet(), (14, 22, 1))
    larger = zoo.create(small_unet(), (22, 38, 1))
    larger.set_weights(net.model.get_weights())
    picture = np.random.default_rng(0).integers(0, 256, (14, 22, 1), dtype=np.uint8)
    mirrored = np.pad(picture, ((3, 5), (3, 13), (0, 0)), mode="reflect") / np.float32(255)
    whole = np.asarray(larger(mirrored[None]))[0]
    assert whole.shape == (16, 32, 3)
    np.testing.assert_allclose(net.probabilities(picture[None])[0], whole[:14, :22], atol=1e-6)


def test_an_unpadded_net_takes_images_of_other_sizes():
    net = unpadded(small_unet(), (14, 14, 1))
    picture = np.random.default_rng(0).integers(0, 256, (50, 31, 1), dtype=np.uint8)
    expected = by_hand(net.model, np.asarray(net.preprocessing(picture[None].astype("float32")))[0], net.corner)
    np.testing.assert_allclose(net.probabilities(picture[None])[0], resized(expected, (50, 31)), atol=1e-5)


# ------------------------------------------------------------------------------------------------------- what one calls


def test_one_image_has_a_mask_and_several_have_several(tmp_path):
    net, (masks, pictures) = grey_net(), masks_and_images(2, 12, 16)
    Image.fromarray(pictures[0, ..., 0]).save(tmp_path / "one.png")
    for one in (pictures[0], pictures[0, ..., 0], str(tmp_path / "one.png"), tmp_path / "one.png"):
        found = net(one)
        assert found.dtype == np.uint8
        np.testing.assert_array_equal(found, masks[0])
    np.testing.assert_array_equal(net(pictures), masks)
    np.testing.assert_array_equal(net(pictures[:1]), masks[:1])


def test_registered_nets_label_the_pixels_of_any_image_by_name():
    for name, options in (("fcn8s", {"width": 1 / 64, "input_shape": (64, 64, 3)}),
                          ("unet", {"width": 1 / 32, "input_shape": (188, 188, 3)}),
                          ("unet", {"width": 1 / 32, "input_shape": (48, 64, 1), "padding": "same"})):
        net = load_trained(name, options=options)
        found = net(np.random.default_rng(0).integers(0, 256, (2, 40, 50, 3), dtype=np.uint8))
        assert net.labels_pixels and found.shape == (2, 40, 50) and found.max() < len(net.class_names)


@pytest.mark.parametrize("words", ["[zoo.Conv(3, 3)]", "zoo.Layout([zoo.Conv(8, 3)], [zoo.Conv(3, 3, stride=2)])"])
def test_a_map_that_is_none_of_pixels_is_refused(tmp_path, words):
    (tmp_path / "net.py").write_text(f"import zoo\n\n\ndef net(classes=3):\n    return {words}\n")
    net = load_trained(f"{tmp_path}/net.py:net", options={"input_shape": (8, 8, 3)})
    assert not net.labels_pixels
    with pytest.raises(zoo.ZooError, match="net gives no class scores of an image: it doesn't classify images"):
        net(np.zeros((8, 8, 3)))


def test_more_classes_than_a_mask_can_hold_are_refused():
    masks, pictures = masks_and_images(1, 12, 16, 255)
    np.testing.assert_array_equal(grey_net(255)(pictures), masks)
    with pytest.raises(zoo.ZooError, match="greys has 256 classes: a mask can tell 255 apart"):
        grey_net(256)(pictures)


@pytest.mark.parametrize("name", ["unet", "segnet", "fcn8s", "deeplab_largefov"])
def test_a_predictor_gives_the_probabilities_of_pixels(name):
    net = stirred(miniature(name))
    x = images(net, 3)
    expected = np.asarray(net(x))
    found = predictor(net, batch_size=2)(x)
    assert found.shape == expected.shape and found.ndim == 4
    np.testing.assert_allclose(found, expected, atol=1e-4)


def test_maps_are_the_same_with_channels_first_set():
    net, (_, pictures) = unpadded(small_unet(), (14, 22, 3)), masks_and_images(2, 30, 20)
    expected = net.probabilities(pictures)
    keras.config.set_image_data_format("channels_first")
    try:
        again = unpadded(small_unet(), (14, 22, 3))
        again.model.set_weights(net.model.get_weights())
        np.testing.assert_allclose(again.probabilities(pictures), expected, atol=1e-5)
    finally:
        keras.config.set_image_data_format("channels_last")

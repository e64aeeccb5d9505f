"""Runs on crops of images with masks: the same after a stop, measured on each pixel once, applied at their scale."""

import numpy as np
import pytest
from broken_off import broken_off, weights_of
from PIL import Image
from pixel_nets import grey_net, in_tiles, masks_and_images, small_unet, unpadded

from zoo import ZooError, data
from zoo.inference.evaluate import evaluate, predict
from zoo.inference.measure import measure
from zoo.inference.trained import load_trained
from zoo.runs.folder import find_run
from zoo.runs.scores import confusion, iou
from zoo.training import train as training

UNET = {"width": 0.05, "padding": "same"}
CROP = (16, 32)
SIZES = [(24, 40), (16, 32), (33, 50), (20, 12)]


@pytest.fixture
def scenes(tmp_path):
    """A folder of dark noise with bright squares of 6 pixels, of differing sizes."""
    for split, count in (("train", 10), ("val", 4), ("test", 4)):
        for i in range(count):
            random = np.random.default_rng((count, i))
            mask = np.zeros(SIZES[i % 4], np.uint8)
            for top, left in random.integers(0, np.array(mask.shape) - 6, (3, 2)):
                mask[top : top + 6, left : left + 6] = 1
            image = random.integers(0, 90, (*mask.shape, 3), np.uint8) + 120 * mask[..., None]
            for kind, values in (("images", image), ("masks", mask)):
                path = tmp_path / "scenes" / split / kind / f"{i}.png"
                path.parent.mkdir(parents=True, exist_ok=True)
                Image.fromarray(values).save(path)
    return tmp_path / "scenes"


def train(folder, runs, model="unet", options=UNET, **more):
    more = {"epochs": 2, "batch_size": 4, "learning_rate": 0.01, "verbose": 0, "log": str, "crop": CROP} | more
    return training.train(model, folder, runs=runs, options=options, **more)


def test_a_stopped_run_goes_on_to_the_same_weights(scenes, tmp_path):
    options = dict(epochs=3, augment=("flip",), seed=3)
    whole = train(scenes, tmp_path / "whole", **options)
    with broken_off(after=1):
        train(scenes, tmp_path / "stopped", **options)
    result = training.resume(tmp_path / "stopped" / "unet-scenes-1", verbose=0, log=str)
    for ours, theirs in zip(weights_of(result.run), weights_of(whole.run), strict=True):
        np.testing.assert_array_equal(ours, theirs)
    assert result.test_mean_iou == whole.test_mean_iou
    config = find_run(whole.run).config()
    assert config["data"]["crop"] == [16, 32] and config["preprocessing"]["tiled"]
    assert config["preprocessing"]["size"] == [16, 32]
    assert config["images"] == {"train": 10, "validation": 13, "test": 13}


OWN = """
from zoo.layout import Conv, Layout, Norm
narrow = Layout([Conv(8, 5, padding="valid"), Norm(), Conv(8, 3, padding="valid")], [Conv(2, 1, activation=None)])
"""


@pytest.mark.parametrize("model, options", [("unet", UNET | {"norm": "batch"}), ("own.py:narrow", {})])
def test_a_run_is_measured_on_each_pixel_once_and_labels_whole_images_as_it_was_measured(scenes, tmp_path, monkeypatch,
                                                                                         model, options):
    """Also with tiles that lie partly outside, and by a net whose maps are smaller: 33 rows are three tiles or four."""
    (tmp_path / "own.py").write_text(OWN)
    monkeypatch.chdir(tmp_path)
    lines = []
    result = train(scenes, tmp_path / "runs", model, options, epochs=8, log=lines.append)
    assert not any("resized" in line for line in lines)
    trained, made = load_trained(result.run), data.load_source(find_run(result.run).job().source)
    scores = measure(trained.on_images(made.image_shape), made.test, 8, trained.mask_model(CROP))
    assert scores.confusion.sum() == sum(height * width for height, width in SIZES)
    assert scores.metrics()["test_mean_iou"] == pytest.approx(result.test_mean_iou, abs=1e-4)
    assert evaluate(result.run).test_mean_iou == pytest.approx(result.test_mean_iou, abs=1e-4)
    paths = sorted((scenes / "test" / "images").iterdir())
    whole = np.zeros((2, 2), int)
    for answer, path in zip(predict(result.run, paths, output=tmp_path), paths):
        found = np.array(Image.open(answer["mask"]))
        mask = np.array(Image.open(str(path).replace("images", "masks")))
        assert found.shape == mask.shape
        whole += confusion(mask, found, 2)
    assert np.abs(whole - scores.confusion).sum() <= 4  # pixels of nearly equal probabilities
    assert np.nanmean(iou(whole)) == pytest.approx(result.test_mean_iou, abs=0.01)


def test_frozen_features_are_not_kept_of_crops_that_change(scenes, tmp_path):
    lines = []
    train(scenes, tmp_path / "runs", freeze="body", epochs=1, log=lines.append)
    assert any(line.startswith("Frozen: the body") and "computed once" not in line for line in lines)


@pytest.mark.parametrize("model, options, more, sentence", [
    ("lenet5", {}, {}, "lenet5 gives one label for each image, and a crop may not show what it names"),
    ("unet", UNET, {"image_size": (32, 32)}, "crop is the size that is trained at: leave image_size out."),
    ("unet", UNET, {"crop": (16, 32, 3)}, "crop is a height and a width"),
    ("unet", UNET, {"dataset": "digits"}, "digits has one label for each image, and a crop may not show what it names"),
    ("unet", UNET | {"padding": "valid"}, {}, "input"),
])
def test_crops_that_cannot_be_are_told(scenes, tmp_path, model, options, more, sentence):
    with pytest.raises(ZooError, match=sentence):
        train(more.pop("dataset", scenes), tmp_path / "runs", model, options, **more)
    assert not (tmp_path / "runs").exists()


# ------------------------------------------------------------------------------------------------- at the own scale


@pytest.mark.parametrize("size", [(12, 16), (5, 7), (25, 40), (12, 17)])
def test_each_pixel_of_an_image_of_any_size_has_its_label(size):
    net = in_tiles(grey_net(5, (12, 16)))
    masks, pictures = masks_and_images(3, *size, 5)
    np.testing.assert_array_equal(net(pictures), masks)


@pytest.mark.parametrize("size", [(14, 22), (5, 9), (31, 50)])
def test_a_net_without_padding_sees_what_is_around_each_tile(size):
    """The tiles' borders don't show: maps are those of the same net for the whole image, mirrored at its borders."""
    net = in_tiles(unpadded(small_unet(), (14, 22, 3)))
    pictures = np.random.default_rng(0).integers(0, 256, (2, *size, 3), dtype=np.uint8)
    big = unpadded(small_unet(), (62, 74, 3))
    big.model.set_weights(net.model.get_weights())
    top, left = big.corner
    around = ((0, 0), (top, 62 - size[0] - top), (left, 74 - size[1] - left), (0, 0))
    mirrored = np.pad(pictures, around, "reflect").astype("float32")
    expected = np.asarray(big.on_images((62, 74, 3))(mirrored))[:, : size[0], : size[1]]
    np.testing.assert_allclose(net.probabilities(pictures), expected, atol=1e-4)

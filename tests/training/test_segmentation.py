"""Nets that label each pixel: their data, losses, augmentation and runs."""

import keras
import numpy as np
import pytest
from broken_off import broken_off, weights_of
from keras import ops

from zoo import ZooError
from zoo.data.dataset import IGNORED, Split, StreamedSplit, class_counts, make_dataset
from zoo.data.preprocessing import Preprocessing
from zoo.inference.evaluate import evaluate
from zoo.inference.measure import measure
from zoo.layout import Conv, Layout, Pool
from zoo.recipes.recipe import Recipe
from zoo.runs.folder import find_run
from zoo.training import train as training
from zoo.training.augmentation import ONE_IMAGE, augment
from zoo.training.optimizing import balanced_weights, make_loss

UNET = {"width": 0.05, "padding": "same"}
NAMES = ("ground", "square")


def squares(count, seed, size=16):
    """Noise with a bright square, and its mask, of which the upper edge doesn't count."""
    random = np.random.default_rng(seed)
    images, masks = random.integers(0, 90, (count, size, size, 1), np.uint8), np.zeros((count, size, size), np.uint8)
    for image, mask in zip(images, masks):
        top, left = random.integers(1, size - 6, 2)
        image[top : top + 6, left : left + 6] += 120
        mask[top : top + 6, left : left + 6] = 1
        mask[0] = IGNORED
    return Split(images, masks)


@pytest.fixture
def squared(monkeypatch):
    """A data set with masks, which runs find again, whatever its name."""
    splits = {"train": squares(48, 0), "validation": squares(12, 1), "test": squares(12, 2)}
    dataset = make_dataset("squares", NAMES, splits)
    monkeypatch.setattr("zoo.data.load_source", lambda source: dataset)
    return dataset


def train(dataset, tmp_path, model="unet", options=UNET, **more):
    more = {"epochs": 2, "batch_size": 8, "learning_rate": 0.01, "verbose": 0, "log": str} | more
    return training.train(model, "squares", runs=tmp_path, options=options, loaded=dataset, **more)


# ------------------------------------------------------------------------------------------------------------ losses


def probabilities(logits):
    powers = np.exp(logits - logits.max(-1, keepdims=True))
    return powers / powers.sum(-1, keepdims=True)


@pytest.fixture
def pixels():
    random = np.random.default_rng(3)
    masks = random.integers(0, 3, (2, 5, 6)).astype("uint8")
    masks[random.random(masks.shape) < 0.3] = IGNORED
    return masks, random.normal(size=(2, 5, 6, 3))


def minimized(recipe, masks, logits, weights=None):
    return float(np.mean(np.asarray(make_loss(recipe, weights)(masks.astype("float32"), logits.astype("float32")))))


@pytest.mark.parametrize("smoothing", [0, 0.1])
def test_the_loss_is_the_mean_over_the_pixels_that_count(pixels, smoothing):
    masks, logits = pixels
    counted = masks != IGNORED
    targets = np.eye(3)[masks[counted]] * (1 - smoothing) + smoothing / 3
    right = -(targets * np.log(probabilities(logits[counted]))).sum(-1).mean()
    assert minimized(Recipe(label_smoothing=smoothing), masks, logits) == pytest.approx(right, rel=1e-5)


def test_class_weights_multiply_the_losses_of_pixels(pixels):
    masks, logits = pixels
    counted, weights = masks != IGNORED, np.array([0.5, 1, 4], "float32")
    logs = np.log(probabilities(logits[counted]))[np.arange(counted.sum()), masks[counted]]
    right = -(weights[masks[counted]] * logs).mean()
    assert minimized(Recipe(label_smoothing=0), masks, logits, weights) == pytest.approx(right, rel=1e-5)


def test_focal_loss_is_that_of_its_paper(pixels):
    masks, logits = pixels
    counted = masks != IGNORED
    share = probabilities(logits[counted])[np.arange(counted.sum()), masks[counted]]
    right = -(0.25 * (1 - share) ** 2 * np.log(share)).mean()
    assert minimized(Recipe(label_smoothing=0, loss="focal"), masks, logits) == pytest.approx(right, rel=1e-5)


def test_dice_loss_is_one_minus_the_coefficient_of_each_class(pixels):
    masks, logits = pixels
    counted = masks != IGNORED
    targets, found = np.eye(3)[masks[counted]], probabilities(logits[counted])
    right = 1 - 2 * (targets * found).sum(0) / (targets.sum(0) + found.sum(0))
    assert minimized(Recipe(loss="dice"), masks, logits) == pytest.approx(right.mean(), rel=1e-5)


@pytest.mark.parametrize("loss", ["cross_entropy", "focal", "dice"])
def test_pixels_that_do_not_count_have_no_gradient(pixels, loss):
    import tensorflow as tf

    masks, logits = pixels
    found = tf.Variable(logits.astype("float32"))
    with tf.GradientTape() as tape:
        value = ops.mean(make_loss(Recipe(loss=loss))(masks.astype("float32"), found))
    gradient = np.abs(tape.gradient(value, found).numpy()).sum(-1)
    assert (gradient[masks == IGNORED] == 0).all() and (gradient[masks != IGNORED] > 0).all()


@pytest.mark.parametrize("loss", ["cross_entropy", "focal", "dice"])
def test_a_batch_in_which_no_pixel_counts_has_the_loss_0(pixels, loss):
    masks, logits = pixels
    assert minimized(Recipe(loss=loss, label_smoothing=0), np.full_like(masks, IGNORED), logits) == 0


def test_classes_are_balanced_by_their_pixels(squared):
    masks = squared.train.labels
    counts = class_counts(squared)
    assert counts.tolist() == [(masks == 0).sum(), (masks == 1).sum()]
    shares = balanced_weights(counts) * counts / counts.sum()
    np.testing.assert_allclose(shares, 1 / 2, rtol=1e-6)


# ------------------------------------------------------------------------------------------------------ augmentation


@pytest.mark.parametrize("name", ["flip", "crop", "cutout", "jitter"])
def test_augmentation_moves_masks_with_their_images(name):
    """Each pixel's label is told by its colour: a mask that lagged by one pixel would be wrong nearly everywhere."""
    random = np.random.default_rng(0)
    masks = random.integers(0, 2, (16, 24, 20))
    images = np.repeat(np.where(masks, 210, 40)[..., None], 3, axis=-1).astype("float32")
    inputs = keras.Input((24, 20, 3)), keras.Input((24, 20))
    changed = augment(inputs[0], (name,), 5, inputs[1])
    model = keras.Model(inputs, [changed.images, changed.masks])
    moved, labels = map(np.asarray, model([images, masks.astype("float32")], training=True))
    counted = labels != IGNORED
    assert set(np.unique(labels)) <= {0, 1, IGNORED}
    erased = (moved == 0).all(-1) if name in ("crop", "cutout") else np.zeros_like(counted)
    told = moved.mean(-1) > 128
    assert (told == (labels == 1))[counted & ~erased].all()
    if name == "crop":  # what comes from outside of the image has no label
        assert (erased == ~counted).all() and 0 < erased.mean() < 0.3
    else:
        assert counted.all()
    if name == "flip":
        assert 0 < (labels == masks).all((1, 2)).sum() < 16
    if name in ("cutout", "jitter"):  # colours change, places don't
        assert (labels == masks).all() and not (moved == images).all()
    still = model([images, masks.astype("float32")], training=False)
    assert (np.asarray(still[0]) == images).all() and (np.asarray(still[1]) == masks).all()


def test_randaugment_moves_masks_with_their_images():
    random = np.random.default_rng(0)
    masks = np.kron(random.integers(0, 2, (64, 4, 4)), np.ones((8, 8)))
    images = np.repeat(np.where(masks, 230, 30)[..., None], 3, axis=-1).astype("float32")
    inputs = keras.Input((32, 32, 3)), keras.Input((32, 32))
    changed = augment(inputs[0], ("randaugment",), 1, inputs[1])
    model = keras.Model(inputs, [changed.images, changed.masks])
    agreeing, moved = [], 0
    for _ in range(20):  # each call draws one change for all images
        found, labels = map(np.asarray, model([images, masks.astype("float32")], training=True))
        counted = labels != IGNORED
        brightness = found.mean(-1)
        agreeing.append(np.abs(np.corrcoef(brightness[counted], labels[counted])[0, 1]))
        moved += not (labels == masks).all()
    assert moved > 3 and np.median(agreeing) > 0.9


def test_every_augmentation_is_tested_here():
    assert set(ONE_IMAGE) == {"flip", "crop", "cutout", "jitter", "randaugment"}


# ------------------------------------------------------------------------------------- masks in the size of the output


def test_masks_are_resized_and_padded_as_images_are():
    mask = np.arange(12).reshape(1, 3, 4)
    front = Preprocessing((6, 8), 1, 1, (1,), (0,))
    found = np.asarray(front.mask_model((3, 4), (0, 0), (8, 10))(mask.astype("float32")))
    right = np.pad(np.kron(mask[0], np.ones((2, 2))), 1, constant_values=IGNORED)
    np.testing.assert_array_equal(found[0], right)


def test_the_output_of_an_unpadded_net_is_compared_with_the_part_of_the_mask_that_it_covers(own_registry):
    """A net of 3x3 windows that look at their middle alone labels each pixel by its brightness."""
    from zoo.plan import plan

    layout = Layout([Conv(2, 3, padding=0, activation=None), Conv(2, 3, padding=0, activation=None)],
                    [Conv(2, 1, activation=None)])
    planned = plan(layout, (9, 11, 1))
    assert planned.corner == (2, 2) and planned.trace.output_shape == (5, 7, 2)
    masks = np.random.default_rng(0).integers(0, 9, (2, 9, 11)).astype("float32")
    front = Preprocessing((9, 11), 0, 1, (1,), (0,))
    np.testing.assert_array_equal(front.mask_model((9, 11), planned.corner, (5, 7))(masks), masks[:, 2:7, 2:9])
    pooled = plan(Layout([Conv(2, 3, padding=0), Pool(2)], [Conv(2, 1, activation=None)]), (9, 11, 1))
    assert pooled.trace.output.stride == (2, 2)


# -------------------------------------------------------------------------------------------------------------- runs


def test_a_net_learns_to_label_pixels_and_tells_how_well(squared, tmp_path):
    result = train(squared, tmp_path, options=UNET | {"norm": "batch"}, epochs=12, augment=("flip",))
    assert result.test_mean_iou > 0.8 and result.test_accuracy is None
    told = result.to_json()
    assert list(told)[3:7] == ["test_mean_iou", "test_pixel_accuracy", "test_dice", "test_loss"]
    assert "test_accuracy" not in told and find_run(result.run).result() == result
    metrics = find_run(result.run).metrics()
    assert {"val_mean_iou", "val_pixel_accuracy", "mean_iou", "pixel_accuracy"} <= set(metrics)
    again = evaluate(result.run)
    assert again.test_mean_iou == pytest.approx(result.test_mean_iou, abs=1e-3)
    assert again.test_loss == pytest.approx(result.test_loss, rel=1e-3)


def test_the_metrics_of_an_epoch_are_those_of_its_weights(squared, tmp_path):
    result = train(squared, tmp_path, epochs=1)
    from zoo.inference.trained import load_trained

    trained = load_trained(result.run)
    scores = measure(trained.on_images((16, 16, 1)), squared.validation, 8, trained.mask_model((16, 16))).metrics()
    metrics = find_run(result.run).metrics()
    assert metrics["val_mean_iou"][0] == pytest.approx(scores["test_mean_iou"], abs=1e-5)
    assert metrics["val_pixel_accuracy"][0] == pytest.approx(scores["test_pixel_accuracy"], abs=1e-5)
    assert metrics["val_loss"][0] == pytest.approx(scores["test_loss"], rel=1e-4)


def test_a_stopped_run_goes_on_to_the_same_weights(squared, tmp_path):
    options = dict(epochs=4, augment=("flip", "crop", "cutout"), ema=0.9, seed=3, loss="focal", balance=True)
    whole = train(squared, tmp_path / "whole", **options)
    with broken_off(after=2):
        train(squared, tmp_path / "stopped", **options)
    result = training.resume(tmp_path / "stopped" / "unet-squares-1", verbose=0, log=str)
    for ours, theirs in zip(weights_of(result.run), weights_of(whole.run), strict=True):
        np.testing.assert_array_equal(ours, theirs)
    assert result.to_json() | {"run": 0, "seconds": 0, "images_per_second": 0} == whole.to_json() | {
        "run": 0, "seconds": 0, "images_per_second": 0
    }


def test_masks_in_files_train_to_the_same_weights_as_in_memory(squared, tmp_path):
    def streamed(split):
        return StreamedSplit(np.arange(len(split)), None, split.image_shape, split.read, split.read_labels)

    held = train(squared, tmp_path / "held", augment=("flip",))
    left = train(squared.map(streamed), tmp_path / "left", augment=("flip",))
    for ours, theirs in zip(weights_of(held.run), weights_of(left.run), strict=True):
        np.testing.assert_allclose(ours, theirs, rtol=1e-4, atol=1e-5)
    assert left.test_mean_iou == pytest.approx(held.test_mean_iou, abs=1e-4)


def test_features_of_a_frozen_body_are_compared_with_masks(squared, tmp_path):
    frozen = train(squared, tmp_path / "a", freeze="body", epochs=1)
    assert 0 < frozen.test_mean_iou < 1


@pytest.mark.parametrize(
    "model, options, more, sentence",
    [
        ("lenet5", {}, {}, "squares has a label for each pixel, but lenet5 gives one for each image"),
        ("unet", UNET, {"augment": ("mixup",)}, "mixup mixes images and their labels, but the masks of squares can't"),
        ("unet", UNET, {"augment": ("cutmix",)}, "cutmix mixes images"),
    ],
)
def test_what_cannot_be_trained_on_masks_is_told(squared, tmp_path, model, options, more, sentence):
    with pytest.raises(ZooError, match=sentence):
        train(squared, tmp_path, model, options, **more)
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize(
    "model, options, more, sentence",
    [
        ("unet", UNET, {}, "digits has one label for each image, and no masks, which nets that label each pixel"),
        ("lenet5", {"width": 0.3}, {"loss": "dice"}, "dice is a loss of masks"),
    ],
)
def test_what_needs_masks_is_told(tmp_path, model, options, more, sentence):
    with pytest.raises(ZooError, match=sentence):
        training.train(model, "digits", runs=tmp_path, options=options, verbose=0, log=str, **more)
    assert not list(tmp_path.iterdir())


COARSE = """
from zoo.layout import Conv, Layout, Pool
coarse = Layout([Conv(4, 3), Pool(2)], [Conv(2, 1, activation=None)])
bare = [Conv(4, 3), Conv(2, 1, activation=None)]
"""


@pytest.mark.parametrize("name, sentence", [("coarse", r'must end in Upsample\(2, "bilinear"\) and Crop\("image"\)'),
                                            ("bare", "its layout ends without a classifier")])
def test_layouts_whose_map_is_not_of_pixels_are_told_what_they_lack(squared, tmp_path, name, sentence):
    path = tmp_path / "own.py"
    path.write_text(COARSE)
    with pytest.raises(ZooError, match=sentence):
        train(squared, tmp_path / "runs", f"{path}:{name}", {})


def test_a_net_without_padding_says_which_part_of_an_image_counts(squared, tmp_path):
    said = []
    with pytest.raises(ZooError):  # nothing is trained: the message comes before
        train(squared, tmp_path, options={"width": 0.02}, log=said.append, accumulate=1000)
    assert ("unet labels the inner 4x4 pixels of its 188x188 input, as it has no padding: only these are learnt and "
            "measured. With --set padding=same it labels all.") in said


def test_large_masks_have_small_batches_where_their_size_is_not_given():
    sides = (1, 64, 256, 572, 2000)
    assert [Recipe().for_images(100_000, side**2).batch_size for side in sides] == [128, 128, 16, 2, 1]
    assert Recipe(batch_size=50).for_images(100_000, 572**2).batch_size == 50


def test_masks_without_a_pixel_that_counts_are_refused(squared):
    blank = Split(squared.test.images, np.full_like(squared.test.labels, IGNORED))
    with pytest.raises(ZooError, match="squares has masks that are 255 throughout in its test split: no pixel counts."):
        make_dataset("squares", NAMES, {"train": squared.train, "validation": squared.validation, "test": blank})

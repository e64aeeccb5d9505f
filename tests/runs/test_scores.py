"""The measures of a test on masks, beside scikit-learn's and PyTorch's."""

import numpy as np
import pytest
from sklearn.metrics import accuracy_score, confusion_matrix, f1_score, jaccard_score

from zoo.data.dataset import IGNORED
from zoo.runs.scores import PixelScores, confusion, dice, iou

CLASSES = 5


def random_masks(seed, absent=()):
    """Masks (3, 20, 30), of which a tenth of the pixels doesn't count, and predictions, right in six pixels of ten."""
    random = np.random.default_rng(seed)
    masks = random.choice([label for label in range(CLASSES) if label not in absent], (3, 20, 30)).astype(np.uint8)
    others = random.permutation(masks.ravel()).reshape(masks.shape)
    predicted = np.where(random.random(masks.shape) < 0.6, masks, others)
    masks[random.random(masks.shape) < 0.1] = IGNORED
    return masks, predicted


@pytest.mark.parametrize("absent", [(), (2,), (0, 4)])
def test_the_measures_of_masks_are_scikit_learns(absent):
    masks, predicted = random_masks(1, absent)
    counted = masks != IGNORED
    found, true, answers = confusion(masks, predicted, CLASSES), masks[counted], predicted[counted]
    np.testing.assert_array_equal(found, confusion_matrix(true, answers, labels=range(CLASSES)))
    known = [label for label in range(CLASSES) if label not in absent]
    np.testing.assert_allclose(iou(found)[known], jaccard_score(true, answers, labels=known, average=None))
    np.testing.assert_allclose(dice(found)[known], f1_score(true, answers, labels=known, average=None))
    assert np.isnan(iou(found)[list(absent)]).all() and np.isnan(dice(found)[list(absent)]).all()
    metrics = PixelScores(found, 0.5, np.zeros(3), lambda places: None).metrics()
    assert metrics["test_pixel_accuracy"] == pytest.approx(accuracy_score(true, answers), abs=1e-6)
    mean = {"labels": known, "average": "macro"}
    assert metrics["test_mean_iou"] == pytest.approx(jaccard_score(true, answers, **mean), abs=1e-6)
    assert metrics["test_dice"] == pytest.approx(f1_score(true, answers, **mean), abs=1e-6)


def test_a_class_that_is_predicted_but_never_there_counts_as_wrong():
    masks, predicted = np.zeros((1, 2, 2), np.uint8), np.array([[[0, 0], [0, 1]]])
    assert iou(confusion(masks, predicted, 3)).tolist()[:2] == [0.75, 0]


def test_pixels_that_do_not_count_change_nothing():
    masks, predicted = random_masks(2)
    others = np.where(masks == IGNORED, (predicted + 1) % CLASSES, predicted)
    np.testing.assert_array_equal(confusion(masks, predicted, CLASSES), confusion(masks, others, CLASSES))

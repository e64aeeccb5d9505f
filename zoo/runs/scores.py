"""What a test on a split finds: how well a net classifies images, or labels their pixels."""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from zoo.data.dataset import IGNORED


@dataclass(frozen=True)
class ImageScores:
    """The answers to the images of a test: true labels (N,), and probabilities, or logits, (N, classes)."""

    labels: np.ndarray
    outputs: np.ndarray
    are_logits: bool = False

    def metrics(self) -> dict[str, float]:
        """Return the `Result`'s metrics: accuracy, and mean cross-entropy."""
        import keras

        losses = keras.losses.sparse_categorical_crossentropy(self.labels, self.outputs, from_logits=self.are_logits)
        return {
            "test_accuracy": round(float(np.mean(self.outputs.argmax(-1) == self.labels)), 6),
            "test_loss": round(float(keras.ops.mean(losses)), 6),
        }

    @property
    def logits(self) -> np.ndarray:
        """Logits (N, classes): the outputs, or their logarithms where they are probabilities."""
        return self.outputs if self.are_logits else np.log(self.outputs.clip(1e-30))


@dataclass(frozen=True)
class PixelScores:
    """The measures of a test on masks, all over the pixels that count.

    Attributes:
        confusion: (classes, classes), numbers of pixels: true classes by predicted ones.
        loss: the mean cross-entropy of a pixel.
        image_iou: (N,), the mean IoU of each image over the classes that it has, truly or as predicted.
        labelled: from the indices of some images to their true masks and the predicted ones, found anew, since those of
            all are too many to keep: (count, height, width) uint8 both, in the size of the net's output.
    """

    confusion: np.ndarray
    loss: float
    image_iou: np.ndarray
    labelled: Callable[[np.ndarray], tuple[np.ndarray, np.ndarray]]

    def metrics(self) -> dict[str, float]:
        """Return the `Result`'s metrics; means are over the classes that occur, truly or as predicted."""
        return {
            "test_mean_iou": round(float(np.nanmean(iou(self.confusion))), 6),
            "test_pixel_accuracy": round(float(np.trace(self.confusion) / self.confusion.sum()), 6),
            "test_dice": round(float(np.nanmean(dice(self.confusion))), 6),
            "test_loss": round(self.loss, 6),
        }


def confusion(masks: np.ndarray, predicted: np.ndarray, classes: int) -> np.ndarray:
    """Return the numbers of pixels (classes, classes), true classes by predicted ones, without those that don't count.

    Both arguments are masks of one shape, of labels below `classes` or, in the true ones, `IGNORED`.
    """
    counted = masks != IGNORED
    pairs = masks[counted].astype(np.int64) * classes + predicted[counted]
    return np.bincount(pairs, minlength=classes**2).reshape(classes, classes)


def iou(confused: np.ndarray) -> np.ndarray:
    """Return each class's intersection over union (classes,), of a confusion; NaN for a class that doesn't occur."""
    hits = np.diagonal(confused)
    return _share(hits, confused.sum(0) + confused.sum(1) - hits)


def dice(confused: np.ndarray) -> np.ndarray:
    """Return each class's Dice coefficient, its F1 score (classes,); NaN for a class that doesn't occur."""
    return _share(2 * np.diagonal(confused), confused.sum(0) + confused.sum(1))


def _share(part, whole):
    return np.where(whole, part / np.maximum(whole, 1), np.nan)

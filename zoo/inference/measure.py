"""A net on a split -> its scores: answers to images, or how well their pixels are labelled."""

from collections.abc import Iterator
from typing import TYPE_CHECKING

import numpy as np

from zoo.data.dataset import IGNORED, AnySplit
from zoo.errors import ZooError
from zoo.runs.scores import ImageScores, PixelScores, confusion, iou

if TYPE_CHECKING:
    import keras


def measure(model: "keras.Model", split: AnySplit, batch_size: int, mask_model: "keras.Model | None" = None,
            are_logits: bool = False) -> ImageScores | PixelScores:
    """Measure a net on a split.

    Args:
        model: from raw images to probabilities, or logits, (N, classes) or (N, height, width, classes).
        split: the images, and their labels or masks.
        batch_size: how many are computed at a time.
        mask_model: from the split's masks to those that outputs are compared with (`Preprocessing.mask_model`); None
            if images have one label each.
        are_logits: whether the model's outputs are logits.

    Raises:
        ZooError: for an image or a mask that can't be read.
    """
    if mask_model is None:
        from zoo.inference.predictor import predict_split

        return ImageScores(split.read_labels(slice(None)), predict_split(model, split, batch_size), are_logits)
    look, classes = _looking(model, mask_model, split), model.output_shape[-1]
    whole, losses, image_iou = np.zeros((classes, classes), np.int64), 0.0, []
    for masks, outputs in map(look, _batches(len(split), batch_size)):
        parts = [confusion(*pair, classes) for pair in zip(masks, outputs.argmax(-1))]
        whole += sum(parts)
        image_iou += [np.nanmean(iou(part)) if part.any() else 1.0 for part in parts]
        losses += _sum_of_losses(masks, outputs, are_logits)

    if not whole.any():
        raise ZooError(f"No pixel of these {len(split):,} images counts: all of their masks are {IGNORED} throughout.")

    def labelled(places):
        masks, outputs = look(places)
        return masks, outputs.argmax(-1).astype(np.uint8)

    return PixelScores(whole, float(losses / max(whole.sum(), 1)), np.array(image_iou), labelled)


def _looking(model, mask_model, split):
    """Return the function from indices to masks (count, height, width) uint8 and the model's outputs for the images."""
    from zoo.inference.predictor import compiled

    answer, prepared = compiled(model), compiled(mask_model)
    return lambda places: (prepared(split.read_labels(places)).astype(np.uint8), answer(split.read(places)))


def _batches(count, batch_size) -> Iterator[np.ndarray]:
    from tqdm import tqdm

    for start in tqdm(range(0, count, batch_size), "test", delay=2, leave=False, disable=None):
        yield np.arange(start, min(start + batch_size, count))


def _sum_of_losses(masks, outputs, are_logits):
    from keras import losses, ops

    counted = masks != IGNORED
    found = losses.sparse_categorical_crossentropy(masks[counted], outputs[counted], from_logits=are_logits)
    return float(ops.sum(found))

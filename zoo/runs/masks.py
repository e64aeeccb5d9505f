"""What the page of a net that labels pixels shows: the measures of each class, and test images, from worst to best."""

from dataclasses import replace
from typing import Any

import numpy as np
from PIL.Image import Resampling

from zoo.data.dataset import IGNORED, AnySplit
from zoo.runs.job import Job
from zoo.runs.page import picture
from zoo.runs.palette import class_colours
from zoo.runs.scores import PixelScores, dice, iou

EACH = 3  # of the worst, the median and the best test images, at most
SIDE, SWATCH = 160, 16  # of a picture and of a colour in the legend, in pixels
CHEQUERS, CELLS = ((110,) * 3, (165,) * 3), 12  # the greys of pixels that don't count; squares along a picture's side
RIGHT, WRONG = (0, 0, 0), (255, 255, 255)


def per_class(scores: PixelScores, job: Job) -> list[dict[str, Any]]:
    """Return each class's name, colour, IoU, Dice coefficient and share of the pixels that count.

    IoU and Dice are NaN for a class that doesn't occur, truly or as predicted.
    """
    shares = scores.confusion.sum(1) / max(scores.confusion.sum(), 1)
    columns = zip(job.class_names, _colours(job), iou(scores.confusion), dice(scores.confusion), shares)
    return [
        {"name": name, "colour": colour, "iou": own_iou, "dice": own_dice, "share": share}
        for name, colour, own_iou, own_dice, share in columns
    ]


def confusion_shares(scores: PixelScores) -> np.ndarray:
    """Return which share of each true class's pixels (rows) is predicted to be of each class (columns)."""
    return scores.confusion / np.maximum(scores.confusion.sum(1, keepdims=True), 1)


def examples(scores: PixelScores, test: AnySplit, job: Job) -> dict[str, Any]:
    """Return pictures of the worst, median and best test images, and the legend of their colours; only these are read.

    Pictures are of the part of the net's input that its output covers.
    """
    chosen = _chosen(scores.image_iou)
    places = np.concatenate(list(chosen.values()))
    true, predicted = scores.labelled(places)
    images = _as_seen(job, test.read(places), true.shape[1:])
    colours = np.array(_colours(job), np.uint8)
    rows = iter([
        {
            "place": place, "iou": scores.image_iou[place], "input": picture(image, SIDE),
            "truth": _mask(_painted(truth, colours)), "prediction": _mask(colours[answer]),
            "error": _mask(_errors(truth, answer)),
        }
        for place, image, truth, answer in zip(places, images, true, predicted)
    ])
    groups = [(name, [next(rows) for _ in several]) for name, several in chosen.items()]
    return {"groups": groups, "legend": _legend(true, predicted, job)}


def _colours(job):
    return class_colours(len(job.class_names), job.colours)


def _chosen(image_iou):
    """Return the indices of the worst images, worst first, of those in the middle, and of the best, best first."""
    order = np.argsort(image_iou, kind="stable")
    each = max(1, min(EACH, len(order) // 3))
    worst, rest = order[:each], order[each:]
    middle, best = rest[: max(len(rest) - each, 0)], rest[max(len(rest) - each, 0) :]
    start = (len(middle) - each) // 2 if len(middle) > each else 0
    return {"worst": worst, "median": middle[start : start + each], "best": best[::-1]}


def _as_seen(job, images, size):
    """Return images as the net sees them, but for their normalization: where its output lies, `size` high and wide."""
    import keras

    channels = job.preprocessing.channels
    front = replace(job.preprocessing, scale=(1,) * channels, offset=(0,) * channels, bgr=False)
    (top, left), (height, width) = job.corner, size
    seen = keras.ops.convert_to_numpy(front.model(images.shape[1:])(images.astype("float32")))
    return seen[:, top : top + height, left : left + width].round().clip(0, 255).astype(np.uint8)


def _painted(mask, colours):
    """Return a mask (height, width) in the classes' colours, with chequers where pixels don't count."""
    return np.where(mask[..., None] == IGNORED, _chequers(mask.shape), colours[np.where(mask == IGNORED, 0, mask)])


def _errors(truth, predicted):
    wrong = np.where((truth != predicted)[..., None], WRONG, RIGHT)
    return np.where(truth[..., None] == IGNORED, _chequers(truth.shape), wrong).astype(np.uint8)


def _chequers(size, cells=CELLS):
    """Return a pattern (height, width, 3), uint8, of two greys: no class's colour looks like it."""
    (height, width), cell = size, max(1, max(size) // cells)
    odd = (np.arange(height)[:, None] // cell + np.arange(width) // cell) % 2
    return np.array(CHEQUERS, np.uint8)[odd]


def _mask(pixels):
    return picture(pixels, SIDE, Resampling.NEAREST)


def _legend(true, predicted, job):
    """Return the name and the swatch of each class that the masks show, and of pixels that don't count if there are."""
    shown = np.union1d(true, predicted)
    entries = [
        {"name": name, "swatch": picture(np.full((1, 1, 3), colour, np.uint8), SWATCH)}
        for label, (name, colour) in enumerate(zip(job.class_names, _colours(job))) if label in shown
    ]
    if IGNORED in shown:
        entries.append({"name": "doesn't count", "swatch": picture(_chequers((SWATCH, SWATCH), 4), SWATCH)})
    return entries

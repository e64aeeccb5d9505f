"""A finished run -> curves.png, confusion.png and report.html, one page that needs no other file."""

from typing import TYPE_CHECKING

import numpy as np

from zoo.data.dataset import Dataset
from zoo.runs.figures import draw_confusion, draw_curves
from zoo.runs.folder import Run, best_epoch
from zoo.runs.masks import confusion_shares, examples, per_class
from zoo.runs.page import picture, render, write_figure
from zoo.runs.scores import ImageScores, PixelScores
from zoo.runs.sparing import can_do_without

if TYPE_CHECKING:
    import keras

SHOWN = 24  # misclassified images, at most
SIDE, FILTER_SIDE = 128, 48  # of an image and of a filter on the page, in pixels, at most


def write_report(run: Run, dataset: Dataset, scores: ImageScores | PixelScores, net: "keras.Model") -> None:
    """Write a finished run's figures and report, from its files, what the test found and the net.

    A `ZooWarning` reports each that can't be made.
    """
    config, metrics = run.config(), run.metrics()
    curves = write_figure(run.curves_path, lambda: draw_curves(metrics))
    confusion = write_figure(
        run.confusion_path, lambda: draw_confusion(_confusion(dataset, scores), dataset.class_names)
    )
    with can_do_without(run.report_path.name):
        best = best_epoch(metrics)
        template, found = _of_masks(run, dataset, scores) if dataset.has_masks else _of_images(dataset, scores)
        page = render(
            template, config=config, result=config["result"], curves=curves, confusion=confusion, best=best,
            chosen={name: values[best - 1] for name, values in metrics.items()}, plain="objective" in metrics,
            times=_times(metrics), filters=_filters(net), **found,
        )
        run.report_path.write_text(page, encoding="utf-8")


def _confusion(dataset, scores):
    """Return the matrix of `draw_confusion`: counts of images, or shares of pixels, of which there are millions."""
    from sklearn.metrics import confusion_matrix

    if dataset.has_masks:
        return confusion_shares(scores)
    predictions, classes = scores.outputs.argmax(-1), range(len(dataset.class_names))
    return confusion_matrix(dataset.test.labels, predictions, labels=classes)


def _of_images(dataset, scores):
    """Return the template of a classifier's page, and what it alone shows."""
    logits = scores.logits
    return "report_of_images.html", {
        "classes": _per_class(dataset, logits.argmax(-1)), "mistakes": _mistakes(dataset, logits),
    }


def _of_masks(run, dataset, scores):
    """Return the template of the page of a net that labels pixels, and what it alone shows."""
    job = run.job()
    return "report_of_masks.html", {
        "classes": per_class(scores, job), "examples": examples(scores, dataset.test, job),
    }


def _times(metrics):
    """Return the seconds of an epoch, and its images/s: of the fastest, median and slowest."""
    parts = (0, 0.5, 1)
    return {
        "seconds": np.quantile(metrics["seconds"], parts),
        "rates": np.quantile(metrics["images/s"], parts)[::-1],
    }


def _per_class(dataset, predictions):
    """Return the scores of each class: precision is NaN if it is never predicted, recall if it has no test images."""
    from sklearn.metrics import precision_recall_fscore_support

    labels = range(len(dataset.class_names))
    scores = precision_recall_fscore_support(dataset.test.labels, predictions, labels=labels, zero_division=np.nan)
    return [
        {"name": name, "precision": p, "recall": r, "images": n}
        for name, p, r, _, n in zip(dataset.class_names, *scores)
    ]


def _mistakes(dataset, logits):
    """Return the count of misclassified test images, and those with the largest loss; only these are read."""
    import keras

    names, labels, predictions = dataset.class_names, dataset.test.labels, logits.argmax(-1)
    wrong = np.flatnonzero(predictions != labels)
    logs = keras.ops.convert_to_numpy(keras.ops.log_softmax(logits[wrong]))  # that of the true class is minus the loss
    rows = np.argsort(logs[np.arange(len(wrong)), labels[wrong]], kind="stable")[:SHOWN]
    worst = [
        {"picture": picture(dataset.test.read(wrong[[row]])[0], SIDE), "place": index, "true": names[labels[index]],
         "predicted": names[predictions[index]], "probability": np.exp(logs[row].max())}
        for row, index in zip(rows, wrong[rows])
    ]
    return {"count": len(wrong), "worst": worst}


def _filters(net):
    """Return pictures of the first convolution's kernels; None without one that has the image's own channels."""
    import keras

    first = next((layer for layer in net.layers if isinstance(layer, keras.layers.Conv2D)), None)
    if first is None or first.kernel.shape[2] != net.input_shape[-1]:
        return None
    kernel = keras.ops.convert_to_numpy(first.kernel)  # (height, width, channels, filters)
    height, width, channels, _ = kernel.shape
    scaled = kernel / (np.abs(kernel).max() or 1)
    pixels = np.moveaxis((127.5 * (1 + scaled)).round().astype(np.uint8), -1, 0)
    return {
        "layer": first.name,
        "size": f"{height}x{width}x{channels}",
        "pictures": [picture(filter_, FILTER_SIDE) for filter_ in pixels],
    }

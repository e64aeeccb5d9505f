"""Matplotlib figures of runs: curves, curves of several runs, confusion matrices."""

from collections.abc import Iterable, Sequence
from itertools import cycle
from typing import Any

import numpy as np
from matplotlib import rcParams
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.ticker import MaxNLocator

from zoo.runs.folder import best_epoch
from zoo.runs.lettering import columns, lettered, with_fonts
from zoo.runs.palette import COLOURS, GREY

LABELLED = 20  # a confusion matrix of up to this many classes shows counts and class names
TRAINING, VALIDATION = COLOURS[:2]
MARKERS = "os^DvPX*<"  # combined with the colours: nine of them and eight colours distinguish 72 runs
MARKED = 12  # markers on a curve, at most
MEASURES = {"accuracy": "accuracy", "mean_iou": "mean IoU"}  # those that are drawn beside the loss


def draw_curves(metrics: dict[str, list[float]]) -> Figure:
    """Draw loss, and accuracy or mean IoU, training and validation, over the epochs; the chosen epoch is marked."""
    figure = Figure(figsize=(9, 3.6), layout="constrained")
    epochs, best = _epochs(metrics), best_epoch(metrics)
    for axes, key in zip(figure.subplots(1, 2), ("loss", *measured([metrics]))):
        for column, name, colour in ((key, "training", TRAINING), (f"val_{key}", "validation", VALIDATION)):
            axes.plot(epochs, metrics[column], color=colour, label=name, marker="o", markersize=3)
        axes.axvline(best, color=GREY, linestyle=":", label=f"chosen: epoch {best}")
        _over_epochs(axes, key)
        axes.legend(frameon=False)
    return figure


def draw_overlaid(runs: list[tuple[str, dict[str, list[float]]]]) -> Figure:
    """Draw loss, and accuracy or mean IoU or both, of several runs, each with a colour and a marker.

    `runs` are pairs (label, metrics).
    """
    keys = ("loss", *measured(metrics for _, metrics in runs))
    figure = Figure(figsize=(5 * len(keys), 4.4 + 0.12 * len(runs)), layout="constrained")
    panels = figure.subplots(1, len(keys))
    handles, names = [], lettered(label for label, _ in runs)
    styles = zip(cycle((*COLOURS, rcParams["text.color"])), cycle(MARKERS))
    for label, (_, metrics), (colour, marker) in zip(names, runs, styles):
        style: dict[str, Any] = dict(color=colour, marker=marker, markersize=4)
        for axes, key in zip(panels, keys):
            if f"val_{key}" in metrics:
                axes.plot(_epochs(metrics), metrics[key], **style | dict(linestyle="--", linewidth=0.9, marker=""))
                every = -(-len(metrics["epoch"]) // MARKED)
                axes.plot(_epochs(metrics), metrics[f"val_{key}"], **style, markevery=every)
        handles.append(Line2D([], [], label=label if metrics else f"{label}: no epoch yet", **style))
    for axes, key in zip(panels, keys):
        _over_epochs(axes, key)
    panels[0].legend(handles=[Line2D([], [], color=GREY, label="validation"),
                              Line2D([], [], color=GREY, label="training", linestyle="--", linewidth=0.9)],
                     frameon=False)
    figure.legend(handles=handles, loc="outside lower center", ncols=2, frameon=False)
    return with_fonts(figure)


def measured(several: Iterable[dict[str, list[float]]]) -> tuple[str, ...]:
    """Return which of `MEASURES` the metrics of any run have; accuracy if none has epochs yet."""
    columns = {column for metrics in several for column in metrics}
    return tuple(key for key in MEASURES if f"val_{key}" in columns) or ("accuracy",)


def _epochs(metrics):
    return [int(epoch) + 1 for epoch in metrics["epoch"]]


def _over_epochs(axes, key):
    axes.set(xlabel="epoch", ylabel=MEASURES.get(key, key))
    axes.xaxis.set_major_locator(MaxNLocator(integer=True))
    axes.grid(alpha=0.4)
    axes.spines[["top", "right"]].set_visible(False)


def draw_confusion(matrix: np.ndarray, class_names: Sequence[str]) -> Figure:
    """Draw a confusion matrix (classes, classes) by true class (rows) and predicted class (columns).

    It has counts, integers, or shares of each true class, floats; a class without any has zeros, which aren't written.
    """
    from sklearn.metrics import ConfusionMatrixDisplay

    count = len(class_names)
    few = count <= LABELLED
    names: Any = lettered(class_names) if few else None
    side = 1.8 + 0.42 * count + 0.1 * max(map(columns, names)) if few else 8
    figure = Figure(figsize=(side, side), layout="constrained")
    axes = figure.subplots()
    display = ConfusionMatrixDisplay(matrix, display_labels=names)
    are_shares = matrix.dtype.kind == "f"
    display.plot(ax=axes, include_values=few, cmap="Blues", colorbar=False, xticks_rotation=90 if few else 0,
                 values_format=".2f" if are_shares else None)
    if are_shares and few:
        for text in display.text_[matrix.sum(1) == 0].ravel():
            text.set_text("")
    if not few:
        axes.set(xticks=[], yticks=[])
    axes.set(xlabel="predicted", ylabel="true")
    return with_fonts(figure)

"""Matplotlib figures of runs: curves, curves of several runs, confusion matrices."""

from collections.abc import Sequence
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


def draw_curves(metrics: dict[str, list[float]]) -> Figure:
    """Draw loss and accuracy, training and validation, over the epochs; the chosen epoch is marked."""
    figure = Figure(figsize=(9, 3.6), layout="constrained")
    epochs, best = _epochs(metrics), best_epoch(metrics)
    for axes, key in zip(figure.subplots(1, 2), ("loss", "accuracy")):
        for column, name, colour in ((key, "training", TRAINING), (f"val_{key}", "validation", VALIDATION)):
            axes.plot(epochs, metrics[column], color=colour, label=name, marker="o", markersize=3)
        axes.axvline(best, color=GREY, linestyle=":", label=f"chosen: epoch {best}")
        _over_epochs(axes, key)
        axes.legend(frameon=False)
    return figure


def draw_overlaid(runs: list[tuple[str, dict[str, list[float]]]]) -> Figure:
    """Draw loss and accuracy of several runs, each with a colour and a marker; `runs` are pairs (label, metrics)."""
    figure = Figure(figsize=(10, 4.4 + 0.12 * len(runs)), layout="constrained")
    both = figure.subplots(1, 2)
    handles, names = [], lettered(label for label, _ in runs)
    styles = zip(cycle((*COLOURS, rcParams["text.color"])), cycle(MARKERS))
    for label, (_, metrics), (colour, marker) in zip(names, runs, styles):
        style: dict[str, Any] = dict(color=colour, marker=marker, markersize=4)
        for axes, key in zip(both, ("loss", "accuracy")):
            if metrics:
                axes.plot(_epochs(metrics), metrics[key], **style | dict(linestyle="--", linewidth=0.9, marker=""))
                every = -(-len(metrics["epoch"]) // MARKED)
                axes.plot(_epochs(metrics), metrics[f"val_{key}"], **style, markevery=every)
        handles.append(Line2D([], [], label=label if metrics else f"{label}: no epoch yet", **style))
    for axes, key in zip(both, ("loss", "accuracy")):
        _over_epochs(axes, key)
    both[0].legend(handles=[Line2D([], [], color=GREY, label="validation"),
                            Line2D([], [], color=GREY, label="training", linestyle="--", linewidth=0.9)],
                   frameon=False)
    figure.legend(handles=handles, loc="outside lower center", ncols=2, frameon=False)
    return with_fonts(figure)


def _epochs(metrics):
    return [int(epoch) + 1 for epoch in metrics["epoch"]]


def _over_epochs(axes, key):
    axes.set(xlabel="epoch", ylabel=key)
    axes.xaxis.set_major_locator(MaxNLocator(integer=True))
    axes.grid(alpha=0.4)
    axes.spines[["top", "right"]].set_visible(False)


def draw_confusion(labels: np.ndarray, predictions: np.ndarray, class_names: Sequence[str]) -> Figure:
    """Draw the confusion matrix: counts of test images by true class (rows) and predicted class (columns)."""
    from sklearn.metrics import ConfusionMatrixDisplay, confusion_matrix

    count = len(class_names)
    matrix = confusion_matrix(labels, predictions, labels=range(count))
    few = count <= LABELLED
    names: Any = lettered(class_names) if few else None
    side = 1.8 + 0.42 * count + 0.1 * max(map(columns, names)) if few else 8
    figure = Figure(figsize=(side, side), layout="constrained")
    axes = figure.subplots()
    display = ConfusionMatrixDisplay(matrix, display_labels=names)
    display.plot(ax=axes, include_values=few, cmap="Blues", colorbar=False, xticks_rotation=90 if few else 0)
    if not few:
        axes.set(xticks=[], yticks=[])
    axes.set(xlabel="predicted", ylabel="true")
    return with_fonts(figure)

"""A finished run -> curves.png, confusion.png and report.html, one page that needs no other file."""

import csv
import io
from base64 import b64encode
from importlib.resources import files

from matplotlib import rc_context
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator

LABELLED = 20  # a confusion matrix of up to so many classes shows its numbers and names

# Okabe and Ito's colours, which colour-blind readers can tell apart.
TRAINING, VALIDATION = "#0072b2", "#d55e00"
DARK = {"text.color": "#e6e6e6", "axes.labelcolor": "#e6e6e6", "axes.edgecolor": "#8a8a8a", "xtick.color": "#e6e6e6",
        "ytick.color": "#e6e6e6", "axes.facecolor": "#16181d", "figure.facecolor": "#16181d",
        "savefig.facecolor": "#16181d", "grid.color": "#3a3d44"}  # fmt: skip


def write_report(run, dataset, predictions):
    """Draw and write what the metrics and the predicted test labels (N,) say into the run's folder."""
    metrics = read_metrics(run.metrics_path)
    drawings = {
        "curves": lambda: draw_curves(metrics),
        "confusion": lambda: draw_confusion(dataset.test.labels, predictions, dataset.class_names),
    }
    figures = {}
    for name, draw in drawings.items():
        light = _png(draw)
        (run.folder / f"{name}.png").write_bytes(light)
        figures[name] = {"light": _inline(light), "dark": _inline(_png(draw, DARK))}
    page = _page(run.config(), metrics, figures, _per_class(dataset, predictions))
    (run.folder / "report.html").write_text(page, encoding="utf-8")


def read_metrics(path):
    """Return metrics.csv as a dict of columns, a number an epoch."""
    with open(path, newline="") as file:
        rows = list(csv.DictReader(file))
    return {key: [float(row[key]) for row in rows] for key in rows[0]}


def draw_curves(metrics):
    """Loss and accuracy, training and validation, over the epochs; the chosen epoch is marked."""
    figure = Figure(figsize=(9, 3.6), layout="constrained")
    epochs = [int(epoch) + 1 for epoch in metrics["epoch"]]
    best = epochs[best_epoch(metrics)]
    for axes, key in zip(figure.subplots(1, 2), ("loss", "accuracy")):
        for column, name, colour in ((key, "training", TRAINING), (f"val_{key}", "validation", VALIDATION)):
            axes.plot(epochs, metrics[column], color=colour, label=name, marker="o", markersize=3)
        axes.axvline(best, color="#8a8a8a", linestyle=":", label=f"chosen: epoch {best}")
        axes.set(xlabel="epoch", ylabel=key)
        axes.xaxis.set_major_locator(MaxNLocator(integer=True))
        axes.grid(alpha=0.4)
        axes.spines[["top", "right"]].set_visible(False)
        axes.legend(frameon=False)
    return figure


def best_epoch(metrics):
    """Return the index of the epoch with the least validation loss: the one that the run keeps.

    (The accuracy on a small validation split has ties and lucky epochs; the loss tells them apart.)
    """
    losses = metrics["val_loss"]
    return losses.index(min(losses))


def draw_confusion(labels, predictions, class_names):
    """The test images of each class (rows) by predicted class (columns), counted."""
    from sklearn.metrics import ConfusionMatrixDisplay, confusion_matrix

    count = len(class_names)
    matrix = confusion_matrix(labels, predictions, labels=range(count))
    few = count <= LABELLED
    side = 2.2 + 0.42 * count if few else 8
    figure = Figure(figsize=(side, side), layout="constrained")
    axes = figure.subplots()
    display = ConfusionMatrixDisplay(matrix, display_labels=class_names if few else None)
    display.plot(ax=axes, include_values=few, cmap="Blues", colorbar=False, xticks_rotation=90 if few else 0)
    if not few:
        axes.set(xticks=[], yticks=[])
    axes.set(xlabel="predicted", ylabel="true")
    return figure


def _per_class(dataset, predictions):
    from sklearn.metrics import precision_recall_fscore_support

    labels = range(len(dataset.class_names))
    scores = precision_recall_fscore_support(dataset.test.labels, predictions, labels=labels, zero_division=0)
    return [
        {"name": name, "precision": p, "recall": r, "images": n}
        for name, p, r, _, n in zip(dataset.class_names, *scores)
    ]


def _png(draw, style=None):
    with rc_context(style or {}):
        buffer = io.BytesIO()
        draw().savefig(buffer, format="png", dpi=150)
    return buffer.getvalue()


def _inline(png):
    return f"data:image/png;base64,{b64encode(png).decode()}"


def _page(config, metrics, figures, classes):
    from jinja2 import Environment

    template = files("zoo.training").joinpath("report.html").read_text(encoding="utf-8")
    return Environment(autoescape=True).from_string(template).render(
        config=config, result=config["result"], figures=figures, classes=classes, best=best_epoch(metrics) + 1,
        best_accuracy=metrics["val_accuracy"][best_epoch(metrics)],
    )  # fmt: skip

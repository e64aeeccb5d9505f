"""Compare runs: what each is and has reached, the settings in which they differ, their curves in one figure."""

from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from zoo.annotations import StrPath
from zoo.errors import ZooError
from zoo.runs.folder import best_epoch, reading, started_run

# Kinds of settings, as config.json has them, and how the command line sets one.
SETTINGS = {"options": "--set {}", "recipe": "--{}", "data": "--{}"}
DATA = ("limit", "classes", "crop")  # the other keys of "data" say where the images lie

# A fact's key in the command's `--json`, its name in a table, and how its value is formatted there.
FACTS: dict[str, tuple[str, Callable[[Any], str]]] = {
    "model": ("model", str),
    "dataset": ("dataset", str),
    "input_shape": ("input", lambda shape: "x".join(map(str, shape))),
    "params": ("parameters", "{:,}".format),
    "macs": ("multiply-adds", "{:,}".format),
    "test_accuracy": ("test accuracy", "{:.4f}".format),
    "test_mean_iou": ("test mean IoU", "{:.4f}".format),
    "test_pixel_accuracy": ("test pixel accuracy", "{:.4f}".format),
    "test_dice": ("test Dice", "{:.4f}".format),
    "test_loss": ("test loss", "{:.4f}".format),
    "epochs": ("epochs", str),
    "best_epoch": ("chosen epoch", str),
    "val_accuracy": ("validation accuracy", "{:.4f}".format),
    "val_mean_iou": ("validation mean IoU", "{:.4f}".format),
    "seconds": ("seconds", "{:,.1f}".format),
    "images_per_second": ("images/s", "{:,.0f}".format),
}

# The measures of classifiers, and of nets that label pixels; only those that some of the compared runs has are shown.
OF_IMAGES = ("test_accuracy", "val_accuracy")
OF_PIXELS = ("test_mean_iou", "test_pixel_accuracy", "test_dice", "val_mean_iou")


@dataclass(frozen=True)
class Compared:
    """A run among others.

    `label` is unique among them, `facts` is an object of the command's `--json`, `metrics` holds metrics.csv's columns.
    """

    label: str
    facts: dict
    metrics: dict


def compare(folders: Sequence[StrPath]) -> list[Compared]:
    """Return a `Compared` for each run's folder, finished or not; results that a run doesn't have yet are None.

    The facts are "run", the keys of `FACTS`, and for each of `SETTINGS` a dict of those in which the runs differ.

    Raises:
        ZooError: for fewer than two runs, or a folder that is no run.
    """
    runs = list({run.folder.resolve(): run for run in map(started_run, folders)}.values())
    if len(runs) < 2:
        raise ZooError(f"Give two runs or more to compare; got {runs[0].folder if runs else 'none'}.")
    read = [_read(run) for run in runs]
    differing = _differing([settings for _, settings, _ in read])
    names = [run.folder.resolve().name for run in runs]
    labels = names if len(set(names)) == len(names) else [str(run.folder) for run in runs]
    return [
        Compared(label, facts | {
            kind: {key: settings[kind][key] for key in keys if key in settings[kind]}
            for kind, keys in differing.items()
        }, metrics) for label, (facts, settings, metrics) in zip(labels, read)
    ]


def _read(run):
    """Return a run's facts, its settings and its metrics."""
    job = run.job()
    with reading(run):
        metrics = run.metrics()
        facts = _facts(run, job, metrics)
        data = {key: job.source.get(key) for key in DATA} | {"weights": job.weights}
        settings = {"options": job.options, "recipe": asdict(job.recipe), "data": data}
    return facts, settings, metrics


def _facts(run, job, metrics):
    facts = dict.fromkeys(("run", *FACTS))
    facts |= {"run": str(run.folder), "model": job.name, "dataset": job.dataset, "params": job.params, "macs": job.macs}
    facts |= {"input_shape": job.preprocessing.input_shape, "epochs": 0}
    if metrics:
        epochs, best, seconds = len(metrics["epoch"]), best_epoch(metrics), sum(metrics["seconds"])
        facts |= {
            "epochs": epochs, "best_epoch": best, "seconds": round(seconds, 3),
            "images_per_second": round(job.images["train"] * epochs / seconds, 1),
        } | {key: round(metrics[key][best - 1], 6) for key in _measures(job) if key in metrics}
    if result := run.result():
        facts |= {key: getattr(result, key) for key in (*_measures(job), "test_loss") if key.startswith("test_")}
    return facts


def _measures(job):
    """Return the facts that tell how good a run's net is."""
    return OF_PIXELS if job.corner else OF_IMAGES


def _differing(settings):
    """Return, by kind of settings, the keys that not all runs have, or not with the same value."""
    differing = {}
    for kind in SETTINGS:
        kept = [one[kind] for one in settings]
        keys = dict.fromkeys(key for one in kept for key in one)
        differing[kind] = [key for key in keys if any(key not in one or one[key] != kept[0].get(key) for one in kept)]
    return differing


def table(runs: list[Compared]) -> list[tuple[str, ...]]:
    """Return the rows of the runs' table, tuples of text: the name of a fact or a setting, then each run's value."""
    lines = [
        (name, *("-" if run.facts[key] is None else write(run.facts[key]) for run in runs))
        for key, (name, write) in FACTS.items() if key not in _foreign(runs)
    ]
    for kind, flag in SETTINGS.items():
        for key in dict.fromkeys(key for run in runs for key in run.facts[kind]):
            name = flag.format(key if kind == "options" else key.replace("_", "-"))
            lines.append((name, *(_written(run.facts[kind][key]) if key in run.facts[kind] else "-" for run in runs)))
    return lines


def _foreign(runs):
    """Return the measures that no run has, of nets of another kind; classifiers' stay if none has any yet."""
    pixels, images = (
        any(run.facts[key] is not None for run in runs for key in keys) for keys in (OF_PIXELS, OF_IMAGES)
    )
    return (() if pixels else OF_PIXELS) + (OF_IMAGES if pixels and not images else ())


def _written(value):
    value = ",".join(map(str, value)) if isinstance(value, (list, tuple)) else value
    return "none" if value in (None, "") else str(value)


def write_comparison(runs: list[Compared], name: StrPath) -> tuple[Path, ...]:
    """Write `name`.png, the runs' curves, and `name`.html, a page that needs no other file; return their paths.

    A `ZooWarning` reports curves that can't be drawn.

    Raises:
        ZooError: if they can't be written, or `name` isn't a file's name.
    """
    if str(name)[-1:] in ("", "/"):
        raise ZooError(f"--output needs the name of a file, without its .png or .html; got {str(name)!r}.")
    from zoo.runs.figures import MEASURES, draw_overlaid, measured
    from zoo.runs.page import render, write_figure

    png, html = Path(f"{name}.png"), Path(f"{name}.html")
    minimized = [run.label for run in runs if run.metrics and "objective" not in run.metrics]
    try:
        html.touch()  # so that an unwritable path is reported as such, not as a figure that can't be drawn
        curves = write_figure(png, lambda: draw_overlaid([(run.label, run.metrics) for run in runs]))
        page = render(
            "compare.html", labels=[run.label for run in runs], lines=table(runs), curves=curves, minimized=minimized,
            measures=[MEASURES[key] for key in measured(run.metrics for run in runs)],
        )
        html.write_text(page, encoding="utf-8")
    except OSError as problem:
        raise ZooError(f"{name} can't be written: {problem.strerror}.") from None
    return (png, html) if curves else (html,)

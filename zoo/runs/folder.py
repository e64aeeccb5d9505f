"""A run's folder: which files it has, and how they are written and read."""

import csv
import io
import json
import re
import shlex
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any

from zoo.annotations import StrPath
from zoo.errors import ZooError, first_line
from zoo.runs.job import Job

LONGEST = 200  # bytes of a folder's name, at most, without its number; file systems allow 255


@dataclass(frozen=True)
class Run:
    """The folder `runs/<model>-<dataset>-<n>/` and the files in it, which are written in this order.

    config.json once all checks have passed (and again when the run is resumed); checkpoints/start.npz if the net
    starts from given weights; after each epoch checkpoints/best.npz if it is the best so far, metrics.csv, and
    checkpoints/epoch-<n>.npz, of which the last two are kept; at the end model.keras, the result in config.json,
    curves.png, confusion.png and report.html. If the loss becomes non-finite after an epoch, model.keras alone is left.
    `zoo export` writes saved_model/1.
    """

    folder: Path

    @property
    def config_path(self) -> Path:
        return self.folder / "config.json"

    @property
    def metrics_path(self) -> Path:
        return self.folder / "metrics.csv"

    @property
    def start_path(self) -> Path:
        return self.folder / "checkpoints" / "start.npz"

    @property
    def best_weights_path(self) -> Path:
        return self.folder / "checkpoints" / "best.npz"

    @property
    def model_path(self) -> Path:
        return self.folder / "model.keras"

    @property
    def report_path(self) -> Path:
        return self.folder / "report.html"

    @property
    def curves_path(self) -> Path:
        return self.folder / "curves.png"

    @property
    def confusion_path(self) -> Path:
        return self.folder / "confusion.png"

    @property
    def is_shown(self) -> bool:
        """Whether the report and the figures of a finished run all exist."""
        return all(path.exists() for path in (self.curves_path, self.confusion_path, self.report_path))

    @property
    def saved_model_path(self) -> Path:
        return self.folder / "saved_model" / "1"

    @property
    def tensorboard_path(self) -> Path:
        return self.folder / "tensorboard"

    @property
    def resuming(self) -> str:
        """The command that resumes the run."""
        return f"zoo train --resume {shlex.quote(str(self.folder))}"

    def checkpoint_path(self, epoch: int) -> Path:
        return self.folder / "checkpoints" / f"epoch-{epoch + 1:05}.npz"

    def checkpoints(self) -> list[Path]:
        """Return the files of `checkpoint_path` that exist, the newest first."""
        return sorted(self.folder.glob("checkpoints/epoch-*.npz"), reverse=True)

    def write_config(self, config: dict[str, Any]) -> None:
        """Write config.json atomically."""
        write_text(self.config_path, json.dumps(config, indent=2) + "\n")

    def write_metrics(self, history: list[dict[str, float]]) -> None:
        """Write metrics.csv, a row per epoch, atomically; a metric that an epoch lacks is an empty cell."""
        text = io.StringIO()
        metrics = dict.fromkeys(key for row in history for key in row)
        writer = csv.DictWriter(text, metrics, lineterminator="\n")
        writer.writeheader()
        writer.writerows(history)
        write_text(self.metrics_path, text.getvalue())

    def config(self) -> dict[str, Any]:
        return json.loads(self.config_path.read_text())

    def add_to_config(self, facts: dict[str, Any] | tuple[()] = (), **more: Any) -> None:
        """Add facts to config.json, which need not exist yet."""
        before = self.config() if self.config_path.exists() else {}
        self.write_config(before | dict(facts) | more)

    def job(self) -> Job:
        """Return the `Job` of the run. Raises `ZooError` if its config.json can't be read."""
        with reading(self):
            return Job.from_config(self.config())

    def result(self) -> "Result | None":
        """Return the `Result` of a finished run, None for another. Raises `ZooError` if it can't be read."""
        with reading(self):
            config = self.config()
            return Result(**config["result"]) if "result" in config else None

    def metrics(self) -> dict[str, list[float]]:
        """Return metrics.csv as a dict of columns, a number per epoch; {} before the first epoch has ended.

        A metric that an epoch lacks, since the run was begun by an older version, is NaN.
        """
        if not self.metrics_path.exists():
            return {}
        with open(self.metrics_path, newline="") as file:
            rows = list(csv.DictReader(file))
        return {key: [float(row[key] or "nan") for row in rows] for key in rows[0]}


@dataclass(frozen=True)
class Result:
    """The results of a finished run. A new field needs a default: runs of older versions lack it.

    Of a net that labels pixels, `test_accuracy` is None; of others, the three measures of masks are: the mean of the
    classes' intersection over union, the share of pixels that are right, the mean of the classes' Dice coefficients.
    """

    run: str
    model: str
    dataset: str
    test_loss: float
    epochs: int
    seconds: float
    images_per_second: float
    test_accuracy: float | None = None
    test_mean_iou: float | None = None
    test_pixel_accuracy: float | None = None
    test_dice: float | None = None

    def __str__(self) -> str:
        """The metrics, as commands tell them."""
        names = {"test_accuracy": "accuracy", "test_mean_iou": "mean IoU", "test_pixel_accuracy": "pixel accuracy",
                 "test_dice": "Dice", "test_loss": "loss"}
        found = {name: getattr(self, key) for key, name in names.items()}
        return ", ".join(f"{name} {value:.4f}" for name, value in found.items() if value is not None)

    def to_json(self) -> dict[str, Any]:
        """Return what commands print as `--json`, and config.json holds: the fields that aren't None, metrics first."""
        head = ("run", "model", "dataset")
        found = {item.name: getattr(self, item.name) for item in fields(self)}
        metrics = {key: value for key, value in found.items() if key.startswith("test_") and key != "test_loss"}
        ordered = {key: found[key] for key in head} | metrics | found
        return {key: value for key, value in ordered.items() if value is not None}


@contextmanager
def reading(run: Run) -> Iterator[None]:
    """Return a context in which errors in a run's files are raised as a `ZooError` with a message."""
    try:
        yield
    except KeyError as missing:
        raise ZooError(
            f"The run in {run.folder} can't be read: its config.json or metrics.csv has no {missing}."
        ) from None
    except (ValueError, IndexError, TypeError, OSError) as problem:
        raise ZooError(f"The run in {run.folder} can't be read: {first_line(problem)}") from None


def best_epoch(metrics: dict[str, list[float]]) -> int:
    """Return the epoch, counted from 1, with the lowest validation loss, whose weights a run keeps.

    (The accuracy on a small validation split has ties and lucky epochs; the loss is more reliable.)
    """
    losses = metrics["val_loss"]
    return losses.index(min(losses)) + 1


def write_text(path: Path, text: str) -> None:
    """Write a file atomically, as UTF-8."""
    partial = path.with_suffix(".partial")
    partial.write_text(text, encoding="utf-8", errors="surrogateescape")  # paths in it may not be UTF-8
    partial.replace(path)


def new_run(parent: StrPath, model: str, dataset: str) -> Run:
    """Make the folder of a new run, `<parent>/<model>-<dataset>-<n>`. Raises `ZooError` if it can't be made."""
    run = Run(new_folder(parent, f"{model}-{dataset}"))
    (run.folder / "checkpoints").mkdir()
    return run


def new_folder(parent: StrPath, name: str) -> Path:
    """Make the next free folder `<parent>/<name>-<n>`. Raises `ZooError` if it can't be made."""
    parent = Path(parent)
    stem = re.sub(r"[^\w.-]+", "-", name).encode()[:LONGEST].decode(errors="ignore")
    number = 1
    while True:
        folder = parent / f"{stem}-{number}"
        try:
            folder.mkdir(parents=True)
            return folder
        except FileExistsError:
            number += 1
        except OSError as problem:
            raise ZooError(f"No run folder can be made in {parent}: {problem.strerror}.") from None


def started_run(path: StrPath) -> Run:
    """Return the `Run` in a folder, finished or not. Raises `ZooError` for anything that isn't one."""
    run = Run(Path(path))
    if not run.folder.is_dir():
        if not run.folder.is_file():
            raise ZooError(f"There is no run folder {str(path)!r}.")
        is_inside_one = Run(run.folder.parent).config_path.is_file()
        near = f" Did you mean {str(run.folder.parent)!r}?" if is_inside_one else ""
        raise ZooError(f"{str(path)!r} is a file, no run folder.{near}")
    if not run.config_path.is_file():
        raise ZooError(f"{str(path)!r} is no run folder: it has no config.json.")
    return run


def find_run(path: StrPath) -> Run:
    """Return the `Run` in a folder if it has a model: it is finished, or its loss became non-finite after an epoch.

    Raises `ZooError` for anything else.
    """
    run = started_run(path)
    if not run.model_path.is_file():
        raise ZooError(f"The run in {path} wasn't finished: `{run.resuming}` goes on with it.")
    return run


def is_run(subject: StrPath) -> bool:
    """Return whether this is a run's folder, not a model's name; that has a slash only in a layout file's path."""
    file, _, _ = str(subject).partition(":")
    return Path(subject, "config.json").exists() or ("/" in file and not file.endswith(".py"))

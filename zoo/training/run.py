"""A run's folder: what lies where, and how a trained model comes back from it."""

import csv
import io
import json
import re
import shlex
import warnings
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from zoo.data.preprocessing import Preprocessing, plain
from zoo.errors import ZooError, ZooWarning, first_line
from zoo.plan import plan
from zoo.processor import prepare


LONGEST = 200  # bytes of a folder's name, but for its number; file systems take 255


@dataclass(frozen=True)
class Run:
    """The folder `runs/<model>-<dataset>-<n>/` and the files in it."""

    folder: Path

    @property
    def config_path(self):
        return self.folder / "config.json"

    @property
    def metrics_path(self):
        return self.folder / "metrics.csv"

    @property
    def best_weights_path(self):
        return self.folder / "checkpoints" / "best.npz"

    @property
    def model_path(self):
        return self.folder / "model.keras"

    @property
    def report_path(self):
        return self.folder / "report.html"

    @property
    def is_shown(self):
        """Whether the page and the pictures of a finished run are all there."""
        return all((self.folder / name).exists() for name in ("curves.png", "confusion.png", self.report_path.name))

    @property
    def saved_model_path(self):
        return self.folder / "saved_model" / "1"

    @property
    def tensorboard_path(self):
        return self.folder / "tensorboard"

    @property
    def resuming(self):
        """The command that goes on with the run."""
        return f"zoo train --resume {shlex.quote(str(self.folder))}"

    def checkpoint_path(self, epoch):
        return self.folder / "checkpoints" / f"epoch-{epoch + 1:05}.npz"

    def checkpoints(self):
        """Return the files of `checkpoint_path` that are there, the newest first."""
        return sorted(self.folder.glob("checkpoints/epoch-*.npz"), reverse=True)

    def write_config(self, config):
        """Write config.json, whole or not at all."""
        write_text(self.config_path, json.dumps(config, indent=2) + "\n")

    def write_metrics(self, history):
        """Write metrics.csv, a row an epoch, whole or not at all."""
        text = io.StringIO()
        writer = csv.DictWriter(text, history[0], lineterminator="\n")
        writer.writeheader()
        writer.writerows(history)
        write_text(self.metrics_path, text.getvalue())

    def config(self):
        return json.loads(self.config_path.read_text())

    def metrics(self):
        """Return metrics.csv as a dict of columns, a number an epoch; {} before the first epoch has ended."""
        if not self.metrics_path.exists():
            return {}
        with open(self.metrics_path, newline="") as file:
            rows = list(csv.DictReader(file))
        return {key: [float(row[key]) for row in rows] for key in rows[0]}


@contextmanager
def reading(run):
    """Return a context in which what is wrong with a run's files raises a `ZooError` that says so."""
    try:
        yield
    except KeyError as missing:
        raise ZooError(
            f"The run in {run.folder} can't be read: its config.json or metrics.csv has no {missing}."
        ) from None
    except (ValueError, IndexError, TypeError, OSError) as problem:
        raise ZooError(f"The run in {run.folder} can't be read: {first_line(problem)}") from None


def best_epoch(metrics):
    """Return the epoch, from 1, with the least validation loss: the one that a run keeps.

    (The accuracy on a small validation split has ties and lucky epochs; the loss tells them apart.)
    """
    losses = metrics["val_loss"]
    return losses.index(min(losses)) + 1


def write_text(path, text):
    """Write a file, whole or not at all."""
    partial = path.with_suffix(".partial")
    partial.write_text(text, encoding="utf-8", errors="surrogateescape")  # paths in it may be no UTF-8
    partial.replace(path)


def new_run(parent, model, dataset):
    """Make the folder of a new run, `<parent>/<model>-<dataset>-<n>`. Raises `ZooError` if it can't be made."""
    run = Run(new_folder(parent, f"{model}-{dataset}"))
    (run.folder / "checkpoints").mkdir()
    return run


def new_folder(parent, name):
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


def started_run(path):
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


def find_run(path):
    """Return the finished `Run` in a folder. Raises `ZooError` for anything that isn't one."""
    run = started_run(path)
    if not run.model_path.is_file():
        raise ZooError(f"The run in {path} wasn't finished: `{run.resuming}` goes on with it.")
    return run


@dataclass(frozen=True)
class Trained:
    """A model with all that raw images need to become named classes. `run` is None for a bare model."""

    model: Any
    preprocessing: Preprocessing
    class_names: tuple
    name: str
    run: Run | None = None

    def on_images(self, image_shape=(None, None, None)):
        """Return the Keras model from raw images (N, height, width, channels), 0..255, to probabilities."""
        import keras

        front = self.preprocessing.model(image_shape)
        return keras.Model(front.input, self.model(front.output), name=f"{self.name}_on_images")

    def in_float32(self):
        """Return the same with a model that computes in float32, whatever the precision it was trained in."""
        from zoo.inference import in_precision

        return replace(self, model=in_precision(self.model, "float32"))

    def folded(self):
        """Return the same with a model for inference alone, in which BatchNorm is a part of the layer before it."""
        from zoo.inference import fold

        return replace(self, model=fold(self.model))

    def classifier(self, image_shape=(None, None, None)):
        """Return the function from raw images (N, height, width, channels), 0..255, to (N, classes) float32."""
        from zoo.inference import compiled

        return compiled(self.folded().on_images(image_shape))


def load_trained(subject, weights=None, options=None, check=None):
    """Return the `Trained` of a run's folder, or of a model by name with the weights of a file.

    `options` are the model's overrides. `check` is a pair of .npy files, what the original net was given and its
    outputs: see `zoo.weights.check_outputs`.

    Raises `ZooError` if `subject` is neither, for a run with any of the others, and if the outputs differ.
    """
    prepare()
    if is_run(subject):
        for flag, given, what in (("--weights", weights, "has weights of its own"),
                                  ("--set", options, "keeps the network that it trained"),
                                  ("--check", check, "keeps the weights that it trained")):  # fmt: skip
            if given:
                raise ZooError(f"{subject} is a run, which {what}; {flag} is for a model by name.")
        return _load_run(find_run(subject))
    if check and not weights:
        raise ZooError("--check compares a model with the net that its weights come from: it needs --weights.")

    import zoo

    options = options or {}
    planned = plan(subject, **options)
    front = plain(planned.entry, planned.trace.input_shape)
    names = tuple(str(i) for i in range(planned.trace.output_shape[-1]))
    model = zoo.create(subject, weights=weights, **options)
    if weights:
        black, white = planned.entry.pixel_range or (0, 1)
        warnings.warn(
            f"{planned.name} gets images with {black:g} for black and {white:g} for white; weights that were trained "
            "with other values answer worse.",
            ZooWarning, stacklevel=3,
        )  # fmt: skip
    if check:
        from zoo.weights import check_files

        check_files(model, *check)
    return Trained(model, front, names, planned.name)


def is_run(subject):
    """Tell a run's folder from a model's name: a name has no slash, unless it lies in a file of layouts."""
    file, _, _ = str(subject).partition(":")
    return Path(subject, "config.json").exists() or ("/" in file and not file.endswith(".py"))


def _load_run(run):
    import keras

    import zoo.layers  # noqa: F401  (Keras finds the papers' own layers once they are registered)

    with reading(run):
        config = run.config()
        front = Preprocessing.from_config(config["preprocessing"])
        model = keras.models.load_model(run.model_path, compile=False)
        return Trained(model, front, tuple(config["class_names"]), config["model"], run)

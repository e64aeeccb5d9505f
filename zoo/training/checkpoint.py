"""Checkpoints, a file per epoch, with the whole state of training: weights, optimizer, random seeds, metrics so far."""

import json
import os
import time
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any, NamedTuple
from zipfile import ZipFile

import keras
import numpy as np

from zoo.errors import ZooError
from zoo.recipes.recipe import Recipe, is_over
from zoo.runs.folder import Run

KEPT = 2  # if the newest is damaged, training resumes from the one before


class NonFiniteLoss(ZooError):
    """A loss is no longer finite."""


class Checkpoint(keras.callbacks.Callback):
    """Write a checkpoint and metrics.csv into a run's folder after each epoch; stop training when the run is over.

    `history` holds a dict of metrics per epoch, `steps` is the number of steps per epoch; training stops before the
    epoch `end`, too. A checkpoint is written
    completely or not at all; each array in it has a checksum (a .npz is a zip file); only the last `KEPT` are kept.
    Without a run (in a worker that isn't the chief), nothing is written. Raises `NonFiniteLoss` for a non-finite loss.
    """

    def __init__(self, run: Run | None, recipe: Recipe, history: list[dict[str, float]], steps: int, end: int) -> None:
        super().__init__()
        self.run, self.recipe, self.history, self.steps, self.end = run, recipe, history, steps, end

    def on_epoch_begin(self, epoch: int, logs: Any = None) -> None:
        self.start = time.perf_counter()

    def on_train_batch_end(self, batch: int, logs: Any = None) -> None:
        if not np.isfinite(logs["objective" if self.model.reports_plain_loss else "loss"]):
            before = len(self.history) * self.steps
            raise self._non_finite("loss", f"at step {int(np.asarray(self.model.sound_steps)) - before + 1}")

    def _non_finite(self, what, when):
        return NonFiniteLoss(
            f"The {what} stopped being a number in epoch {len(self.history) + 1}, {when} of {self.steps}; try a "
            f"lower learning rate than {self.recipe.learning_rate:g}, or {self._clipping()}."
            + (f" The best epoch until then is {self.run.model_path}." if self.run and self.history else "")
        )

    def _clipping(self):
        return f"a --clip below {self.recipe.clip:g}" if self.recipe.clip else "--clip"

    def on_epoch_end(self, epoch: int, logs: Any = None) -> None:
        if not np.isfinite(logs["val_loss"]):  # before such weights are saved
            raise self._non_finite("validation loss", f"after step {self.steps}")
        figures = {key: float(value) for key, value in logs.items()}
        self.history.append({"epoch": epoch, **figures, "seconds": round(time.perf_counter() - self.start, 3)})
        if self.run:
            self._save(epoch)
        self.model.stop_training = len(self.history) >= self.end or is_over(self.recipe, self.history)

    def _save(self, epoch):
        self.run.write_metrics(self.history)
        write_arrays(self.run.checkpoint_path(epoch), state(self.model), history=json.dumps(self.history))
        for old in self.run.checkpoints()[KEPT:]:
            old.unlink()


class Best(keras.callbacks.Callback):
    """Write the weights after each epoch whose validation loss is the lowest so far, in `history` too.

    (Keras's ModelCheckpoint writes HDF5, which crashes with a segmentation fault if the disk is full.)
    """

    def __init__(self, run: Run, history: list[dict[str, float]]) -> None:
        super().__init__()
        self.run, self.least = run, min((row["val_loss"] for row in history), default=np.inf)

    def on_epoch_end(self, epoch: int, logs: Any = None) -> None:
        if logs["val_loss"] < self.least:
            self.least, frozen = logs["val_loss"], self.model.frozen
            weights = without_frozen(self.model.weights, frozen)
            write_arrays(self.run.best_weights_path, weights, frozen=json.dumps(frozen))


def restore_best(run: Run, model: Any) -> None:
    """Load the weights that `Best` wrote into a classifier whose frozen layers have those of the run's start.

    Raises `ZooError` if the file is damaged or missing.
    """
    path = run.best_weights_path
    try:
        values, others = read_arrays(path)
    except Damaged:
        raise ZooError(
            f"{path}, the weights of the best epoch, is damaged or missing. Delete the files in {path.parent}, and "
            f"`{run.resuming}` begins anew."
        ) from None
    frozen = json.loads(str(others.get("frozen", "[]")))
    for variable, value in zip(without_frozen(model.weights, frozen), values, strict=True):
        variable.assign(value)


def write_arrays(path: Path, variables: list[Any], **others: Any) -> None:
    """Write variables, in order, and other arrays, by name, to a .npz file: completely or not at all."""
    numbered: dict[str, Any] = {f"{i:05}": np.asarray(variable) for i, variable in enumerate(variables)}
    partial = path.with_suffix(".partial")
    try:
        with open(partial, "wb") as file:
            np.savez(file, **numbered, **others, count=len(numbered))
            file.flush()
            os.fsync(file.fileno())
    except OSError:
        partial.unlink(missing_ok=True)
        raise
    partial.replace(path)


class Damaged(Exception):
    """A file of `write_arrays` is missing, or isn't as it was written."""


def read_arrays(path: Path) -> tuple[list[np.ndarray], dict[str, np.ndarray]]:
    """Return what `write_arrays` wrote: the variables, and a dict of the other arrays. Raises `Damaged`."""
    try:
        with ZipFile(path) as file:
            if file.testzip():  # np.load checks no checksum of an array that a damaged header makes shorter
                raise Damaged
        with np.load(path) as file:
            arrays = {key: file[key] for key in file.files}
        return [arrays.pop(f"{i:05}") for i in range(arrays.pop("count"))], arrays
    except Exception as problem:  # a wrong byte can raise anything, from TokenError to NotImplementedError
        raise Damaged from problem


def without_frozen(variables: Iterable[keras.Variable], frozen: Iterable[str]) -> list[keras.Variable]:
    """Return the variables that aren't weights of the `frozen` layers: a variable's path begins with its layer's name.

    The others keep the weights of the start, which a run's start.npz holds.
    """
    names = set(frozen)
    return [variable for variable in variables if variable.path.partition("/")[0] not in names]


def state(model: Any) -> list[keras.Variable]:
    """Return a classifier's variables that training changes, except the metrics', which are reset in each epoch.

    The non-trainable variables include the states of the seed generators of augmentation and dropout, which
    `model.weights` lacks. The order depends on which layers are trainable.
    """
    others = without_frozen(model.non_trainable_variables, model.frozen)
    return [*model.trainable_variables, *others, *model.optimizer.variables]


class Saved(NamedTuple):
    """A checkpoint: its file, the values of `state`, and the history, a dict of metrics per epoch."""

    path: Path
    values: list[np.ndarray]
    history: list[dict[str, float]]


def newest(run: Run, log: Callable[[str], None]) -> Saved | None:
    """Return a run's newest readable checkpoint, or None."""
    for path in run.checkpoints():
        try:
            values, others = read_arrays(path)
            return Saved(path, values, json.loads(str(others["history"])))
        except (Damaged, KeyError):
            log(f"{path} is damaged; going on from the one before, if there is one.")
    return None


def restore(saved: Saved, model: Any, log: Callable[[str], None]) -> None:
    """Restore a classifier, with the same layers frozen as in the checkpoint's last epoch.

    A run of an older version, whose "loss" is the minimized one, goes on with that: the best epoch can only be chosen
    among losses of the same kind. Raises `ZooError` if the checkpoint's shapes aren't the model's.
    """
    variables = state(model)
    if [value.shape for value in saved.values] != [tuple(variable.shape) for variable in variables]:
        raise ZooError(f"{saved.path} isn't a checkpoint of {model.name}: was its layout changed?")
    for variable, value in zip(variables, saved.values):
        variable.assign(value)
    model.reports_plain_loss = not saved.history or "objective" in saved.history[0]
    if not model.reports_plain_loss:
        log(
            "The losses of this run stay what it minimizes, label smoothing included, as it began; its test loss "
            "is the plain cross-entropy."
        )


def write_start(run: Run, start: list[np.ndarray]) -> None:
    """Write the weights that a net starts from into the run, for resuming it without the file that they came from."""
    write_arrays(run.start_path, start)


def read_start(run: Run) -> list[np.ndarray]:
    """Return the weights that `write_start` wrote. Raises `ZooError` if the file is damaged or missing."""
    try:
        return read_arrays(run.start_path)[0]
    except Damaged:
        raise ZooError(
            f"{run.start_path}, the weights that the run started from, is damaged or missing; it has to be begun anew."
        ) from None

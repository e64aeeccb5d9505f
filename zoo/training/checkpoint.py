"""All that the rest of a run depends on, in a file an epoch: weights, optimizer, random seeds, the figures so far."""

import json
import os
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any
from zipfile import ZipFile

import keras
import numpy as np

from zoo.errors import ZooError
from zoo.recipes.recipe import Recipe, is_over
from zoo.runs.folder import Run

KEPT = 2  # if the newest is damaged, the one before it goes on


class NoNumber(ZooError):
    """A loss isn't finite any more."""


class Checkpoint(keras.callbacks.Callback):
    """Write the state of training and metrics.csv into a run's folder after each epoch; end it when it is over.

    `history` is a dict of figures an epoch, `steps` how many steps one has. A file is complete under its name or isn't
    there; each array in it has a checksum (a .npz is a zip file); older ones than the last `KEPT` are deleted. Without
    a run (in a worker that isn't the chief), nothing is written.
    """

    def __init__(self, run: Run | None, recipe: Recipe, history: list[dict[str, float]], steps: int) -> None:
        super().__init__()
        self.run, self.recipe, self.history, self.steps = run, recipe, history, steps

    def on_epoch_begin(self, epoch: int, logs: Any = None) -> None:
        self.start = time.perf_counter()

    def on_train_batch_end(self, batch: int, logs: Any = None) -> None:
        if not np.isfinite(logs["objective" if self.model.plain else "loss"]):
            before = len(self.history) * self.steps
            raise self._no_number("loss", f"at step {int(np.asarray(self.model.sound_steps)) - before + 1}")

    def _no_number(self, what, when):
        return NoNumber(
            f"The {what} stopped being a number in epoch {len(self.history) + 1}, {when} of {self.steps}; try a "
            f"lower learning rate than {self.recipe.learning_rate:g}, or {self._clipping()}."
            + (f" The best epoch until then is {self.run.model_path}." if self.run and self.history else "")
        )

    def _clipping(self):
        return f"a --clip below {self.recipe.clip:g}" if self.recipe.clip else "--clip"

    def on_epoch_end(self, epoch: int, logs: Any = None) -> None:
        if not np.isfinite(logs["val_loss"]):  # before what led to it is kept
            raise self._no_number("validation loss", f"after step {self.steps}")
        figures = {key: float(value) for key, value in logs.items()}
        self.history.append({"epoch": epoch, **figures, "seconds": round(time.perf_counter() - self.start, 3)})
        if self.run:
            self._save(epoch)
        self.model.stop_training = is_over(self.recipe, self.history)

    def _save(self, epoch):
        self.run.write_metrics(self.history)
        write_arrays(self.run.checkpoint_path(epoch), state(self.model), history=json.dumps(self.history))
        for old in self.run.checkpoints()[KEPT:]:
            old.unlink()


class Best(keras.callbacks.Callback):
    """Write the weights of each epoch that is better on validation than those before, in `history` too.

    (Keras's ModelCheckpoint writes by HDF5, which ends the process by a segmentation fault if the disk is full.)
    """

    def __init__(self, run: Run, history: list[dict[str, float]]) -> None:
        super().__init__()
        self.run, self.least = run, min((row["val_loss"] for row in history), default=np.inf)

    def on_epoch_end(self, epoch: int, logs: Any = None) -> None:
        if logs["val_loss"] < self.least:
            self.least = logs["val_loss"]
            write_arrays(self.run.best_weights_path, self.model.weights)


def restore_best(run: Run, model: keras.Model) -> None:
    """Set the weights of the model to what `Best` has written. Raises `ZooError` if that is damaged."""
    path = run.best_weights_path
    try:
        weights, _ = read_arrays(path)
    except Damaged:
        raise ZooError(
            f"{path}, the weights of the best epoch, is damaged or missing. Delete the files in {path.parent}, and "
            f"`{run.resuming}` begins anew."
        ) from None
    model.set_weights(weights)


def write_arrays(path: Path, variables: list[Any], **others: Any) -> None:
    """Write variables, in their order, and other arrays by name, into a .npz, whole or not at all."""
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
    """A file that `write_arrays` wrote isn't there, or isn't as it was."""


def read_arrays(path: Path) -> tuple[list[np.ndarray], dict[str, np.ndarray]]:
    """Return what `write_arrays` wrote: the variables, and a dict of the others. Raises `Damaged` if it isn't whole."""
    try:
        with ZipFile(path) as file:
            if file.testzip():  # np.load compares no checksum of an array that it takes for a shorter one
                raise Damaged
        with np.load(path) as file:
            arrays = {key: file[key] for key in file.files}
        return [arrays.pop(f"{i:05}") for i in range(arrays.pop("count"))], arrays
    except Exception as problem:  # a byte in the wrong place shows in many ways, from TokenError to NotImplementedError
        raise Damaged from problem


def state(model: keras.Model) -> list[keras.Variable]:
    """Return the variables that training changes, but for the metrics', which start anew each epoch."""
    return [*model.trainable_variables, *model.non_trainable_variables, *model.optimizer.variables]


def restore(run: Run, model: keras.Model, say: Callable[[str], None]) -> list[dict[str, float]]:
    """Set the model to the last checkpoint of a run that can be read; return its history, [] if there is none.

    A run whose epochs were measured by the loss that it minimizes, as all once were, goes on so: a loss among others
    of another kind would choose the wrong epoch.
    """
    for path in run.checkpoints():
        try:
            values, others = read_arrays(path)
            history = json.loads(str(others["history"]))
        except (Damaged, KeyError):
            say(f"{path} is damaged; going on from the one before, if there is one.")
            continue
        variables = state(model)
        if [value.shape for value in values] != [tuple(variable.shape) for variable in variables]:
            raise ZooError(f"{path} isn't a checkpoint of {model.name}: was its layout changed?")
        for variable, value in zip(variables, values):
            variable.assign(value)
        model.plain = not history or "objective" in history[0]
        if not model.plain:
            say(
                "The losses of this run stay what it minimizes, label smoothing included, as it began; its test loss "
                "is the plain cross-entropy."
            )
        return history
    return []

"""All that the rest of a run depends on, in a file an epoch: weights, optimizer, random seeds, the figures so far."""

import json
import os
import time
import zipfile

import keras
import numpy as np

from zoo.errors import ZooError
from zoo.training.recipe import is_over

KEPT = 2  # if the newest is damaged, the one before it goes on


class Checkpoint(keras.callbacks.Callback):
    """Write the state of training and metrics.csv into a run's folder after each epoch; end it when it is over.

    `history` is a dict of figures an epoch, `steps` how many steps one has. A file is complete under its name or isn't
    there; each array in it has a checksum (a .npz is a zip file); older ones than the last `KEPT` are deleted. Without
    a run (in a worker that isn't the chief), nothing is written.
    """

    def __init__(self, run, recipe, history, steps):
        super().__init__()
        self.run, self.recipe, self.history, self.steps = run, recipe, history, steps

    def on_epoch_begin(self, epoch, logs=None):
        self.start = time.perf_counter()

    def on_train_batch_end(self, batch, logs=None):
        if not np.isfinite(logs["loss"]):
            raise ZooError(
                f"The loss stopped being a number in epoch {len(self.history) + 1}, {self._steps_of(batch)} of "
                f"{self.steps}; try a lower learning rate than {self.recipe.learning_rate:g}, or --clip."
                + (f" What was trained until then is in {self.run.folder}." if self.run else "")
            )

    def _steps_of(self, block):
        size = self.steps // self.params["steps"]
        last = (block + 1) * size
        return f"at step {last}" if size == 1 else f"between steps {last - size + 1} and {last}"

    def on_epoch_end(self, epoch, logs=None):
        figures = {key: float(value) for key, value in logs.items()}
        self.history.append({"epoch": epoch, **figures, "seconds": round(time.perf_counter() - self.start, 3)})
        if self.run:
            self._save(epoch)
        self.model.stop_training = is_over(self.recipe, self.history)

    def _save(self, epoch):
        self.run.write_metrics(self.history)
        _write(self.run.checkpoint_path(epoch), state(self.model), history=json.dumps(self.history))
        for old in self.run.checkpoints()[KEPT:]:
            old.unlink()


class Best(keras.callbacks.Callback):
    """Write the weights of each epoch that is better on validation than those before, in `history` too.

    (Keras's ModelCheckpoint writes by HDF5, which ends the process by a segmentation fault if the disk is full.)
    """

    def __init__(self, run, history):
        super().__init__()
        self.run, self.least = run, min((row["val_loss"] for row in history), default=np.inf)

    def on_epoch_end(self, epoch, logs=None):
        if logs["val_loss"] < self.least:
            self.least = logs["val_loss"]
            _write(self.run.best_weights_path, self.model.weights)


def restore_best(run, model):
    """Set the weights of the model to what `Best` has written."""
    with np.load(run.best_weights_path) as file:
        model.set_weights([file[key] for key in sorted(file.files)])


def _write(path, variables, **others):
    """Write variables, in their order, into a .npz, whole or not at all."""
    partial = path.with_suffix(".partial")
    try:
        with open(partial, "wb") as file:
            np.savez(file, **{f"{i:05}": np.asarray(variable) for i, variable in enumerate(variables)}, **others)
            file.flush()
            os.fsync(file.fileno())
    except OSError:
        partial.unlink(missing_ok=True)
        raise
    partial.replace(path)


def state(model):
    """Return the variables that training changes, but for the metrics', which start anew each epoch."""
    return [*model.trainable_variables, *model.non_trainable_variables, *model.optimizer.variables]


def restore(run, model, say):
    """Set the model to the last checkpoint of a run that can be read; return its history, [] if there is none."""
    for path in run.checkpoints():
        try:
            with np.load(path) as file:
                history = json.loads(str(file["history"]))
                values = [file[f"{i:05}"] for i in range(len(file.files) - 1)]
        except (OSError, ValueError, KeyError, EOFError, zipfile.BadZipFile):
            say(f"{path} is damaged; going on from the one before.")
            continue
        variables = state(model)
        if [value.shape for value in values] != [tuple(variable.shape) for variable in variables]:
            raise ZooError(f"{path} isn't a checkpoint of {model.name}: was its layout changed?")
        for variable, value in zip(variables, values):
            variable.assign(value)
        return history
    return []

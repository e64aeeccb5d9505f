"""A training that breaks off on its way, and the weights that one leaves at its end."""

from contextlib import contextmanager

import keras
import pytest

from zoo.runs.folder import find_run
from zoo.training.checkpoint import Checkpoint


class Stopped(Exception):
    """Ends a training from within."""


@contextmanager
def broken_off(after):
    """A context in which a training breaks off in the epoch that follows the first `after` ones."""

    def stop(self, batch, logs=None):
        if len(self.history) == after:
            raise Stopped

    with pytest.MonkeyPatch.context() as patch, pytest.raises(Stopped):
        patch.setattr(Checkpoint, "on_train_batch_end", stop)
        yield


def weights_of(run):
    return keras.models.load_model(find_run(run).model_path).get_weights()

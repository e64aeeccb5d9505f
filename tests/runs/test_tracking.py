"""A run's figures in TensorBoard, MLflow and W&B, read back from what these have written; none needs a network."""

import keras
import pytest
from broken_off import broken_off

from zoo import ZooError, ZooWarning
from zoo.runs import tracking
from zoo.runs.folder import find_run
from zoo.runs.tracking import TRACKERS
from zoo.training import train as training

OPTIONS = dict(epochs=2, verbose=0, log=str)


def stopped_and_resumed(runs, tracker):
    """Train an epoch, stop, go on to the second; return the run."""

    with broken_off(after=1):
        training.train("lenet1", runs=runs, trackers=[tracker], **OPTIONS)
    return find_run(training.resume(runs / "lenet1-digits-1", verbose=0, log=str).run)


def test_tensorboard_reads_every_epochs_figures(tmp_path):
    from tensorflow.compat.v1.train import summary_iterator

    run = training.train("lenet1", trackers=["tensorboard"], runs=tmp_path, **OPTIONS).run
    (file,) = find_run(run).tensorboard_path.glob("validation/*")
    steps = [event.step for event in summary_iterator(str(file)) for value in event.summary.value
             if value.tag == "epoch_loss"]
    assert steps == [0, 1]


def test_mlflow_has_one_run_for_a_run_that_was_stopped(tmp_path, monkeypatch):
    mlflow = pytest.importorskip("mlflow")
    monkeypatch.chdir(tmp_path)  # where it puts the model's summary
    mlflow.set_tracking_uri(f"sqlite:///{tmp_path}/mlflow.db")
    run = stopped_and_resumed(tmp_path / "runs", "mlflow")
    client = mlflow.MlflowClient()
    (theirs,) = client.search_runs(["0"])
    assert (theirs.info.run_name, theirs.info.status) == (run.folder.name, "FINISHED")
    assert theirs.data.params["learning_rate"] == "0.003" and theirs.data.params["model"] == "lenet1"
    losses = sorted((figure.step, figure.value) for figure in client.get_metric_history(theirs.info.run_id, "val_loss"))
    assert losses == [(i, pytest.approx(loss, rel=1e-5)) for i, loss in enumerate(run.metrics()["val_loss"])]


def test_wandb_is_told_of_every_epoch_offline(tmp_path, monkeypatch):
    pytest.importorskip("wandb")
    monkeypatch.setenv("WANDB_MODE", "offline")
    run = stopped_and_resumed(tmp_path, "wandb")
    logs = sorted(run.folder.glob("wandb/offline-run-*/*.wandb"))
    assert len(logs) == 2 and all(run.config()["wandb_run"] in log.name and log.stat().st_size for log in logs)


class Failing(keras.callbacks.Callback):
    """It fails once, where it is told to, and counts what it is asked for afterwards."""

    def __init__(self, where):
        super().__init__()
        self.asked = []

        def fail(*given, **named):
            self.asked.append(where)
            raise ConnectionError("The server is away.\nRetry")

        setattr(self, where, fail)

    def on_epoch_end(self, epoch, logs=None):
        self.asked.append("on_epoch_end")


def test_a_tracker_whose_methods_call_each_other_misses_none():
    """As Keras's own do: on_train_batch_end calls on_batch_end."""
    seen = []

    class Counting(keras.callbacks.Callback):
        def on_batch_end(self, batch, logs=None):
            seen.append(batch)

    callback = tracking._spared("mlflow", Counting())
    callback.on_train_batch_end(0)
    callback.on_train_batch_end(1)
    assert seen == [0, 1]


@pytest.mark.parametrize("where", ["set_model", "on_train_begin", "on_train_batch_end", "on_epoch_end", "on_train_end"])
def test_a_tracker_that_fails_costs_a_sentence_and_is_asked_no_more(tmp_path, monkeypatch, where):
    failing = Failing(where)
    monkeypatch.setitem(TRACKERS, "mlflow", lambda *_: failing)
    monkeypatch.setattr("zoo.runs.tracking.find_spec", lambda name: True)
    sentence = "The record of this run that --mlflow asks for can't be made: The server is away."
    with pytest.warns(ZooWarning) as told:
        result = training.train("lenet1", trackers=["mlflow"], runs=tmp_path, limit=40, **OPTIONS)
    assert [str(one.message) for one in told if one.category is ZooWarning] == [sentence]
    assert result.epochs == 2 and find_run(result.run)
    assert failing.asked == (["on_epoch_end"] * 2 if where == "on_train_end" else []) + [where]


def test_a_tracker_that_can_not_begin_or_end_costs_a_sentence(tmp_path, monkeypatch):
    def away(run, job, opened):
        raise ConnectionError("No such host.")

    def open_ended(run, job, opened):
        opened.callback(away, run, job, opened)
        return keras.callbacks.Callback()

    monkeypatch.setattr("zoo.runs.tracking.find_spec", lambda name: True)
    monkeypatch.setitem(TRACKERS, "mlflow", away)
    monkeypatch.setitem(TRACKERS, "wandb", open_ended)
    with pytest.warns(ZooWarning) as told:
        training.train("lenet1", trackers=["mlflow", "wandb"], runs=tmp_path, limit=40, **OPTIONS)
    assert [str(one.message) for one in told if one.category is ZooWarning] == [
        "The record of this run that --mlflow asks for can't be made: No such host.",
        "The end of a tracker's record of this run can't be made: No such host.",
    ]


@pytest.mark.parametrize("tracker", TRACKERS)
def test_without_its_package_nothing_is_begun(tmp_path, monkeypatch, tracker):
    monkeypatch.setattr("zoo.runs.tracking.find_spec", lambda name: None)
    with pytest.raises(ZooError, match=f"--{tracker} needs a package that isn't installed: pip install {tracker}"):
        training.train("lenet1", trackers=[tracker], runs=tmp_path / "runs")
    assert not (tmp_path / "runs").exists()

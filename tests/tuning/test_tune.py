"""The search: what it draws from, how trials end, and that a search that was stopped goes on as if it never was."""

import csv
import json
import shlex
import shutil
from math import log
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
from click.testing import CliRunner
from matplotlib.figure import Figure
from optuna.distributions import CategoricalDistribution, FloatDistribution, IntDistribution

from zoo import ZooError, ZooWarning
from zoo.cli import main
from zoo.data.dataset import Dataset, Split
from zoo.registry import entry
from zoo.runs.folder import new_run
from zoo.training import train as training
from zoo.training.checkpoint import Checkpoint
from zoo.tuning import tune as tuning
from zoo.tuning.space import as_arguments, read_space
from zoo.tuning.tune import resume, tune

OVER = {"learning_rate": "1e-4..1e-2:log", "optimizer": "adam,sgd", "set.width": "0.25..1"}


def space_of(**over):
    over = {name.replace("set_", "set."): text for name, text in over.items()}
    return read_space(over, "val_accuracy", {"model": "lenet1"}, entry("lenet1"))


def test_ranges_and_choices_are_of_the_fields_own_kind():
    space = space_of(
        learning_rate="1e-4..1e-2:log", momentum="0..0.9", epochs="2..8", batch_size="none,32", balance="true,false",
        augment="none,flip+crop", set_width="0.5..2", set_stride="1..2", set_norm="none,batch",
    )
    assert space == {
        "learning_rate": FloatDistribution(1e-4, 1e-2, log=True), "momentum": FloatDistribution(0.0, 0.9),
        "epochs": IntDistribution(2, 8), "batch_size": CategoricalDistribution((None, 32)),
        "balance": CategoricalDistribution((True, False)), "augment": CategoricalDistribution(("none", "flip+crop")),
        "set.width": FloatDistribution(0.5, 2.0), "set.stride": IntDistribution(1, 2),
        "set.norm": CategoricalDistribution((None, "batch")),
    }


def test_drawn_values_become_the_arguments_of_train():
    drawn = {"augment": "flip+crop", "epochs": 3, "clip": None, "balance": False, "set.width": 0.5, "set.norm": None}
    assert as_arguments(drawn) == {"augment": ("flip", "crop"), "epochs": 3, "clip": "none", "balance": False,
                                   "options": {"width": 0.5, "norm": None}}
    assert as_arguments({"augment": "none"})["augment"] == ()


@pytest.mark.parametrize(
    "arguments, sentence",
    [
        ("", "There is nothing to search"),
        ("--over learning_rat=1..2", "Did you mean learning_rate?"),
        ("--over width=1,2", "Did you mean set.width?"),
        ("--over set.classes=3,4", "--over takes no 'set.classes'"),
        ("--over epochs", "'epochs' isn't of the form key=value"),
        ("--over learning_rate=1e-2..1e-4", "--over learning_rate: '1e-2..1e-4' must go from a smaller number to"),
        ("--over momentum=0..0.9:log", "must go from a smaller number, above 0, to a larger one"),
        ("--over epochs=1..3:lin", "the only one is :log"),
        ("--over learning_rate=1..inf", "learning rate must be a finite number; got inf"),
        ("--over set.width=1..1e999", "--over set.width: "),
        ("--over optimizer=adam..sgd", "list the choices with commas"),
        ("--over optimizer=adam", "'adam' is a single value"),
        ("--over optimizer=adam,sdg", "Did you mean sgd"),
        ("--over batch_size=32..x", "'x' is no value for batch_size"),
        ("--over epochs=1.5,2", "'1.5' is no value for epochs"),
        ("--over momentum=0.5..1", "momentum must be less than 1"),
        ("--over augment=none,flip+crp", "Did you mean crop"),
        ("--over set.padding=same,-1", "--over set.padding: Conv: padding must be"),
        ("--over set.activation=[],relu", "[] is no single value"),
        ("--over label_smoothing=0..0.2", "add --metric val_accuracy"),
        ("--over learning_rate=1,2 --over learning_rate=3,4", "learning_rate is given twice"),
        ("--over learning_rate=1e-4..1e-2 --learning-rate 1", "either set or searched"),
        ("--over set.width=1,2 --set width=1", "either set or searched"),
        ("--over epochs=1..3 --trials 0", "trials must be at least 1; got 0"),
        ("--over epochs=1..3 --metric accuracy", "There is no metric 'accuracy'"),
        ("--over epochs=1..3 --metric val_mean_iou", "lenet5 is trained without val_mean_iou: for it, the metric is "
                                                     "one of val_loss, val_accuracy"),
        ("--over epochs=1..3 --model unet --metric val_accuracy",
         "unet is trained without val_accuracy: for it, the metric is one of val_loss, val_mean_iou, val_pixel"),
        ("--over loss=focal,cross_entropy --model unet", "add --metric val_mean_iou"),
        ("--over freeze=body,nostage", "--over freeze: There is no stage to freeze 'nostage'"),
        ("--over epochs=1..3 --dataset ./nowhere", "./nowhere"),
        ("--over epochs=1..3 --model lenett", "Did you mean lenet"),
        ("--resume nowhere", "There is no search in 'nowhere'"),
        ("--resume nowhere --epochs 3", "A search is resumed with its own settings: --resume takes no --epochs"),
    ],
)
def test_what_can_not_be_searched_is_said_before_anything_is_written(tmp_path, monkeypatch, arguments, sentence):
    monkeypatch.chdir(tmp_path)
    done = CliRunner().invoke(main, ["tune", *arguments.split()])
    assert done.exit_code == 2 and sentence in done.output
    assert not list(tmp_path.iterdir())


def test_a_search_whose_file_is_damaged_does_not_go_on(tmp_path):
    (tmp_path / "search.json").write_text('{"over": {')
    with pytest.raises(ZooError, match="search.json can't be read: Expecting property name"):
        resume(tmp_path)


def test_a_search_whose_study_is_damaged_does_not_go_on(tmp_path):
    search = {"over": OVER, "trials": 2, "metric": "val_loss", "training": {"model": "lenet1", "dataset": "digits"}}
    (tmp_path / "search.json").write_text(json.dumps(search))
    (tmp_path / "study.db").write_text("This is no database.")
    with pytest.raises(ZooError, match="study.db can't be used: file is not a database."):
        resume(tmp_path)


def test_without_optuna_it_says_what_to_install(tmp_path, monkeypatch):
    monkeypatch.setattr(tuning, "find_spec", lambda name: None)
    with pytest.raises(ZooError, match="pip install optuna"):
        tune(OVER, runs=tmp_path / "runs")
    assert not (tmp_path / "runs").exists()


# ------------------------------------------------------------------------------------------------- with real runs


def test_a_search_trains_and_its_command_line_repeats_the_best(tmp_path):
    over = [word for name, text in OVER.items() for word in ("--over", f"{name}={text}")]
    options = ["--model", "lenet1", "--epochs", "1", "--augment", "crop", "--tensorboard", "--runs", tmp_path,
               "--json"]
    done = CliRunner().invoke(main, ["tune", *over, "--trials", "2", *map(str, options)])
    assert done.exit_code == 0, done.output
    *_, command, trials = done.output.splitlines()
    best, second = json.loads(trials)
    assert best["val_loss"] <= second["val_loss"] and {best["state"], second["state"]} == {"finished"}
    assert set(best["settings"]) == set(OVER) and best["epochs"] == 1
    folder = tmp_path / "tune-lenet1-digits-1"
    assert {path.name for path in folder.iterdir()} == {
        "search.json", "study.db", "trial-1", "trial-2", "tune.csv", "tune.png"
    }
    assert best["run"] == str(folder / f"trial-{best['trial']}" / "lenet1-digits-1")
    assert "--tensorboard" in command and "--mlflow" not in command and "--balance" not in command
    again = CliRunner().invoke(main, [*shlex.split(command)[1:], "--runs", str(tmp_path / "again")])
    assert again.exit_code == 0, again.output
    with open(tmp_path / "again" / "lenet1-digits-1" / "metrics.csv") as file:
        assert float(next(csv.DictReader(file))["val_loss"]) == best["val_loss"]


def test_a_search_by_mean_iou_is_of_a_net_that_labels_pixels(tmp_path, monkeypatch):
    masks = np.random.default_rng(0).integers(0, 2, (16, 8, 8)).astype(np.uint8)
    split = Split((255 * masks[..., None]), masks)
    net = tmp_path / "net.py"
    net.write_text("from zoo import Conv, Layout\n\ndef tiny(classes=2):\n    return Layout("
                   "[Conv(4, 3, padding='same')], [Conv(classes, 1, activation=None, name='predictions')])\n")
    monkeypatch.setattr("zoo.data.load_source", lambda source: Dataset("pets", ("a", "b"), split, split, split))
    options = ["--model", f"{net}:tiny", "--epochs", "1", "--batch-size", "4", "--metric", "val_mean_iou", "--trials",
               "2", "--runs", str(tmp_path / "runs"), "--json"]
    done = CliRunner().invoke(main, ["tune", "--over", "loss=dice,focal", "--over", "learning_rate=1e-3,0.1", *options])
    assert done.exit_code == 0, done.output
    *lines, trials = done.output.splitlines()
    best, second = json.loads(trials)
    assert best["val_mean_iou"] >= second["val_mean_iou"] > 0 and best["val_accuracy"] is None
    for trial in (best, second):
        with open(Path(trial["run"]) / "metrics.csv") as file:
            (row,) = csv.DictReader(file)
        assert [float(row[name]) for name in ("val_mean_iou", "val_pixel_accuracy")] == [
            trial["val_mean_iou"], trial["val_pixel_accuracy"]]
    (header,) = [line for line in lines if line.split()[:1] == ["trial"]]
    assert header.split()[:4] == ["trial", "val_loss", "val_mean_iou", "val_pixel_accuracy"]


def test_a_search_that_was_stopped_in_a_trial_ends_as_one_that_never_was(tmp_path, monkeypatch):
    monkeypatch.setattr("zoo.runs.report.write_report", lambda *nothing: None)
    options = dict(model="lenet1", epochs=2, over={"learning_rate": "1e-3..1e-2:log"}, trials=2)
    whole = tune(runs=tmp_path / "whole", log=str, **options)

    def interrupt(self, batch, logs=None):
        if len(self.history) == 1:
            raise KeyboardInterrupt

    folder, said = tmp_path / "stopped" / "tune-lenet1-digits-1", []
    with monkeypatch.context() as patch, pytest.raises(KeyboardInterrupt):
        patch.setattr(Checkpoint, "on_train_batch_end", interrupt)
        tune(runs=tmp_path / "stopped", log=said.append, **options)
    assert said[-1] == f"Stopped in trial 1; `zoo tune --resume {folder}` goes on from there."
    found = resume(folder, log=str)
    assert [path.name for path in folder.glob("trial-1/*")] == ["lenet1-digits-1"]
    for one, other in zip(found.trials, whole.trials, strict=True):
        assert (one.trial, one.settings, one.val_loss) == (other.trial, other.settings, other.val_loss)


# ------------------------------------------------------------------------------- with runs that only say they trained


@pytest.fixture
def trained(monkeypatch):
    """In the place of training: runs whose loss is the distance of the learning rate from 1e-3, falling by epochs."""
    monkeypatch.setattr("keras.utils.clear_session", lambda: None)
    monkeypatch.setattr("zoo.tuning.trials.draw_trials", lambda *nothing: Figure())
    calls = []

    def train(runs, watch, learning_rate, epochs=2, **others):
        calls.append(others | {"learning_rate": learning_rate})
        if trained.fault:
            trained.fault(len(calls))
        run, history = new_run(runs, "lenet1", "digits"), []
        run.write_config({})
        for epoch in range(epochs):
            loss = abs(log(learning_rate / 1e-3)) + 1 / (epoch + 1)
            figures = {"objective": loss, "val_loss": loss, "val_accuracy": 1 / (1 + loss), "seconds": 1.0}
            history.append({"epoch": epoch, **figures})
            run.write_metrics(history)
            watch(history)

    trained = SimpleNamespace(calls=calls, fault=None)
    monkeypatch.setattr(training, "train", train)
    return trained


def drawn(trained):
    return [(call["learning_rate"], call["optimizer"], call["options"]["width"]) for call in trained.calls]


class Killed(BaseException):
    """Nothing that comes after it is done."""


def test_a_search_that_was_killed_or_gets_more_trials_draws_the_same(tmp_path, trained):
    """With more trials than are drawn at random."""
    options = dict(over=OVER, log=str, epochs=2, seed=3)
    tune(trials=12, runs=tmp_path / "whole", **options)
    whole = drawn(trained)
    assert len(set(whole)) == 12
    trained.calls.clear()

    def kill(call):
        if call == 11:
            raise Killed

    tune(trials=4, runs=tmp_path / "parts", **options)
    folder, trained.fault = tmp_path / "parts" / "tune-lenet5-digits-1", kill
    with pytest.raises(Killed):
        resume(folder, 12, log=str)
    trained.fault = None
    found = resume(folder, log=str)
    del trained.calls[10]  # the trial that was killed and then begun again
    assert drawn(trained) == whole
    assert sorted(trial.trial for trial in found.trials) == list(range(1, 13))
    trained.calls.clear()
    assert resume(folder, log=str) == found and not trained.calls
    tune(trials=1, runs=tmp_path / "other", **options | {"seed": 4})
    assert drawn(trained) != whole[:1]


def test_what_promises_nothing_is_pruned_but_never_in_the_last_epoch(tmp_path, trained):
    found = tune(OVER, 9, runs=tmp_path, log=str, epochs=8)
    states = [trial.state for trial in sorted(found.trials, key=lambda trial: trial.trial)]
    assert states[:5] == ["finished"] * 5 and "pruned" in states
    pruned = [trial for trial in found.trials if trial.state == "pruned"]
    assert all(2 < trial.epochs < 8 for trial in pruned)
    assert [trial.state for trial in found.trials] == sorted(states)
    found = tune(OVER, 8, runs=tmp_path, log=str, epochs=1)
    assert {trial.state for trial in found.trials} == {"finished"}


@pytest.mark.parametrize("metric, best", [("val_loss", min), ("val_accuracy", max)])
def test_the_best_is_the_one_of_the_metric(tmp_path, trained, metric, best):
    found = tune(OVER, 4, metric, tmp_path, log=str)
    values = [getattr(trial, metric) for trial in found.trials if trial.state == "finished"]
    assert values[0] == best(values)
    assert found.best["learning_rate"] == found.trials[0].settings["learning_rate"]
    assert found.best["options"] == {"width": found.trials[0].settings["set.width"]}


def test_a_trial_that_fails_is_counted_and_the_search_goes_on(tmp_path, trained):
    def fail(call):
        if call == 2:
            raise ZooError("The image is too small.")

    trained.fault, said = fail, []
    found = tune(OVER, 3, runs=tmp_path, log=said.append)
    assert [trial.state for trial in found.trials] == ["finished", "finished", "failed"]
    assert found.trials[2].error == "The image is too small." and "  Failed: The image is too small." in said
    with open(tmp_path / "tune-lenet5-digits-1" / "tune.csv") as file:
        rows = list(csv.DictReader(file))
    assert [row["state"] for row in rows] == ["finished", "failed", "finished"]
    assert rows[1]["error"] == "The image is too small." and not rows[1]["val_loss"] and rows[1]["optimizer"]


def test_a_figure_that_can_not_be_drawn_costs_a_sentence(tmp_path, trained, monkeypatch):
    monkeypatch.setattr("zoo.tuning.trials.draw_trials", lambda *given: 1 / 0)
    with pytest.warns(ZooWarning, match=r"tune.png can't be made: division by zero\."):
        found = tune(OVER, 1, runs=tmp_path, log=str, epochs=1)
    assert (Path(found.folder) / "tune.csv").exists()


def test_a_search_by_smoothed_losses_gets_no_more_trials_but_its_end(tmp_path, trained):
    """As searches were before; those by accuracy go on."""
    found = tune(OVER, 2, runs=tmp_path, log=str, epochs=1)
    for path in Path(found.folder).glob("trial-*/*/metrics.csv"):
        path.write_text(path.read_text().replace("objective", "loss"))
    assert resume(found.folder, log=str) == found
    with pytest.raises(ZooError, match="can't go on: its trials were compared by the loss that they minimized"):
        resume(found.folder, 3, log=str)


def test_a_trial_whose_run_was_deleted_is_no_candidate(tmp_path, trained):
    best = tune(OVER, 3, runs=tmp_path, log=str).trials[0]
    folder = tmp_path / "tune-lenet5-digits-1"
    shutil.rmtree(folder / f"trial-{best.trial}")
    found = resume(folder, log=str)
    assert found.trials[-1].trial == best.trial and found.trials[-1].error == "Its run isn't there any more."
    assert found.best["learning_rate"] == found.trials[0].settings["learning_rate"] != best.settings["learning_rate"]


def test_if_all_trials_fail_it_ends_with_a_sentence(tmp_path, trained):
    def fail(call):
        raise ZooError(f"Fault {call}.")

    trained.fault = fail
    with pytest.raises(ZooError, match="None of 2 trials in .* could be finished; the last: Fault 2."):
        tune(OVER, 2, runs=tmp_path, log=str)


def test_a_bug_stops_the_search_and_the_next_trial_follows(tmp_path, trained):
    def bug(call):
        if call == 1:
            raise RuntimeError("out of memory")

    trained.fault = bug
    with pytest.raises(RuntimeError):
        tune(OVER, 2, runs=tmp_path, log=str)
    found = resume(tmp_path / "tune-lenet5-digits-1", log=str)
    assert [trial.error for trial in found.trials] == [None, "out of memory"]

"""A run that can't begin leaves nothing behind; one whose loss is no number, what can be kept."""

import math

import keras
import pytest

from zoo import ZooError
from zoo.inference.evaluate import evaluate
from zoo.inference.trained import load_trained
from zoo.runs.folder import Run, find_run, new_run
from zoo.training import building
from zoo.training import train as training
from zoo.training.optimizing import make_loss


def test_runs_are_numbered_and_names_are_safe(tmp_path):
    names = [new_run(tmp_path, "lenet5", "a b/c").folder.name for _ in range(3)]
    assert names == ["lenet5-a-b-c-1", "lenet5-a-b-c-2", "lenet5-a-b-c-3"]


def test_a_folder_that_is_no_run_is_refused(tmp_path):
    with pytest.raises(ZooError, match="no run folder 'nowhere/at/all'"):
        load_trained("nowhere/at/all")
    with pytest.raises(ZooError, match="has no config.json"):
        load_trained(str(tmp_path))
    with pytest.raises(ZooError, match="has weights of its own"):
        load_trained(str(tmp_path), weights="other.keras")
    (tmp_path / "config.json").write_text("{}")
    with pytest.raises(ZooError, match="wasn't finished"):
        load_trained(str(tmp_path))
    (tmp_path / "model.keras").write_text("not a model")
    with pytest.raises(ZooError, match="can't be read"):
        load_trained(str(tmp_path))


@pytest.mark.parametrize(
    "arguments, sentence",
    [
        (dict(model="lenett"), "Did you mean lenet"),
        (dict(model="lenet", options={"padding": "sme"}), "padding must be"),
        (dict(model="lenet", options={"pading": "same"}), "Did you mean padding"),
        (dict(model="lenet", dataset="no/such/folder"), "no/such/folder"),
        (dict(model="alexnet_owt", image_size=(32, 32)), "at least 63x63; got 32x32.*block5_pool"),
        (dict(model="lenet", optimizer="sdg"), "Did you mean sgd"),
        (dict(model="nowhere.py:tiny"), "no file"),
    ],
)
def test_bad_input_leaves_nothing_behind(tmp_path, arguments, sentence):
    runs = tmp_path / "runs"
    with pytest.raises(ZooError, match=sentence):
        training.train(**arguments, runs=runs, verbose=0, log=str)
    assert not runs.exists()


def test_a_loss_that_is_no_number_ends_with_a_sentence(tmp_path):
    options = dict(runs=tmp_path, learning_rate=1e30, optimizer="sgd", verbose=0, log=str)
    with pytest.raises(ZooError, match="epoch 1, at step 2 of 33; try a lower learning rate than 1e\\+30, or --clip."):
        training.train("lenet1", epochs=2, **options)
    with pytest.raises(ZooError, match="or a --clip below 1e\\+30."):
        training.train("lenet1", epochs=2, clip=1e30, **options)


@pytest.mark.parametrize("accumulate", [1, 33])
def test_the_first_step_of_no_number_is_named_though_others_follow(tmp_path, monkeypatch, accumulate):
    """The second of three batches in a block begins with a 2; where gradients are gathered, the third has a loss."""

    def spoiled(*arguments):
        cross_entropy = make_loss(*arguments)
        return lambda labels, logits: cross_entropy(labels, logits) / keras.ops.cast(labels[0] != 2, "float32")

    monkeypatch.setattr(building, "make_loss", spoiled)
    with pytest.raises(ZooError, match="in epoch 1, at step 2 of 33"):
        training.train("lenet1", runs=tmp_path, epochs=1, accumulate=accumulate, verbose=0, log=str)


def test_what_the_last_step_of_an_epoch_spoils_is_not_kept(tmp_path):
    """The loss of that step is still a number, the validation loss after it is none."""
    with pytest.raises(ZooError, match="The validation loss stopped being a number in epoch 1, after step 1 of 1"):
        training.train("lenet1", limit=8, runs=tmp_path, learning_rate=1e30, optimizer="sgd", verbose=0, log=str)
    assert not list(tmp_path.glob("*/checkpoints/*"))


def test_what_was_trained_before_the_loss_was_no_number_is_of_use(tmp_path, monkeypatch):
    def exploding(recipe, steps, epochs, *_):
        return keras.optimizers.SGD(keras.optimizers.schedules.PiecewiseConstantDecay([steps // epochs], [0.1, 1e30]))

    monkeypatch.setattr(building, "make_optimizer", exploding)
    with pytest.raises(ZooError, match="in epoch 2, at step 3 of 12; .* until then is .*lenet1-digits-1/model.keras"):
        training.train("lenet1", limit=100, runs=tmp_path, epochs=3, batch_size=8, verbose=0, log=str)
    run = find_run(tmp_path / "lenet1-digits-1")
    assert 0 < evaluate(run.folder).test_loss < 3 and evaluate(run.folder).epochs == 1
    assert "result" not in run.config()


def test_a_metric_that_older_epochs_lack_is_an_empty_cell(tmp_path):
    """As in a run that a version with another metric resumes."""
    run = Run(tmp_path)
    run.write_metrics([{"loss": 2.0}, {"loss": 1.0, "top5": 0.5}])
    assert run.metrics_path.read_text() == "loss,top5\n2.0,\n1.0,0.5\n"
    assert run.metrics()["loss"] == [2.0, 1.0] and run.metrics()["top5"] == [pytest.approx(math.nan, nan_ok=True), 0.5]


def test_a_run_that_cannot_be_begun_on_disk_ends_in_a_sentence(tmp_path, monkeypatch):
    def full(*_):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(Run, "write_config", full)
    with pytest.raises(ZooError, match="The run can't be written: No space left on device"):
        training.train("lenet1", limit=50, runs=tmp_path, epochs=1, verbose=0, log=str)

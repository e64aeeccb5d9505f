"""The losses of a run are of one kind: the plain cross-entropy of training, validation and test images."""

import json

import numpy as np
import pytest
from broken_off import broken_off

from zoo import data
from zoo.inference.trained import load_trained
from zoo.runs.folder import best_epoch, find_run, started_run
from zoo.training import train as training
from zoo.training.checkpoint import read_arrays, write_arrays
from zoo.training.distribution import Devices


def logs_of(scores):
    """The logarithm of the softmax of scores (N, classes), in float64."""
    scores = np.asarray(scores, "float64")
    scores = scores - scores.max(axis=-1, keepdims=True)
    return scores - np.log(np.exp(scores).sum(axis=-1, keepdims=True))


def plain_loss(logs, labels):
    return -logs[np.arange(len(labels)), labels].mean()


def smoothed_loss(logs, labels, share):
    return (1 - share) * plain_loss(logs, labels) - share * logs.mean()


@pytest.fixture
def in_batches(monkeypatch):
    """Call it to have images fed batch by batch, not in blocks."""
    return lambda: monkeypatch.setattr(Devices, "take_blocks", False)


@pytest.mark.parametrize(
    "options",
    [
        {},
        pytest.param({"precision": "bfloat16", "rubbish": 5.0}, marks=pytest.mark.bfloat16),
        {"ema": 0.5, "balance": True, "in_batches": True},
    ],
    ids=str,
)
def test_the_kept_model_has_the_validation_loss_that_chose_it(tmp_path, in_batches, options):
    if "in_batches" in options:
        in_batches()
        options = {key: value for key, value in options.items() if key != "in_batches"}
    result = training.train("lenet1", runs=tmp_path, epochs=2, limit=200, verbose=0, log=str, **options)
    digits, metrics = data.load("digits", limit=200), find_run(result.run).metrics()
    assert {"loss", "objective", "val_loss"} <= metrics.keys() and "val_objective" not in metrics
    classify, tolerance = load_trained(result.run).classifier(), 2e-2 if "precision" in options else 2e-5
    chosen = metrics["val_loss"][best_epoch(metrics) - 1]
    for split, told in ((digits.validation, chosen), (digits.test, result.test_loss)):
        assert told == pytest.approx(plain_loss(np.log(classify(split.images)), split.labels), rel=tolerance)


@pytest.mark.parametrize(
    "fed, options",
    [
        ("in blocks", {}),
        ("in blocks", {"rubbish": 2.0}),
        ("in batches", {"label_smoothing": 0.3}),
        ("in batches", {"optimizer": "sgd", "weight_decay": 0.1, "label_smoothing": 0.0}),
        ("in blocks", {"augment": ("mixup",)}),
    ],
    ids=str,
)
def test_the_training_loss_is_plain_and_what_is_minimized_stands_beside_it(tmp_path, in_batches, fed, options):
    """At a learning rate of nothing, so that one net has seen all images."""
    if fed == "in batches":
        in_batches()
    options = {"label_smoothing": 0.1, "learning_rate": 1e-12, "schedule": "constant"} | options
    result = training.train("lenet1", runs=tmp_path, limit=160, batch_size=16, epochs=1, verbose=0, log=str, **options)
    (loss,), (objective,) = (find_run(result.run).metrics()[key] for key in ("loss", "objective"))
    trained, images = load_trained(result.run), data.load("digits", limit=160).train
    logs = np.log(trained.classifier()(images.images).astype("float64"))
    if "augment" in options:  # of mixed images, the losses are other ones
        assert loss != pytest.approx(objective, rel=1e-4)
        return
    assert loss == pytest.approx(plain_loss(logs, images.labels), rel=1e-5)
    if "rubbish" in options:
        logits = logs - logs.mean(axis=1, keepdims=True) + offset(trained, images)
        logs = logs_of(np.concatenate([logits, np.full((len(logits), 1), -options["rubbish"])], axis=1))
    decay = (
        options.get("weight_decay", 0)
        / 2
        * sum(
            (weight.numpy().astype("float64") ** 2).sum() for weight in trained.model.weights if weight.name == "kernel"
        )
    )
    assert objective == pytest.approx(smoothed_loss(logs, images.labels, options["label_smoothing"]) + decay, rel=1e-5)


def offset(trained, images):
    """The mean of each image's logits, which the softmax forgets."""
    import keras

    inner = keras.Model(trained.model.input, trained.model.layers[-1].input)
    front = trained.front.model(images.image_shape)
    return np.asarray(inner(front(images.images.astype("float32")))).mean(axis=1, keepdims=True)


def test_a_run_of_smoothed_losses_goes_on_with_them_and_says_so(tmp_path):
    """As runs were before: their loss is what is now the objective, on validation images too."""

    options = dict(limit=200, epochs=2, label_smoothing=0.2, verbose=0)
    with broken_off(after=1):
        training.train("lenet1", runs=tmp_path, log=str, **options)
    run, said = started_run(tmp_path / "lenet1-digits-1"), []
    (path,) = run.checkpoints()
    variables, others = read_arrays(path)
    history = json.loads(str(others["history"]))
    history[0]["loss"] = history[0].pop("objective")
    history[0]["val_loss"] = 2.0
    write_arrays(path, variables, history=json.dumps(history))
    run.write_metrics(history)
    result = training.resume(run.folder, verbose=0, log=said.append)
    assert any(note.startswith("The losses of this run stay what it minimizes") for note in said)
    metrics, digits = run.metrics(), data.load("digits", limit=200)
    assert "objective" not in metrics and best_epoch(metrics) == 2
    classify = load_trained(run.folder).classifier()
    logs, test = (np.log(classify(split.images)) for split in (digits.validation, digits.test))
    assert metrics["val_loss"][1] == pytest.approx(smoothed_loss(logs, digits.validation.labels, 0.2), rel=1e-5)
    assert result.test_loss == pytest.approx(plain_loss(test, digits.test.labels), rel=1e-5)
    whole = training.train("lenet1", runs=tmp_path / "whole", log=str, **options)
    assert metrics["loss"][1] == pytest.approx(find_run(whole.run).metrics()["objective"][1], rel=1e-5)

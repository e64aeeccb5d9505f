"""Runs of an earlier version, stored in old_runs, can still be evaluated, compared, used and gone on with."""

import shutil
from pathlib import Path

import keras
import numpy as np
import pytest
from PIL import Image

from zoo.export import export_saved_model
from zoo.inference.evaluate import evaluate, predict
from zoo.inference.trained import load_trained
from zoo.runs.compare import compare
from zoo.runs.folder import Run
from zoo.training.train import resume

STORED = Path(__file__).parent / "old_runs"


@pytest.fixture
def finished(tmp_path):
    return shutil.copytree(STORED / "finished", tmp_path / "finished")


@pytest.fixture
def stopped(tmp_path):
    return shutil.copytree(STORED / "stopped", tmp_path / "stopped")


def test_an_old_run_is_as_accurate_as_it_was(finished):
    assert evaluate(finished).test_accuracy == Run(finished).result().test_accuracy


def test_an_old_run_predicts_and_is_exported(finished, tmp_path):
    Image.fromarray(np.full((8, 8), 99, np.uint8)).save(tmp_path / "image.png")
    (answer,) = predict(finished, [tmp_path / "image.png"])
    assert len(answer["classes"]) == 3
    assert export_saved_model(load_trained(finished), tmp_path / "exported" / "1") < 1e-4


def test_old_runs_are_compared(finished, stopped):
    facts = [run.facts for run in compare([finished, stopped])]
    assert [one["epochs"] for one in facts] == [2, 1]
    assert facts[0]["test_accuracy"] and facts[1]["test_accuracy"] is None


def test_an_old_run_that_was_stopped_ends_as_the_one_that_was_not(finished, stopped):
    result = resume(stopped, verbose=0, log=str)
    weights = [keras.models.load_model(run / "model.keras").get_weights() for run in (finished, stopped)]
    for whole, resumed in zip(*weights, strict=True):
        np.testing.assert_allclose(resumed, whole, atol=1e-4)  # on another processor, last digits differ
    assert result.epochs == 2 and (stopped / "report.html").is_file()

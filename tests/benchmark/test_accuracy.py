"""The benchmark of accuracy: its commands can be run, and it leaves the devices to the runs."""

import subprocess
import sys
from functools import wraps
from inspect import signature

import pytest

from benchmarks import accuracy, command
from benchmarks.results import read
from zoo.cli import main
from zoo.training import train as training
from zoo.training.request import read_request

MACHINE = """
import tensorflow
from benchmarks.accuracy import machine
assert machine()
tensorflow.config.threading.set_intra_op_parallelism_threads(1)  # refused once TensorFlow has begun
"""


def test_asking_for_the_machine_takes_no_device():
    subprocess.run([sys.executable, "-c", MACHINE], check=True)


KEPT = ("dataset", "options", "recipe", "epochs", "precision")


@pytest.mark.parametrize("words", [*accuracy.DEFAULTS, *accuracy.PAPERS])
def test_every_command_is_one_that_can_be_run(words, monkeypatch):
    seen = []

    def train(*given, **named):
        seen.append(signature(training.train).bind(*given, **named).arguments)

    with monkeypatch.context() as patch, pytest.raises(SystemExit):
        patch.setattr(training, "train", wraps(training.train)(train))
        main(["train", *words.split()])
    ((model, given),) = [(each["model"], each | each.pop("fields")) for each in seen]
    asked = {key: value for key, value in given.items() if key in KEPT}
    assert read_request(model, **asked).recipe.epochs > 1


def test_results_are_appended_once_and_tabulated(tmp_path, monkeypatch):
    results, ran = tmp_path / "results.csv", []

    def finished(words):
        ran.append(words)
        (tmp_path / "metrics.csv").write_text("epoch,seconds\n0,50\n1,30\n2,40\n")
        return {"run": str(tmp_path), "epochs": 182, "test_accuracy": 0.9, "seconds": 120.0}

    monkeypatch.setattr(accuracy, "machine", lambda: "a card")
    monkeypatch.setattr(command, "output", finished)
    for _ in range(2):
        monkeypatch.setattr("sys.argv", f"_ resnet20 --papers --cifar10 here.npz --results {results}".split())
        accuracy.main()
    (words,) = ran
    assert words[words.index("--dataset") + 1] == "here.npz"
    (row,) = read(results)
    assert (row["compiling"], row["seconds"], row["seed"], row["machine"]) == ("15.0", "120.0", "0", "a card")
    last = accuracy.table(read(results)).splitlines()[-1].split("|")
    assert [cell.strip() for cell in last[3:7]] == ["8.75 %", "10.00 %", "1", "182"]

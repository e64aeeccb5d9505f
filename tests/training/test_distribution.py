"""Training on several devices and in several processes: to the weights of one device with the same batches.

Devices are virtual, the cores of this machine taken for several. A backend counts its devices once, so each case is a
process of its own.
"""

import os
import signal
import socket
import subprocess
import sys
from pathlib import Path

import keras
import numpy as np
import pytest

from zoo import ZooError
from zoo.recipes.recipe import Recipe
from zoo.runs.folder import started_run
from zoo.training import distribution
from zoo.training.distribution import ADDRESSES, NUMBER, PROCESSES, Devices, choose

ROOT = Path(__file__).parents[2]
TRAINING = ["--model", "lenet1", "--batch-size", "64", "--weight-decay", "1e-3", "--schedule", "constant"]
SHORT = ["--epochs", "2", "--limit", "320"]
QUICK = "--xla_backend_optimization_level=0 --xla_llvm_disable_expensive_passes=true"  # to compile, not to run
TWO = f"{QUICK} --xla_force_host_platform_device_count=2"
PATIENCE = 240  # seconds after which a process counts as hanging


def start(*arguments, **environment):
    """Begin `zoo train` on JAX in a process of its own; what it prints is one text."""
    environment = os.environ | {"KERAS_BACKEND": "jax", "XLA_FLAGS": QUICK} | environment
    return subprocess.Popen([sys.executable, "train.py", *map(str, arguments)], cwd=ROOT, env=environment, text=True,
                            stdout=subprocess.PIPE, stderr=subprocess.STDOUT)


def printed_by(process, code=0):
    printed, _ = process.communicate(timeout=PATIENCE)
    assert process.returncode == code, printed[-3000:]
    return printed


def run_in(runs):
    return started_run(runs / "lenet1-digits-1")


def weights_in(runs):
    return keras.models.load_model(run_in(runs).model_path, compile=False).get_weights()


def assert_same_losses(ours, theirs):
    """Of two runs' folders: each epoch's, by all devices together."""
    ours, theirs = (run_in(runs).metrics() for runs in (ours, theirs))
    for key in ("loss", "objective", "val_loss", "accuracy", "val_accuracy"):
        np.testing.assert_allclose(ours[key], theirs[key], rtol=1e-3, atol=1e-4, err_msg=key)


def assert_same(ours, theirs):
    for one, other in zip(ours, theirs, strict=True):
        np.testing.assert_allclose(one, other, rtol=1e-3, atol=1e-4)


def cluster():
    """The environments of two workers that meet on this machine."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        address = f"127.0.0.1:{free.getsockname()[1]}"
    return [{ADDRESSES: address, PROCESSES: "2", NUMBER: str(number)} for number in range(2)]


@pytest.fixture(scope="module")
def alone(tmp_path_factory):
    """The folder of a run of two epochs on one device."""
    pytest.importorskip("jax")
    runs = tmp_path_factory.mktemp("alone")
    printed_by(start(*TRAINING, *SHORT, "--runs", runs))
    return runs


def test_two_devices_train_to_the_weights_of_one(alone, tmp_path):
    printed_by(start(*TRAINING, *SHORT, "--strategy", "mirrored", "--runs", tmp_path, XLA_FLAGS=TWO))
    config = run_in(tmp_path).config()
    assert (config["strategy"], config["replicas"]) == ("mirrored", 2)
    assert_same(weights_in(tmp_path), weights_in(alone))
    assert_same_losses(tmp_path, alone)


def test_two_processes_train_to_the_weights_of_one_and_the_chief_alone_writes(alone, tmp_path):
    workers = [start(*TRAINING, *SHORT, "--runs", tmp_path / str(i), **one) for i, one in enumerate(cluster())]
    chief, other = map(printed_by, workers)
    assert "Test accuracy" in chief and "Epoch" not in other and "Test accuracy" not in other
    assert [path.name for path in tmp_path.iterdir()] == ["0"]
    assert run_in(tmp_path / "0").config()["strategy"] == "multiworker"
    assert_same(weights_in(tmp_path / "0"), weights_in(alone))
    assert_same_losses(tmp_path / "0", alone)


@pytest.mark.slow
@pytest.mark.parametrize("lost", [pytest.param(0, marks=pytest.mark.slow), 1])
def test_a_worker_that_dies_ends_the_run_and_one_alone_goes_on_with_it(alone, tmp_path, lost):
    """The one that is left doesn't hang; it says what happened, if it isn't JAX that ends it, and with no code of 0."""
    workers = [start(*TRAINING, "--epochs", 500, "--runs", tmp_path, **one) for one in cluster()]
    for line in workers[0].stdout:
        if line.startswith("Epoch 3/"):
            break
    workers[lost].send_signal(signal.SIGKILL)
    left = workers[1 - lost]
    printed, _ = left.communicate(timeout=PATIENCE)
    assert left.returncode not in (0, None)
    run = run_in(tmp_path)
    assert run.checkpoints()
    if lost == 1:
        assert left.returncode == 2 and "Another worker is lost" in printed and "--resume" in printed
    run.write_config(config := run.config() | {"recipe": run.config()["recipe"] | {"epochs": 5}})
    again = printed_by(start("--resume", run.folder))
    assert "Going on with" in again and config["replicas"] == 2 and run.config()["strategy"] == "single"


def test_tensorflow_mirrors_a_step_as_one_device_takes_it(tmp_path):
    """With normalization by constants and no randomness: on TensorFlow each device draws and normalizes for itself."""
    code = f"""
import numpy as np, tensorflow as tf
cpu = tf.config.list_physical_devices("CPU")[0]
tf.config.set_logical_device_configuration(cpu, [tf.config.LogicalDeviceConfiguration()] * 2)
from zoo.training.train import train
for strategy in ("mirrored", "single"):
    train("lenet1", runs="{tmp_path}/" + strategy, strategy=strategy, epochs=2, batch_size=62, weight_decay=1e-3,
          optimizer="sgd", limit=187, verbose=0)  # of 187 images to validate, the last batch has one
"""
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, timeout=PATIENCE,
                          env=os.environ | {"KERAS_BACKEND": "tensorflow"})
    assert done.returncode == 0, done.stderr[-3000:]
    assert run_in(tmp_path / "mirrored").config()["replicas"] == 2
    assert_same(weights_in(tmp_path / "mirrored"), weights_in(tmp_path / "single"))
    assert_same_losses(tmp_path / "mirrored", tmp_path / "single")


@pytest.mark.parametrize(
    "strategy, environment, sentence",
    [
        ("mirored", {}, "no strategy 'mirored'. Did you mean mirrored"),
        ("mirrored", {}, "mirrored needs several devices, but this machine has one"),
        ("multiworker", {}, "can't train on several machines with TensorFlow: set KERAS_BACKEND=jax"),
        ("auto", {ADDRESSES: "127.0.0.1:1"}, "can't train on several machines with TensorFlow"),
        ("auto", {"TF_CONFIG": '{"cluster": {"worker": ["a:1", "b:1"]}, "task": {"type": "worker", "index": 0}}'},
         "instead of TF_CONFIG"),
    ],
)
def test_devices_that_are_not_there_have_their_sentence(strategy, environment, sentence, monkeypatch):
    for name, value in environment.items():
        monkeypatch.setenv(name, value)
    with pytest.raises(ZooError, match=sentence):
        choose(strategy)


def test_other_backends_have_their_sentence(monkeypatch):
    monkeypatch.setattr(distribution.keras.backend, "backend", lambda: "torch")
    with pytest.raises(ZooError, match="Training needs TensorFlow or JAX, but KERAS_BACKEND is torch."):
        choose("auto")


@pytest.mark.parametrize("number, known", [("1", True), ("2", False), ("-1", False), ("one", False), (None, False)])
def test_a_cluster_is_described_by_three_variables(number, known, monkeypatch):
    monkeypatch.setattr(distribution.keras.backend, "backend", lambda: "jax")
    for name, value in {ADDRESSES: "127.0.0.1:1", PROCESSES: "2", NUMBER: number}.items():
        monkeypatch.setenv(name, value) if value else monkeypatch.delenv(name, raising=False)
    if known:
        assert choose("auto") == Devices("multiworker", 2, 1)
        assert not choose("auto").is_chief and choose("auto").local_slice(64) == slice(32, 64)
    else:
        with pytest.raises(ZooError, match="multiworker needs a cluster: set for every worker"):
            choose("auto")


def test_one_device_is_the_default_and_a_batch_must_divide(monkeypatch):
    assert choose("auto") == Devices("single")
    monkeypatch.setattr(Devices, "names", ("gpu:0", "gpu:1", "gpu:2"))
    with pytest.raises(ZooError, match="A batch of 64 images can't be shared evenly among 3 devices"):
        Devices("mirrored").check(Recipe(batch_size=64))
    with pytest.raises(ZooError, match="can't clip or accumulate gradients over several devices"):
        Devices("mirrored").check(Recipe(batch_size=63, clip=1.0))
    assert choose("auto").strategy == "mirrored"
    assert [Devices("mirrored").even(12, count) for count in (24, 25, 27, 10)] == [12, 9, 12, 6]

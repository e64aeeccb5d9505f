"""The same nets on another backend: JAX, in a process of its own, gives what TensorFlow gave."""

import json
import os
import subprocess
import sys
from pathlib import Path

import keras
import numpy as np
import pytest
from miniatures import miniature, stirred

import zoo
from zoo.runs.folder import Run
from zoo.training import shards
from zoo.training.train import train

HERE = Path(__file__).parent


@pytest.fixture
def on_jax():
    """Run Python on JAX and return what it printed."""
    pytest.importorskip("jax")
    quick = "--xla_backend_optimization_level=0 --xla_llvm_disable_expensive_passes=true"  # to compile, not to run
    paths = f"{HERE}{os.pathsep}{HERE.parent}"
    environment = os.environ | {"KERAS_BACKEND": "jax", "PYTHONPATH": paths, "XLA_FLAGS": quick}

    def run(*arguments):
        done = subprocess.run([sys.executable, *arguments], env=environment, capture_output=True, text=True)
        assert done.returncode == 0, done.stderr[-2000:]
        return done.stdout

    return run


@pytest.mark.slow
def test_jax_gives_what_tensorflow_gives_for_every_model(on_jax, tmp_path):
    keras.utils.set_random_seed(0)
    names = zoo.list_models()
    for name in names:
        model = stirred(miniature(name))
        x = np.random.default_rng(0).standard_normal((2, *model.input_shape[1:]), "float32")
        y = keras.ops.convert_to_numpy(model(x))
        np.savez(tmp_path / f"{name}.npz", x=x, y=y, **{f"w{i}": w for i, w in enumerate(model.get_weights())})
        keras.utils.clear_session(free_memory=False)
    assert on_jax(HERE / "on_jax.py", tmp_path, *names) == ""


def test_the_training_command_runs_on_jax(on_jax, tmp_path):
    options = ["--epochs", "2", "--limit", "320", "--set", "width=0.5", "--runs", tmp_path, "--json"]
    printed = on_jax(HERE.parent / "train.py", "--model", "lenet", *options)
    assert json.loads(printed.splitlines()[-1])["test_accuracy"] > 0.3
    assert (tmp_path / "lenet5-digits-1" / "model.keras").exists()


TWICE = """
import keras
from zoo.runs.folder import find_run
from zoo.training.train import train
def weights(seed):
    run = train("lenet1", runs=RUNS, options={"dropout": 0.3}, epochs=1, limit=160, augment=("crop", "mixup"),
                seed=seed, verbose=0, log=str)
    return [w.tobytes() for w in keras.models.load_model(find_run(run.run).model_path).get_weights()]
print(keras.backend.backend(), weights(1) == weights(1) != weights(2))
"""


@pytest.mark.slow
def test_on_jax_the_same_seed_gives_the_same_weights(on_jax, tmp_path):
    assert on_jax("-c", TWICE.replace("RUNS", repr(str(tmp_path)))).split()[-2:] == ["jax", "True"]


LOSSES = """
import numpy as np
from zoo import data
from zoo.inference.trained import load_trained
from zoo.runs.folder import find_run
from zoo.training.train import train
result = train("lenet1", runs=RUNS, epochs=1, limit=80, verbose=0, log=str)
metrics, trained, digits = find_run(result.run).metrics(), load_trained(result.run), data.load("digits", limit=80)
for told, split in ((metrics["val_loss"][0], digits.validation), (result.test_loss, digits.test)):
    probabilities = trained.classifier()(split.images)[np.arange(len(split)), split.labels]
    print(np.isclose(told, -np.log(probabilities.astype("float64")).mean(), rtol=1e-4), end=" ")
print(metrics["objective"] != metrics["loss"], "val_objective" in metrics)
"""


def test_on_jax_the_losses_are_plain_too(on_jax, tmp_path):
    assert on_jax("-c", LOSSES.replace("RUNS", repr(str(tmp_path)))).split()[-4:] == ["True", "True", "True", "False"]


ONCE = """
import jax
from zoo.training.train import train
found, compiled = [], []
jax.monitoring.register_event_duration_secs_listener(lambda event, *_, **__: found.append("backend_compile" in event))
train("lenet1", runs=RUNS, epochs=2, limit=80, augment=("crop",), verbose=0, log=str,
      watch=lambda history: compiled.append(sum(found)))
print(compiled[0] < compiled[1] == compiled[2])
"""


@pytest.mark.slow
def test_on_jax_all_is_compiled_in_the_first_epoch(on_jax, tmp_path):
    assert on_jax("-c", ONCE.replace("RUNS", repr(str(tmp_path)))).split()[-1] == "True"


@pytest.mark.slow
@pytest.mark.bfloat16
def test_a_run_in_parts_goes_on_on_jax_in_one_piece(on_jax, tmp_path, monkeypatch):
    class Stopped(Exception):
        pass

    def stop(history):
        if history:
            raise Stopped

    monkeypatch.setattr(shards, "_cores", lambda: 2)
    (tmp_path / "net.py").write_text("from zoo import *\ntiny = [Conv(4, 3, norm='batch'), GlobalPool(), Dense(10)]")
    with pytest.raises(Stopped):
        train(f"{tmp_path}/net.py:tiny", precision="bfloat16", limit=16, batch_size=16, epochs=2, runs=tmp_path,
              verbose=0, log=str, watch=stop)
    run = Run(tmp_path / "tiny-digits-1")
    assert run.config()["parts"] == 2
    on_jax(HERE.parent / "train.py", "--resume", run.folder)
    assert run.config()["result"]["epochs"] == 2

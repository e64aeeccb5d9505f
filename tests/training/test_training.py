"""The main job from data to a run's folder, on a few small images."""

import csv
import json

import keras
import numpy as np
import pytest

from zoo import ZooError, data
from zoo.inference.evaluate import evaluate, predict
from zoo.inference.trained import Trained, load_trained
from zoo.runs.folder import find_run
from zoo.training import shards
from zoo.training import train as training
from zoo.versions import installed

OPTIONS = {"width": 0.5}


def test_a_run_learns_and_leaves_its_folder_complete(result):
    result, _ = result
    run = find_run(result.run)
    assert result.test_accuracy > 0.85
    assert run.folder.name == "lenet5-digits-1"
    left = {path.name for path in run.folder.iterdir()}
    assert left == {
        "config.json", "metrics.csv", "checkpoints", "model.keras", "curves.png", "confusion.png", "report.html"
    }


def test_what_is_done_to_the_images_is_said(result):
    assert "Images are resized from 8x8 to 28x28 and centred in 32x32." in result[1]


def test_metrics_hold_a_row_an_epoch(result):
    with open(find_run(result[0].run).metrics_path) as file:
        rows = list(csv.DictReader(file))
    assert [int(row["epoch"]) for row in rows] == [0, 1, 2]
    assert {"accuracy", "loss", "val_accuracy", "val_loss"} <= rows[0].keys()
    assert all(float(row["images/s"]) > 1050 / float(row["seconds"]) for row in rows)  # validation takes time too


def test_the_run_keeps_the_best_epoch_on_validation(result):
    run, digits = find_run(result[0].run), data.load("digits")
    with open(run.metrics_path) as file:
        best = float(min(csv.DictReader(file), key=lambda row: float(row["val_loss"]))["val_accuracy"])
    kept = load_trained(run.folder).classifier()(digits.validation.images).argmax(-1)
    assert np.mean(kept == digits.validation.labels) == pytest.approx(best, abs=1e-6)


def test_evaluate_finds_what_training_tested(result):
    again = evaluate(result[0].run)
    assert again.test_accuracy == result[0].test_accuracy
    assert again.test_loss == pytest.approx(result[0].test_loss, abs=1e-4)


SMALL_IN_BFLOAT16 = {"precision": "bfloat16", "limit": 64, "batch_size": 16}


@pytest.mark.parametrize(
    "model, cores, options",
    [
        ("lenet1", 1, {}),
        ("lenet1", 2, {}),
        pytest.param("resnet20", 2, SMALL_IN_BFLOAT16, marks=pytest.mark.bfloat16),
    ],
)
def test_the_same_seed_gives_the_same_weights_and_another_seed_others(model, cores, options, tmp_path, monkeypatch):
    """In parts, one a core, and with BatchNorm over them, too."""
    monkeypatch.setattr(shards, "_cores", lambda: cores)

    def weights(seed):
        run = training.train(model, options={"width": 0.5}, runs=tmp_path, epochs=1, seed=seed, verbose=0, log=str,
                             **options)
        assert find_run(run.run).config()["parts"] == cores
        return keras.models.load_model(find_run(run.run).model_path).get_weights()

    first, second, other = weights(1), weights(1), weights(2)
    assert all((a == b).all() for a, b in zip(first, second))
    assert not all((a == b).all() for a, b in zip(first, other))


def test_config_repeats_the_run(result):
    config = find_run(result[0].run).config()
    assert config["options"] == OPTIONS
    assert config["recipe"]["epochs"] == 3 and config["recipe"]["batch_size"] == 32
    assert config["versions"]["keras"] == keras.__version__
    assert installed("keras", "no-such-package") == {"keras": keras.__version__}  # on JAX there may be no TensorFlow
    assert config["images"] == {"train": 1078, "validation": 360, "test": 359}
    assert config["result"]["test_accuracy"] == result[0].test_accuracy


def test_the_report_needs_no_other_file(result):
    page = find_run(result[0].run).folder.joinpath("report.html").read_text()
    assert page.count("<picture>") == 2 and "://" not in page
    assert f"{100 * result[0].test_accuracy:.2f} %" in page


@pytest.mark.bfloat16
def test_bfloat16_trains_and_answers_in_float32(tmp_path):
    run = training.train("lenet", runs=tmp_path, epochs=2, precision="bfloat16", verbose=0, log=str)
    trained = load_trained(run.run)
    assert run.test_accuracy > 0.8
    assert trained.model.layers[1].compute_dtype == "bfloat16"
    assert trained.in_float32().model.layers[1].compute_dtype == "float32"
    assert keras.config.dtype_policy().name == "float32"


def test_predict_names_the_classes_of_pictures(result, tmp_path, monkeypatch):
    from PIL import Image

    digits = data.load("digits").test
    files = []
    for label in (0, 1):
        picture = digits.images[digits.labels == label][0, :, :, 0]
        files.append(tmp_path / f"{label}.png")
        Image.fromarray(picture).convert("RGB").resize((50, 40 + label)).save(files[-1])
    built, on_images = [], Trained.on_images
    monkeypatch.setattr(Trained, "on_images", lambda *given: built.append(given) or on_images(*given))
    answers = predict(result[0].run, files, top=10)
    assert len(built) == 1  # not once a picture: that takes a second each
    assert [a["image"] for a in answers] == list(map(str, files))
    assert answers[0]["classes"][0]["name"] == "0"
    assert sum(c["probability"] for c in answers[0]["classes"]) == pytest.approx(1, abs=1e-4)


def test_a_layout_of_ones_own_trains_at_the_datas_size(tmp_path):
    file = tmp_path / "nets.py"
    file.write_text(
        "from zoo import *\n"
        "def tiny(classes):\n"
        "    return [Conv(8, 3), Pool(2), Flatten(), Dense(classes)]\n"
        "fixed = [Conv(4, 3), GlobalPool(), Dense(7)]\n"
    )
    run = training.train(f"{file}:tiny", runs=tmp_path / "runs", epochs=1, verbose=0, log=str)
    config = json.loads(find_run(run.run).config_path.read_text())
    assert run.model == "tiny" and config["preprocessing"]["size"] == [8, 8]
    assert config["layout"][0].startswith("Conv(")
    assert evaluate(run.run).test_accuracy == run.test_accuracy
    fixed = training.train(f"{file}:fixed", runs=tmp_path / "runs", epochs=1, verbose=0, log=str)
    assert load_trained(fixed.run).model.output_shape == (None, 10)
    with pytest.raises(ZooError, match="defines no 'tyny'. Did you mean tiny"):
        training.train(f"{file}:tyny", runs=tmp_path / "runs", verbose=0, log=str)
    (tmp_path / "broken.py").write_text("from zoo import *\nnet = [Conv(8, 3]\n")
    with pytest.raises(ZooError, match=r"broken.py can't be run: SyntaxError: .* \(line 2\)"):
        training.train(f"{tmp_path}/broken.py:net", runs=tmp_path / "runs", verbose=0, log=str)

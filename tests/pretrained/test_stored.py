"""Weights that come with the package: stored from a run, found by their files, checked against their record."""

import json
import shutil
from hashlib import sha256
from pathlib import Path

import keras
import numpy as np
import pytest
from click.testing import CliRunner
from drawn import DIGITS, drawn
from PIL import Image

import zoo
from benchmarks.stored_weights import AS_MNIST, store
from zoo import ZooError, pretrained
from zoo.cli import main
from zoo.inference.evaluate import evaluate, predict
from zoo.runs.folder import Run
from zoo.weights.published import pretrained_class_names, publishers_preprocessing

RUNS = Path(__file__).parents[1] / "runs" / "old_runs"


def run(*arguments):
    return CliRunner().invoke(main, list(map(str, arguments)), prog_name="zoo")


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """A folder with the weights of a lenet1 of half the width, trained on the digits."""
    folder = tmp_path_factory.mktemp("stored")
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(pretrained, "FOLDER", folder)
        store(RUNS / "finished")
    return folder


@pytest.fixture(autouse=True)
def stored(folder, tmp_path, monkeypatch):
    """A copy of it in the place of the package's own."""
    shutil.copytree(folder, tmp_path / "stored")
    monkeypatch.setattr(pretrained, "FOLDER", tmp_path / "stored")
    return tmp_path / "stored"


def test_a_record_tells_what_was_trained_how_and_how_good_it_is(stored):
    record = json.loads((stored / "lenet1-digits.json").read_text())
    config = Run(RUNS / "finished").config()
    for key, value in {"model": "lenet1", "weights": "digits", "options": {"width": 0.5}, "seed": 0,
                       "input_shape": [28, 28, 1], "class_names": list("0123456789")}.items():
        assert record[key] == value, key
    assert record["test_accuracy"] == config["result"]["test_accuracy"] and record["test_images"] == 60
    assert record["command"] == ("python train.py --model lenet1 --dataset digits --set width=0.5 --limit 60 "
                                 "--epochs 2 --initialization none --seed 0")
    assert record["preprocessing"]["digits"] is False and record["versions"]["keras"] == config["versions"]["keras"]
    assert record["sha256"] == sha256((stored / "lenet1-digits.weights.h5").read_bytes()).hexdigest()
    exact = (stored / "lenet1-digits.weights.h5").stat().st_size
    assert record["dtype"] == "float16" and exact < 60_000


def test_a_set_by_name_builds_the_net_that_was_stored():
    trained = keras.models.load_model(RUNS / "finished" / "model.keras")
    with pytest.warns() as told:
        net = zoo.create("lenet1", weights="digits")
        body = zoo.create("lenet1", weights="digits", include_top=False)
        np.testing.assert_array_equal(body.get_weights()[0], net.get_weights()[0])
        zoo.create("lenet1", weights="digits", activation="tanh")
    assert len(told) == 1 and "epsilon or activation leaves as they are" in str(told[0].message), "of the last alone"
    for ours, theirs in zip(net.get_weights(), trained.get_weights(), strict=True):
        np.testing.assert_allclose(ours, theirs, rtol=1e-3, atol=1e-4)
    entry = zoo.registry.entry("lenet1")
    assert publishers_preprocessing(entry, "digits", (28, 28, 1)) == Run(RUNS / "finished").job().preprocessing
    assert pretrained_class_names(entry, "digits") == tuple("0123456789")


def test_it_is_measured_exported_and_used_as_a_run(tmp_path):
    own = evaluate(RUNS / "finished")
    assert own.test_accuracy == pretrained.stored_sets("lenet1")["digits"].test_accuracy
    Image.fromarray(drawn("3", (8, 8), (1, 1, 6, 6), 1)).save(tmp_path / "3.png")
    ours, theirs = (predict(*given)[0]["classes"] for given in (
        ("lenet1", [tmp_path / "3.png"], "digits"), (RUNS / "finished", [tmp_path / "3.png"])))
    assert [best["name"] for best in ours] == [best["name"] for best in theirs]
    for one, other in zip(ours, theirs):
        assert one["probability"] == pytest.approx(other["probability"], abs=2e-3)
    answer = zoo.load("lenet1", weights="digits")(tmp_path / "3.png")
    assert list(answer)[:3] == [best["name"] for best in ours]


def test_the_commands_tell_of_it(tmp_path):
    accuracy = pretrained.stored_sets("lenet1")["digits"].test_accuracy
    (model,) = json.loads(run("list", "lenet1", "--json").output)
    assert model["weights"] == {"digits": {"test_accuracy": accuracy, "test_images": 60}}
    for words in (("list", "lenet1"), ("info", "lenet1")):
        assert f"digits {100 * accuracy:.2f} %" in run(*words).output
    Image.fromarray(drawn("3")).save(tmp_path / "3.png")
    done = run("predict", "lenet1", tmp_path / "3.png", "--weights", "digits")
    assert done.exit_code == 0 and done.stderr.endswith("Images are resized to 28x28.\n") and "3.png: " in done.stdout


@pytest.mark.parametrize("harm, sentence", [
    (lambda folder: (folder / "lenet1-digits.weights.h5").write_bytes(b""), "isn't the file that its record tells of"),
    (lambda folder: (folder / "lenet1-digits.weights.h5").unlink(), "is missing; install the package anew"),
    (lambda folder: (folder / "lenet1-digits.json").write_text("{}"), "is no record of stored weights: KeyError"),
])
def test_files_that_were_changed_are_not_taken(stored, harm, sentence):
    harm(stored)
    with pytest.raises(ZooError, match=sentence):
        zoo.create("lenet1", weights="digits")


def test_other_nets_have_their_sentence():
    for model in ("vgg11", [zoo.Conv(4, 3)]):
        with pytest.raises(ZooError, match=r"No weights of digits come with the package for .*; they do for lenet1\."):
            zoo.create(model, (32, 32, 1), weights="digits")
    with pytest.raises(ZooError, match="There is no weights file 'letters'"):
        zoo.create("lenet1", weights="letters")


def test_only_finished_runs_are_stored():
    with pytest.raises(ZooError, match="wasn't finished"):
        store(RUNS / "stopped")


def test_weights_that_half_precision_would_spoil_are_stored_whole(stored, monkeypatch):
    counts = iter([30, 29, 30])
    monkeypatch.setattr("benchmarks.stored_weights._right", lambda trained, dataset: next(counts))
    assert store(RUNS / "finished").dtype == "float32"
    zoo.create("lenet1", weights="digits")


# ---------------------------------------------------------------------------------- those of the package itself

SHIPPED = [path.stem for path in sorted(Path(pretrained.__file__).parent.glob("*.json"))]


@pytest.fixture
def package(monkeypatch):
    monkeypatch.setattr(pretrained, "FOLDER", Path(pretrained.__file__).parent)


@pytest.mark.parametrize("name", SHIPPED)
def test_what_comes_with_the_package_is_whole_and_recorded(name, package):
    model, _, weights = name.rpartition("-")
    record = pretrained.stored_sets(model)[weights]
    net = zoo.create(model, weights=weights)
    assert net.output_shape == (None, len(record.class_names)) and record.test_images >= 10_000
    assert record.preprocessing["digits"] == (weights in AS_MNIST)
    assert all(np.isfinite(weight).all() for weight in net.get_weights())


def test_all_that_comes_with_the_package_is_small(package):
    assert sum(path.stat().st_size for path in pretrained.FOLDER.glob("*.h5")) < 15e6


@pytest.mark.parametrize("model", [name.rpartition("-")[0] for name in SHIPPED if name.endswith("-mnist")])
def test_digits_as_a_hand_draws_them_are_read(model, package):
    net = zoo.load(model, weights="mnist")
    ways = [((200, 200), (50, 40, 100, 120), 14, 0, 255), ((300, 120), (180, 20, 50, 80), 8, 30, 230),
            ((28, 28), (4, 4, 20, 20), 2, 255, 0), ((640, 480), (60, 90, 200, 280), 22, 255, 20)]
    for way in ways:
        right = [max(answer := net(drawn(digit, *way)), key=answer.get) == digit for digit in DIGITS]
        assert sum(right) >= 9, way


@pytest.mark.parametrize("options", [{"padding": "same"}, {"classes": 5}, {"input_shape": (40, 40, 1)}])
def test_a_net_whose_head_the_weights_lack_is_not_asked_for_answers(options):
    with pytest.raises(ZooError, match="makes a new one|its answers would be random"):
        zoo.load("lenet1", weights="digits", **options)

"""A run that was stopped goes on to the same weights, or says why it can't."""

import csv
import json
import resource

import numpy as np
import pytest
from broken_off import Stopped, broken_off, weights_of
from PIL import Image

from zoo import ZooError, ZooWarning
from zoo.inference.evaluate import evaluate
from zoo.runs.folder import Run, find_run
from zoo.training import shards
from zoo.training import train as training
from zoo.training.checkpoint import Checkpoint, Damaged, read_arrays, write_arrays

OPTIONS = {"width": 0.5}


def stop(*nothing):
    raise Stopped


@pytest.mark.parametrize("damaged", [False, True])
def test_a_stopped_run_goes_on_to_the_same_weights(tmp_path, damaged):
    options = dict(options={"width": 0.5, "dropout": 0.3}, epochs=4, augment=("crop", "mixup"), ema=0.9,
                   seed=3, verbose=0)
    whole = training.train("lenet1", runs=tmp_path / "whole", log=str, **options)
    with broken_off(after=2):
        training.train("lenet1", runs=tmp_path / "stopped", log=str, **options)
    folder, said = tmp_path / "stopped" / "lenet1-digits-1", []
    with pytest.raises(ZooError, match="wasn't finished: `zoo train --resume"):
        find_run(folder)
    newest = folder / "checkpoints" / "epoch-00002.npz"
    if damaged:
        content = bytearray(newest.read_bytes())
        content[content.index(b"\x93NUMPY") + 140] ^= 255  # in the first array, whose header has 128 bytes
        newest.write_bytes(content)
    result = training.resume(folder, verbose=0, log=said.append)
    assert any("is damaged" in note for note in said) == damaged
    assert any(note.endswith(f"after epoch {2 - damaged}.") for note in said)
    for ours, theirs in zip(weights_of(result.run), weights_of(whole.run), strict=True):
        np.testing.assert_array_equal(ours, theirs)
    assert (result.test_accuracy, result.test_loss) == (whole.test_accuracy, whole.test_loss)
    with open(folder / "metrics.csv") as file:
        assert [row["epoch"] for row in csv.DictReader(file)] == ["0", "1", "2", "3"]
    assert training.resume(folder, verbose=0, log=said.append) == result and "is finished" in said[-1]


@pytest.fixture
def pictures(tmp_path):
    """A folder of pictures: two classes of noise, the second brighter."""
    noise = np.random.default_rng(0)
    for label, name in enumerate(("dark", "light")):
        (tmp_path / "pictures" / name).mkdir(parents=True)
        for i in range(48):
            pixels = noise.integers(60 * label, 196 + 60 * label, (12, 12, 3), dtype=np.uint8)
            Image.fromarray(pixels).save(tmp_path / "pictures" / name / f"{i}.png")
    return tmp_path / "pictures"


def test_a_streamed_set_trains_to_the_same_weights_as_a_held_one_and_goes_on_exactly(pictures, tmp_path, monkeypatch):
    options = dict(options={"width": 0.5}, epochs=4, batch_size=8, verbose=0, log=str)
    held = training.train("lenet1", pictures, runs=tmp_path / "held", **options)
    monkeypatch.setattr("zoo.data.dataset.IN_MEMORY_BYTES", 0)
    streamed = training.train("lenet1", pictures, runs=tmp_path / "streamed", **options)
    with broken_off(after=2):
        training.train("lenet1", pictures, runs=tmp_path / "stopped", **options)
    resumed = training.resume(tmp_path / "stopped" / "lenet1-pictures-1", verbose=0, log=str)
    for one, other, third in zip(*map(weights_of, (streamed.run, resumed.run, held.run)), strict=True):
        np.testing.assert_array_equal(one, other)
        np.testing.assert_allclose(one, third, rtol=1e-4, atol=1e-6)
    assert streamed.test_accuracy == held.test_accuracy == evaluate(streamed.run).test_accuracy > 0.8


def test_a_part_of_a_set_trains_alone_and_stays_the_part(tmp_path):
    run = training.train("lenet1", classes=["3", "8"], limit=40, epochs=1, runs=tmp_path, verbose=0, log=str).run
    config = find_run(run).config()
    assert config["class_names"] == ["3", "8"] and config["images"]["train"] == 40
    assert evaluate(run).test_accuracy == config["result"]["test_accuracy"]
    assert 0 < evaluate(run, "digits").test_accuracy < 1  # on all images of the two classes


def test_a_run_is_tested_on_no_other_classes(pictures, tmp_path):
    run = training.train("lenet1", pictures, limit=8, epochs=1, runs=tmp_path / "runs", verbose=0, log=str).run
    images, labels = np.zeros((9, 12, 12, 3), np.uint8), np.arange(9) % 2
    np.savez(tmp_path / "numbered.npz", x_train=images, y_train=labels)
    with pytest.warns(ZooWarning, match="numbered numbers its classes: 0 is taken for 'dark', 1 for 'light'"):
        assert evaluate(run, tmp_path / "numbered.npz").dataset == "numbered"
    np.savez(tmp_path / "named.npz", x_train=images, y_train=labels, classes=["dark", "loud"])
    with pytest.raises(ZooError, match="knows other classes than named has: 'light' where that has 'loud'"):
        evaluate(run, tmp_path / "named.npz")
    np.savez(tmp_path / "three.npz", x_train=images, y_train=np.arange(9) % 3)
    with pytest.raises(ZooError, match="knows 2 classes, but three has 3"):
        evaluate(run, tmp_path / "three.npz")


def test_an_interrupted_run_says_how_it_goes_on(tmp_path, monkeypatch):
    def interrupt(self, batch, logs=None):
        if self.history:
            raise KeyboardInterrupt

    monkeypatch.setattr(Checkpoint, "on_train_batch_end", interrupt)
    said = []
    with pytest.raises(KeyboardInterrupt):
        training.train("lenet1", options=OPTIONS, runs=tmp_path, verbose=0, log=said.append)
    folder = tmp_path / "lenet1-digits-1"
    assert said[-1] == f"Stopped after epoch 1; `zoo train --resume {folder}` goes on from there."
    assert [path.name for path in folder.glob("checkpoints/epoch-*.npz")] == ["epoch-00001.npz"]


def test_a_disk_without_room_ends_a_run_with_a_sentence_and_the_last_checkpoint_whole(tmp_path):
    limits = resource.getrlimit(resource.RLIMIT_FSIZE)

    def fill(history):
        if len(history) == 2:
            resource.setrlimit(resource.RLIMIT_FSIZE, (20_000, limits[1]))  # a file can't grow beyond

    options = dict(runs=tmp_path, epochs=3, verbose=0, log=str)
    try:
        with pytest.raises(ZooError, match="The run can't be written: File too large. .* goes on from it"):
            training.train("lenet1", watch=fill, **options)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, limits)
    assert sorted(path.name for path in tmp_path.glob("*/checkpoints/*")) == [
        "best.npz", "epoch-00001.npz", "epoch-00002.npz"
    ]
    said = []
    assert training.resume(tmp_path / "lenet1-digits-1", verbose=0, log=said.append).epochs == 3
    assert said[0].endswith("after epoch 2.")


def test_no_flipped_bit_of_a_checkpoint_passes(tmp_path):
    path, arrays = tmp_path / "epoch.npz", [np.arange(3.0, dtype="float32"), np.ones((2, 2), "float32")]
    write_arrays(path, arrays)
    content = path.read_bytes()
    for place in range(len(content)):
        damaged = bytearray(content)
        damaged[place] ^= 1 << place % 8
        path.write_bytes(damaged)
        try:
            read, _ = read_arrays(path)
        except Damaged:
            continue
        for ours, theirs in zip(read, arrays, strict=True):  # the bit says nothing, as one of the file's date
            np.testing.assert_array_equal(ours, theirs)


def test_a_run_whose_best_weights_are_damaged_says_so_and_can_begin_anew(tmp_path, monkeypatch):
    options = dict(limit=40, epochs=1, verbose=0, log=str)
    with monkeypatch.context() as patch, pytest.raises(Stopped):
        patch.setattr("zoo.training.checkpoint.restore_best", stop)
        training.train("lenet1", runs=tmp_path, **options)
    run = Run(tmp_path / "lenet1-digits-1")
    run.best_weights_path.write_bytes(b"nothing")
    with pytest.raises(ZooError, match="best.npz, the weights of the best epoch, is damaged.* begins anew"):
        training.resume(run.folder, verbose=0, log=str)
    for path in run.folder.glob("checkpoints/*"):
        path.unlink()
    again = training.resume(run.folder, verbose=0, log=str)
    assert again.test_loss == training.train("lenet1", runs=tmp_path / "whole", **options).test_loss


def test_a_run_that_was_stopped_before_its_report_still_gets_it(tmp_path, monkeypatch):
    with monkeypatch.context() as patch, pytest.raises(Stopped):
        patch.setattr("zoo.runs.report.write_report", stop)
        training.train("lenet1", limit=40, epochs=1, runs=tmp_path, verbose=0, log=str)
    training.resume(tmp_path / "lenet1-digits-1", verbose=0, log=str)
    assert (tmp_path / "lenet1-digits-1" / "report.html").is_file()


@pytest.mark.parametrize(
    "text, sentence",
    [
        ('{"mod', "Unterminated string"),
        ("[]", "list indices must be integers"),
        ("{}", "its config.json or metrics.csv has no 'preprocessing'"),
        ('{"preprocessing": {"size": 3}}', "missing 4 required positional arguments"),
    ],
)
def test_a_run_whose_config_is_damaged_does_not_go_on(tmp_path, text, sentence):
    (tmp_path / "config.json").write_text(text)
    with pytest.raises(ZooError, match=f"The run in {tmp_path} can't be read: .*{sentence}"):
        training.resume(tmp_path, log=str)


@pytest.mark.parametrize(
    "parts, sentence",
    [("two", "positive whole number; got 'two'"), (0, "positive whole number; got 0"), (100, "at most 32, .* got 100")],
)
def test_a_run_whose_parts_cannot_be_does_not_go_on(result, tmp_path, parts, sentence):
    config = find_run(result[0].run).config() | {"parts": parts}
    (tmp_path / "config.json").write_text(json.dumps(config))
    with pytest.raises(ZooError, match=f"The run in {tmp_path} can't be read: parts must be .*{sentence}"):
        training.resume(tmp_path, log=str)


def test_a_run_that_knows_no_parts_goes_on_in_one_piece(tmp_path, monkeypatch):
    options = {"limit": 40, "epochs": 2, "batch_size": 16, "verbose": 0, "log": str}
    with monkeypatch.context() as patch, pytest.raises(Stopped):
        patch.setattr(training, "_keep_best", stop)
        training.train("lenet1", runs=tmp_path, **options)
    run = Run(tmp_path / "lenet1-digits-1")
    run.write_config({key: value for key, value in run.config().items() if key != "parts"})
    training.resume(run.folder, verbose=0, log=str)
    assert run.job().shards == 1


@pytest.mark.parametrize(
    "model, own_process, times", [("lenet1", True, 2), ("lenet1", False, 0), ("net.py:tiny", True, 0)]
)
def test_a_run_goes_on_with_as_many_cores_an_op_as_it_began_with(tmp_path, monkeypatch, model, own_process, times):
    """Both nets train in parts, but those of a layout without a size of its own aren't foreseen."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "net.py").write_text("from zoo import *\ntiny = [Conv(4, 3), Pool(2), Flatten(), Dense(10)]")
    monkeypatch.setattr(shards, "_cores", lambda: 2)
    settled, options = [], {"limit": 40, "epochs": 1, "batch_size": 16, "verbose": 0, "log": str}
    monkeypatch.setattr(shards, "use_single_threaded_ops", lambda: settled.append(1))
    with monkeypatch.context() as patch, pytest.raises(Stopped):
        patch.setattr(training, "_keep_best", stop)
        training.train(model, own_process=own_process, **options)
    (folder,) = tmp_path.glob("runs/*")
    assert Run(folder).config()["parts"] == 2
    training.resume(folder, verbose=0, log=str, own_process=True)
    assert len(settled) == times


def test_the_command_that_goes_on_is_quoted_for_the_shell(tmp_path):
    (tmp_path / "my runs").mkdir()
    (tmp_path / "my runs" / "config.json").write_text("{}")
    with pytest.raises(ZooError, match=f"`zoo train --resume '{tmp_path}/my runs'`"):
        find_run(tmp_path / "my runs")


def test_old_checkpoints_are_deleted(result):
    left = sorted(path.name for path in find_run(result[0].run).folder.glob("checkpoints/*"))
    assert left == ["best.npz", "epoch-00002.npz", "epoch-00003.npz"]

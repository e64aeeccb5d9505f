"""A data set's classes are the model's by name, whatever the order; what has to be assumed is told."""

import json
import shutil
import warnings
from pathlib import Path

import numpy as np
import pytest
from pictures import pictures

from zoo import ZooError, ZooWarning, data
from zoo.data.class_names import in_order
from zoo.data.dataset import Dataset, Split
from zoo.data.matching import matched
from zoo.inference.evaluate import evaluate
from zoo.runs.folder import Run
from zoo.training import train as training

TWELVE = sorted(map(str, range(12)))  # 0, 1, 10, 11, 2, …: as older versions order folders


def dataset(names):
    """A data set whose image i is of the class names[i], and whose pixel is i."""
    numbers = np.arange(len(names))
    split = Split(numbers.astype(np.uint8).reshape(-1, 1, 1, 1), numbers.astype(np.int32))
    return Dataset("set", tuple(names), split, split, split)


@pytest.mark.parametrize(
    "theirs, ours, expected, said",
    [
        (["cat", "dog"], ["cat", "dog"], [0, 1], []),
        (["dog", "owl", "cat"], ["cat", "dog", "owl"], [1, 2, 0], []),
        (map(str, range(12)), TWELVE, [0, 1, 4, 5, 6, 7, 8, 9, 10, 11, 2, 3], []),
        (TWELVE, map(str, range(12)), [0, 1, 10, 11, 2, 3, 4, 5, 6, 7, 8, 9], []),
        (["8", "3"], ["3", "8"], [1, 0], []),
        (["dog"], ["cat", "dog", "owl"], [1], ["set has 1 of the 3 classes of net: dog."]),
        (["1", "3"], map(str, range(10)), [1, 3], ["set has 2 of the 10 classes of net: 1, 3."]),
        (["Dog ", "cat"], ["cat", "dog"], [1, 0],
         ["set spells the names of classes otherwise than net: 'Dog ' is taken for 'dog'."]),
        (["cafe\u0301", "bar"], ["bar", "caf\u00e9"], [1, 0],
         ["set spells the names of classes otherwise than net: 'cafe\u0301' is taken for 'caf\u00e9'."]),
        (["00000", "00002", "00010"], ["0", "10", "2"], [0, 2, 1],
         ["set spells the names of classes otherwise than net: '00000' is taken for '0', '00002' for '2', "
          "'00010' for '10'."]),
        (["0", "1"], ["cat", "dog"], [0, 1], ["set numbers its classes: 0 is taken for 'cat', 1 for 'dog'."]),
        (["1", "0"], ["cat", "dog"], [1, 0], ["set numbers its classes: 0 is taken for 'cat', 1 for 'dog'."]),
        (["cat", "dog"], ["1", "0"], [1, 0], ["net numbers its classes: 0 is taken for 'cat', 1 for 'dog'."]),
        (list("abcdefghijkl"), TWELVE, [0, 1, 4, 5, 6, 7, 8, 9, 10, 11, 2, 3],
         ["net numbers its classes: 0 is taken for 'a', 1 for 'b', 2 for 'c', 3 for 'd', 4 for 'e', …, 11 for 'l'."]),
    ],
)
def test_classes_are_matched_by_name_and_what_is_assumed_is_told(theirs, ours, expected, said):
    ours = tuple(ours)
    data, sentences = matched(dataset(list(theirs)), ours, "net")
    assert data.class_names == ours and data.test.labels.tolist() == expected and sentences == said
    assert data.test.labels.dtype == np.int32 and data.test.images.ravel().tolist() == list(range(len(expected)))


@pytest.mark.parametrize(
    "theirs, ours, sentence",
    [
        (["cat", "dog"], ["cat", "owl"], "net knows other classes than set has: 'owl' where that has 'dog'."),
        (["cat", "dog", "owl"], ["cat", "dog"], "net knows 2 classes, but set has 3; of these, it doesn't know 'owl'."),
        (["cat", "dgo"], ["cat", "dog", "owl"],
         "net knows 3 classes, but set has 2; of these, it doesn't know 'dgo'. Did you mean dog?"),
        (["0", "1", "2"], ["1", "2", "3"], "net knows other classes than set has: '3' where that has '0'."),
        (["1", "2"], ["0", "1"], "net knows other classes than set has: '0' where that has '2'."),
        (["1", "2"], ["cat", "dog"], "net knows other classes than set has: 'cat' where that has '1'."),
        (["0", "1"], ["cat", "dog", "owl"], "net knows 3 classes, but set has 2; of these, it doesn't know '0'."),
        (["CAT", "dog"], ["Cat", "cat", "dog"],
         "net knows 3 classes, but set has 2; of these, it doesn't know 'CAT'. Did you mean cat?"),
    ],
)
def test_classes_that_the_model_does_not_know_are_refused(theirs, ours, sentence):
    with pytest.raises(ZooError) as problem:
        matched(dataset(theirs), ours, "net")
    assert str(problem.value) == sentence


def test_numbers_are_in_their_order_and_other_names_in_the_texts():
    assert in_order(["10", "2", "1"]) == ["1", "2", "10"] and in_order(["b10", "b2", "a"]) == ["a", "b10", "b2"]


# --------------------------------------------------------------------------------------------------------- in a run


def images_of(values):
    """Images (N, 12, 12), each with a bright row: that of its class."""
    return (np.eye(12, dtype=np.uint8)[values] * 255)[..., None].repeat(12, -1)


def saved(path, names, **more):
    """Write an .npz of the 12 classes, labelled by their places in `names`."""
    values = np.tile(np.arange(12), 8)
    labels = np.array([names.index(str(value)) for value in values])
    splits = {f"x_{split}": images_of(values) for split in ("train", "val", "test")}
    np.savez(path, **splits, **{f"y{key[1:]}": labels for key in splits}, **more)
    return path


OPTIONS = dict(epochs=15, batch_size=8, learning_rate=0.01, verbose=0, log=str, seed=0)


@pytest.fixture(scope="module")
def old_run(tmp_path_factory):
    """A run whose classes 0 to 11 are in the order of text, on a file of .npz that names them so."""
    folder = tmp_path_factory.mktemp("old")
    path = saved(folder / "set.npz", TWELVE, classes=TWELVE)
    return training.train("lenet1", path, runs=folder, **OPTIONS)


def test_a_run_is_right_on_data_in_another_order(old_run, tmp_path):
    """The first: 99 % on the one, 17 % on the other."""
    assert old_run.test_accuracy > 0.9
    numbers = list(map(str, range(12)))
    with warnings.catch_warnings():
        warnings.simplefilter("error", ZooWarning)
        again = evaluate(old_run.run, saved(tmp_path / "numbers.npz", numbers))
    with pytest.warns(ZooWarning, match="The labels of reversed.npz count its classes from 0: 0 is the class '11'.$"):
        reversed_ = evaluate(old_run.run, saved(tmp_path / "reversed.npz", numbers[::-1], classes=numbers[::-1]))
    assert again.test_accuracy == reversed_.test_accuracy == old_run.test_accuracy
    names = [f"no {number}" for number in numbers]
    with pytest.warns(ZooWarning) as told:
        named = evaluate(old_run.run, saved(tmp_path / "names.npz", numbers, classes=names))
    assert named.test_accuracy == old_run.test_accuracy
    assert [str(warning.message) for warning in told] == [
        "lenet1 numbers its classes: 0 is taken for 'no 0', 1 for 'no 1', 2 for 'no 2', 3 for 'no 3', 4 for 'no 4', …, "
        "11 for 'no 11'."
    ]


def test_a_run_is_tested_on_some_of_its_classes(old_run, tmp_path):
    values = np.tile([10, 2], 10)
    images, labels = images_of(values), values.astype(str)
    np.savez(tmp_path / "two.npz", x_train=images, y_train=labels, x_test=images, y_test=labels)
    with pytest.warns(ZooWarning) as told:
        result = evaluate(old_run.run, tmp_path / "two.npz")
    assert [str(warning.message) for warning in told] == [
        "Validation: 10% of the training images, for two has no validation split of its own.",
        "two has 2 of the 12 classes of lenet1: 2, 10.",
    ]
    assert result.test_accuracy == 1


def stopped(tmp_path, monkeypatch):
    """Stop a run as it begins; return its data's file and its folder."""

    def stop(*_):
        raise KeyboardInterrupt

    path = saved(tmp_path / "set.npz", TWELVE, classes=TWELVE)
    with monkeypatch.context() as patch, pytest.raises(KeyboardInterrupt):
        patch.setattr("zoo.training.building.build_period", stop)
        training.train("lenet1", path, runs=tmp_path, **OPTIONS)
    return path, tmp_path / "lenet1-set-1"


def test_a_stopped_run_goes_on_with_its_own_order(old_run, tmp_path, monkeypatch):
    path, folder = stopped(tmp_path, monkeypatch)
    saved(path, list(map(str, range(12))))  # as a later version might order them
    result = training.resume(folder, verbose=0, log=str)
    assert (result.test_accuracy, result.test_loss) == (old_run.test_accuracy, old_run.test_loss)
    assert json.loads((folder / "config.json").read_text())["class_names"] == TWELVE


def test_a_stopped_run_does_not_go_on_with_other_classes(tmp_path, monkeypatch):
    path, folder = stopped(tmp_path, monkeypatch)
    saved(path, TWELVE, classes=list("abcdefghijkl"))
    with pytest.raises(ZooError, match="set has other classes than when the run began: the run in .* can't"):
        training.resume(folder, verbose=0, log=str)


def test_images_that_an_older_version_read_otherwise_are_told(tmp_path):
    """As drawings on transparency, which lay on black: the run's normalization shows it."""
    path = saved(tmp_path / "set.npz", TWELVE, classes=TWELVE)
    run = Run(Path(training.train("lenet1", path, runs=tmp_path, **OPTIONS).run))
    config = run.config()
    assert not warned(evaluate, run.folder)
    del config["data"]["white"]
    run.write_config(config)
    assert not warned(evaluate, run.folder)  # the older version read these images as they are read now
    run.write_config(config | {"source": "gone.py:tiny"})
    assert not warned(evaluate, run.folder)  # nothing can be told without the layout, and nothing needs it
    config["preprocessing"]["offset"] = [value + 1 for value in config["preprocessing"]["offset"]]
    config.pop("result")
    run.write_config(config)
    why = "The images of set are read otherwise than by the older version that began the run"
    more = "it may have been trained on images that it is tested on now, or on others."
    assert warned(evaluate, run.folder) == [f"{why}: {more}"]
    with pytest.raises(ZooError, match=f"{why}: the run in .* can't go on with it"):
        training.resume(run.folder, verbose=0, log=str)


def warned(function, *arguments):
    with warnings.catch_warnings(record=True) as told:
        warnings.simplefilter("always")
        function(*arguments)
    return [str(one.message) for one in told if one.category is ZooWarning]


def test_a_class_without_test_images_has_no_recall_in_the_report(tmp_path):
    """And none without predictions has a precision: 0.000 would say that all were wrong."""
    images, labels = images_of(np.arange(36) % 3), np.arange(36) % 3
    np.savez(tmp_path / "set.npz", x_train=images, y_train=labels, x_test=images[labels < 2], y_test=labels[labels < 2],
             classes=["ant", "bee", "cow"])
    with warnings.catch_warnings():
        warnings.simplefilter("error", UserWarning)
        run = training.train("lenet1", tmp_path / "set.npz", runs=tmp_path, **OPTIONS | {"epochs": 10}).run
    page = (tmp_path / run / "report.html").read_text()
    rows = [line.strip() for line in page.splitlines() if "<td>cow</td>" in line or "<td>ant</td>" in line]
    assert rows == [
        "<tr><td>ant</td><td>1.000</td><td>1.000</td><td>12</td></tr>",
        "<tr><td>cow</td><td>–</td><td>–</td><td>0</td></tr>",
    ]


def test_the_command_line_tells_what_it_assumes(old_run, tmp_path):
    from click.testing import CliRunner

    from zoo.cli import main

    path = saved(tmp_path / "names.npz", list(map(str, range(12))), classes=[f"no {i}" for i in range(12)])
    answer = CliRunner().invoke(main, ["evaluate", old_run.run, "--dataset", str(path), "--json"])
    assert answer.exit_code == 0 and json.loads(answer.stdout.splitlines()[-1])["test_accuracy"] > 0.9
    assert answer.stderr.startswith("lenet1 numbers its classes: 0 is taken for 'no 0', 1 for 'no 1'")
    saved(path, list(map(str, range(12))), classes=list(map(str, range(1, 13))))
    answer = CliRunner().invoke(main, ["evaluate", old_run.run, "--dataset", str(path)])
    assert (
        answer.exit_code == 2 and "lenet1 knows other classes than names has: '0' where that has '12'" in answer.stderr
    )


@pytest.mark.parametrize("limit", [None, 36])
def test_a_run_of_an_older_version_is_tested_on_its_own_split_by_whatever_path(tmp_path, monkeypatch, limit):
    """Else on images that it was trained on: which are drawn for testing follows from the order of the classes."""
    for value in range(12):
        pictures(tmp_path / "set" / str(value), 10)
    run = training.train("lenet1", tmp_path / "set", runs=tmp_path, limit=limit, **OPTIONS | {"epochs": 1}).run
    path = tmp_path / run / "config.json"
    config = json.loads(path.read_text())
    del config["data"]["order"]
    config["class_names"].sort()
    path.write_text(json.dumps(config))
    tested = []
    monkeypatch.setattr("zoo.inference.predictor.predict_split", lambda model, split, _: tested.append(split) or (
        np.ones((len(split), 12), "f4") / 12))
    monkeypatch.chdir(tmp_path)
    shutil.copytree("set", "moved")
    for place in (None, tmp_path / "set", "set", "moved"):
        with warnings.catch_warnings(record=True) as told:
            warnings.simplefilter("always", ZooWarning)
            evaluate(run, place)
        assert not [one for one in told if "trained on" in str(one.message)]
    expected = data.load(tmp_path / "set", order="text").test
    for split in tested[1:]:
        assert (split.images == expected.images).all()
    assert limit or (tested[0].images == expected.images).all()
    pictures(tmp_path / "set" / "0", 3, suffix=".bmp")
    with pytest.warns(ZooWarning, match="set isn't what it was when the run began: it may have been trained on images"):
        evaluate(run, "set")
    (tmp_path / "link").symlink_to(tmp_path / "set", target_is_directory=True)
    with pytest.warns(ZooWarning, match="set isn't what it was when the run began"):
        evaluate(run, "link")


def test_a_run_of_an_older_version_on_classes_of_few_images_is_told_of(old_run, tmp_path, monkeypatch):
    """Those split such a set otherwise, so that what is a test image now can have been a training image."""
    values = np.array([*np.tile([0, 1], 20), 2])
    np.savez(tmp_path / "rare.npz", x_train=images_of(values), y_train=values)
    run = training.train("lenet1", tmp_path / "rare.npz", runs=tmp_path, **OPTIONS | {"epochs": 1}).run
    path = tmp_path / run / "config.json"
    with warnings.catch_warnings():
        warnings.simplefilter("error", ZooWarning)
        evaluate(run)
        evaluate(old_run.run)
    config = json.loads(path.read_text())
    del config["keeps_classes"]
    path.write_text(json.dumps(config))
    with pytest.warns(ZooWarning, match="^rare has classes of few images, and may be split otherwise"):
        evaluate(run)
    del config["result"]
    path.write_text(json.dumps(config))
    said = []
    training.resume(run, verbose=0, log=said.append)
    assert any(sentence.startswith("rare has classes of few images") for sentence in said)

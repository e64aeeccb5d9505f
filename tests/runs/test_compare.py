"""Runs side by side, finished or not: what they reached, where they differ, their curves."""

import json
import re
import shutil
from pathlib import Path

import pytest
from click.testing import CliRunner
from PIL import Image
from processes import loaded_by

from zoo import ZooError, ZooWarning
from zoo.cli import main
from zoo.runs.compare import compare, table, write_comparison
from zoo.runs.folder import Run
from zoo.training import train as training


@pytest.fixture(scope="module")
def trained(tmp_path_factory):
    runs = tmp_path_factory.mktemp("runs")
    return training.train("lenet1", options={"width": 0.5}, runs=runs, epochs=2, limit=100, verbose=0, log=str)


@pytest.fixture
def another(trained, tmp_path):
    """Make another run of the trained one: `another(name, part=changes, …)`, as if it had had these settings."""

    def make(name, finished=True, begun=True, **changes):
        folder = tmp_path / name
        shutil.copytree(trained.run, folder)
        config = Run(folder).config()
        for part, values in changes.items():
            config[part] |= values
        if not finished:
            del config["result"]
        if not begun:
            Run(folder).metrics_path.unlink()
        Run(folder).write_config(config)
        return folder

    return make


def test_a_finished_runs_facts_are_those_of_its_result(trained, another):
    first, _ = compare([trained.run, another("other")])
    for key in ("run", "model", "dataset", "test_accuracy", "test_loss", "epochs", "seconds", "images_per_second"):
        assert first.facts[key] == getattr(trained, key)
    losses = first.metrics["val_loss"]
    assert first.facts["best_epoch"] == 1 + losses.index(min(losses)) and first.facts["input_shape"] == (28, 28, 1)
    assert first.facts["params"] == Run(Path(trained.run)).config()["params"] > 500


def test_only_the_settings_in_which_runs_differ_are_told(trained, another):
    folders = [
        trained.run,
        another("a", recipe={"learning_rate": 0.5, "augment": ["flip", "crop"]}, options={"norm": None}),
        another("b", options={"width": 2}, data={"limit": None, "data_dir": "elsewhere"}),
    ]
    settings = [[run.facts[kind] for kind in ("options", "recipe", "data")] for run in compare(folders)]
    assert settings == [
        [{"width": 0.5}, {"learning_rate": 0.003, "augment": ()}, {"limit": 100}],
        [{"width": 0.5, "norm": None}, {"learning_rate": 0.5, "augment": ("flip", "crop")}, {"limit": 100}],
        [{"width": 2}, {"learning_rate": 0.003, "augment": ()}, {"limit": None}],
    ]
    lines = {name: cells for name, *cells in table(compare(folders))}
    assert lines["--set width"] == ["0.5", "0.5", "2"] and lines["--set norm"] == ["-", "none", "-"]
    assert lines["--learning-rate"] == ["0.003", "0.5", "0.003"] and lines["--augment"] == ["none", "flip,crop", "none"]
    assert lines["--limit"] == ["100", "100", "none"] and "--set padding" not in lines and "--seed" not in lines


def test_runs_that_go_on_tell_what_they_have_so_far(another):
    begun, bare = compare([another("begun", finished=False), another("bare", finished=False, begun=False)])
    assert begun.facts["test_accuracy"] is None and begun.facts["epochs"] == 2 and begun.facts["seconds"] > 0
    assert bare.facts["epochs"] == 0 and bare.facts["best_epoch"] is bare.facts["seconds"] is None
    lines = {name: cells for name, *cells in table([begun, bare])}
    assert lines["test accuracy"] == ["-", "-"] and lines["epochs"] == ["2", "0"] and lines["images/s"][1] == "-"


def test_the_page_shows_every_run_and_needs_no_other_file(another, tmp_path):
    runs = compare([another("<one>"), another("two", finished=False, begun=False)])
    png, html = write_comparison(runs, tmp_path / "lr0.5")
    assert (png.name, html.name) == ("lr0.5.png", "lr0.5.html") and Image.open(png).width > 1000
    page = html.read_text()
    assert "<th>&lt;one&gt;</th><th>two</th>" in page and "://" not in page
    sources = re.findall(r'src(?:set)?="([^"]*)"', page)
    assert len(sources) == 2 and all(source.startswith("data:image/png;base64,") for source in sources)


def test_every_run_has_its_own_curve(another):
    from zoo.runs.figures import draw_overlaid

    runs = compare([another(f"run-{i}") for i in range(12)] + [another("bare", begun=False)])
    figure = draw_overlaid([(run.label, run.metrics) for run in runs])
    for axes, key in zip(figure.axes, ("loss", "accuracy")):
        training, validation = axes.lines[::2], axes.lines[1::2]
        assert len(training) == len(validation) == 12
        assert list(training[3].get_ydata()) == runs[3].metrics[key]
        assert list(validation[3].get_ydata()) == runs[3].metrics[f"val_{key}"]
        assert len({(line.get_color(), line.get_marker()) for line in validation}) == 12
    legend = [text.get_text() for text in figure.legends[0].get_texts()]
    assert legend == [*(f"run-{i}" for i in range(12)), "bare: no epoch yet"]


def test_runs_of_one_name_are_told_apart_by_their_paths(trained, another):
    name = Path(trained.run).name
    assert [run.label for run in compare([trained.run, another("x")])] == [name, "x"]
    other = another(f"elsewhere/{name}")
    assert [run.label for run in compare([trained.run, other])] == [trained.run, str(other)]


def test_the_command_prints_a_table_or_json_and_writes_both_files(trained, another, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    folders = [trained.run, str(another("other", recipe={"seed": 7}))]
    printed = CliRunner().invoke(main, ["compare", *folders]).output.splitlines()
    assert printed[0].split() == ["run", Path(trained.run).name, "other"]
    assert printed[-2].split() == ["--seed", "0", "7"] and printed[-1] == "Wrote compare.png and compare.html"
    answer = json.loads(CliRunner().invoke(main, ["compare", *folders, "--json", "--output", "two"]).output)
    assert [run["run"] for run in answer] == folders and [run["recipe"] for run in answer] == [{"seed": 0}, {"seed": 7}]
    assert {"compare.png", "compare.html", "two.png", "two.html"} <= {path.name for path in tmp_path.iterdir()}


@pytest.mark.parametrize(
    "names, sentence",
    [
        ([], "Give two runs or more to compare; got none."),
        (["one"], "Give two runs or more to compare; got one."),
        (["one", "one/../one"], "Give two runs or more to compare; got one/../one."),
        (["one", "nowhere"], "There is no run folder 'nowhere'."),
        (["one", "."], "has no config.json"),
        (["one", "empty"], "The run in empty can't be read: its config.json or metrics.csv has no 'preprocessing'."),
        (["one", "torn"], "The run in torn can't be read"),
    ],
)
def test_less_than_two_runs_are_refused_and_nothing_is_written(another, tmp_path, monkeypatch, names, sentence):
    monkeypatch.chdir(tmp_path)
    another("one")
    for name, text in (("empty", "{}"), ("torn", '{"model": ')):
        Path(name).mkdir()
        Path(name, "config.json").write_text(text)
    done = CliRunner().invoke(main, ["compare", *names])
    assert done.exit_code == 2 and sentence in done.output and "Traceback" not in done.output
    assert not list(tmp_path.glob("compare.*"))


def test_curves_that_can_not_be_drawn_cost_a_sentence(trained, another, tmp_path, monkeypatch):
    monkeypatch.setattr("zoo.runs.figures.draw_overlaid", lambda runs: 1 / 0)
    with pytest.warns(ZooWarning, match=r"two.png can't be made: division by zero\.$"):
        written = write_comparison(compare([trained.run, another("x")]), tmp_path / "two")
    assert written == (tmp_path / "two.html",) and "This figure couldn't be drawn." in written[0].read_text()


def test_runs_whose_losses_are_of_another_kind_are_named(trained, another, tmp_path):
    old = another("older")
    text = Run(old).metrics_path.read_text()
    runs = compare([trained.run, old])
    assert "what the run minimized" not in write_comparison(runs, tmp_path / "new")[1].read_text()
    Run(old).metrics_path.write_text(text.replace("loss,objective", "else,loss"))
    page = write_comparison(compare([trained.run, old]), tmp_path / "mixed")[1].read_text()
    assert "as all other losses are: older.</p>" in page


def test_a_place_that_can_not_be_written_has_its_sentence(trained, another, tmp_path):
    runs = compare([trained.run, another("x")])
    with pytest.raises(ZooError, match="no/where can't be written: No such file"):
        write_comparison(runs, tmp_path / "no/where")
    for name in ("", f"{tmp_path}/"):
        with pytest.raises(ZooError, match="--output needs the name of a file"):
            write_comparison(runs, name)


def test_comparing_needs_no_tensorflow(trained, another, tmp_path):
    command = ["compare", trained.run, str(another("x")), "--output", str(tmp_path / "out")]
    assert loaded_by(command, "tensorflow", "keras", "sklearn") == []

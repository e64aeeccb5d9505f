"""Whatever names of classes, data sets and runs hold, a run comes to its end, and what is shown of them is theirs."""

import json
import os
import shutil
import warnings

import numpy as np
import pytest
from click.testing import CliRunner
from matplotlib import font_manager
from matplotlib.text import Text
from PIL import Image

from zoo import ZooWarning, names
from zoo.cli import main
from zoo.runs import lettering
from zoo.runs.figures import draw_confusion, draw_overlaid
from zoo.runs.folder import find_run, new_run
from zoo.training import train as training

NOT_UTF8 = "caf\udce9"  # as os.listdir returns the bytes caf\xe9
NASTY = (
    "$a$ b_$c$", r"\$\frac{", "a_b^c", "<b>&amp;\"'", "line\nbreak\ttab", "שלום", "عربي", "漢字", "漢子", "😀👩‍👩‍👧",
    "x" * 3000, "", NOT_UTF8, "\x1b[31mred", "\u202eright", "%s {0} {{x}}", "_hidden", "e\u0301", "\ufeffmark",
)


@pytest.fixture(autouse=True)
def no_warning():
    """Of a glyph that is missing, of a label that is left out, of a figure that can't be drawn."""
    with warnings.catch_warnings():
        warnings.simplefilter("error", UserWarning)
        yield


@pytest.mark.parametrize(
    "name, text, line",
    [
        ("cat", "cat", "cat"),
        ("漢字 😀 שלום $_<&", "漢字 😀 שלום $_<&", "漢字 😀 שלום $_<&"),
        (NOT_UTF8, r"caf\xe9", r"caf\xe9"),
        ("\ud800", r"\ud800", r"\ud800"),
        ("a\nb\tc\x1b\u2028", "a\nb\tc\x1b\u2028", r"a\nb\tc\x1b\u2028"),
        ("\u202edaed", "\u202edaed", r"\u202edaed"),
        ("", "", ""),
    ],
)
def test_what_is_not_text_or_breaks_a_line_is_written_out(name, text, line):
    assert (names.text(name), names.line(name)) == (text, line)
    names.line(name).encode("utf-8")


def shown(figure):
    """Draw the figure; return its texts, as they are drawn."""
    figure.canvas.draw()
    texts = [item for item in figure.findobj(Text) if item.get_text()]
    parsed = [item._preprocess_math(item.get_text()) for item in texts]
    assert not any(is_formula for _, is_formula in parsed)
    return [text for text, _ in parsed]


@pytest.mark.parametrize("name", NASTY, ids=ascii)
def test_a_name_is_shown_as_it_is_and_as_no_formula(name):
    figure = draw_confusion(np.eye(2, dtype=int), [name, "other"])
    line = names.line(name)
    if len(line) <= lettering.LONGEST and all(sign.isascii() for sign in line):
        assert not line or (f" {line}" if line.startswith("_") else line) in shown(figure)
    assert max(figure.get_size_inches()) < 10
    metrics = {"epoch": [0.0], **{key: [0.5] for key in ("loss", "accuracy", "val_loss", "val_accuracy")}}
    overlaid = draw_overlaid([(name, metrics), ("other", {})])
    assert len(overlaid.legends[0].get_texts()) == 2
    shown(overlaid)


def test_names_that_look_alike_are_told_apart():
    long = "x" * 100
    assert lettering.lettered(["a", f"{long}1{long}", f"{long}2{long}", "b"])[1:3] == [
        f"{place}: {'x' * 31}…{'x' * 16}" for place in (2, 3)
    ]
    assert lettering.lettered(["one", "two"]) == ["one", "two"]


@pytest.fixture
def a_font(tmp_path, monkeypatch):
    """Install a font, for this test, that has the character 漢 alone; return its name."""
    from fontTools.fontBuilder import FontBuilder
    from fontTools.pens.ttGlyphPen import TTGlyphPen

    pen = TTGlyphPen(None)
    pen.moveTo((0, 0)), pen.lineTo((0, 900)), pen.lineTo((900, 900)), pen.lineTo((900, 0)), pen.closePath()
    builder = FontBuilder(1000, isTTF=True)
    builder.setupGlyphOrder([".notdef", "han"])
    builder.setupCharacterMap({ord("漢"): "han"})
    builder.setupGlyf({".notdef": TTGlyphPen(None).glyph(), "han": pen.glyph()})
    builder.setupHorizontalMetrics({".notdef": (1000, 0), "han": (1000, 0)})
    builder.setupHorizontalHeader(ascent=900, descent=-100)
    builder.setupNameTable({"familyName": "One Sans", "styleName": "Regular"})
    builder.setupOS2()
    builder.setupPost()
    builder.save(tmp_path / "one.ttf")
    monkeypatch.setattr(font_manager.fontManager, "ttflist", list(font_manager.fontManager.ttflist))
    font_manager.fontManager.addfont(str(tmp_path / "one.ttf"))
    lettering._font_of.cache_clear()
    yield "One Sans"
    lettering._font_of.cache_clear()


def test_a_font_that_has_the_characters_is_taken_and_boxes_stand_for_what_none_has(a_font):
    figure = draw_confusion(np.eye(2, dtype=int), ["漢 and a", "\U000f0000"])
    assert {"漢 and a", lettering.BOX} <= set(shown(figure))
    families = {item.get_text(): item.get_fontfamily() for item in figure.findobj(Text)}
    assert families["漢 and a"][-1] == a_font and a_font not in families[lettering.BOX]


def test_fonts_that_can_not_be_read_or_scaled_are_left_alone(tmp_path):
    (tmp_path / "broken.ttf").write_bytes(b"no font")
    assert lettering._characters(str(tmp_path / "broken.ttf")) == frozenset()
    assert lettering._characters(str(tmp_path / "none.ttf")) == frozenset()


# ------------------------------------------------------------------------------------------------- from end to end


@pytest.fixture(scope="module")
def finished(tmp_path_factory):
    """A run, of an epoch, on a data set whose file, classes and folder of runs have such names; and the folder."""
    folder = tmp_path_factory.mktemp("nasty")
    try:
        os.mkdir(folder / f"$r$_{NOT_UTF8}")
    except (OSError, UnicodeEncodeError):
        pytest.skip("The file system takes UTF-8 alone.")
    random, count = np.random.default_rng(0), len(NASTY)
    arrays = {f"x_{split}": random.integers(0, 256, (4 * count, 8, 8), dtype=np.uint8)
              for split in ("train", "val", "test")}
    arrays |= {f"y_{split}": np.tile(np.arange(count), 4) for split in ("train", "val", "test")}
    np.savez(folder / f"$d$ {NOT_UTF8}.npz", **arrays, classes=np.array(NASTY))
    (folder / "net.py").write_text("from zoo import *\ntiny = [Conv(4, 3), Flatten(), Dense(19)]")
    with pytest.warns(ZooWarning) as told:  # TensorFlow takes no such path
        result = training.train(f"{folder}/net.py:tiny", f"{folder}/$d$ {NOT_UTF8}.npz", epochs=1, verbose=0, log=str,
                                runs=folder / f"$r$_{NOT_UTF8}", trackers=["tensorboard"])
    (sentence,) = (str(one.message) for one in told if one.category is ZooWarning)
    assert sentence.startswith("The record of this run that --tensorboard asks for can't be made: ")
    return find_run(result.run), folder


def test_the_run_has_its_result_and_its_pages(finished):
    run, _ = finished
    config = run.config()
    assert config["class_names"] == list(NASTY) and 0 <= config["result"]["test_accuracy"] <= 1
    page = run.report_path.read_text(encoding="utf-8")
    assert page.count("<picture>") == 2 and "<td>&lt;b&gt;&amp;amp;&#34;&#39;</td>" in page
    assert r"<td>caf\xe9</td>" in page and "<td>漢字</td>" in page and "<td>$a$ b_$c$</td>" in page
    for name in ("curves.png", "confusion.png"):
        with Image.open(run.folder / name) as image:
            assert max(image.size) < 4000


def test_its_commands_print_and_answer_in_the_names(finished, tmp_path, monkeypatch):
    run, folder = finished
    monkeypatch.chdir(tmp_path)
    picture = f"{folder}/{NOT_UTF8}\n.png"
    Image.fromarray(np.full((8, 8), 99, np.uint8)).save(picture)

    def printed(*words):
        done = CliRunner().invoke(main, [*map(str, words)])
        assert done.exit_code == 0, (done.output, done.exception)
        return done.output

    count = str(len(NASTY))
    lines = printed("predict", run.folder, picture, "--top", count).splitlines()
    assert len(lines) == 1 and all(names.line(name) in lines[0] for name in NASTY)
    (answer,) = json.loads(printed("predict", run.folder, picture, "--top", count, "--json"))
    assert {best["name"] for best in answer["classes"]} == set(NASTY) and answer["image"] == picture
    assert r"$d$ caf\xe9: test accuracy" in printed("evaluate", run.folder)
    assert f"in {names.line(str(run.folder))} is finished" in printed("train", "--resume", run.folder)
    other = folder / "_other $x$ \n漢"
    shutil.copytree(run.folder, other)
    table = printed("compare", run.folder, other)
    assert r"_other $x$ \n漢" in table.splitlines()[0] and "Wrote compare.png and compare.html" in table
    assert "<th>_other $x$ \n漢</th>" in (tmp_path / "compare.html").read_text(encoding="utf-8")


def test_its_export_gives_the_names_as_utf8(finished, tmp_path):
    import tensorflow as tf

    run, _ = finished
    done = CliRunner().invoke(main, ["export", str(run.folder), "--output", str(tmp_path / "out")])
    assert done.exit_code == 0, (done.output, done.exception)
    serve = tf.saved_model.load(str(tmp_path / "out" / "1")).signatures["serving_default"]
    (given,) = serve(images=tf.zeros((1, 8, 8, 1), tf.uint8))["class_names"].numpy().tolist()
    assert [name.decode() for name in given] == [names.text(name) for name in NASTY]
    into_run = CliRunner().invoke(main, ["export", str(run.folder)])
    assert into_run.exit_code == 0, (into_run.output, into_run.exception)
    assert (run.saved_model_path / "saved_model.pb").is_file()


def test_a_data_sets_name_may_be_longer_than_a_folders(tmp_path):
    for name in ("x" * 300, "漢" * 200):
        assert new_run(tmp_path, "net", name).folder.name.startswith(f"net-{name[0]}")
        assert new_run(tmp_path, "net", name).folder.name.endswith("-2")

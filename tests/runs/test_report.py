"""A run's page: the worst mistakes and the first filters as pictures, what the run cost and took."""

import io
import re
import shutil
from base64 import b64decode

import numpy as np
import pytest
from PIL import Image

import zoo
from zoo import Conv, Dense, Flatten, GlobalPool, TableConv, ZooWarning
from zoo.data.dataset import Dataset, Split, StreamedSplit
from zoo.runs import report
from zoo.runs.figures import draw_confusion
from zoo.runs.folder import new_run, started_run
from zoo.runs.report import SHOWN, write_report
from zoo.runs.scores import ImageScores
from zoo.training import train as training

pytestmark = pytest.mark.filterwarnings("error::zoo.ZooWarning")
NET = [Conv(4, 3), Flatten(), Dense(3)]
NAMES = ("cat", "dog", "<owl>")
HISTORY = [
    {
        "epoch": i,
        "loss": 1.0,
        "accuracy": 0.5,
        "val_loss": loss,
        "val_accuracy": 0.25 * i,
        "images/s": rate,
        "seconds": time,
    }
    for i, (loss, rate, time) in enumerate([(3.0, 1000.0, 4.0), (1.0, 9000.0, 1.0), (2.0, 8000.0, 2.0)])
]


def split_of(labels, shape=(8, 8, 1)):
    images = np.random.default_rng(0).integers(0, 256, (len(labels), *shape), dtype=np.uint8)
    return Split(images, np.array(labels, np.int32))


def scores(probabilities):
    return np.log(np.array(probabilities, "float32"))


def page_of(tmp_path, test, logits, layout=NET):
    """Write a report on this test split; return its text, None if it couldn't be made."""
    run = new_run(tmp_path, "net", "pets")
    result = {"run": str(run.folder), "model": "net", "dataset": "pets", "test_accuracy": 0.5, "test_loss": 1.25,
              "epochs": 3, "seconds": 7.0, "images_per_second": 1234.4}
    config = {"result": result, "recipe": {"label_smoothing": 0.1}, "images": {"test": len(test)},
              "params": 12345, "macs": 678901}
    run.write_config(config)
    run.write_metrics(HISTORY)
    net = zoo.create(layout, input_shape=test.image_shape)
    found = ImageScores(test.labels, logits, are_logits=True)
    write_report(run, Dataset("pets", NAMES, test, test, test), found, net)
    return run.report_path.read_text() if run.report_path.exists() else None


def pictures(page, alt):
    """The images whose alternative text begins so, as arrays."""
    found = re.findall(rf'<img src="data:image/png;base64,([^"]+)" alt="{alt}[^"]*">', page)
    return [np.asarray(Image.open(io.BytesIO(b64decode(content)))) for content in found]


def captions(page):
    found = re.findall(r"<figcaption>(.*?)</figcaption>", page)
    return [re.sub(r"<br>", ", ", caption).replace("<b>", "").replace("</b>", "") for caption in found]


def test_mistakes_are_shown_by_their_loss_and_what_is_right_is_not(tmp_path):
    test = split_of([0, 0, 1, 2])
    logits = scores([[0.4, 0.5, 0.1], [0.7, 0.2, 0.1], [0.9, 0.04, 0.06], [0.2, 0.6, 0.2]])
    page = page_of(tmp_path, test, logits)
    assert captions(page) == [
        "true: dog, predicted: cat, probability: 90.0 %",
        "true: &lt;owl&gt;, predicted: dog, probability: 60.0 %",
        "true: cat, predicted: dog, probability: 50.0 %",
    ]
    assert "All 3 misclassified test images, worst first." in page
    for shown, place in zip(pictures(page, "Test image"), (2, 3, 0), strict=True):
        np.testing.assert_array_equal(shown, np.kron(test.images[place, ..., 0], np.ones((16, 16), np.uint8)))


@pytest.mark.parametrize("shape, shown", [((32, 32, 3), (128, 128, 3)), ((28, 20, 1), (112, 80)),
                                          ((200, 100, 3), (128, 64, 3)), ((128, 128, 3), (128, 128, 3))])
def test_pictures_of_all_sizes_and_colours_fit_the_page(tmp_path, shape, shown):
    page = page_of(tmp_path, split_of([0], shape), scores([[0.1, 0.8, 0.1]]))
    assert [picture.shape for picture in pictures(page, "Test image")] == [shown]


def test_of_a_streamed_split_only_what_is_shown_is_read(tmp_path):
    read, held = [], split_of(np.zeros(100))

    def decode(items):
        read.extend(items)
        return held.images[items]

    test = StreamedSplit(np.arange(100), held.labels, held.image_shape, decode)
    own = np.linspace(0.1, 0.4, 100)
    page = page_of(tmp_path, test, scores(np.stack([own, 1 - own - 0.1, 0 * own + 0.1], 1)))
    assert read == list(range(SHOWN)) and len(captions(page)) == SHOWN
    assert f"The {SHOWN} with the largest loss of 100 misclassified test images, worst first." in page


def test_without_mistakes_there_is_a_sentence_and_nothing_is_read(tmp_path):
    held = split_of([0, 1])
    test = StreamedSplit(np.arange(2), held.labels, held.image_shape, lambda items: pytest.fail("read"))
    page = page_of(tmp_path, test, scores([[0.8, 0.1, 0.1], [0.1, 0.8, 0.1]]))
    assert "There are none: every test image is classified correctly." in page and not captions(page)


@pytest.mark.parametrize("channels", [1, 3])
def test_filters_are_pictures_on_one_scale(channels):
    from zoo.runs.report import _filters

    net = zoo.create(NET, input_shape=(8, 8, channels))
    kernel = np.zeros((3, 3, channels, 4), "float32")
    kernel[0, 0, :, 0], kernel[1, 2, :, 1], kernel[2, 1, :, 2] = 2, -2, 1
    net.layers[1].kernel.assign(kernel)
    filters = _filters(net)
    shown = [np.asarray(Image.open(io.BytesIO(b64decode(p.split(",")[1])))) for p in filters["pictures"]]
    assert filters["size"] == f"3x3x{channels}" and [s.shape[:2] for s in shown] == [(48, 48)] * 4
    assert (shown[0][:16, :16] == 255).all() and (shown[1][16:32, 32:] == 0).all()
    assert (shown[2][32:, 16:32] == 191).all() and (shown[3] == 128).all()


@pytest.mark.parametrize(
    "layout, there",
    [
        (NET, True),
        ([Flatten(), Dense(3)], False),
        ([TableConv([[0], [0], [0]], 3), Conv(4, 3), GlobalPool(), Dense(3)], False),  # the second convolution's, no
    ],
)
def test_a_net_whose_first_layer_is_no_convolution_has_no_section_of_filters(tmp_path, layout, there):
    page = page_of(tmp_path, split_of([0]), scores([[0.8, 0.1, 0.1]]), layout)
    assert ("Filters of the first convolution" in page) == bool(pictures(page, "Filter")) == there


def test_what_the_run_cost_and_took_is_told(tmp_path):
    page = page_of(tmp_path, split_of([0]), scores([[0.8, 0.1, 0.1]]))
    rows = [re.findall(r"<td>([^<]*)</td>", row) for row in re.findall(r"<tr>(.*?)</tr>", page, re.DOTALL)]
    assert ["seconds, validation included", "1.00", "2.00", "4.00", "7.0"] in rows
    assert ["images/s", "9,000", "8,000", "1,000", "1,234"] in rows
    assert "<b>12,345</b>parameters, 678,901 multiply-adds an image" in page
    assert "<b>2 of 3</b>epoch chosen on validation (25.00 %)" in page


def test_the_page_needs_no_other_file(tmp_path):
    page = page_of(tmp_path, split_of([0]), scores([[0.1, 0.8, 0.1]]))
    assert page.count("<picture>") == 2 and "://" not in page
    assert all(source.startswith("data:") for source in re.findall(r'src(?:set)?="([^"]*)"', page))


def broken(*given):
    raise ValueError("Failed to parse\nthe rest of it")


@pytest.mark.parametrize(
    "broken_part, told, left",
    [
        ("draw_curves", "curves.png", {"confusion.png", "report.html"}),
        ("draw_confusion", "confusion.png", {"curves.png", "report.html"}),
        ("_mistakes", "report.html", {"curves.png", "confusion.png"}),
        ("_filters", "report.html", {"curves.png", "confusion.png"}),
    ],
)
def test_what_can_not_be_made_costs_a_sentence_and_the_rest_is_there(tmp_path, monkeypatch, broken_part, told, left):
    monkeypatch.setattr(report, broken_part, broken)
    with pytest.warns(ZooWarning, match=rf"^{told} can't be made: Failed to parse\.$"):
        page_of(tmp_path, split_of([0]), scores([[0.1, 0.8, 0.1]]))
    written = {path.name for path in tmp_path.glob("*/*") if path.suffix in (".png", ".html")}
    assert written == left
    for page in tmp_path.glob("*/report.html"):
        assert page.read_text().count("This figure couldn't be drawn.") == 1


def test_a_run_that_died_in_its_figure_goes_on_to_its_end(tmp_path, monkeypatch):
    """As runs did: without a result, with all epochs; and as they do now: with a result, without a page."""
    with monkeypatch.context() as patch, pytest.warns(ZooWarning) as told:
        patch.setattr(report, "draw_confusion", broken)
        patch.setattr(report, "_filters", broken)
        result = training.train("lenet1", limit=40, epochs=1, runs=tmp_path, verbose=0, log=str)
    sentences = [str(one.message) for one in told if one.category is ZooWarning]
    assert [one.partition(" can't")[0] for one in sentences] == ["confusion.png", "report.html"]
    run = started_run(result.run)
    assert run.config()["result"]["test_loss"] == result.test_loss and not run.report_path.exists()
    for config in (run.config(), {key: value for key, value in run.config().items() if key != "result"}):
        run.write_config(config)
        assert training.resume(run.folder, verbose=0, log=str) == result
        assert {"curves.png", "confusion.png", "report.html"} <= {path.name for path in run.folder.iterdir()}
        assert "result" in run.config()
        run.report_path.unlink()


@pytest.mark.parametrize("missing", [[], ["confusion.png"], ["report.html", "curves.png"]])
def test_a_finished_run_stays_as_it_is_but_for_pictures_that_it_lacks(missing, tmp_path, monkeypatch):
    """By a path from here, as the command line has it, and without the checkpoints, which take room."""

    def contents():
        return {path.name: path.read_bytes() for path in run.folder.rglob("*") if path.suffix != ".html"}

    monkeypatch.chdir(tmp_path)
    run = started_run(training.train("lenet1", limit=40, epochs=1, runs="runs", verbose=0, log=str).run)
    shutil.rmtree(run.folder / "checkpoints")
    before, said = contents(), []
    for name in missing:
        (run.folder / name).unlink()
    training.resume(run.folder, verbose=0, log=said.append)
    assert said[0] == f"The run in {run.folder} is finished." and len(said) == 1 + bool(missing)
    assert contents() == before and run.report_path.exists()


def test_pictures_of_a_run_whose_data_is_gone_cost_a_sentence(tmp_path):
    np.savez(tmp_path / "set.npz", x_train=np.arange(40 * 64).reshape(40, 8, 8) % 256, y_train=np.arange(40) % 2)
    run = started_run(training.train("lenet1", tmp_path / "set.npz", epochs=1, runs=tmp_path, verbose=0, log=str).run)
    (tmp_path / "set.npz").unlink()
    run.report_path.unlink()
    with pytest.warns(ZooWarning, match="report.html can't be made: There is no folder of images or .npz file"):
        assert training.resume(run.folder, verbose=0, log=str).epochs == 1


def test_a_run_of_losses_that_were_minimized_says_so(tmp_path, monkeypatch):
    said = "The losses of the curves are what the run minimized"
    assert said in page_of(tmp_path, split_of([0]), scores([[0.1, 0.8, 0.1]]))
    for row in HISTORY:
        monkeypatch.setitem(row, "objective", 1.5)
    assert said not in page_of(tmp_path, split_of([0]), scores([[0.1, 0.8, 0.1]]))


def test_long_names_of_classes_leave_room_for_the_matrix():
    figure = draw_confusion(np.eye(2, dtype=int), ["a class with quite a long name, 40 letters", "short"])
    figure.draw_without_rendering()
    (axes,) = figure.axes
    outer, inner = figure.bbox, axes.get_tightbbox()
    assert outer.x0 <= inner.x0 and outer.y0 <= inner.y0

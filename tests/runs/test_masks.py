"""The page of a net that labels pixels: its classes' measures, and test images with their masks, from worst to best."""

import io
import re
import shutil
from base64 import b64decode
from dataclasses import replace

import keras
import numpy as np
import pytest
from click.testing import CliRunner
from PIL import Image
from sklearn.metrics import f1_score, jaccard_score

from zoo.cli import main
from zoo.data.dataset import IGNORED, Dataset, Split, StreamedSplit
from zoo.data.preprocessing import Preprocessing
from zoo.inference.trained import load_trained
from zoo.recipes.recipe import Recipe
from zoo.runs import masks as pictured
from zoo.runs.compare import compare, table, write_comparison
from zoo.runs.folder import started_run
from zoo.runs.job import Job
from zoo.runs.masks import confusion_shares, examples, per_class
from zoo.runs.palette import class_colours
from zoo.runs.scores import PixelScores, confusion, iou
from zoo.training import train as training

NAMES = ("ground", "<cat>", "dog")
NET = '''
from zoo import Conv, Layout

def tiny(classes=2):
    return Layout([Conv(4, 3, padding="valid")], [Conv(classes, 1, activation=None, name="predictions")])
'''


def job_of(colours=(), preprocessing=None, corner=(0, 0)):
    front = preprocessing or Preprocessing((8, 8), 0, 1, (1 / 255,), (-0.5,))
    return Job(model="tiny", options={}, name="tiny", layout=None, params=1, macs=1, dataset="pets", source={},
               class_names=NAMES, images={}, preprocessing=front, recipe=Recipe(batch_size=1), corner=corner,
               colours=colours)


def scored(count, size=(8, 8), seed=0):
    """Masks and predictions of some images, of which later ones are better, and their `PixelScores`."""
    random = np.random.default_rng(seed)
    true = random.integers(0, len(NAMES), (count, *size)).astype(np.uint8)
    is_right = random.random(true.shape) < np.linspace(0.05, 0.95, count)[:, None, None]
    predicted = np.where(is_right, true, (true + 1) % len(NAMES)).astype(np.uint8)
    true[:, 0] = IGNORED
    parts = [confusion(*pair, len(NAMES)) for pair in zip(true, predicted)]
    found = PixelScores(sum(parts), 1.0, np.array([np.nanmean(iou(part)) for part in parts]),
                        lambda places: (true[places], predicted[places]))
    return true, predicted, found


def images_of(count, shape=(8, 8, 1)):
    return np.random.default_rng(9).integers(0, 256, (count, *shape), dtype=np.uint8)


def pixels(uri):
    return np.asarray(Image.open(io.BytesIO(b64decode(uri.split(",")[1]))).convert("RGB"))


def shrunk(picture, size=8):
    """A picture as it was before it was enlarged."""
    return picture[:: len(picture) // size, :: len(picture) // size]


def test_the_measures_of_classes_are_scikit_learns():
    true, predicted, found = scored(5)
    counted = true != IGNORED
    truth, answer = true[counted], predicted[counted]
    rows = per_class(found, job_of())
    assert [row["name"] for row in rows] == list(NAMES)
    np.testing.assert_allclose([row["iou"] for row in rows], jaccard_score(truth, answer, average=None))
    np.testing.assert_allclose([row["dice"] for row in rows], f1_score(truth, answer, average=None))
    np.testing.assert_allclose([row["share"] for row in rows], np.bincount(truth) / len(truth))
    np.testing.assert_allclose(confusion_shares(found).sum(1), 1)
    assert confusion_shares(found)[1, 2] == np.mean(answer[truth == 1] == 2)


def test_a_class_that_does_not_occur_has_no_measures_and_no_shares():
    found = PixelScores(np.array([[3, 1, 0], [0, 4, 0], [0, 0, 0]]), 1.0, np.ones(1), lambda places: None)
    last = per_class(found, job_of())[-1]
    assert np.isnan([last["iou"], last["dice"]]).all() and last["share"] == 0
    assert confusion_shares(found).tolist() == [[0.75, 0.25, 0], [0, 1, 0], [0, 0, 0]]


@pytest.mark.parametrize("count, groups", [
    (20, {"worst": [0, 1, 2], "median": [8, 9, 10], "best": [19, 18, 17]}), (9, [[0, 1, 2], [3, 4, 5], [8, 7, 6]]),
    (4, [[0], [1], [3]]), (2, [[0], [], [1]]), (1, [[0], [], []]),
])
def test_images_go_from_the_worst_to_the_best_and_only_they_are_read(count, groups):
    read, held, (_, _, found) = [], images_of(count), scored(count)
    shuffled = np.random.default_rng(1).permutation(count)  # the image of rank i is at shuffled[i]
    values = np.empty(count)
    values[shuffled] = np.linspace(0, 1, count)

    def decode(items):
        read.extend(items)
        return held[items]

    test = StreamedSplit(np.arange(count), None, (8, 8, 1), decode, lambda items: pytest.fail("masks are read twice"))
    shown = dict(examples(replace(found, image_iou=values), test, job_of())["groups"])
    ranks = {name: [int(np.flatnonzero(shuffled == image["place"])[0]) for image in images]
             for name, images in shown.items()}
    assert ranks == (groups if isinstance(groups, dict) else dict(zip(("worst", "median", "best"), groups)))
    assert sorted(read) == sorted(image["place"] for images in shown.values() for image in images)
    assert all(image["iou"] == values[image["place"]] for images in shown.values() for image in images)


def test_the_pictures_are_input_truth_prediction_and_error():
    true, predicted, found = scored(1)
    images = images_of(1)
    (_, (image,)), *_ = examples(found, Split(images, true), job_of())["groups"]
    colours = np.array(class_colours(3))
    np.testing.assert_array_equal(shrunk(pixels(image["input"]))[..., 0], images[0, ..., 0])
    np.testing.assert_array_equal(shrunk(pixels(image["prediction"])), colours[predicted[0]])
    truth, error = shrunk(pixels(image["truth"])), shrunk(pixels(image["error"]))
    np.testing.assert_array_equal(truth[1:], colours[true[0, 1:]])
    np.testing.assert_array_equal(error[1:, :, 0], np.where(true[0] == predicted[0], 0, 255)[1:])
    for row in (truth[0], error[0]):  # they don't count
        assert {tuple(colour) for colour in row.tolist()} == set(pictured.CHEQUERS)


def test_the_legend_names_what_is_shown_in_the_datas_colours():
    own = ((255, 255, 255), (1, 2, 3), (4, 5, 6))
    true, predicted, found = scored(1)
    for mask in (true, predicted):
        mask[mask == 2] = 0
    legend = examples(found, Split(images_of(1), true), job_of(own))["legend"]
    assert [entry["name"] for entry in legend] == ["ground", "<cat>", "doesn't count"]
    assert [tuple(pixels(entry["swatch"])[0, 0]) for entry in legend] == [*own[:2], pictured.CHEQUERS[0]]
    true[true == IGNORED] = 0
    assert len(examples(found, Split(images_of(1), true), job_of(own))["legend"]) == 2


def test_the_input_is_shown_where_the_output_lies_without_normalization():
    """Of a colour image with a margin around it, in the order of the net's channels, not its publisher's."""
    front = Preprocessing((8, 8), 2, 3, (1.0, 2.0, 3.0), (-9.0, -8.0, -7.0), bgr=True)
    true, _, found = scored(1, (6, 6))
    images = images_of(1, (8, 8, 3))
    (_, (image,)), *_ = examples(found, Split(images, true), job_of((), front, (1, 4)))["groups"]
    padded = np.pad(images[0], ((2, 2), (2, 2), (0, 0)))
    np.testing.assert_array_equal(shrunk(pixels(image["input"]), 6), padded[1:7, 4:10])


def test_large_masks_are_reduced_without_new_colours():
    true, _, found = scored(1, (400, 400))
    (_, (image,)), *_ = examples(found, Split(images_of(1, (400, 400, 1)), true),
                                 job_of((), Preprocessing((400, 400), 0, 1, (1.0,), (0.0,))))["groups"]
    assert pixels(image["truth"]).shape == (160, 160, 3)
    known = {*class_colours(3), *pictured.CHEQUERS}
    assert {tuple(colour) for colour in pixels(image["truth"]).reshape(-1, 3).tolist()} <= known


# -------------------------------------------------------------------------------------------------- with real runs


@pytest.fixture(scope="module")
def pets():
    """Bright squares on a dark ground, whose left edge doesn't count."""
    random = np.random.default_rng(0)

    def split(count):
        masks = np.zeros((count, 12, 12), np.uint8)
        for mask in masks:
            top, left = random.integers(1, 6, 2)
            mask[top : top + 5, left : left + 5] = 1
        images = (40 + 160 * masks[..., None] + random.integers(0, 30, (*masks.shape, 1))).astype(np.uint8)
        masks[:, :, :2] = IGNORED
        return Split(images, masks)

    return Dataset("pets", ("ground", "square"), split(32), split(8), split(6), colours=((9, 9, 9), (200, 99, 1)))


@pytest.fixture(scope="module")
def trained(pets, tmp_path_factory):
    """The run of a net whose output is smaller than its input, which is larger than the images."""
    folder = tmp_path_factory.mktemp("runs")
    (folder / "net.py").write_text(NET)
    result = training.train(f"{folder}/net.py:tiny", loaded=pets, dataset="pets", runs=folder, image_size=(16, 16),
                            trackers=["tensorboard"], epochs=3, batch_size=8, learning_rate=0.03, verbose=0, log=str)
    return started_run(result.run)


def table_of(page, first):
    (table,) = [one for one in re.findall(r"<table.*?</table>", page, re.DOTALL) if f"<tr><th>{first}</th>" in one]
    rows = re.findall(r"<tr>(.*?)</tr>", table, re.DOTALL)[1:]
    return [[re.sub(r"<[^>]*>", "", cell) for cell in re.findall(r"<td>(.*?)</td>", row)] for row in rows]


def test_the_page_of_a_run_tells_what_the_net_answers(trained, pets):
    """As the saved net does, by another way."""
    own = load_trained(trained.folder)
    answers = keras.ops.convert_to_numpy(own.on_images((12, 12, 1))(pets.test.images.astype("float32"))).argmax(-1)
    masks = keras.ops.convert_to_numpy(own.mask_model((12, 12))(pets.test.labels.astype("float32")))
    counted = masks != IGNORED
    assert answers.shape == masks.shape == (6, 14, 14) and not counted.all()
    page = trained.report_path.read_text()
    expected = zip(jaccard_score(masks[counted], answers[counted], average=None),
                   f1_score(masks[counted], answers[counted], average=None))
    assert [row[1:3] for row in table_of(page, "class")] == [[f"{a:.3f}", f"{b:.3f}"] for a, b in expected]
    assert f"<b>{trained.result().test_mean_iou:.4f}</b>test mean IoU, " in page
    assert "test accuracy" not in page and "misclassified" not in page and "://" not in page
    shown = re.findall(r'<img src="([^"]+)" alt="Test image (\d+), prediction">', page)
    assert len(shown) == 6
    for uri, place in shown:
        np.testing.assert_array_equal(shrunk(pixels(uri), 14), np.array(pets.colours)[answers[int(place)]])


def test_the_curves_are_of_loss_and_mean_iou(trained):
    from zoo.runs.figures import draw_curves

    metrics = trained.metrics()
    figure = draw_curves(metrics)
    assert [axes.get_ylabel() for axes in figure.axes] == ["loss", "mean IoU"]
    drawn = [list(line.get_ydata()) for line in figure.axes[1].lines[:2]]
    assert drawn == [metrics["mean_iou"], metrics["val_mean_iou"]]


def test_pictures_that_are_missing_are_drawn_again(trained, pets, monkeypatch):
    page, before = trained.report_path.read_text(), trained.confusion_path.read_bytes()
    trained.report_path.unlink()
    trained.confusion_path.unlink()
    monkeypatch.setattr("zoo.data.load_source", lambda source: pets)
    training.resume(trained.folder, verbose=0, log=str)
    assert trained.confusion_path.read_bytes() == before
    assert table_of(trained.report_path.read_text(), "class") == table_of(page, "class")


def test_a_tracker_gets_the_measures_of_pixels(trained):
    from tensorflow.compat.v1.train import summary_iterator

    (file,) = trained.tensorboard_path.glob("validation/*")
    tags = [value.tag for event in summary_iterator(str(file)) for value in event.summary.value]
    assert tags.count("epoch_mean_iou") == tags.count("epoch_pixel_accuracy") == 3


@pytest.fixture(scope="module")
def classifier(tmp_path_factory):
    runs = tmp_path_factory.mktemp("classifiers")
    return training.train("lenet1", options={"width": 0.5}, runs=runs, epochs=1, limit=40, verbose=0, log=str)


def test_the_command_says_what_the_page_shows(trained, classifier):
    def said(run):
        (line,) = [line for line in CliRunner().invoke(main, ["train", "--resume", str(run)]).output.splitlines()
                   if "report.html" in line]
        return line.split("  ")[-1]

    assert said(trained.folder) == "curves, classes, masks from worst to best"
    assert said(classifier.run) == "curves, classes, mistakes"


def test_a_classifier_beside_it_has_blanks_where_it_has_no_measures(trained, classifier, tmp_path):
    runs = compare([trained.folder, classifier.run])
    lines = {name: cells for name, *cells in table(runs)}
    result = trained.result()
    assert lines["test mean IoU"] == [f"{result.test_mean_iou:.4f}", "-"]
    assert lines["test pixel accuracy"] == [f"{result.test_pixel_accuracy:.4f}", "-"]
    assert lines["test Dice"] == [f"{result.test_dice:.4f}", "-"]
    assert lines["test accuracy"] == ["-", f"{classifier.test_accuracy:.4f}"] and lines["validation accuracy"][0] == "-"
    metrics = trained.metrics()
    best = metrics["val_loss"].index(min(metrics["val_loss"]))
    assert lines["validation mean IoU"] == [f"{metrics['val_mean_iou'][best]:.4f}", "-"]
    _, html = write_comparison(runs, tmp_path / "both")
    assert "Loss and accuracy and mean IoU of each run" in html.read_text()


def test_curves_of_both_kinds_have_a_panel_for_each_measure(trained, classifier):
    from zoo.runs.figures import draw_overlaid

    figure = draw_overlaid([(run.label, run.metrics) for run in compare([trained.folder, classifier.run])])
    lines = {axes.get_ylabel(): len(axes.lines) for axes in figure.axes}
    assert lines == {"loss": 4, "accuracy": 2, "mean IoU": 2}


def test_only_measures_that_some_run_has_are_compared(trained, classifier, tmp_path):
    copies = [shutil.copytree(run, tmp_path / name) for run, name in ((trained.folder, "a"), (classifier.run, "b"))]
    of_pixels = {name for name, *_ in table(compare([trained.folder, copies[0]]))}
    of_images = {name for name, *_ in table(compare([classifier.run, copies[1]]))}
    assert of_pixels - of_images == {"test mean IoU", "test pixel accuracy", "test Dice", "validation mean IoU"}
    assert of_images - of_pixels == {"test accuracy", "validation accuracy"}

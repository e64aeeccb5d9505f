"""Small nets train in parts, one a core, and learn what they would in one piece."""

import os
import subprocess
import sys

import numpy as np
import pytest

from zoo import data
from zoo.data.preprocessing import fit_to
from zoo.plan import plan
from zoo.registry import entry
from zoo.training import side_by_side
from zoo.training.building import build
from zoo.training.feeding import generated, in_batches
from zoo.training.recipe import Recipe

THREADS = """
import tensorflow
from zoo.training.side_by_side import one_core_an_op
one_core_an_op()
print(tensorflow.config.threading.get_intra_op_parallelism_threads())
"""


@pytest.fixture
def four_cores(monkeypatch):
    tensorflow = pytest.importorskip("tensorflow")
    monkeypatch.setattr(tensorflow.config, "list_physical_devices", lambda kind: [])
    monkeypatch.setattr(side_by_side, "_cores", lambda: 4)


@pytest.mark.parametrize(
    ("batch", "model", "options", "parts"),
    [
        (128, "lenet5", {}, 4),
        (20, "lenet5", {}, 2),
        (7, "lenet5", {}, 1),
        (128, "lenet5", {"norm": "batch"}, 1),  # its statistics are those of the whole batch
        (128, "lenet5", {"norm": "group"}, 4),
        (128, "resnet20", {}, 1),
        (128, "vgg16", {}, 1),  # its ops are worth sharing
    ],
)
def test_small_nets_whose_images_dont_mix_train_in_a_part_a_core(four_cores, batch, model, options, parts):
    assert side_by_side.parts_of(batch, plan(model, classes=10, **options).trace) == parts
    assert side_by_side.foreseen_parts(model, options, batch_size=batch) == parts


def test_parts_are_foreseen_at_the_size_that_the_images_will_have(four_cores):
    assert side_by_side.foreseen_parts("lenet5", {}, (32, 32)) == 4
    assert side_by_side.foreseen_parts("lenet5", {}, (512, 512)) == 1
    assert side_by_side.foreseen_parts("lenet5", {}, (8, 8)) == 1  # too small for it


@pytest.mark.parametrize(("model", "batch", "parts"), [("lenet5", 20, 3), ("lenet5", 9, 4), ("googlenet", 20, 3)])
def test_parts_learn_what_one_piece_does(model, batch, parts):
    """Also uneven ones: batches of 20 in 7, 7 and 6 images. GoogLeNet has three classifiers."""
    digits = data.load("digits", limit=40)
    options = {} if model == "lenet5" else {"width": 1 / 16, "dropout": 0.0, "aux": True}
    front = fit_to(plan(model, classes=10, **options).layout, entry(model), digits)
    weights = []
    for number in (1, parts):
        recipe = Recipe(optimizer="sgd", batch_size=batch)
        net, classifier = build(model, options, front, digits, recipe, parts=number)
        classifier.hold(digits.train.images, digits.train.labels)
        classifier.fit(classifier.blocks(batch, seed=0), steps_per_epoch=1, epochs=2, shuffle=False, verbose=0)
        weights.append(net.get_weights())
    for whole, parted in zip(*weights, strict=True):
        np.testing.assert_allclose(parted, whole, rtol=1e-4, atol=1e-6)


@pytest.mark.parametrize(("told", "threads"), [({}, "1"), ({"TF_NUM_INTRAOP_THREADS": "2"}, "0")])
def test_ops_get_one_core_unless_the_user_said_otherwise(told, threads):
    free = {key: value for key, value in os.environ.items() if not key.startswith("TF_NUM_")}
    run = subprocess.run([sys.executable, "-c", THREADS], env=free | told, capture_output=True, text=True, check=True)
    assert run.stdout.split() == [threads]


def test_what_fit_is_fed_keeps_its_order_and_has_no_autotuning():
    fed = generated((np.full((2, 3), i),) for i in range(5))
    assert [batch[0, 0] for (batch,) in fed.as_numpy_iterator()] == [0, 1, 2, 3, 4]
    images, labels = np.arange(5.0).reshape(5, 1, 1, 1), np.arange(5)
    batches = in_batches(images, labels, 2)
    assert [labels.tolist() for _, labels in batches.as_numpy_iterator()] == [[0, 1], [2, 3], [4]]
    assert not fed.options().autotune.enabled and not batches.options().autotune.enabled

"""Small nets train in parts, one a core, and learn what they would in one piece."""

import subprocess
import sys

import numpy as np
import pytest

from zoo import data
from zoo.data.preprocessing import fit_to
from zoo.plan import plan
from zoo.registry import entry
from zoo.training import building, side_by_side
from zoo.training.recipe import Recipe

THREADS = """
import tensorflow
from zoo.training.side_by_side import settle_threads
for model in ("resnet20", "vgg16", "lenet5"):
    settle_threads(model, {})
    print(tensorflow.config.threading.get_intra_op_parallelism_threads())
"""


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
def test_small_nets_whose_images_dont_mix_train_in_a_part_a_core(monkeypatch, batch, model, options, parts):
    monkeypatch.setattr(side_by_side, "_cores", lambda: 4)
    assert side_by_side.parts_of(batch, model, options) == parts


@pytest.mark.parametrize("model", ["lenet5", "googlenet"])
def test_parts_learn_what_one_piece_does(monkeypatch, model):
    """Batches of 20 in three parts of 7, 7 and 6 images; GoogLeNet has three classifiers."""
    digits = data.load("digits", limit=40)
    options = {} if model == "lenet5" else {"width": 1 / 16, "dropout": 0.0, "aux": True}
    front = fit_to(plan(model, classes=10, **options).layout, entry(model), digits)
    weights = []
    for parts in (1, 3):
        monkeypatch.setattr(building, "parts_of", lambda *_, parts=parts: parts)
        net, classifier = building.build(model, options, front, digits, Recipe(optimizer="sgd", batch_size=20))
        classifier.hold(digits.train.images, digits.train.labels)
        blocks = classifier.blocks(20, seed=0)
        classifier.fit(blocks, steps_per_epoch=1, epochs=2, shuffle=False, verbose=0)
        weights.append(net.get_weights())
    for whole, parted in zip(*weights, strict=True):
        np.testing.assert_allclose(parted, whole, rtol=1e-4, atol=1e-6)


def test_threads_are_settled_for_small_nets_alone():
    told = subprocess.run([sys.executable, "-c", THREADS], capture_output=True, text=True, check=True).stdout
    assert told.split() == ["0", "0", "1"]

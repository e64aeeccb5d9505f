"""Nets of short ops train in shards, one a core, and learn what they would in one piece."""

import os
import subprocess
import sys

import keras
import numpy as np
import pytest

from zoo import data
from zoo.data.preprocessing import fit_to
from zoo.plan import plan
from zoo.recipes.recipe import Recipe
from zoo.registry import entry
from zoo.training import shards
from zoo.training.building import build_classifier
from zoo.training.epochs import generated, in_batches
from zoo.training.request import read_request

THREADS = """
import tensorflow
from zoo.training.shards import use_single_threaded_ops
use_single_threaded_ops()
print(tensorflow.config.threading.get_intra_op_parallelism_threads())
"""


@pytest.fixture
def four_cores(monkeypatch):
    tensorflow = pytest.importorskip("tensorflow")
    monkeypatch.setattr(tensorflow.config, "list_physical_devices", lambda kind: [])
    monkeypatch.setattr(shards, "_cores", lambda: 4)


@pytest.mark.parametrize(
    ("batch", "model", "options", "precision", "shard_count"),
    [
        (128, "lenet5", {}, "float32", 4),
        (20, "lenet5", {}, "float32", 2),
        (7, "lenet5", {}, "float32", 1),
        (128, "lenet5", {"norm": "batch"}, "float32", 1),  # sharing the statistics takes what shards gain
        (128, "lenet5", {"norm": "group"}, "float32", 4),
        (128, "resnet20", {}, "float32", 1),
        (128, "resnet20", {}, "bfloat16", 4),
        (128, "resnet20", {"width": 4}, "bfloat16", 1),  # its ops are worth sharing
        (128, "densenet_bc_100_12", {}, "bfloat16", 1),  # BatchNorm of many channels
        (128, "mobilenet", {"width": 0.125}, "bfloat16", 4),  # BatchNorm of any epsilon
        (128, "vgg16", {}, "bfloat16", 1),
    ],
)
def test_nets_of_short_ops_train_in_a_shard_a_core(four_cores, batch, model, options, precision, shard_count):
    assert shards.shards_for(batch, plan(model, classes=10, **options).trace, precision) == shard_count
    asked = read_request(model, options=options, precision=precision, batch_size=batch)
    assert shards.foreseen_shards(asked) == shard_count


@pytest.mark.parametrize(("told", "cores"), [("1", 1), ("1000", 3), ("0", 3), ("many", 3)])
def test_shards_are_as_many_as_tensorflow_was_told(monkeypatch, told, cores):
    monkeypatch.setattr(os, "sched_getaffinity", lambda process: {0, 1, 2}, raising=False)
    monkeypatch.setenv("TF_NUM_INTEROP_THREADS", told)
    assert shards._cores() == cores


def test_shards_are_foreseen_at_the_size_that_the_images_will_have(four_cores):
    assert shards.foreseen_shards(read_request("lenet5", image_size=(32, 32))) == 4
    assert shards.foreseen_shards(read_request("lenet5", image_size=(512, 512))) == 1
    assert shards.foreseen_shards(read_request("lenet5", image_size=(8, 8))) == 1  # too small for it


@pytest.mark.parametrize(
    ("model", "options", "batch", "shard_count"),
    [
        ("lenet5", {}, 20, 3),
        ("lenet5", {}, 9, 4),
        ("googlenet", {"width": 1 / 16, "dropout": 0.0, "aux": True}, 20, 3),  # it has three classifiers
        ("resnet20", {"width": 0.25}, 20, 3),
        ("vgg11_bn", {"width": 1 / 16, "dropout": 0.0, "head": "gap"}, 9, 2),
    ],
)
def test_shards_learn_what_one_piece_does(model, options, batch, shard_count):
    """Also uneven ones: batches of 20 in 7, 7 and 6 images. In larger steps, last digits grow by ReLU's corners."""
    digits = data.load("digits", limit=40)
    planned = plan(model, classes=10, **options)
    front = fit_to(planned.layout, entry(model), digits)
    planned, weights = plan(model, front.input_shape, 10, **options), []
    for number in (1, shard_count):
        recipe = Recipe(optimizer="sgd", batch_size=batch, learning_rate=1e-5)
        net, classifier = build_classifier(planned, front, recipe, digits, shards=number)
        start = net.get_weights()
        classifier.cache_on_device(digits.train.images, digits.train.labels)
        classifier.fit(classifier.blocks(batch, seed=0), steps_per_epoch=1, epochs=2, shuffle=False, verbose=0)
        weights.append(net.get_weights())
    for before, whole, parted in zip(start, *weights, strict=True):
        np.testing.assert_allclose(parted, whole, rtol=1e-4, atol=max(1e-6, 0.1 * np.abs(whole - before).max()))


def test_images_lie_on_the_device_as_bytes():
    digits = data.load("digits", limit=40)
    planned = plan("lenet5", classes=10)
    front = fit_to(planned.layout, entry("lenet5"), digits)
    _, classifier = build_classifier(planned, front, Recipe(batch_size=8), digits)
    classifier.cache_on_device(digits.train.images, digits.train.labels)
    images, _ = classifier.cached
    assert keras.ops.is_tensor(images) and images.dtype == "uint8" and np.array_equal(images, digits.train.images)


def test_dropout_acts_in_shards_while_they_train():
    digits = data.load("digits", limit=40)
    planned = plan("lenet5", classes=10, dropout=0.5)
    front = fit_to(planned.layout, entry("lenet5"), digits)
    _, classifier = build_classifier(planned, front, Recipe(batch_size=8), digits, shards=2)
    for training in (True, False):
        first, second = (np.asarray(classifier(digits.train.images[:8], training=training)["logits"]) for _ in "12")
        assert np.array_equal(first, second) != training


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

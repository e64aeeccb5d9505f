"""The zoo as a contender: what `zoo train` runs on images in memory, and `zoo.predictor`."""

from collections.abc import Callable
from typing import Any

import keras
import numpy as np

from zoo.benchmark.workload import Workload
from zoo.build import create
from zoo.data.dataset import Dataset, Split
from zoo.inference.predictor import predictor
from zoo.training.building import build_classifier
from zoo.training.epochs import generated
from zoo.training.shards import shards_for, use_single_threaded_ops

LIBRARY = keras.backend.backend()


def prepare(workload: Workload) -> Callable[[int], Any]:
    """Return a function of n that trains or infers n batches of a `Workload`; in training, n must be whole blocks."""
    return {"training": _training, "inference": _inference}[workload.mode](workload)


def _training(workload):
    shards = shards_for(workload.batch_size, workload.plan.trace, workload.precision)
    if shards > 1:
        use_single_threaded_ops()
    preprocessing, recipe = workload.preprocessing, workload.recipe
    images, labels = workload.images((*preprocessing.size, preprocessing.channels))
    split = Split(images, labels)
    class_names = tuple(map(str, range(workload.classes)))
    dataset = Dataset("random images", class_names, train=split, validation=split, test=split)
    _, classifier = build_classifier(workload.plan, preprocessing, recipe, dataset, shards=shards)
    classifier.cache_on_device(images, labels)
    blocks = generated(classifier.blocks(recipe.batch_size, recipe.seed))
    in_block = workload.steps_in_block
    return lambda steps: classifier.fit(blocks, steps_per_epoch=steps // in_block, shuffle=False, verbose=0)


def _inference(workload):
    images, _ = workload.images(workload.input_shape)
    images = images / np.float32(255)
    net = create(workload.model, workload.input_shape, workload.classes, **workload.options)
    predict = predictor(net, workload.precision, workload.batch_size)
    return lambda steps: predict(images[: steps * workload.batch_size])

"""A job -> the net, and the compiled classifier that trains it."""

from typing import Any

import keras

from zoo.build import build as build_net
from zoo.data.dataset import Dataset
from zoo.data.preprocessing import Preprocessing
from zoo.plan import Plan
from zoo.recipes.recipe import Recipe
from zoo.runs.job import Job
from zoo.training.classifier import Classifier, steps_per_epoch
from zoo.training.distribution import Devices
from zoo.training.initialization import initialize
from zoo.training.optimizing import balanced_weights, decay_in_gradient, make_loss, make_optimizer


def build_for(job: Job, dataset: Dataset, devices: Devices | None = None) -> tuple[keras.Model, Classifier]:
    """Return the Keras net of a `Job`, and the compiled `Classifier` that trains it on a data set.

    `devices` are those that train together; without them, the classifier is one for inference on a single device.
    """
    replicas = devices.replicas if devices else 1
    shards = job.shards if devices and devices.take_shards else 1
    return build_classifier(job.plan, job.preprocessing, job.recipe, dataset, replicas, shards)


def build_classifier(planned: Plan, preprocessing: Preprocessing, recipe: Recipe, dataset: Dataset, replicas: int = 1,
                     shards: int = 1) -> tuple[keras.Model, Classifier]:
    """Return the Keras net of a `Plan`, and the compiled `Classifier` that trains it on a data set.

    `preprocessing` is that of the images, `replicas` the number of devices that train together, `shards` the number of
    shards that each batch is split into.
    """
    net = _build_net(planned, recipe)
    initialize(net, planned.trace, recipe)
    classifier = Classifier(
        net, preprocessing, dataset.image_shape, planned.trace.auxiliary, decay_in_gradient(recipe), recipe.augment,
        recipe.seed, shards,
    )
    steps = steps_per_epoch(len(dataset.train), recipe.batch_size, dataset.is_in_memory)  # type: ignore[arg-type]
    optimizer = make_optimizer(recipe, steps * recipe.epochs, recipe.epochs)
    weights = balanced_weights(dataset.train.labels, len(dataset.class_names)) if recipe.balance else None
    classifier.compile(optimizer, make_loss(recipe, weights), metrics=["accuracy"])
    one_per_replica: Any = slice(replicas)
    classifier.make(dataset.train.read(one_per_replica), dataset.train.labels[one_per_replica])
    return net, classifier


def _build_net(planned, recipe):
    """Build the net with the recipe's seed and precision."""
    keras.utils.set_random_seed(recipe.seed)
    before = keras.config.dtype_policy()
    keras.config.set_dtype_policy("mixed_bfloat16" if recipe.precision == "bfloat16" else "float32")
    try:
        return build_net(planned.trace, planned.name, "softmax")
    finally:
        keras.config.set_dtype_policy(before)

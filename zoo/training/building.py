"""A job -> the net, and the compiled classifier that trains it."""

from dataclasses import dataclass, replace
from functools import partial
from typing import Any

import keras
import numpy as np

from zoo.build import build as build_net
from zoo.data.dataset import Dataset, class_counts
from zoo.data.preprocessing import Preprocessing
from zoo.layout import Classes
from zoo.plan import Plan, plan
from zoo.recipes.recipe import Recipe
from zoo.runs.job import Job
from zoo.training.classifier import Classifier, steps_per_epoch
from zoo.training.distribution import Devices
from zoo.training.freezing import (
    BODY,
    body_of,
    check_not_new,
    constant_end,
    fits_into_memory,
    freeze,
    frozen_layers,
    with_features,
)
from zoo.training.initialization import initialize
from zoo.training.optimizing import balanced_weights, make_loss, make_optimizer
from zoo.weights import load_weights
from zoo.weights.published import pretrained_class_names

Start = list[np.ndarray] | None  # the weights that a net starts from, in Keras's order; None for random ones


def load_start(job: Job) -> tuple[Start, str]:
    """Return the weights that a job's net starts from, and a message on what was taken of the given ones.

    Raises:
        ZooError: if there are no such weights, or they aren't of the net's body, nor of a net that it starts from; if
            the recipe freezes layers for which they have nothing.
    """
    if job.weights is None:
        return None, ""
    entry, net = job.plan.entry, make_net(job.plan, job.recipe)
    before = net.get_weights()
    account = load_weights(
        net, job.weights, job.plan.registered, options=job.options, at_size=partial(_at_size, job),
        head=job.plan.trace.ends, new_head=True, build=build_net,
    )
    known = pretrained_class_names(entry, job.weights) if entry else None
    if known and known != job.class_names and account.head[0]:  # as many classes, but others
        account = _renew_scores(net, before, account, job.plan.trace)
    check_not_new(job.plan.trace, job.recipe, account.new)
    return net.get_weights(), str(account)


def _at_size(job, shape):
    return build_net(plan(job.plan.layout, shape).trace, job.plan.name, "softmax")


def _renew_scores(net, before, account, traced):
    """Give the layers that count classes, and the last, their initial weights again; return the new account."""
    weighing = [layer for layer in net.layers if layer.weights]
    counting = {layer.name for layer in traced.layers if layer.name in traced.ends and _counts_classes(layer.word)}
    renewed = [layer for layer in weighing if layer.name in counting or layer is weighing[-1]]
    renewed = [layer for layer in renewed if layer.name not in account.new]
    initial = dict(zip((weight.path for weight in net.weights), before, strict=True))
    for layer in renewed:
        layer.set_weights([initial[weight.path] for weight in layer.weights])
    return replace(account, head=(account.head[0] - len(renewed), account.head[1]),
                   new=(*account.new, *(layer.name for layer in renewed)))


def _counts_classes(word):
    return isinstance(getattr(word, "filters", getattr(word, "units", None)), Classes)


def build_for(job: Job, dataset: Dataset, start: Start = None) -> tuple[keras.Model, Classifier]:
    """Return the Keras net of a `Job`, and a compiled `Classifier` around it for inference on a single device."""
    return build_classifier(job.plan, job.preprocessing, job.recipe, dataset, start=start)


def mask_preprocessing(planned: Plan, preprocessing: Preprocessing, dataset: Dataset) -> keras.Model | None:
    """Return the Keras model from the masks of a data set to those that the net's scores are compared with, or None."""
    if not dataset.has_masks:
        return None
    corner: Any = planned.corner  # of a net for masks there is one: `make_job` has checked it
    return preprocessing.mask_model(dataset.image_shape[:2], corner, planned.trace.output_shape[:2])


@dataclass(frozen=True)
class Period:
    """What trains from an epoch up to `end`, not included: a net, the classifier around it, and the classifier's data.

    `has_features` says whether the data has the features of frozen layers in the place of images.
    """

    net: keras.Model
    classifier: Classifier
    dataset: Dataset
    has_features: bool
    first: int
    end: int

    def message(self, recipe: Recipe) -> str:
        """Return a message on which layers are frozen, or train again; "" if the recipe freezes none."""
        if recipe.freeze is None:
            return ""
        if self.first:
            norm = ", BatchNorm with the statistics that it has" if self.classifier.frozen else ""
            return f"From epoch {self.first + 1} on, the frozen layers train too{norm}."
        what = "the body" if recipe.freeze == BODY else f"all layers up to the end of {recipe.freeze}"
        frozen = sum(self.net.get_layer(name).count_params() for name in self.classifier.frozen)
        until = f" until epoch {self.end}" if self.end < recipe.epochs else ""
        return (
            f"Frozen{until}: {what}, {frozen:,} of {self.net.count_params():,} parameters"
            + ("; its features are computed once." if self.has_features else ".")
        )


def build_period(job: Job, dataset: Dataset, devices: Devices, start: Start, epochs: tuple[int, int]) -> Period:
    """Return a `Period` of a job's training: the `epochs`, (first, one after the last), of `freezing.periods`.

    Layers that the recipe freezes in them are frozen. If what they give is always the same, and its size allows, it is
    computed once: then the data has these features in the place of images.
    """
    (epoch, end_epoch), recipe, net = epochs, job.recipe, make_net(job.plan, job.recipe, start)
    frozen = frozen_layers(job.plan.trace, recipe, epoch)
    freeze(net, frozen)
    preprocessing = job.preprocessing.model(dataset.image_shape)
    masks = mask_preprocessing(job.plan, job.preprocessing, dataset)
    is_single = devices.replicas == 1 and devices.take_blocks
    is_same = not recipe.augment and not dataset.train.varies  # in each epoch
    end = constant_end(net) if frozen and is_single and is_same else None
    shards = job.shards if devices.take_shards else 1
    if end is not None and fits_into_memory(dataset, end):
        dataset = with_features(dataset, preprocessing, net, end, recipe.batch_size)  # type: ignore[arg-type]
        features = keras.Input(dataset.image_shape)
        preprocessing, shards = keras.Model(features, features), 1
    else:
        end = None
    classifier = Classifier(net, preprocessing, recipe, job.plan.trace.auxiliary, shards, end, frozen, masks)
    body = frozenset(weight.path for name in body_of(job.plan.trace) for weight in net.get_layer(name).weights)
    prepare(classifier, recipe, dataset, devices.replicas, epoch, body)
    return Period(net, classifier, dataset, end is not None, epoch, end_epoch)


def build_classifier(planned: Plan, preprocessing: Preprocessing, recipe: Recipe, dataset: Dataset, shards: int = 1,
                     start: Start = None) -> tuple[keras.Model, Classifier]:
    """Return the Keras net of a `Plan`, and the compiled `Classifier` that trains it on a data set, on one device.

    `preprocessing` is that of the images, `shards` the number of shards that each batch is split into.
    """
    net = make_net(planned, recipe, start)
    classifier = Classifier(
        net, preprocessing.model(dataset.image_shape), recipe, planned.trace.auxiliary, shards,
        mask_preprocessing=mask_preprocessing(planned, preprocessing, dataset),
    )
    prepare(classifier, recipe, dataset)
    return net, classifier


def make_net(planned: Plan, recipe: Recipe, start: Start = None) -> keras.Model:
    """Return the Keras net of a `Plan`, with the weights that it starts from, in the recipe's precision."""
    net = _build_net(planned, recipe)
    initialize(net, planned.trace, recipe)
    if start is not None:
        net.set_weights(start)
    return net


def _build_net(planned, recipe):
    """Build the net with the recipe's seed and precision."""
    keras.utils.set_random_seed(recipe.seed)
    before = keras.config.dtype_policy()
    keras.config.set_dtype_policy("mixed_bfloat16" if recipe.precision == "bfloat16" else "float32")
    try:
        return build_net(planned.trace, planned.name, "softmax")
    finally:
        keras.config.set_dtype_policy(before)


def prepare(classifier: Classifier, recipe: Recipe, dataset: Dataset, replicas: int = 1, epoch: int = 0,
            body: frozenset[str] = frozenset()) -> None:
    """Compile a classifier for training from an epoch on, and make all its variables.

    `replicas` is the number of devices that train together, `body` holds the paths of the body's weights.
    """
    steps = steps_per_epoch(len(dataset.train), recipe.batch_size, dataset.is_in_memory)  # type: ignore[arg-type]
    optimizer = make_optimizer(recipe, steps * recipe.epochs, recipe.epochs, steps * epoch, body)
    weights = balanced_weights(class_counts(dataset)) if recipe.balance else None
    metrics = [] if dataset.has_masks else ["accuracy"]  # those of pixels, some of which don't count, are its own
    classifier.compile(optimizer, make_loss(recipe, weights), metrics=metrics)
    one_per_replica: Any = slice(replicas)
    classifier.make(dataset.train.read(one_per_replica), dataset.train.read_labels(one_per_replica))

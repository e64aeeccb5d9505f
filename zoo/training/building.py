"""A model, its layout's options and a recipe -> the net, and the compiled classifier that trains it."""

import keras

from zoo.build import create
from zoo.plan import plan
from zoo.training.classifier import Classifier, steps_per_epoch
from zoo.training.initialization import initialize
from zoo.training.optimizing import balanced_weights, decay_in_gradient, make_loss, make_optimizer


def build(model, options, front, dataset, recipe, replicas=1, parts=1):
    """Return the Keras net of a model with `options`, and the compiled `Classifier` that trains it on a data set.

    `front` is the `Preprocessing` of the images, `replicas` the number of devices that train together, `parts` in how
    many parts each batch is computed.
    """
    classes = len(dataset.class_names)
    traced = plan(model, front.input_shape, classes, **options).trace
    net = _create(model, front.input_shape, classes, options, recipe)
    initialize(net, traced, recipe)
    classifier = Classifier(
        net, front, dataset.image_shape, traced.auxiliary, decay_in_gradient(recipe), recipe.augment, recipe.seed, parts
    )
    steps = steps_per_epoch(len(dataset.train), recipe.batch_size, dataset.is_held)
    optimizer = make_optimizer(recipe, steps * recipe.epochs, recipe.epochs)
    weights = balanced_weights(dataset.train.labels, classes) if recipe.balance else None
    classifier.compile(optimizer, make_loss(recipe, weights), metrics=["accuracy"])
    each_one = slice(replicas)
    classifier.make(dataset.train.read(each_one), dataset.train.labels[each_one])
    return net, classifier


def _create(model, input_shape, classes, options, recipe):
    """Build the net, seeded, in the recipe's precision."""
    keras.utils.set_random_seed(recipe.seed)
    before = keras.config.dtype_policy()
    keras.config.set_dtype_policy("mixed_bfloat16" if recipe.precision == "bfloat16" else "float32")
    try:
        return create(model, input_shape, classes, **options)
    finally:
        keras.config.set_dtype_policy(before)

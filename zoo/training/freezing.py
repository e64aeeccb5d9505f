"""Fine-tuning: which layers are frozen in which epochs, and the features of frozen layers, computed only once."""

from dataclasses import replace
from math import prod

import keras
from keras import layers

from zoo.data.dataset import IN_MEMORY_BYTES, Dataset, Split
from zoo.errors import ZooError, no_such
from zoo.inference.predictor import predict_split
from zoo.layout.trace import Trace
from zoo.layout.words import Norm
from zoo.recipes.recipe import Recipe

BODY = "body"


def body_of(traced: Trace) -> tuple[str, ...]:
    """Return the names of the body's layers: all but those of the head, and of auxiliary heads."""
    ends = set(traced.ends)
    return tuple(layer.name for layer in traced.layers if layer.name not in ends)


def frozen_layers(traced: Trace, recipe: Recipe, epoch: int = 0) -> tuple[str, ...]:
    """Return the names of the layers that are frozen in an epoch, counted from 0.

    Auxiliary classifiers, which stand between the body's layers, are never frozen.

    Raises:
        ZooError: if there is no such stage to freeze.
    """
    if recipe.freeze is None:
        return ()
    if recipe.freeze != BODY and recipe.freeze not in traced.stages:
        raise no_such("stage to freeze", recipe.freeze, (BODY, *traced.stages))
    auxiliary = set(traced.ends) - set(traced.head)
    names = body_of(traced) if recipe.freeze == BODY else traced.stages[recipe.freeze]
    names = tuple(name for name in names if name not in auxiliary)
    if recipe.thaw is None or epoch < recipe.thaw - 1:
        return names
    norms = {layer.name for layer in traced.layers if isinstance(layer.word, Norm) and layer.word.kind == "batch"}
    return () if recipe.thaw_norm else tuple(name for name in names if name in norms)


def check_trainable(traced: Trace, recipe: Recipe) -> None:
    """Raise `ZooError` if the recipe freezes layers that aren't there, or all that have weights."""
    frozen = set(frozen_layers(traced, recipe))
    if frozen and not any(layer.trainable_params for layer in traced.layers if layer.name not in frozen):
        raise ZooError(f"freeze {recipe.freeze} leaves no layer to train.")


def periods(recipe: Recipe, done: int) -> list[tuple[int, int]]:
    """Return the periods of a training in which the same layers are frozen, as (first epoch, epoch after the last).

    Epochs count from 0. Periods that ended before the last of the `done` epochs are left out.
    """
    if recipe.freeze is None or recipe.thaw is None or recipe.thaw > recipe.epochs:
        return [(0, recipe.epochs)]
    thaw = recipe.thaw - 1
    both = [(0, thaw), (thaw, recipe.epochs)]
    return both if done <= thaw else both[1:]


def freeze(net: keras.Model, names: tuple[str, ...]) -> None:
    """Freeze these layers of a net: they keep their weights, and BatchNorm its statistics, which it normalizes by."""
    for name in names:
        net.get_layer(name).trainable = False


def take_over(trained: keras.Model, source: keras.Model, target: keras.Model) -> None:
    """Copy all variables of a net, seeds of dropout included, into the same net built anew.

    `trained` is the classifier around the `source`: if it has moving averages of weights, these are copied, as Keras's
    `fit` leaves them in the net at its end.
    """
    trained.optimizer.finalize_variable_values(trained.trainable_variables)
    for new, old in zip(target.variables, source.variables, strict=True):
        new.assign(old)


# ------------------------------------------------------------------------------------------- features, computed once


def constant_end(net: keras.Model) -> keras.KerasTensor | None:
    """Return the tensor up to which a net with frozen layers gives the same for the same image in every epoch.

    None if no layer with weights lies before it, or if it isn't one tensor.
    """
    constant, has_weights = {id(tensor) for tensor in net.inputs}, False
    ended: dict[int, keras.KerasTensor] = {}
    for layer in net.layers:
        inputs = keras.tree.flatten(layer.input)
        if all(id(tensor) in constant for tensor in inputs) and _is_constant(layer):
            constant.add(id(layer.output))
            has_weights = has_weights or bool(layer.weights)
        else:
            ended |= {id(tensor): tensor for tensor in inputs if id(tensor) in constant}
    (end, *others) = ended.values() or (None,)
    return end if has_weights and not others else None


def _is_constant(layer):
    is_random = getattr(layer, "seed_generator", None) is not None
    return not is_random and (isinstance(layer, layers.InputLayer) or not layer.trainable or not layer.weights)


def with_features(dataset: Dataset, preprocessing: keras.Model, net: keras.Model, end: keras.KerasTensor,
                  batch_size: int) -> Dataset:
    """Return the data set with features in the place of the images for training and validation.

    Features are what the net, behind the preprocessing, gives at the tensor `end`, float32.
    """
    extractor = keras.Model(preprocessing.input, keras.Model(net.input, end)(preprocessing.output))

    def features(split):
        return Split(predict_split(extractor, split, batch_size, "features"), split.labels)

    return replace(dataset, train=features(dataset.train), validation=features(dataset.validation))


def fits_into_memory(dataset: Dataset, end: keras.KerasTensor) -> bool:
    """Return whether the features at the tensor `end`, float32, fit into memory as a data set's images have to."""
    return 4 * prod(end.shape[1:]) * (len(dataset.train) + len(dataset.validation)) <= IN_MEMORY_BYTES

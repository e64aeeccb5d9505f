"""Fine-tuning: which layers are frozen in which epochs, and the features of frozen layers, computed only once."""

from collections import Counter
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


def check_not_new(traced: Trace, recipe: Recipe, new: tuple[str, ...]) -> None:
    """Raise `ZooError` if the recipe freezes layers that are `new`: they would keep random weights."""
    random = [name for name in frozen_layers(traced, recipe) if name in new]
    if random:
        known = [stage for stage, names in traced.stages.items() if not set(names) & set(new)]
        instead = f"freeze all up to {known[-1]} instead" if known else "leave freeze out"
        raise ZooError(f"freeze {recipe.freeze} would keep the random weights of {', '.join(random)}, for which the "
                       f"given weights have nothing; {instead}.")


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
    """Return the last tensor of a net with frozen layers that all behind it depends on, and that never changes.

    Up to there the net gives the same for the same image in every epoch. None if no layer with weights lies before it.
    """
    uses = Counter(id(tensor) for layer in net.layers for tensor in _inputs(layer))
    uses.update(id(tensor) for tensor in net.outputs)
    needed = {id(tensor): tensor for tensor in net.inputs}  # constant, and used by layers that aren't included yet
    included, has_weights, end = set(needed), False, None
    for layer in net.layers:
        inputs = _inputs(layer)
        if isinstance(layer, layers.InputLayer) or not _is_constant(layer) or not included.issuperset(map(id, inputs)):
            continue
        uses.subtract(map(id, inputs))
        needed = {key: tensor for key, tensor in needed.items() if uses[key]} | {id(layer.output): layer.output}
        included.add(id(layer.output))
        has_weights = has_weights or bool(layer.weights)
        end = layer.output if has_weights and len(needed) == 1 else end
    return end


def _inputs(layer):
    return [] if isinstance(layer, layers.InputLayer) else keras.tree.flatten(layer.input)


def _is_constant(layer):
    is_random = getattr(layer, "seed_generator", None) is not None
    return not is_random and (not layer.trainable or not layer.weights)


def with_features(dataset: Dataset, preprocessing: keras.Model, net: keras.Model, end: keras.KerasTensor,
                  batch_size: int) -> Dataset:
    """Return the data set with features in the place of the images for training and validation.

    Features are what the net, behind the preprocessing, gives at the tensor `end`, float32.
    """
    extractor = keras.Model(preprocessing.input, keras.Model(net.input, end)(preprocessing.output))

    def features(split):
        return Split(predict_split(extractor, split, batch_size, "features"), split.read_labels(slice(None)))

    return replace(dataset, train=features(dataset.train), validation=features(dataset.validation))


def fits_into_memory(dataset: Dataset, end: keras.KerasTensor) -> bool:
    """Return whether the features at the tensor `end`, float32, fit into memory as a data set's images have to."""
    return 4 * prod(end.shape[1:]) * (len(dataset.train) + len(dataset.validation)) <= IN_MEMORY_BYTES

"""Auxiliary classifiers: their losses count in training alone."""

import keras
import numpy as np
import pytest

from zoo.inference.evaluate import evaluate
from zoo.inference.trained import load_trained
from zoo.recipes.recipe import Recipe
from zoo.training import train as training
from zoo.training.optimizing import make_loss, make_optimizer


def test_auxiliary_losses_count_by_their_weight_and_in_training_alone(two_headed):
    recipe, random = Recipe(label_smoothing=0), np.random.default_rng(0)
    two_headed.compile(make_optimizer(recipe, 1), make_loss(recipe), metrics=["accuracy"])
    x, y = random.random((16, 8, 8, 1), "float32"), random.integers(10, size=16)
    outputs = two_headed(x)
    own, early = (float(keras.losses.sparse_categorical_crossentropy(y, outputs[key], from_logits=True).numpy().mean())
                  for key in ("logits", "early"))
    assert own != early
    assert float(two_headed.compute_loss(x, y, outputs, training=True)) == pytest.approx(own + 0.5 * early, rel=1e-5)
    assert two_headed.evaluate(x, y, verbose=0)[0] == pytest.approx(own, rel=1e-5)


def test_a_graphics_card_can_hold_every_variable_of_training(two_headed):
    """TensorFlow keeps int32 ones in main memory, where a step that XLA compiled for the card can't reach them."""
    assert "int32" not in {variable.dtype for variable in two_headed.variables}


def test_a_trained_net_has_no_auxiliary_classifiers_left(two_headed, tmp_path):
    run = training.train("side", runs=tmp_path, epochs=1, verbose=0, log=str)
    trained = load_trained(run.run).model
    assert trained.output_shape == (None, 10) and not [x for x in trained.layers if x.name.startswith("early")]
    assert evaluate(run.run).test_accuracy == run.test_accuracy


import pytest

import zoo
from zoo import Auxiliary, Conv, Dense, GlobalPool, Stage, registry
from zoo.data.preprocessing import Preprocessing
from zoo.plan import plan
from zoo.recipes.recipe import Recipe
from zoo.training import train as training
from zoo.training.classifier import Classifier


@pytest.fixture(scope="session")
def result(tmp_path_factory):
    """(The result of a short run of LeNet-5 of half the width on the digits, what it said)."""
    said, runs = [], tmp_path_factory.mktemp("runs")
    return training.train("lenet", options={"width": 0.5}, runs=runs, epochs=3, verbose=0, log=said.append), said


@pytest.fixture
def two_headed(own_registry):
    """A registered net with a classifier on the side, built, and its `Classifier`."""

    @registry.register
    def side(classes=10):
        early = [GlobalPool(), Dense(classes, name="early_predictions")]
        return [Stage("block1", Conv(8, 3, stride=2), Auxiliary("early", early, weight=0.5)),
                Stage("block2", Conv(8, 3, stride=2)), GlobalPool(), Dense(classes, name="predictions")]

    planned = plan("side", (8, 8, 1))
    images = Preprocessing((8, 8), 0, 1, (1.0,), (0.0,)).model((8, 8, 1))
    return Classifier(zoo.create("side", (8, 8, 1)), images, Recipe(label_smoothing=0.0), planned.trace.auxiliary)

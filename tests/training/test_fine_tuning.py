"""Fine-tuning: frozen layers, thawing, the body's own rate, and features that are computed once."""

from dataclasses import replace

import keras
import numpy as np
import pytest
from broken_off import broken_off

import zoo
from zoo import Conv, Dense, Dropout, GlobalPool, ZooError
from zoo.plan import plan
from zoo.recipes.recipe import Recipe
from zoo.runs.folder import find_run
from zoo.training import building, freezing
from zoo.training import train as training
from zoo.training.checkpoint import Best
from zoo.training.optimizing import OPTIMIZER_CLASSES, make_optimizer, make_schedule

NET = """
from zoo import *
small = Layout([Stage("block1", Conv(4, 3, norm="batch"), Pool(2)), Stage("block2", Conv(6, 3, norm="batch"))],
               [GlobalPool(), Dropout(0.3), Dense(Classes(10), name="predictions")])
"""


@pytest.fixture(scope="module")
def trained(tmp_path_factory):
    """A layout file's net, and a `.weights.h5` file of it, trained for an epoch."""
    folder = tmp_path_factory.mktemp("trained")
    (folder / "net.py").write_text(NET.replace("import *", "import *\nfrom zoo.layout import Classes"))
    net = f"{folder}/net.py:small"
    run = training.train(net, runs=folder, epochs=1, limit=200, verbose=0, log=str).run
    keras.models.load_model(find_run(run).model_path).save_weights(folder / "small.weights.h5")
    return net, folder / "small.weights.h5"


@pytest.mark.parametrize("classes, head", [
    (None, "body: 2 of 2 layers, head: 3 of 3 layers"),
    (["1", "2", "3"], "new: predictions (3 classes)"),
    (["9", "8", "7", "6", "5", "4", "3", "2", "1", "0"], "new: predictions (10 classes)"),  # as many, in another order
])
def test_the_head_is_taken_for_the_same_classes_only_and_images_are_prepared_as_before(result, tmp_path, classes, head):
    (run, _), said = result, []
    before = find_run(run.run).job()
    found = training.train(
        "lenet5", weights=run.run, options=before.options, classes=classes, epochs=1, limit=60, runs=tmp_path,
        verbose=0, log=said.append,
    )
    assert any(head in line for line in said)
    job = find_run(found.run).job()
    assert job.preprocessing == before.preprocessing and job.weights == run.run
    assert (job.recipe.body_rate, job.recipe.freeze, job.recipe.optimizer) == (0.1, None, "adam")


def train(trained, folder, said=None, **fields):
    net, weights = trained
    log = str if said is None else said.append
    fields = {"epochs": 2, "limit": 200, "batch_size": 16, "weights": weights} | fields
    with pytest.warns(zoo.ZooWarning, match="names and shapes alone"):
        return training.train(net, runs=folder, verbose=0, log=log, **fields).run


def layers_of(model):
    if not isinstance(model, keras.Model):
        model = keras.models.load_model(find_run(model).model_path)
    return {layer.name: layer.get_weights() for layer in model.layers if layer.weights}


def changed(run, trained):
    """Return the names of the layers whose weights aren't those that the run started from."""
    net, weights = trained
    start = zoo.create(zoo.registry.entry(net).layout(), (8, 8, 1), classes=10)
    start.load_weights(weights)
    before, after = layers_of(start), layers_of(run)
    return [name for name in after if any((a != b).any() for a, b in zip(after[name], before[name]))]


@pytest.mark.parametrize("name", zoo.list_models())
def test_the_body_and_each_stage_can_be_frozen(name):
    traced = plan(name).trace
    body = freezing.frozen_layers(traced, Recipe(freeze="body"))
    assert (*body, *traced.head) == tuple(layer.name for layer in traced.layers)
    for stage, names in traced.stages.items():
        assert freezing.frozen_layers(traced, Recipe(freeze=stage)) == names
    thawed = freezing.frozen_layers(traced, Recipe(freeze="body", thaw=3, thaw_norm=False), epoch=2)
    norms = [layer.name for layer in traced.layers if layer.kind == "Norm" and layer.word.kind == "batch"]
    assert list(thawed) == [name for name in norms if name in body]
    assert freezing.frozen_layers(traced, Recipe(freeze="body", thaw=3), epoch=2) == ()


def test_frozen_layers_keep_weights_and_statistics(trained, tmp_path):
    assert changed(train(trained, tmp_path, freeze="body"), trained) == ["predictions"]
    late = train(trained, tmp_path, freeze="block1")
    assert changed(late, trained) == ["block2_conv", "block2_conv_bn", "predictions"]
    assert len(changed(train(trained, tmp_path), trained)) == 5
    model = keras.models.load_model(find_run(late).model_path)
    assert all(layer.trainable for layer in model.layers)


def test_features_that_are_computed_once_train_the_same_head(trained, tmp_path, monkeypatch):
    said = []
    options = dict(freeze="body", epochs=3, augment=(), options={"dropout": 0.0})
    cached = train(trained, tmp_path, said, **options)
    assert any("its features are computed once" in line for line in said)
    monkeypatch.setattr(building, "constant_end", lambda net: None)
    plain = train(trained, tmp_path, **options)
    for ours, theirs in zip(layers_of(cached)["predictions"], layers_of(plain)["predictions"]):
        np.testing.assert_allclose(ours, theirs, rtol=1e-4, atol=1e-5)


def test_the_constant_part_ends_before_what_is_random_or_trains():
    def end(*words, frozen):
        net = zoo.create(list(words), (8, 8, 1))
        freezing.freeze(net, frozen)
        found = freezing.constant_end(net)
        return None if found is None else found._keras_history.operation.name

    conv, head = Conv(4, 3, name="one"), [GlobalPool(name="pool"), Dense(3, name="answers")]
    assert end(conv, *head, frozen=("one",)) == "pool"
    assert end(conv, Dropout(0.5), *head, frozen=("one",)) == "one"
    assert end(conv, Conv(4, 3, name="two"), *head, frozen=("one",)) == "one"
    assert end(Dropout(0.5), conv, *head, frozen=("one",)) is None  # the image alone is constant before it
    assert end(conv, *head, frozen=()) is None
    branches = zoo.Concat([Conv(2, 1, name="left")], [Conv(2, 3, padding="same", name="right")])
    assert end(branches, Conv(4, 3, name="two"), *head, frozen=("left", "right")) == "concat"
    assert end(branches, Conv(4, 3, name="two"), *head, frozen=("left",)) is None  # the image enters the rest, too
    behind = zoo.Concat([zoo.Pool(2, stride=1, padding="same")], [Conv(2, 1, name="three")])
    assert end(conv, behind, *head, frozen=("one",)) == "one"  # a pool behind it is constant, too, but no single end


@pytest.mark.parametrize("stopped, thaw_norm", [(1, True), (2, True), (3, False)])
def test_a_run_that_thaws_goes_on_exactly_wherever_it_stopped(trained, tmp_path, stopped, thaw_norm):
    options = dict(freeze="body", thaw=3, thaw_norm=thaw_norm, epochs=4, ema=0.9, body_rate=0.3)
    whole = train(trained, tmp_path / "whole", **options)

    with broken_off(after=stopped):
        train(trained, tmp_path / "stopped", **options)
    folder, weights = tmp_path / "stopped" / "small-digits-1", trained[1]
    weights.rename(weights.with_suffix(".gone"))  # the run has what it needs
    try:
        resumed = training.resume(folder, verbose=0, log=str).run
    finally:
        weights.with_suffix(".gone").rename(weights)
    ours, theirs = layers_of(resumed), layers_of(whole)
    for name in theirs:
        for one, other in zip(ours[name], theirs[name]):
            np.testing.assert_array_equal(one, other)
    norms = ["block1_conv_bn", "block2_conv_bn"]
    assert [name for name in norms if name in changed(whole, trained)] == (norms if thaw_norm else [])


def test_the_best_epoch_may_lie_before_the_thaw(trained, tmp_path, monkeypatch):
    of_best = Best.on_epoch_end
    monkeypatch.setattr(Best, "on_epoch_end", lambda self, epoch, logs: None if epoch else of_best(self, epoch, logs))
    run = train(trained, tmp_path, freeze="body", thaw=2, epochs=2)
    assert changed(run, trained) == ["predictions"]


@pytest.mark.parametrize("name", OPTIMIZER_CLASSES)
def test_the_body_moves_by_its_share(name):
    recipe = Recipe(optimizer=name, learning_rate=0.01, schedule="constant", weight_decay=0.1)
    values, gradients = np.float32([[1, -2], [3, 0.5]]), np.float32([[0.3, 0.1], [-0.2, 0.4]])
    moved = {}
    for share in (1.0, 0.25):
        body, head = keras.Variable(values, name="body"), keras.Variable(values, name="head")
        optimizer = make_optimizer(replace(recipe, body_rate=share), 10, body=frozenset({body.path}))
        optimizer.build([body, head])
        optimizer.apply([keras.ops.array(gradients)] * 2, [body, head])
        moved[share] = [keras.ops.convert_to_numpy(variable) - values for variable in (body, head)]
    np.testing.assert_array_equal(moved[1.0][0], moved[1.0][1])
    np.testing.assert_array_equal(moved[0.25][1], moved[1.0][1])
    np.testing.assert_allclose(moved[0.25][0], 0.25 * moved[1.0][0], rtol=1e-3, atol=1e-6)


def test_a_thawed_optimizer_goes_on_with_the_schedule():
    recipe = Recipe(schedule="onecycle")
    whole, late = make_schedule(recipe, 100, 10), make_optimizer(recipe, 100, 10, done=40)
    late.build([keras.Variable(np.ones(2, "float32"))])
    assert float(late.learning_rate) == pytest.approx(float(whole(40)))


def test_what_cannot_be_frozen_is_refused_before_anything_is_written(trained, tmp_path):
    net, weights = trained
    for fields, sentence in (
        ({"freeze": "block3"}, "no stage to freeze 'block3'.*body, block1"),
        ({"freeze": "body", "thaw": 1}, "thaw must be at least 2"),
        ({"weights": tmp_path / "none.keras"}, "There is no weights file"),
        ({"body_rate": 0.0}, "body rate must be greater than 0"),
    ):
        with pytest.raises(ZooError, match=sentence):
            training.train(net, runs=tmp_path / "runs", verbose=0, log=str, **{"weights": weights} | fields)
    headless = tmp_path / "headless.py"
    headless.write_text("from zoo import *\nnet = [Stage('all', Conv(4, 3), GlobalPool(), Dense(10))]")
    with pytest.raises(ZooError, match="freeze all leaves no layer to train"):
        training.train(f"{headless}:net", runs=tmp_path / "runs", verbose=0, log=str, freeze="all")
    assert not (tmp_path / "runs").exists()


@pytest.mark.parametrize("fields, told", [
    ({"freeze": "body", "thaw": 5, "epochs": 3}, ["thaw has no effect: there are 3 epochs."]),
    ({"freeze": "body", "thaw_norm": False, "body_rate": 0.5}, [
        "thaw_norm has no effect, as the frozen layers never thaw.",
        "body_rate has no effect, as the frozen layers never thaw."]),
    ({"freeze": "block1", "body_rate": 0.5}, []),  # the rest of the body trains
    ({"freeze": "body", "thaw": 2, "body_rate": 0.5, "thaw_norm": False}, []),
])
def test_fields_of_a_thaw_that_never_comes_are_told(fields, told):
    assert Recipe(**fields).unused(tuple(fields)) == told


def test_steps_are_accumulated_in_each_period_anew(trained, tmp_path):
    with pytest.raises(ZooError, match="at most 12, the steps before or after frozen layers thaw; got 13"):
        training.train(trained[0], runs=tmp_path, verbose=0, log=str, weights=trained[1], limit=200, batch_size=16,
                       freeze="body", thaw=2, epochs=2, accumulate=13)


def test_what_is_not_known_of_images_is_told(trained, tmp_path):
    said = []
    train(trained, tmp_path, said, epochs=1)
    assert any("How images were prepared for small.weights.h5 isn't known" in line for line in said)


def test_fields_without_effect_are_told(trained, tmp_path):
    said = []
    training.train(trained[0], runs=tmp_path, verbose=0, log=said.append, epochs=1, limit=50, thaw=2, freeze="none")
    assert "thaw has no effect without freeze." in said
    training.train(trained[0], runs=tmp_path, verbose=0, log=said.append, epochs=1, limit=50, freeze="body")
    assert any("The frozen layers keep random weights" in line for line in said)

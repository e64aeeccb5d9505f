"""Recipes: where their fields come from, what they change in training, and the sentence for bad ones."""

import csv
import json
from dataclasses import fields, replace

import keras
import numpy as np
import pytest

import zoo
from zoo import ZooError, data
from zoo.inference.evaluate import evaluate
from zoo.inference.trained import load_trained
from zoo.recipes.defaults import DATA, NORMALIZED, recipe_for
from zoo.recipes.recipe import AUGMENTATIONS, OPTIMIZERS, SCHEDULES, Recipe, is_over
from zoo.registry import entries, entry
from zoo.runs.folder import find_run
from zoo.runs.job import Job
from zoo.training import train as training
from zoo.training.checkpoint import restore_best
from zoo.training.optimizing import Plateau, balanced_weights, make_loss, make_optimizer, make_schedule
from zoo.training.request import read_request


@pytest.mark.parametrize("name", OPTIMIZERS)
def test_the_learning_rate_falls_from_the_given_one_to_zero(name):
    optimizer = make_optimizer(Recipe(optimizer=name, learning_rate=0.5), steps=10)
    schedule = optimizer._learning_rate
    assert float(schedule(0)) == pytest.approx(0.5) and float(schedule(10)) == pytest.approx(0)


@pytest.mark.parametrize(
    "options, rates",
    [
        (dict(schedule="constant"), {0: 1, 50: 1, 99: 1}),
        (dict(schedule="cosine"), {0: 1, 50: 0.5, 100: 0}),
        (dict(schedule="step"), {0: 1, 50: 1, 51: 0.1, 75: 0.1, 76: 0.01}),
        (dict(schedule="onecycle"), {0: 1 / 25, 30: 1, 65: 0.5, 100: 0}),
        (dict(schedule="onecycle", warmup=1.0), {0: 1 / 25, 10: 1, 55: 0.5, 100: 0}),
        (dict(schedule="step", milestones=()), {0: 1, 51: 1, 99: 1}),
    ],
)
def test_schedules_change_the_learning_rate_as_they_say(options, rates):
    made = make_schedule(Recipe(**options, learning_rate=1.0), 100, epochs=10)
    for step, rate in rates.items():
        assert float(made(step)) == pytest.approx(rate, abs=1e-6)


def test_steps_fall_where_and_as_far_as_they_are_told():
    recipe = Recipe(schedule="step", learning_rate=1.0, milestones=(0.6, 0.3, 0.8), drop=0.2)
    made = make_schedule(recipe, 200, epochs=200)
    assert [float(made(step)) for step in (60, 61, 121, 161)] == pytest.approx([1, 0.2, 0.04, 0.008])


def test_accumulating_gradients_leaves_the_learning_rate_its_course():
    def rates(accumulate):
        optimizer = make_optimizer(Recipe(accumulate=accumulate), 16)
        weight = keras.Variable(np.ones(1, "float32"))
        optimizer.build([weight])
        for _ in range(16):
            yield float(optimizer.learning_rate)
            optimizer.apply([np.ones(1, "float32")])

    assert list(rates(4)) == list(rates(1))


@pytest.mark.parametrize("name", ["adamw", "lamb", "lion", "muon"])
@pytest.mark.parametrize("decay", [0.0, 0.5])
def test_decoupled_weight_decay_shrinks_every_kernel_by_rate_times_decay(name, decay):
    kernels = [keras.Variable(np.ones(shape, "float32"), name="kernel") for shape in ((2, 3), (2, 2, 2, 3))]
    optimizer = make_optimizer(Recipe(optimizer=name, learning_rate=0.1, schedule="constant", weight_decay=decay), 10)
    optimizer.apply([np.zeros(kernel.shape, "float32") for kernel in kernels], kernels)
    for kernel in kernels:
        assert np.ravel(kernel) == pytest.approx(1 - 0.1 * decay)


def test_decoupled_weight_decay_leaves_all_but_kernels_alone():
    """LeNet-5 of 1998 has trainable pooling: a coefficient a map, which starts as that of a mean."""
    net = zoo.create("lenet5_1998", norm="batch")
    weights, before = net.trainable_variables, [np.array(weight) for weight in net.trainable_variables]
    optimizer = make_optimizer(Recipe(optimizer="adamw", learning_rate=0.1, schedule="constant", weight_decay=0.5), 10)
    optimizer.apply([np.zeros(weight.shape, "float32") for weight in weights], weights)
    changed = {weight.name for weight, old in zip(weights, before) if not np.array_equal(weight, old)}
    assert changed == {"kernel"} < {weight.name for weight in weights}


def test_more_steps_an_update_than_the_run_has_are_refused(tmp_path):
    with pytest.raises(ZooError, match="accumulate must be at most 10, the steps of this run; got 11"):
        training.train("lenet1", limit=40, epochs=2, accumulate=11, runs=tmp_path / "runs", verbose=0, log=str)
    assert not (tmp_path / "runs").exists()


@pytest.mark.parametrize("schedule", ["constant", "cosine", "step"])
def test_warmup_climbs_to_the_learning_rate_and_the_schedule_follows(schedule):
    made = make_schedule(Recipe(schedule=schedule, learning_rate=1.0, warmup=2), 100, epochs=10)
    assert [float(made(step)) for step in (0, 9, 19, 20)] == pytest.approx([1 / 20, 0.5, 1, 1])
    assert float(made(99)) == pytest.approx({"constant": 1, "cosine": 0, "step": 0.01}[schedule], abs=1e-3)


@pytest.mark.parametrize(
    "warmup, fall, rates",
    [(0, 0, [1, 1, 1, 1, 0.1, 0.1]), (2, 0, [1 / 3, 2 / 3, 1, 1, 1, 1, 0.1]), (0, 1e-5, [1, 1, 1, 1, 1, 1])],
)
def test_a_plateau_lowers_the_rate_and_a_run_that_goes_on_knows_it(warmup, fall, rates):
    recipe, history, seen = Recipe(schedule="plateau", learning_rate=1.0, warmup=warmup), [], []
    for epoch in range(len(rates)):
        model = keras.Sequential([keras.layers.Dense(1)])
        model.compile(make_optimizer(recipe, 100))
        plateau = Plateau(recipe, history)  # a new one each epoch, as after a stop
        plateau.set_model(model)
        plateau.on_train_begin()
        plateau.on_epoch_begin(epoch)
        seen.append(float(model.optimizer.learning_rate))
        history.append({"val_loss": 1 - fall * epoch})
    assert seen == pytest.approx(rates)


def test_a_plateau_with_warmup_writes_the_rate_of_every_epoch(tmp_path):
    run = training.train("lenet1", limit=40, schedule="plateau", learning_rate=0.01, warmup=1.0, epochs=2,
                         runs=tmp_path, verbose=0, log=str).run
    assert find_run(run).metrics()["learning_rate"] == pytest.approx([0.005, 0.01])


@pytest.mark.parametrize(
    "losses, patience, over",
    [([], 1, False), ([3, 2, 1], 1, False), ([1, 2], 1, True), ([1, 2], 2, False), ([1, 2], None, False),
     ([3, 1, 2, 2], 2, True), ([1] * 9, None, False), ([1] * 10, None, True)],
)
def test_a_run_is_over_by_its_epochs_or_its_patience(losses, patience, over):
    assert is_over(Recipe(epochs=10, patience=patience), [{"val_loss": loss} for loss in losses]) == over


def test_classes_are_balanced_by_their_share():
    labels = np.array([0, 0, 0, 1])
    weights = balanced_weights(np.array([3, 1, 0]))
    assert weights[:2] == pytest.approx([2 / 3, 2]) and weights[labels].mean() == pytest.approx(1)
    logits = np.zeros((4, 3), "float32")
    losses = np.asarray(make_loss(Recipe(label_smoothing=0), weights)(labels, logits))
    assert losses == pytest.approx(np.log(3) * weights[labels])


SETTINGS = [
    {}, *(dict(optimizer=name) for name in OPTIMIZERS if name not in ("adam", "adamw")),
    *(dict(schedule=name) for name in SCHEDULES if name not in ("cosine", "plateau")),
    dict(learning_rate=1e-2), dict(warmup=1.0), dict(optimizer="sgd", momentum=0.0), dict(weight_decay=0.1),
    dict(optimizer="adamw", weight_decay=0.1), dict(optimizer="sgd", clip=1e-3), dict(accumulate=2),
    *(dict(augment=(name,)) for name in AUGMENTATIONS), dict(augment=("flip", "cutmix", "mixup")), dict(loss="focal"),
    dict(schedule="step", milestones=(0.2,)), dict(schedule="step", drop=0.5), dict(initialization="orthogonal"),
    dict(batch_size=64), dict(label_smoothing=0.3), dict(rubbish=5.0), dict(balance=True), dict(seed=1), dict(ema=0.9),
    dict(zero_init_residual=True), dict(freeze="body"), dict(body_rate=0.5),
]


TINY = """
from zoo import *
tiny = [Conv(4, 3), Add([Conv(4, 3, norm="batch", activation=None)]), Pool(2), Flatten(), Dense(10)]
"""


def test_every_field_of_the_recipe_changes_what_is_trained(tmp_path, monkeypatch):
    """By the weights after an epoch. (The plateau comes later; Adam without weight decay is AdamW.)"""
    tested = {key for setting in SETTINGS for key in setting} | {
        "epochs", "patience", "precision", "thaw", "thaw_norm"  # in other tests
    }
    assert tested == {item.name for item in fields(Recipe)}

    def kept(run, config, net, classifier, *others):
        restore_best(run, classifier)
        return np.concatenate([np.ravel(weight) for weight in net.weights])

    monkeypatch.setattr(training, "_finish", kept)
    (tmp_path / "net.py").write_text(TINY)
    seen = [training.train(f"{tmp_path}/net.py:tiny", limit=164, runs=tmp_path / "runs", epochs=1, verbose=0, log=str,
                           **{"batch_size": 16} | setting) for setting in SETTINGS]
    assert np.isfinite(seen).all()
    assert len(np.unique(seen, axis=0)) == len(SETTINGS)


def test_a_recipe_starts_from_model_and_data_paper_or_file(tmp_path):
    vgg, file = entry("vgg16"), tmp_path / "mine.yaml"
    assert recipe_for(vgg, "digits") == Recipe(learning_rate=3e-4)
    assert recipe_for(vgg, "cifar10", "fast") == Recipe(learning_rate=3e-4, augment=("flip", "crop"))
    paper = recipe_for(vgg, "cifar10", "paper", epochs=2)
    assert (paper.optimizer, paper.learning_rate, paper.batch_size, paper.weight_decay) == ("sgd", 0.01, 256, 5e-4)
    assert paper.epochs == 2 and paper.label_smoothing == 0
    file.write_text(
        "learning_rate: 1e-2\naugment: flip, cutout\nepochs: 3\nmilestones: [0.2, 4e-1]\nclip: null\nbalance: true\n"
    )
    assert recipe_for(vgg, "mnist", file) == Recipe(
        learning_rate=0.01, augment=("flip", "cutout"), epochs=3, balance=True, milestones=(0.2, 0.4)
    )
    assert recipe_for(vgg, None, file, epochs=5).epochs == 5


def test_what_a_recipe_starts_with_can_be_taken_away(tmp_path):
    file = tmp_path / "mine.yaml"
    file.write_text("clip: 1\nbalance: true\naugment: [flip]\npatience: 3\ninitialization: none\n")
    assert recipe_for(entry("vgg16"), None, file, clip="none", balance=False, augment=[], patience="none") == Recipe(
        learning_rate=3e-4
    )
    assert recipe_for(entry("lenet5_1998"), rubbish="none").rubbish is None
    with pytest.raises(ZooError, match="There is no optimizer 'none'"):
        recipe_for(entry("vgg16"), optimizer="none")


def test_on_cifar_nets_with_batchnorm_train_by_sgd_unless_another_optimizer_is_asked_for(tmp_path):
    by_adam = Recipe(augment=("flip", "crop"))
    for name in ("resnet20", "wrn_16_4", "vgg11_bn", "densenet_bc_100_12", "mobilenet_v2"):
        recipe = recipe_for(entry(name), "cifar10")
        assert recipe == recipe_for(entry(name), "cifar100") == Recipe(**DATA["cifar10"] | NORMALIZED)
        assert recipe.optimizer == "sgd" and recipe_for(entry(name), "digits").optimizer == "adam"
        assert recipe_for(entry(name), "cifar10", optimizer="adam") == by_adam
        assert recipe_for(entry(name), "cifar10", optimizer="sgd", epochs=3).learning_rate == recipe.learning_rate
    assert recipe_for(entry("alexnet_owt"), "cifar10") == by_adam
    (tmp_path / "mine.yaml").write_text("optimizer: adam\nepochs: 3\n")
    assert recipe_for(entry("resnet20"), "cifar10", tmp_path / "mine.yaml") == replace(by_adam, epochs=3)


def test_a_file_or_folder_that_is_called_as_a_set_has_its_recipe(tmp_path):
    (tmp_path / "cifar10").mkdir()
    for path in ("cifar10.npz", "cifar10"):
        assert read_request("resnet20", tmp_path / path).recipe == recipe_for(entry("resnet20"), "cifar10")
    assert read_request("resnet20", tmp_path / "others.npz").recipe == recipe_for(entry("resnet20"))


def test_overrides_of_the_norm_decide_which_recipe_a_net_has_on_cifar():
    optimizers = [
        read_request(model, "cifar10", options={"norm": norm}).recipe.optimizer
        for model, norm in (("resnet20", "batch"), ("resnet20", None), ("vgg11", "batch"), ("vgg11", None))
    ]
    assert optimizers == ["sgd", "adam", "sgd", "adam"]


def test_a_job_comes_back_from_its_config(result):
    run = find_run(result[0].run)
    job = run.job()
    assert Job.from_config(json.loads(json.dumps(job.to_config()))) == job
    assert job.plan.trace.params == job.params


def test_every_recipe_that_is_known_is_valid():
    papers = [one.paper_recipe for one in entries().values() if one.paper_recipe]
    assert len(papers) > 30 and all(Recipe(**recipe) for recipe in papers)
    assert all(Recipe(**recipe) for recipe in DATA.values())


@pytest.mark.parametrize(
    "text, sentence",
    [
        (None, "can't be read as a recipe: No such file"),
        ("- 1\n", "it must hold lines such as"),
        ("a: [", "is no YAML"),
        ("learning_rat: 1", "a recipe has no 'learning_rat'. Did you mean learning_rate"),
        ("epochs: 1.5", "1.5 is no value for epochs"),
        ("balance: 1", "1 is no value for balance"),
        ("milestones: [soon]", "is no value for milestones"),
        ("milestones: 0.5, 1", "milestones must be less than 1; got 1.0"),
        ("augment: 3", "3 is no value for augment"),
        ("optimizer: 3", "3 is no value for optimizer"),
        ("epochs: 0", "epochs must be greater than 0"),
        ("epochs: .inf", "inf is no value for epochs"),
        (f"epochs: 1{400 * '0'}", "0 is no value for epochs"),
        ("warmup: .inf", "warmup must be a finite number; got inf"),
        ("augment:\n  flip: 1", "{'flip': 1} is no value for augment"),
    ],
)
def test_a_file_that_is_no_recipe_is_refused(tmp_path, text, sentence):
    if text:
        (tmp_path / "mine.yaml").write_text(text)
    with pytest.raises(ZooError, match=sentence):
        training.train("lenet1", recipe=tmp_path / "mine.yaml", runs=tmp_path / "runs")
    assert not (tmp_path / "runs").exists()


def test_a_model_without_a_known_recipe_of_its_paper_says_so():
    with pytest.raises(ZooError, match="No recipe of the paper of squeezenet1_0 is known here"):
        recipe_for(entry("squeezenet1_0"), named="paper")


def test_the_moving_average_is_what_is_validated_and_kept(tmp_path):
    """The mean of a long past is hardly trained; the weights beside it, in the checkpoint, are."""
    options = dict(runs=tmp_path, epochs=1, batch_size=32, verbose=0, log=str)
    plain, averaged = (find_run(training.train("lenet1", ema=ema, **options).run) for ema in (None, 0.999))
    kept = averaged.config()["result"]["test_accuracy"]
    assert kept < plain.config()["result"]["test_accuracy"] - 0.1
    with np.load(plain.checkpoint_path(0)) as one, np.load(averaged.checkpoint_path(0)) as other:
        np.testing.assert_allclose(one["00000"], other["00000"], rtol=1e-5, atol=1e-6)  # TensorFlow swaps by sums
    digits = data.load("digits").validation
    found = load_trained(averaged.folder).classifier()(digits.images).argmax(-1)
    with open(averaged.metrics_path) as file:
        assert np.mean(found == digits.labels) == pytest.approx(
            float(next(csv.DictReader(file))["val_accuracy"]), abs=1e-6
        )


def test_patience_ends_a_run_and_its_result_counts_the_epochs_run(tmp_path):
    run = training.train("lenet1", runs=tmp_path, epochs=30, learning_rate=0.03, schedule="constant", patience=1,
                         verbose=0, log=str)
    with open(find_run(run.run).metrics_path) as file:
        losses = [float(row["val_loss"]) for row in csv.DictReader(file)]
    assert run.epochs == evaluate(run.run).epochs == len(losses) < 30 and losses[-1] >= losses[-2]


@pytest.mark.parametrize("images, batch", [(1077, 32), (54_000, 128), (10, 8), (4096, 128), (4095, 64)])
def test_small_sets_get_small_batches(images, batch):
    assert Recipe().for_images(images).batch_size == batch
    assert Recipe(batch_size=7).for_images(images).batch_size == 7


@pytest.mark.parametrize(
    "field, value, sentence",
    [
        ("optimizer", "adm", "no optimizer 'adm'. Did you mean adam"),
        ("precision", "float16", "no precision 'float16'. Did you mean"),
        ("epochs", 0, "epochs must be greater than 0"),
        ("learning_rate", -1.0, "learning rate must be greater than 0"),
        ("batch_size", -8, "batch size must be greater than 0"),
        ("schedule", "cosin", "no schedule 'cosin'. Did you mean cosine"),
        ("momentum", 1.0, "momentum must be less than 1; got 1.0"),
        ("warmup", -1.0, "warmup must be at least 0"),
        ("augment", ("flip", "crp"), "no augment 'crp'. Did you mean crop"),
        ("accumulate", 0, "accumulate must be at least 1"),
    ],
)
def test_a_bad_recipe_is_refused(field, value, sentence):
    with pytest.raises(ZooError, match=sentence):
        recipe_for(entry("lenet"), **{field: value})


def test_what_is_given_but_has_no_effect_is_said(tmp_path):
    said = []
    given = {"momentum": 0.5, "drop": 0.5, "schedule": "plateau", "milestones": (0.5,)}
    training.train("lenet1", runs=tmp_path, epochs=1, verbose=0, log=said.append, **given)
    assert [sentence for sentence in said if "no effect" in sentence] == [
        "milestones has no effect with the schedule plateau, only with step.",
        "momentum has no effect with the optimizer adam, only with sgd and rmsprop.",
    ]

"""The main job from data to a run's folder, on a few small images."""

import csv
import json
import resource
from dataclasses import fields, replace

import keras
import numpy as np
import pytest
from PIL import Image

import zoo
from zoo import Auxiliary, Conv, Dense, GlobalPool, Stage, ZooError, ZooWarning, data, registry
from zoo.data.preprocessing import Preprocessing, fit_to
from zoo.inference.evaluate import evaluate, predict
from zoo.inference.trained import Trained, load_trained
from zoo.plan import plan
from zoo.recipes.defaults import DATA, NORMALIZED, recipe_for
from zoo.recipes.recipe import AUGMENTATIONS, OPTIMIZERS, SCHEDULES, Recipe, is_over
from zoo.registry import entries, entry
from zoo.runs.folder import Run, find_run, new_run
from zoo.runs.job import Job
from zoo.training import building, shards
from zoo.training import train as training
from zoo.training.checkpoint import Checkpoint, Damaged, read_arrays, restore_best, write_arrays
from zoo.training.classifier import Classifier, block_sizes
from zoo.training.optimizing import Plateau, balanced_weights, make_loss, make_optimizer, make_schedule
from zoo.training.request import read_request
from zoo.versions import installed

OPTIONS = {"width": 0.5}


@pytest.fixture(scope="module")
def result(tmp_path_factory):
    said = []
    runs = tmp_path_factory.mktemp("runs")
    result = training.train("lenet", options=OPTIONS, runs=runs, epochs=3, verbose=0, say=said.append)
    return result, said


def test_a_run_learns_and_leaves_its_folder_complete(result):
    result, _ = result
    run = find_run(result.run)
    assert result.test_accuracy > 0.85
    assert run.folder.name == "lenet5-digits-1"
    left = {path.name for path in run.folder.iterdir()}
    assert left == {
        "config.json", "metrics.csv", "checkpoints", "model.keras", "curves.png", "confusion.png", "report.html"
    }


def test_what_is_done_to_the_images_is_said(result):
    assert "Images are resized from 8x8 to 28x28 and centred in 32x32." in result[1]


def test_metrics_hold_a_row_an_epoch(result):
    with open(find_run(result[0].run).metrics_path) as file:
        rows = list(csv.DictReader(file))
    assert [int(row["epoch"]) for row in rows] == [0, 1, 2]
    assert {"accuracy", "loss", "val_accuracy", "val_loss"} <= rows[0].keys()
    assert all(float(row["images/s"]) > 1050 / float(row["seconds"]) for row in rows)  # validation takes time too


def test_the_run_keeps_the_best_epoch_on_validation(result):
    run, digits = find_run(result[0].run), data.load("digits")
    with open(run.metrics_path) as file:
        best = float(min(csv.DictReader(file), key=lambda row: float(row["val_loss"]))["val_accuracy"])
    kept = load_trained(run.folder).classifier()(digits.validation.images).argmax(-1)
    assert np.mean(kept == digits.validation.labels) == pytest.approx(best, abs=1e-6)


def test_evaluate_finds_what_training_tested(result):
    again = evaluate(result[0].run)
    assert again.test_accuracy == result[0].test_accuracy
    assert again.test_loss == pytest.approx(result[0].test_loss, abs=1e-4)


SMALL_IN_BFLOAT16 = {"precision": "bfloat16", "limit": 64, "batch_size": 16}


@pytest.mark.parametrize(
    "model, cores, options",
    [
        ("lenet1", 1, {}),
        ("lenet1", 2, {}),
        pytest.param("resnet20", 2, SMALL_IN_BFLOAT16, marks=pytest.mark.bfloat16),
    ],
)
def test_the_same_seed_gives_the_same_weights_and_another_seed_others(model, cores, options, tmp_path, monkeypatch):
    """In parts, one a core, and with BatchNorm over them, too."""
    monkeypatch.setattr(shards, "_cores", lambda: cores)

    def weights(seed):
        run = training.train(model, options={"width": 0.5}, runs=tmp_path, epochs=1, seed=seed, verbose=0, say=str,
                             **options)
        assert find_run(run.run).config()["parts"] == cores
        return keras.models.load_model(find_run(run.run).model_path).get_weights()

    first, second, other = weights(1), weights(1), weights(2)
    assert all((a == b).all() for a, b in zip(first, second))
    assert not all((a == b).all() for a, b in zip(first, other))


def test_config_repeats_the_run(result):
    config = find_run(result[0].run).config()
    assert config["options"] == OPTIONS
    assert config["recipe"]["epochs"] == 3 and config["recipe"]["batch_size"] == 32
    assert config["versions"]["keras"] == keras.__version__
    assert installed("keras", "no-such-package") == {"keras": keras.__version__}  # on JAX there may be no TensorFlow
    assert config["images"] == {"train": 1078, "validation": 360, "test": 359}
    assert config["result"]["test_accuracy"] == result[0].test_accuracy


def test_the_report_needs_no_other_file(result):
    page = find_run(result[0].run).folder.joinpath("report.html").read_text()
    assert page.count("<picture>") == 2 and "://" not in page
    assert f"{100 * result[0].test_accuracy:.2f} %" in page


@pytest.mark.bfloat16
def test_bfloat16_trains_and_answers_in_float32(tmp_path):
    run = training.train("lenet", runs=tmp_path, epochs=2, precision="bfloat16", verbose=0, say=str)
    trained = load_trained(run.run)
    assert run.test_accuracy > 0.8
    assert trained.model.layers[1].compute_dtype == "bfloat16"
    assert trained.in_float32().model.layers[1].compute_dtype == "float32"
    assert keras.config.dtype_policy().name == "float32"


def test_predict_names_the_classes_of_pictures(result, tmp_path, monkeypatch):
    from PIL import Image

    digits = data.load("digits").test
    files = []
    for label in (0, 1):
        picture = digits.images[digits.labels == label][0, :, :, 0]
        files.append(tmp_path / f"{label}.png")
        Image.fromarray(picture).convert("RGB").resize((50, 40 + label)).save(files[-1])
    built, on_images = [], Trained.on_images
    monkeypatch.setattr(Trained, "on_images", lambda *given: built.append(given) or on_images(*given))
    answers = predict(result[0].run, files, top=10)
    assert len(built) == 1  # not once a picture: that takes a second each
    assert [a["image"] for a in answers] == list(map(str, files))
    assert answers[0]["classes"][0]["name"] == "0"
    assert sum(c["probability"] for c in answers[0]["classes"]) == pytest.approx(1, abs=1e-4)


# ------------------------------------------------------------------------------------------------- preprocessing


@pytest.fixture(scope="module")
def digits():
    return data.load("digits")


def of_shape(digits, *shape):
    images = np.random.default_rng(0).integers(0, 256, (20, *shape), dtype=np.uint8)
    return replace(digits, train=replace(digits.train, images=images, labels=digits.train.labels[:20]))


@pytest.mark.parametrize(
    "model, shape, size",
    [
        ("lenet5", (28, 28, 1), (32, 32, 1)),  # a small net keeps its own size
        ("lenet5", (300, 200, 3), (32, 32, 1)),
        ("vgg16", (32, 32, 3), (32, 32, 3)),  # a large net takes the data's
        ("vgg16", (8, 8, 1), (32, 32, 3)),  # or the smallest that it takes
        ("alexnet_owt", (8, 8, 1), (63, 63, 3)),
        ("vgg11", (40, 50, 3), (40, 50, 3)),
        ("resnet18", (8, 8, 1), (32, 32, 3)),  # it would take 8x8, and shrinks it by 32
    ],
)
def test_the_input_follows_from_model_and_data(digits, model, shape, size):
    front = fit_to(plan(model).layout, entry(model), of_shape(digits, *shape))
    assert front.input_shape == size
    assert front.model(shape).output_shape == (None, *size)


def test_image_size_overrides_height_width_and_channels(digits):
    layout, vgg = plan("vgg11").layout, entry("vgg11")
    assert fit_to(layout, vgg, of_shape(digits, 8, 8, 1), (48, 40)).input_shape == (48, 40, 3)
    assert fit_to(layout, vgg, of_shape(digits, 8, 8, 1), (48, 40, 1)).input_shape == (48, 40, 1)


def test_small_digits_are_centred_in_zeros_as_the_paper_does(digits):
    front = fit_to(plan("lenet5_1998").layout, entry("lenet5_1998"), of_shape(digits, 28, 28, 1))
    images = np.full((1, 28, 28, 1), 255, np.uint8)
    seen = np.asarray(front.model((28, 28, 1))(images))[0, :, :, 0]
    assert seen[2:30, 2:30] == pytest.approx(1.175) and seen[:2] == pytest.approx(-0.1)


def test_images_are_normalized_by_the_training_images_own_mean(digits):
    dataset = of_shape(digits, 32, 32, 3)
    front = fit_to(plan("vgg11").layout, entry("vgg11"), dataset)
    seen = np.asarray(front.model((32, 32, 3))(dataset.train.images))
    assert seen.mean((0, 1, 2)) == pytest.approx(0, abs=1e-3) and seen.std((0, 1, 2)) == pytest.approx(1, abs=1e-3)


def test_grey_and_colour_feed_each_other():
    grey = Preprocessing((4, 4), 0, 1, (1.0,), (0.0,)).model((4, 4, 3))
    pure = np.zeros((3, 4, 4, 3), np.uint8)
    pure[0, ..., 0], pure[1, ..., 1], pure[2, ..., 2] = 255, 255, 255
    assert np.asarray(grey(pure))[:, 0, 0, 0] == pytest.approx([0.299 * 255, 0.587 * 255, 0.114 * 255], abs=0.1)
    colour = Preprocessing((4, 4), 0, 3, (1.0,) * 3, (0.0,) * 3)
    assert (np.asarray(colour.model((4, 4, 1))(np.full((1, 4, 4, 1), 7))) == 7).all()
    assert colour.sentence((4, 4, 1)) == "Images are repeated from grey into three channels."


# ------------------------------------------------------------------------------------------------------- recipes


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
        training.train("lenet1", limit=40, epochs=2, accumulate=11, runs=tmp_path / "runs", verbose=0, say=str)
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
                         runs=tmp_path, verbose=0, say=str).run
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
    weights = balanced_weights(labels, 3)
    assert weights[:2] == pytest.approx([2 / 3, 2]) and weights[labels].mean() == pytest.approx(1)
    logits = np.zeros((4, 3), "float32")
    losses = np.asarray(make_loss(Recipe(label_smoothing=0), weights)(labels, logits))
    assert losses == pytest.approx(np.log(3) * weights[labels])


SETTINGS = [
    {}, *(dict(optimizer=name) for name in OPTIMIZERS if name not in ("adam", "adamw")),
    *(dict(schedule=name) for name in SCHEDULES if name not in ("cosine", "plateau")),
    dict(learning_rate=1e-2), dict(warmup=1.0), dict(optimizer="sgd", momentum=0.0), dict(weight_decay=0.1),
    dict(optimizer="adamw", weight_decay=0.1), dict(optimizer="sgd", clip=1e-3), dict(accumulate=2),
    *(dict(augment=(name,)) for name in AUGMENTATIONS), dict(augment=("flip", "cutmix", "mixup")),
    dict(schedule="step", milestones=(0.2,)), dict(schedule="step", drop=0.5), dict(initialization="orthogonal"),
    dict(batch_size=64), dict(label_smoothing=0.3), dict(rubbish=5.0), dict(balance=True), dict(seed=1), dict(ema=0.9),
    dict(zero_init_residual=True),
]


TINY = """
from zoo import *
tiny = [Conv(4, 3), Add([Conv(4, 3, norm="batch", activation=None)]), Pool(2), Flatten(), Dense(10)]
"""


def test_every_field_of_the_recipe_changes_what_is_trained(tmp_path, monkeypatch):
    """By the weights after an epoch. (The plateau comes later; Adam without weight decay is AdamW.)"""
    tested = {key for setting in SETTINGS for key in setting} | {"epochs", "patience", "precision"}  # in other tests
    assert tested == {item.name for item in fields(Recipe)}

    def kept(run, config, net, classifier, *others):
        restore_best(run, classifier)
        return np.concatenate([np.ravel(weight) for weight in net.weights])

    monkeypatch.setattr(training, "_finish", kept)
    (tmp_path / "net.py").write_text(TINY)
    seen = [training.train(f"{tmp_path}/net.py:tiny", limit=164, runs=tmp_path / "runs", epochs=1, verbose=0, say=str,
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
    options = dict(runs=tmp_path, epochs=1, batch_size=32, verbose=0, say=str)
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
                         verbose=0, say=str)
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
    training.train("lenet1", runs=tmp_path, epochs=1, verbose=0, say=said.append, **given)
    assert [sentence for sentence in said if "no effect" in sentence] == [
        "milestones has no effect with the schedule plateau, only with step.",
        "momentum has no effect with the optimizer adam, only with sgd and rmsprop.",
    ]


# --------------------------------------------------------------------------------------------------------- runs


def test_runs_are_numbered_and_names_are_safe(tmp_path):
    names = [new_run(tmp_path, "lenet5", "a b/c").folder.name for _ in range(3)]
    assert names == ["lenet5-a-b-c-1", "lenet5-a-b-c-2", "lenet5-a-b-c-3"]


def test_a_folder_that_is_no_run_is_refused(tmp_path):
    with pytest.raises(ZooError, match="no run folder 'nowhere/at/all'"):
        load_trained("nowhere/at/all")
    with pytest.raises(ZooError, match="has no config.json"):
        load_trained(str(tmp_path))
    with pytest.raises(ZooError, match="has weights of its own"):
        load_trained(str(tmp_path), weights="other.keras")
    (tmp_path / "config.json").write_text("{}")
    with pytest.raises(ZooError, match="wasn't finished"):
        load_trained(str(tmp_path))
    (tmp_path / "model.keras").write_text("not a model")
    with pytest.raises(ZooError, match="can't be read"):
        load_trained(str(tmp_path))


@pytest.mark.parametrize(
    "arguments, sentence",
    [
        (dict(model="lenett"), "Did you mean lenet"),
        (dict(model="lenet", options={"padding": "sme"}), "padding must be"),
        (dict(model="lenet", options={"pading": "same"}), "Did you mean padding"),
        (dict(model="lenet", dataset="no/such/folder"), "no/such/folder"),
        (dict(model="alexnet_owt", image_size=(32, 32)), "at least 63x63; got 32x32.*block5_pool"),
        (dict(model="lenet", optimizer="sdg"), "Did you mean sgd"),
        (dict(model="nowhere.py:tiny"), "no file"),
    ],
)
def test_bad_input_leaves_nothing_behind(tmp_path, arguments, sentence):
    runs = tmp_path / "runs"
    with pytest.raises(ZooError, match=sentence):
        training.train(**arguments, runs=runs, verbose=0, say=str)
    assert not runs.exists()


def test_a_loss_that_is_no_number_ends_with_a_sentence(tmp_path):
    options = dict(runs=tmp_path, learning_rate=1e30, optimizer="sgd", verbose=0, say=str)
    with pytest.raises(ZooError, match="epoch 1, at step 2 of 33; try a lower learning rate than 1e\\+30, or --clip."):
        training.train("lenet1", epochs=2, **options)
    with pytest.raises(ZooError, match="or a --clip below 1e\\+30."):
        training.train("lenet1", epochs=2, clip=1e30, **options)


@pytest.mark.parametrize("accumulate", [1, 33])
def test_the_first_step_of_no_number_is_named_though_others_follow(tmp_path, monkeypatch, accumulate):
    """The second of three batches in a block begins with a 2; where gradients are gathered, the third has a loss."""

    def spoiled(*arguments):
        cross_entropy = make_loss(*arguments)
        return lambda labels, logits: cross_entropy(labels, logits) / keras.ops.cast(labels[0] != 2, "float32")

    monkeypatch.setattr(building, "make_loss", spoiled)
    with pytest.raises(ZooError, match="in epoch 1, at step 2 of 33"):
        training.train("lenet1", runs=tmp_path, epochs=1, accumulate=accumulate, verbose=0, say=str)


def test_what_the_last_step_of_an_epoch_spoils_is_not_kept(tmp_path):
    """The loss of that step is still a number, the validation loss after it is none."""
    with pytest.raises(ZooError, match="The validation loss stopped being a number in epoch 1, after step 1 of 1"):
        training.train("lenet1", limit=8, runs=tmp_path, learning_rate=1e30, optimizer="sgd", verbose=0, say=str)
    assert not list(tmp_path.glob("*/checkpoints/*"))


def test_what_was_trained_before_the_loss_was_no_number_is_of_use(tmp_path, monkeypatch):
    def exploding(recipe, steps, epochs):
        return keras.optimizers.SGD(keras.optimizers.schedules.PiecewiseConstantDecay([steps // epochs], [0.1, 1e30]))

    monkeypatch.setattr(building, "make_optimizer", exploding)
    with pytest.raises(ZooError, match="in epoch 2, at step 3 of 12; .* until then is .*lenet1-digits-1/model.keras"):
        training.train("lenet1", limit=100, runs=tmp_path, epochs=3, batch_size=8, verbose=0, say=str)
    run = find_run(tmp_path / "lenet1-digits-1")
    assert 0 < evaluate(run.folder).test_loss < 3 and evaluate(run.folder).epochs == 1
    assert "result" not in run.config()


def test_a_layout_of_ones_own_trains_at_the_datas_size(tmp_path):
    file = tmp_path / "nets.py"
    file.write_text(
        "from zoo import *\n"
        "def tiny(classes):\n"
        "    return [Conv(8, 3), Pool(2), Flatten(), Dense(classes)]\n"
        "fixed = [Conv(4, 3), GlobalPool(), Dense(7)]\n"
    )
    run = training.train(f"{file}:tiny", runs=tmp_path / "runs", epochs=1, verbose=0, say=str)
    config = json.loads(find_run(run.run).config_path.read_text())
    assert run.model == "tiny" and config["preprocessing"]["size"] == [8, 8]
    assert config["layout"][0].startswith("Conv(")
    assert evaluate(run.run).test_accuracy == run.test_accuracy
    fixed = training.train(f"{file}:fixed", runs=tmp_path / "runs", epochs=1, verbose=0, say=str)
    assert load_trained(fixed.run).model.output_shape == (None, 10)
    with pytest.raises(ZooError, match="defines no 'tyny'. Did you mean tiny"):
        training.train(f"{file}:tyny", runs=tmp_path / "runs", verbose=0, say=str)
    (tmp_path / "broken.py").write_text("from zoo import *\nnet = [Conv(8, 3]\n")
    with pytest.raises(ZooError, match=r"broken.py can't be run: SyntaxError: .* \(line 2\)"):
        training.train(f"{tmp_path}/broken.py:net", runs=tmp_path / "runs", verbose=0, say=str)


# ------------------------------------------------------------------------------------------ auxiliary classifiers


@pytest.fixture
def two_headed(own_registry):
    """A registered net with a classifier on the side, built, and its `Classifier`."""

    @registry.register
    def side(classes=10):
        early = [GlobalPool(), Dense(classes, name="early_predictions")]
        return [Stage("block1", Conv(8, 3, stride=2), Auxiliary("early", early, weight=0.5)),
                Stage("block2", Conv(8, 3, stride=2)), GlobalPool(), Dense(classes, name="predictions")]

    planned = plan("side", (8, 8, 1))
    front = Preprocessing((8, 8), 0, 1, (1.0,), (0.0,))
    return Classifier(zoo.create("side", (8, 8, 1)), front, (8, 8, 1), planned.trace.auxiliary)


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
    run = training.train("side", runs=tmp_path, epochs=1, verbose=0, say=str)
    trained = load_trained(run.run).model
    assert trained.output_shape == (None, 10) and not [x for x in trained.layers if x.name.startswith("early")]
    assert evaluate(run.run).test_accuracy == run.test_accuracy


# ------------------------------------------------------------------------------------------------------ going on


class Stopped(Exception):
    pass


def stop_after_two_epochs(self, batch, logs=None):
    """In the place of the checkpoint's `on_train_batch_end`: training breaks off in its third epoch."""
    if len(self.history) == 2:
        raise Stopped


def stop(*nothing):
    raise Stopped


def weights_of(run):
    return keras.models.load_model(find_run(run).model_path).get_weights()


@pytest.mark.parametrize("damaged", [False, True])
def test_a_stopped_run_goes_on_to_the_same_weights(tmp_path, monkeypatch, damaged):
    options = dict(options={"width": 0.5, "dropout": 0.3}, epochs=4, augment=("crop", "mixup"), ema=0.9,
                   seed=3, verbose=0)
    whole = training.train("lenet1", runs=tmp_path / "whole", say=str, **options)
    with monkeypatch.context() as patch, pytest.raises(Stopped):
        patch.setattr(Checkpoint, "on_train_batch_end", stop_after_two_epochs)
        training.train("lenet1", runs=tmp_path / "stopped", say=str, **options)
    folder, said = tmp_path / "stopped" / "lenet1-digits-1", []
    with pytest.raises(ZooError, match="wasn't finished: `zoo train --resume"):
        find_run(folder)
    newest = folder / "checkpoints" / "epoch-00002.npz"
    if damaged:
        content = bytearray(newest.read_bytes())
        content[content.index(b"\x93NUMPY") + 140] ^= 255  # in the first array, whose header has 128 bytes
        newest.write_bytes(content)
    result = training.resume(folder, verbose=0, say=said.append)
    assert any("is damaged" in note for note in said) == damaged
    assert any(note.endswith(f"after epoch {2 - damaged}.") for note in said)
    for ours, theirs in zip(weights_of(result.run), weights_of(whole.run), strict=True):
        np.testing.assert_array_equal(ours, theirs)
    assert (result.test_accuracy, result.test_loss) == (whole.test_accuracy, whole.test_loss)
    with open(folder / "metrics.csv") as file:
        assert [row["epoch"] for row in csv.DictReader(file)] == ["0", "1", "2", "3"]
    assert training.resume(folder, verbose=0, say=said.append) == result and "is finished" in said[-1]


@pytest.fixture
def pictures(tmp_path):
    """A folder of pictures: two classes of noise, the second brighter."""
    noise = np.random.default_rng(0)
    for label, name in enumerate(("dark", "light")):
        (tmp_path / "pictures" / name).mkdir(parents=True)
        for i in range(48):
            pixels = noise.integers(60 * label, 196 + 60 * label, (12, 12, 3), dtype=np.uint8)
            Image.fromarray(pixels).save(tmp_path / "pictures" / name / f"{i}.png")
    return tmp_path / "pictures"


def test_a_streamed_set_trains_to_the_same_weights_as_a_held_one_and_goes_on_exactly(pictures, tmp_path, monkeypatch):
    options = dict(options={"width": 0.5}, epochs=4, batch_size=8, verbose=0, say=str)
    held = training.train("lenet1", pictures, runs=tmp_path / "held", **options)
    monkeypatch.setattr("zoo.data.dataset.IN_MEMORY_BYTES", 0)
    streamed = training.train("lenet1", pictures, runs=tmp_path / "streamed", **options)
    with monkeypatch.context() as patch, pytest.raises(Stopped):
        patch.setattr(Checkpoint, "on_train_batch_end", stop_after_two_epochs)
        training.train("lenet1", pictures, runs=tmp_path / "stopped", **options)
    resumed = training.resume(tmp_path / "stopped" / "lenet1-pictures-1", verbose=0, say=str)
    for one, other, third in zip(*map(weights_of, (streamed.run, resumed.run, held.run)), strict=True):
        np.testing.assert_array_equal(one, other)
        np.testing.assert_allclose(one, third, rtol=1e-4, atol=1e-6)
    assert streamed.test_accuracy == held.test_accuracy == evaluate(streamed.run).test_accuracy > 0.8


def test_a_part_of_a_set_trains_alone_and_stays_the_part(tmp_path):
    run = training.train("lenet1", classes=["3", "8"], limit=40, epochs=1, runs=tmp_path, verbose=0, say=str).run
    config = find_run(run).config()
    assert config["class_names"] == ["3", "8"] and config["images"]["train"] == 40
    assert evaluate(run).test_accuracy == config["result"]["test_accuracy"]
    assert 0 < evaluate(run, "digits").test_accuracy < 1  # on all images of the two classes


def test_a_run_is_tested_on_no_other_classes(pictures, tmp_path):
    run = training.train("lenet1", pictures, limit=8, epochs=1, runs=tmp_path / "runs", verbose=0, say=str).run
    images, labels = np.zeros((9, 12, 12, 3), np.uint8), np.arange(9) % 2
    np.savez(tmp_path / "numbered.npz", x_train=images, y_train=labels)
    with pytest.warns(ZooWarning, match="numbered numbers its classes: 0 is taken for 'dark', 1 for 'light'"):
        assert evaluate(run, tmp_path / "numbered.npz").dataset == "numbered"
    np.savez(tmp_path / "named.npz", x_train=images, y_train=labels, classes=["dark", "loud"])
    with pytest.raises(ZooError, match="knows other classes than named has: 'light' where that has 'loud'"):
        evaluate(run, tmp_path / "named.npz")
    np.savez(tmp_path / "three.npz", x_train=images, y_train=np.arange(9) % 3)
    with pytest.raises(ZooError, match="knows 2 classes, but three has 3"):
        evaluate(run, tmp_path / "three.npz")


def test_an_interrupted_run_says_how_it_goes_on(tmp_path, monkeypatch):
    def interrupt(self, batch, logs=None):
        if self.history:
            raise KeyboardInterrupt

    monkeypatch.setattr(Checkpoint, "on_train_batch_end", interrupt)
    said = []
    with pytest.raises(KeyboardInterrupt):
        training.train("lenet1", options=OPTIONS, runs=tmp_path, verbose=0, say=said.append)
    folder = tmp_path / "lenet1-digits-1"
    assert said[-1] == f"Stopped after epoch 1; `zoo train --resume {folder}` goes on from there."
    assert [path.name for path in folder.glob("checkpoints/epoch-*.npz")] == ["epoch-00001.npz"]


def test_a_disk_without_room_ends_a_run_with_a_sentence_and_the_last_checkpoint_whole(tmp_path):
    limits = resource.getrlimit(resource.RLIMIT_FSIZE)

    def fill(history):
        if len(history) == 2:
            resource.setrlimit(resource.RLIMIT_FSIZE, (20_000, limits[1]))  # a file can't grow beyond

    options = dict(runs=tmp_path, epochs=3, verbose=0, say=str)
    try:
        with pytest.raises(ZooError, match="The run can't be written: File too large. .* goes on from it"):
            training.train("lenet1", watch=fill, **options)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, limits)
    assert sorted(path.name for path in tmp_path.glob("*/checkpoints/*")) == [
        "best.npz", "epoch-00001.npz", "epoch-00002.npz"
    ]
    said = []
    assert training.resume(tmp_path / "lenet1-digits-1", verbose=0, say=said.append).epochs == 3
    assert said[0].endswith("after epoch 2.")


def test_no_flipped_bit_of_a_checkpoint_passes(tmp_path):
    path, arrays = tmp_path / "epoch.npz", [np.arange(3.0, dtype="float32"), np.ones((2, 2), "float32")]
    write_arrays(path, arrays)
    content = path.read_bytes()
    for place in range(len(content)):
        damaged = bytearray(content)
        damaged[place] ^= 1 << place % 8
        path.write_bytes(damaged)
        try:
            read, _ = read_arrays(path)
        except Damaged:
            continue
        for ours, theirs in zip(read, arrays, strict=True):  # the bit says nothing, as one of the file's date
            np.testing.assert_array_equal(ours, theirs)


def test_a_run_whose_best_weights_are_damaged_says_so_and_can_begin_anew(tmp_path, monkeypatch):
    options = dict(limit=40, epochs=1, verbose=0, say=str)
    with monkeypatch.context() as patch, pytest.raises(Stopped):
        patch.setattr("zoo.training.checkpoint.restore_best", stop)
        training.train("lenet1", runs=tmp_path, **options)
    run = Run(tmp_path / "lenet1-digits-1")
    run.best_weights_path.write_bytes(b"nothing")
    with pytest.raises(ZooError, match="best.npz, the weights of the best epoch, is damaged.* begins anew"):
        training.resume(run.folder, verbose=0, say=str)
    for path in run.folder.glob("checkpoints/*"):
        path.unlink()
    again = training.resume(run.folder, verbose=0, say=str)
    assert again.test_loss == training.train("lenet1", runs=tmp_path / "whole", **options).test_loss


def test_a_run_that_was_stopped_before_its_report_still_gets_it(tmp_path, monkeypatch):
    with monkeypatch.context() as patch, pytest.raises(Stopped):
        patch.setattr("zoo.runs.report.write_report", stop)
        training.train("lenet1", limit=40, epochs=1, runs=tmp_path, verbose=0, say=str)
    training.resume(tmp_path / "lenet1-digits-1", verbose=0, say=str)
    assert (tmp_path / "lenet1-digits-1" / "report.html").is_file()


@pytest.mark.parametrize(
    "text, sentence",
    [
        ('{"mod', "Unterminated string"),
        ("[]", "list indices must be integers"),
        ("{}", "its config.json or metrics.csv has no 'preprocessing'"),
        ('{"preprocessing": {"size": 3}}', "missing 4 required positional arguments"),
    ],
)
def test_a_run_whose_config_is_damaged_does_not_go_on(tmp_path, text, sentence):
    (tmp_path / "config.json").write_text(text)
    with pytest.raises(ZooError, match=f"The run in {tmp_path} can't be read: .*{sentence}"):
        training.resume(tmp_path, say=str)


@pytest.mark.parametrize(
    "parts, sentence",
    [("two", "positive whole number; got 'two'"), (0, "positive whole number; got 0"), (100, "at most 32, .* got 100")],
)
def test_a_run_whose_parts_cannot_be_does_not_go_on(result, tmp_path, parts, sentence):
    config = find_run(result[0].run).config() | {"parts": parts}
    (tmp_path / "config.json").write_text(json.dumps(config))
    with pytest.raises(ZooError, match=f"The run in {tmp_path} can't be read: parts must be .*{sentence}"):
        training.resume(tmp_path, say=str)


def test_a_run_that_knows_no_parts_goes_on_in_one_piece(tmp_path, monkeypatch):
    options = {"limit": 40, "epochs": 2, "batch_size": 16, "verbose": 0, "say": str}
    with monkeypatch.context() as patch, pytest.raises(Stopped):
        patch.setattr(training, "_keep_best", stop)
        training.train("lenet1", runs=tmp_path, **options)
    run = Run(tmp_path / "lenet1-digits-1")
    run.write_config({key: value for key, value in run.config().items() if key != "parts"})
    training.resume(run.folder, verbose=0, say=str)
    assert run.job().shards == 1


@pytest.mark.parametrize(
    "model, own_process, times", [("lenet1", True, 2), ("lenet1", False, 0), ("net.py:tiny", True, 0)]
)
def test_a_run_goes_on_with_as_many_cores_an_op_as_it_began_with(tmp_path, monkeypatch, model, own_process, times):
    """Both nets train in parts, but those of a layout without a size of its own aren't foreseen."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "net.py").write_text("from zoo import *\ntiny = [Conv(4, 3), Pool(2), Flatten(), Dense(10)]")
    monkeypatch.setattr(shards, "_cores", lambda: 2)
    settled, options = [], {"limit": 40, "epochs": 1, "batch_size": 16, "verbose": 0, "say": str}
    monkeypatch.setattr(shards, "use_single_threaded_ops", lambda: settled.append(1))
    with monkeypatch.context() as patch, pytest.raises(Stopped):
        patch.setattr(training, "_keep_best", stop)
        training.train(model, own_process=own_process, **options)
    (folder,) = tmp_path.glob("runs/*")
    assert Run(folder).config()["parts"] == 2
    training.resume(folder, verbose=0, say=str, own_process=True)
    assert len(settled) == times


def test_the_command_that_goes_on_is_quoted_for_the_shell(tmp_path):
    (tmp_path / "my runs").mkdir()
    (tmp_path / "my runs" / "config.json").write_text("{}")
    with pytest.raises(ZooError, match=f"`zoo train --resume '{tmp_path}/my runs'`"):
        find_run(tmp_path / "my runs")


def test_old_checkpoints_are_deleted(result):
    left = sorted(path.name for path in find_run(result[0].run).folder.glob("checkpoints/*"))
    assert left == ["best.npz", "epoch-00002.npz", "epoch-00003.npz"]


@pytest.mark.parametrize("count, batch", [(1078, 32), (60_000, 128), (10, 8), (8, 8), (50_000, 128), (1_281_167, 256)])
def test_an_epoch_is_cut_into_even_blocks(count, batch):
    steps, blocks = block_sizes(count, batch)
    assert 1 <= steps <= 50 and steps * blocks <= count // batch
    assert steps * blocks > 0.98 * (count // batch)


def test_each_image_is_seen_at_most_once_an_epoch_and_the_order_changes(two_headed):
    recipe = Recipe(batch_size=4)
    two_headed.compile(make_optimizer(recipe, 1), make_loss(recipe), metrics=["accuracy"])
    two_headed.cache_on_device(np.zeros((42, 8, 8, 1), np.uint8), np.zeros(42, np.int32))
    steps, blocks = block_sizes(42, 4)

    def epoch(first, seed=0):
        places = two_headed.blocks(4, seed, first)
        return np.concatenate([next(places)[0].ravel() for _ in range(blocks)]).tolist()

    assert len(epoch(0)) == len(set(epoch(0))) == 40 and epoch(0) == epoch(0)
    assert epoch(0) != epoch(1) and epoch(0) != epoch(0, seed=1)

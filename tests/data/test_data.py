"""Five sources, one shape: what is read, how it is split, and the sentence for what can't be read."""

from dataclasses import replace
from pathlib import Path

import keras
import numpy as np
import pytest
from pictures import classes, pictures

from zoo import ZooError, ZooWarning, data
from zoo.data import dataset, preprocessing
from zoo.data.dataset import StreamedSplit
from zoo.data.preprocessing import fit_to
from zoo.data.stream import AHEAD, Stream, own_errors
from zoo.inference.evaluate import evaluate
from zoo.plan import plan
from zoo.registry import entry
from zoo.runs.folder import started_run
from zoo.training import train as training

# ------------------------------------------------------------------------------------------------------- digits


def test_digits_are_split_once_and_for_all():
    digits = data.load("digits")
    assert [len(split) for split in (digits.train, digits.validation, digits.test)] == [1078, 360, 359]
    assert digits.image_shape == (8, 8, 1) and digits.train.images.max() == 255
    for split in (digits.train, digits.validation, digits.test):
        assert np.bincount(split.labels).min() >= 0.9 * len(split) / 10  # stratified
    assert (digits.test.images == data.load("digits").test.images).all()
    assert digits.test.labels[:12].tolist() == [6, 3, 2, 4, 0, 1, 8, 5, 7, 6, 6, 8]


def test_the_digits_are_scikit_learns():
    from sklearn.datasets import load_digits

    digits = data.load("digits")
    ours = np.concatenate([split.images for split in (digits.train, digits.validation, digits.test)])
    theirs = np.round(load_digits().data * 255 / 16).astype(np.uint8)
    assert sorted(map(bytes, ours.reshape(1797, 64))) == sorted(map(bytes, theirs))


# -------------------------------------------------------------------------------------- some classes, some images


def test_classes_are_kept_in_the_order_given():
    whole, some = data.load("digits"), data.load("digits", classes=["8", "3", "8"])
    assert some.class_names == ("8", "3") and "Only 2 of 10 classes: 8, 3." in some.notes
    assert (some.test.images[some.test.labels == 0] == whole.test.images[whole.test.labels == 8]).all()
    assert (some.test.images[some.test.labels == 1] == whole.test.images[whole.test.labels == 3]).all()
    assert len(some.train) == np.isin(whole.train.labels, (3, 8)).sum()


def test_classes_that_are_numbers_may_be_given_as_such():
    by_number, by_name = data.load("digits", classes=[8, 3]), data.load("digits", classes=["8", "3"])
    assert by_number.class_names == by_name.class_names and (by_number.test.labels == by_name.test.labels).all()


def test_classes_may_be_spelled_otherwise_where_it_is_clear(tmp_path):
    """As evaluation on a set of other spelling needs it, of a run that was trained for some classes."""
    for name in ("Cat", "dog", "owl", "Owl"):
        pictures(tmp_path / name, 6)
    assert data.load(tmp_path, classes=["DOG ", "cat"]).class_names == ("dog", "Cat")
    assert data.load(tmp_path, classes=["owl", "cat"]).class_names == ("owl", "Cat")
    with pytest.raises(ZooError, match="has no class 'OWL'"):
        data.load(tmp_path, classes=["OWL", "cat"])


def test_a_limit_keeps_the_classes_in_proportion_and_the_same_images():
    some, again = data.load("digits", limit=100), data.load("digits", limit=100)
    assert [len(split) for split in (some.train, some.validation, some.test)] == [100] * 3
    assert np.bincount(some.train.labels).tolist() == [10] * 10
    assert (some.train.images == again.train.images).all() and (some.test.labels == again.test.labels).all()
    assert some.notes == (
        "Limited to 100 of 1,078 training images, 100 of 360 validation images and 100 of 359 test images.",
    )


def test_a_limit_above_a_splits_size_leaves_it_alone():
    whole, some = data.load("digits"), data.load("digits", limit=360)
    assert len(some.train) == 360
    assert (some.validation.images == whole.validation.images).all() and (some.test.labels == whole.test.labels).all()


def test_only_the_images_within_the_limit_are_decoded(tmp_path):
    broken = classes(tmp_path, 20) / "dog" / "2.png"
    broken.write_bytes(broken.read_bytes()[:-60])
    limits = [limit for limit in range(2, 20) if _loads(tmp_path, limit)]
    assert limits and not _loads(tmp_path, 40)


def _loads(path, limit):
    try:
        return data.load(path, limit=limit)
    except ZooError:
        return None


@pytest.mark.parametrize(
    "choice, sentence",
    [
        (dict(classes=["0", "nine"]), "digits has no class 'nine'. It has 0, 1, 2, 3, 4, 5, 6, 7, 8, 9."),
        (dict(classes=["1", "1"]), "Give two classes or more to tell apart; got 1."),
        (dict(classes=[]), "Give two classes or more to tell apart; got none."),
        (dict(limit=0), "limit must be greater than 0; got 0."),
    ],
)
def test_a_choice_that_leaves_nothing_to_learn_is_refused(choice, sentence):
    with pytest.raises(ZooError) as problem:
        data.load("digits", **choice)
    assert str(problem.value) == sentence


def test_a_class_of_nearly_that_name_is_suggested(tmp_path):
    with pytest.raises(ZooError, match="no class 'cats'. Did you mean cat"):
        data.load(classes(tmp_path), classes=["dog", "cats"])


def test_a_split_without_the_classes_is_refused(tmp_path):
    for name in ("cat", "dog", "owl"):
        pictures(tmp_path / "train" / name, 5)
    pictures(tmp_path / "test" / "owl", 2)
    with pytest.raises(ZooError, match="a split without any image of cat, dog"):
        data.load(tmp_path, classes=["cat", "dog"])


# ----------------------------------------------------------------------------------------------- more than memory


@pytest.fixture
def streamed(tmp_path, monkeypatch):
    """A folder's data set, held and left in its files."""
    folder = classes(tmp_path / "pets", 30)
    held = data.load(folder)
    monkeypatch.setattr(dataset, "IN_MEMORY_BYTES", 0)
    return held, data.load(folder)


def test_a_set_above_the_bound_stays_in_its_files(streamed):
    held, left = streamed
    assert held.is_in_memory and not left.is_in_memory and left.image_shape == held.image_shape
    assert left.notes[-1].endswith("stay in their files and are read as they are needed.")
    for ours, theirs in ((left.train, held.train), (left.validation, held.validation), (left.test, held.test)):
        assert isinstance(ours, StreamedSplit) and len(ours) == len(theirs)
        assert (ours.labels == theirs.labels).all() and (ours.in_memory().images == theirs.images).all()


def test_the_bound_is_on_the_decoded_bytes_of_all_splits(tmp_path, monkeypatch):
    folder = classes(tmp_path)
    monkeypatch.setattr(dataset, "IN_MEMORY_BYTES", 10 * 9 * 7 * 3)
    assert data.load(folder).is_in_memory
    monkeypatch.setattr(dataset, "IN_MEMORY_BYTES", 10 * 9 * 7 * 3 - 1)
    assert not data.load(folder).is_in_memory and data.load(folder, limit=5).is_in_memory


def test_a_stream_has_every_image_in_its_order_or_shuffled_by_seed_and_epoch(streamed):
    held, left = streamed
    batches = list(Stream(left.train, 8))
    assert [len(labels) for _, labels in batches] == [8] * 5 + [3]
    assert (np.concatenate([images for images, _ in batches]) == held.train.images).all()
    assert (np.concatenate([labels for _, labels in batches]) == held.train.labels).all()

    shuffled = Stream(left.train, 8, seed=3, epoch=1)
    assert shuffled.steps == 5
    for number, (images, labels) in zip(range(12), shuffled):
        epoch, step = 1 + number // 5, number % 5
        places = np.random.default_rng((3, epoch)).permutation(len(held.train))[8 * step : 8 * step + 8]
        assert (images == held.train.images[places]).all() and (labels == held.train.labels[places]).all()
    assert (shuffled[7][0] == Stream(left.train, 8, seed=3, epoch=2)[2][0]).all()


def test_a_stream_reads_a_few_batches_ahead_and_no_more(streamed):
    read = []

    def decode(paths):
        read.append(tuple(paths))
        return left.train.decode(paths)

    _, left = streamed
    split = replace(left.train, decode=decode)
    stream = Stream(split, 4, seed=0)
    stream[0]
    stream._threads.shutdown()
    assert len(read) == 1 + AHEAD < stream.steps
    read.clear()
    assert len(list(Stream(split, 4))) == len(set(read)) == len(read) == 11


def test_keras_trains_on_a_stream_shuffled_anew_each_epoch(streamed):
    """The weights are those of a hand-fed net; so each epoch, the first too, had its own batches in its own order."""
    held, left = streamed
    nets = []
    for _ in range(2):
        keras.utils.set_random_seed(0)
        net = keras.Sequential([keras.Input(left.image_shape), keras.layers.Rescaling(1 / 255), keras.layers.Flatten(),
                                keras.layers.Dense(2)])
        net.compile("sgd", keras.losses.SparseCategoricalCrossentropy(from_logits=True), metrics=["accuracy"])
        nets.append(net)
    stream = Stream(left.train, 8, seed=5, epoch=2)
    history = nets[0].fit(stream, steps_per_epoch=stream.steps, validation_data=Stream(left.validation, 2), epochs=5,
                          initial_epoch=2, verbose=0, shuffle=False).history
    for epoch in (2, 3, 4):
        order = np.random.default_rng((5, epoch)).permutation(len(held.train))[:40].reshape(5, 8)
        for places in order:
            nets[1].train_on_batch(held.train.images[places], held.train.labels[places])
    for ours, theirs in zip(nets[0].get_weights(), nets[1].get_weights()):
        assert ours == pytest.approx(theirs, abs=1e-6)
    whole = nets[1].evaluate(held.validation.images, held.validation.labels, verbose=0)
    assert [history["val_loss"][-1], history["val_accuracy"][-1]] == pytest.approx(whole, abs=1e-5)
    predicted = nets[0].predict(Stream(left.test, 5), verbose=0)
    assert predicted == pytest.approx(nets[1].predict(held.test.images, verbose=0), abs=1e-5)


def test_an_image_that_cannot_be_read_ends_training_with_its_sentence(streamed):
    _, left = streamed
    broken = Path(left.train.items[17])
    broken.write_bytes(broken.read_bytes()[:-60])
    net = keras.Sequential([keras.Input(left.image_shape), keras.layers.Flatten(), keras.layers.Dense(2)])
    net.compile("sgd", keras.losses.SparseCategoricalCrossentropy(from_logits=True))
    stream = Stream(left.train, 4)
    with pytest.raises(ZooError, match=f"^{broken} can't be read as an image"), own_errors(stream):
        net.fit(stream, verbose=0)


def test_a_mistake_of_another_kind_passes_as_it_is(streamed):
    with pytest.raises(ZeroDivisionError), own_errors(Stream(streamed[1].train, 4)):
        1 / 0


def test_the_normalization_is_that_of_a_sample(streamed, monkeypatch):
    held, left = streamed
    layout, vgg = plan("vgg11").layout, entry("vgg11")
    front = fit_to(layout, vgg, left, (32, 32))
    assert front == fit_to(layout, vgg, held, (32, 32))
    assert np.divide(1, front.scale) == pytest.approx(held.train.images.std((0, 1, 2)), rel=1e-6)
    read = []

    def decode(paths):
        read.extend(paths)
        return left.train.decode(paths)

    counted = replace(left, train=replace(left.train, decode=decode))
    monkeypatch.setattr(preprocessing, "SAMPLE", 11)
    sampled = fit_to(layout, vgg, counted, (32, 32))
    assert len(set(read)) == len(read) == 11 and sampled == fit_to(layout, vgg, held, (32, 32)) != front


# --------------------------------------------------------------------------------------------------------- in a run


def test_a_run_reads_the_same_images_again(tmp_path, monkeypatch):
    """A choice of images and classes is kept: for going on, and for evaluation, held or streamed, from any folder."""
    folder = classes(tmp_path / "pets", 20)
    pictures(folder / "owl", 20, (8, 12, 3))
    monkeypatch.chdir(tmp_path)
    options = dict(dataset="pets", limit=12, classes=["owl", "cat"], epochs=1, verbose=0, log=str)
    whole = training.train("lenet1", runs=tmp_path / "whole", **options)

    def stop(*_):
        raise KeyboardInterrupt

    with monkeypatch.context() as patch, pytest.raises(KeyboardInterrupt):
        patch.setattr("zoo.training.building.build_period", stop)
        training.train("lenet1", runs=tmp_path / "stopped", **options)
    run = started_run(tmp_path / "stopped" / "lenet1-pets-1")
    config = run.config()
    assert config["data"]["limit"] == 12 and config["data"]["classes"] == config["class_names"] == ["owl", "cat"]
    assert config["images"] == {"train": 12, "validation": 3, "test": 8}
    monkeypatch.chdir(folder)
    resumed = training.resume(run.folder, verbose=0, log=str)
    figures = (whole.test_accuracy, whole.test_loss)
    assert (resumed.test_accuracy, resumed.test_loss) == figures
    for bound in (dataset.IN_MEMORY_BYTES, 0):
        monkeypatch.setattr(dataset, "IN_MEMORY_BYTES", bound)
        result = evaluate(run.folder)
        assert (result.test_accuracy, result.test_loss) == pytest.approx(figures, abs=1e-5)
    pictures(folder / "cat", 20, suffix=".jfif")
    with pytest.warns(ZooWarning, match="pets isn't what it was when the run began: it may have been trained"):
        evaluate(run.folder)


# ---------------------------------------------------------------------------------------------------------- paths


@pytest.mark.parametrize("name", ["./nowhere", "no/such/folder", "missing.npz", "README.md"])
def test_a_path_that_leads_nowhere_is_refused(name):
    with pytest.raises(ZooError, match=f"no folder of images or .npz file '{name}'"):
        data.load(name)

"""The comparison with PyTorch: the same recipe is the same arithmetic, and only chance is left to differ."""

import json

import numpy as np
import pytest
import torch

from benchmarks import parity, torch_training
from benchmarks.results import read
from benchmarks.torch_augmentation import augmented, cropped
from zoo import data, registry
from zoo.benchmark.torch_net import TorchNet
from zoo.cli import main
from zoo.data.preprocessing import fit_to
from zoo.plan import plan, resolve
from zoo.recipes.recipe import Recipe
from zoo.training.building import build_classifier
from zoo.weights.pytorch import set_state

SGD = {"optimizer": "sgd", "learning_rate": 0.05, "schedule": "constant"}  # Keras's momentum holds the rates of before


@pytest.mark.parametrize(
    "model, width, fields, tolerance",
    [
        ("lenet5", 1.0, SGD | {"label_smoothing": 0.1}, 1e-4),
        ("lenet5", 1.0, SGD | {"schedule": "onecycle", "momentum": 0.0}, 1e-4),
        ("lenet5", 1.0, {"optimizer": "adam", "learning_rate": 3e-3}, 0.02),  # its epsilon stands elsewhere in Keras's
        ("resnet20", 0.5, SGD | {"learning_rate": 5e-4}, 2e-3),  # at larger ones the last digits grow by the step
    ],
)
def test_steps_from_the_same_weights_lead_to_the_same_net(model, width, fields, tolerance):
    """Loss, optimizer, learning rates, BatchNorm and its averages, and what is done to the images."""
    recipe, options = Recipe(**{"label_smoothing": 0.0} | fields, epochs=1, batch_size=16), {"width": width}
    dataset = data.load("digits", limit=80)
    front = fit_to(resolve(model, 10, **options)[2], registry.entry(model), dataset)
    planned = plan(model, front.input_shape, 10, **options)
    torch.manual_seed(0)
    theirs = TorchNet(planned.trace)
    net, classifier = build_classifier(planned, front, recipe, dataset)
    set_state(net, {key: value.numpy().copy() for key, value in theirs.state_dict().items()})
    images, labels = torch_training.as_tensors(dataset.train)
    logits = torch_training.on_images(theirs, front, "float32")
    optimizer, schedule = torch_training.make_optimizer(theirs, recipe, 5)
    theirs.train()
    for rows in torch.arange(80).split(16):
        scores = logits(images[rows])
        optimizer.zero_grad()
        torch.nn.functional.cross_entropy(scores, labels[rows], label_smoothing=recipe.label_smoothing).backward()
        optimizer.step()
        schedule.step()
    classifier.fit(dataset.train.images, dataset.train.labels, 16, shuffle=False, verbose=0)
    theirs.eval()
    with torch.inference_mode():
        wanted = logits(images).numpy()
    found = classifier.logits_on_images().predict(dataset.train.images, verbose=0)
    assert found == pytest.approx(wanted, abs=tolerance * float(np.abs(wanted).max()))


def test_crops_are_parts_of_the_padded_image_each_its_own():
    images = torch.arange(1, 1 + 6 * 3 * 16 * 24).reshape(6, 3, 16, 24)
    padded = torch.nn.functional.pad(images, (3, 3, 2, 2))[:, :, :, 1:-1]  # an eighth: 2 rows, 3 columns, of which 2
    torch.manual_seed(1)
    places = set()
    for image, around, cut in zip(images, padded, cropped(images)):
        assert cut.shape == image.shape
        found = [(i, j) for i in range(5) for j in range(5) if (around[:, i : i + 16, j : j + 24] == cut).all()]
        assert len(found) == 1
        places |= set(found)
    assert len(places) > 2


def test_flips_mirror_about_half_of_the_images():
    images = torch.arange(100 * 4).reshape(100, 1, 1, 4)
    torch.manual_seed(0)
    changed = augmented(images, ("flip",))
    is_flipped = (changed == images.flip(3)).all(dim=(1, 2, 3))
    assert ((changed == images).all(dim=(1, 2, 3)) != is_flipped).all() and 30 < is_flipped.sum() < 70


def test_both_sides_learn_the_digits_and_give_the_same_table(tmp_path, monkeypatch, capsys):
    case = parity.Case("lenet1", "digits", {"optimizer": "adam", "learning_rate": 0.01, "augment": "none", "epochs": 2})
    monkeypatch.setattr(parity, "CASES", {"lenet1": case})
    monkeypatch.setattr(parity.command, "output", in_this_process(capsys))
    results = tmp_path / "results.csv"
    for _ in range(2):  # the second time there is nothing left to do
        monkeypatch.setattr("sys.argv", ["parity", "--results", str(results), "--seeds", "4"])
        parity.main()
    rows = read(results)
    assert [row["library"] for row in rows] == ["pytorch", "zoo"]
    assert all(float(row["accuracy"]) > 0.6 and len(row["curve"].split()) == 2 for row in rows)
    assert parity.table(rows).splitlines()[2].split("|")[1:4] == [" lenet1 ", " digits   ", " 2        "]
    parity.plot(rows, tmp_path / "curves.svg")
    assert (tmp_path / "curves.svg").stat().st_size > 1000


def in_this_process(capsys):
    """Do what a command does without a process of its own; return the JSON that it prints last."""

    def output(command):
        if "benchmarks.torch_training" in command:
            return torch_training.train(**json.loads(command[-1]))
        with pytest.raises(SystemExit):
            main(["train", *command[2:]])
        return json.loads(capsys.readouterr().out.splitlines()[-1])

    return output


def test_every_case_is_a_command_that_can_be_run():
    for case in parity.CASES.values():
        recipe = torch_training.read_request(
            case.model, case.dataset, None, None, case.options, case.limit,
            **case.fields | {"augment": tuple(name for name in case.fields["augment"].split(",") if name != "none")},
        ).recipe
        assert recipe.schedule == "onecycle" and recipe.optimizer in ("adam", "sgd")
        assert set(recipe.augment) <= {"flip", "crop"}

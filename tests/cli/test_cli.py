"""The command line: tables, JSON keys, and one sentence with exit code 2 for whatever the user can mend."""

import inspect
import json
import subprocess
import sys
import warnings
from pathlib import Path

import numpy as np
import pytest
from click.testing import CliRunner
from PIL import Image
from pixel_nets import by_grey, greys, masks_and_images, set_to_greys
from processes import ROOT, loaded_by

import zoo
from zoo.cli import main
from zoo.data.dataset import IGNORED, Dataset, Split
from zoo.facts import info
from zoo.inference import evaluate as evaluating
from zoo.training import train as training
from zoo.tuning import tune as tuning


def run(*arguments):
    return CliRunner().invoke(main, list(map(str, arguments)), prog_name="zoo")


def test_list_has_a_line_a_model_and_takes_patterns():
    lines = run("list").output.splitlines()
    assert [line.split()[0] for line in lines[2:]] == zoo.list_models()
    assert [line.split()[0] for line in run("list", "lenet*", "vgg1?").output.splitlines()[2:]] == zoo.list_models(
        "lenet*", "vgg1?"
    )


@pytest.mark.parametrize(
    "arguments, names",
    [
        ("--year 2012-2013 --max-params 65M", ["alexnet", "zfnet", "nin_cifar", "nin"]),
        ("--family resnet --max-params 25M", ["resnet18", "resnet34"]),
        ("squeeze excitation caffe --year 2017", ["se_resnet50_caffe"]),
        ("vgg1* --max-params 132.9M", ["vgg11", "vgg11_bn", "vgg11_lrn"]),
    ],
)
def test_list_searches_by_year_family_size_and_words(arguments, names):
    assert [line.split()[0] for line in run("list", *arguments.split()).output.splitlines()[2:]] == names


@pytest.mark.parametrize(
    "arguments, sentence",
    [("--year then", "'then' is no year; write 2015 or"), ("--max-params 5Q", "'5Q' is no number of parameters; write"),
     ("quantum", "No model matches quantum;"), ("--year 1900", "No model matches that;")],
)
def test_a_search_that_can_not_be_has_its_sentence(arguments, sentence):
    result = run("list", *arguments.split())
    assert result.exit_code == 2 and sentence in result.output


def test_list_json_has_the_documented_keys():
    models = json.loads(run("list", "vgg16", "--json").output)
    assert list(models[0]) == ["name", "family", "year", "input_shape", "classes", "params", "macs", "paper", "weights"]
    assert models[0]["weights"] == {"imagenet": None, "torchvision": None}
    assert models[0]["params"] == 138_357_544 and models[0]["input_shape"] == [224, 224, 3]


def test_info_json_has_the_documented_keys():
    facts = json.loads(run("info", "vgg16", "--json").output)
    assert {"trainable_params", "output_shape", "receptive_field", "layers"} <= facts.keys()
    assert facts["receptive_field"] == 212
    row = next(row for row in facts["layers"] if row["name"] == "block5_pool")
    assert row == {"name": "block5_pool", "kind": "Pool", "output_shape": [7, 7, 512], "params": 0, "macs": 0,
                   "receptive_field": 212, "stride": 32}


def test_info_takes_input_classes_and_settings():
    facts = json.loads(
        run("info", "lenet", "--input", "64x48", "--classes", 3, "--set", "padding=same", "--json").output
    )
    assert facts["input_shape"] == [64, 48, 1] and facts["output_shape"] == [3]
    assert facts["layers"][0]["output_shape"] == [64, 48, 6]
    assert "16x12x16" in run("info", "lenet", "--input", "64x48x1", "--set", "padding=same").output


@pytest.mark.parametrize("command", ["list", "info vgg16"])
def test_looking_needs_no_tensorflow(command):
    assert loaded_by(command.split(), "tensorflow", "keras", "numpy", "sklearn", "matplotlib") == []


def test_the_three_uses_as_a_user_types_them(tmp_path):
    """train.py, then zoo evaluate, predict and export on what it left."""
    done = subprocess.run(
        [sys.executable, "train.py", "--model", "lenet1", "--epochs", "2", "--set", "width=2", "--runs", tmp_path,
         "--json"], cwd=ROOT, capture_output=True, text=True,
    )
    assert done.returncode == 0, done.stderr
    result = json.loads(done.stdout.splitlines()[-1])
    assert list(result) == ["run", "model", "dataset", "test_accuracy", "test_loss", "epochs", "seconds",
                            "images_per_second"]
    folder = result["run"]
    again = json.loads(run("evaluate", folder, "--json").output.splitlines()[-1])
    assert again.keys() == result.keys() and again["test_accuracy"] == result["test_accuracy"]
    answers = json.loads(run("predict", folder, f"{folder}/curves.png", "--top", 2, "--json").output)
    assert [len(answer["classes"]) for answer in answers] == [2]
    assert "random weights" not in run("evaluate", folder).output
    assert f"Did you mean '{folder}'?" in run("evaluate", f"{folder}/model.keras").output
    exported = json.loads(run("export", folder, "--json").output)
    assert exported["saved_model"] == f"{folder}/saved_model/1" and exported["largest_difference"] < 1e-4
    assert (Path(folder) / "saved_model" / "1" / "saved_model.pb").is_file()


@pytest.mark.parametrize(
    "arguments, sentence",
    [
        ("info vgg61", "There is no model 'vgg61'. Did you mean vgg"),
        ("list nonet*", "No model matches nonet*"),
        ("info alexnet_owt --input 32", "alexnet_owt needs an input of at least 63x63; got 32x32"),
        ("info vgg16 --set paddding=same", "Did you mean padding?"),
        ("info vgg16 --set padding", "isn't of the form key=value"),
        ("info vgg16 --input 3x", "is no size"),
        ("info vgg16 --set classes=3", "classes isn't an override of the layout"),
        ("train --seed -1", "seed must be at least 0; got -1"),
        ("info lenet5_1998 --classes 11", "lenet5_1998 has output codes for its 10 classes"),
        ("info lenet5_1998 --set width=2", "lenet5_1998 takes no width"),
        ("train --model lenett", "There is no model 'lenett'. Did you mean lenet"),
        ("train --dataset ./nowhere", "./nowhere"),
        ("train --epochs 0", "epochs must be greater than 0"),
        ("train --epochs many", "not a valid integer"),
        ("train --limit 0", "limit must be greater than 0; got 0"),
        ("train --limit few", "not a valid integer"),
        ("train --classes 1", "Give two classes or more to tell apart; got 1."),
        ("train --classes 1,nine", "digits has no class 'nine'. It has 0, 1, 2, "),
        ("train --resume runs --limit 3", "--resume takes no --limit beside it"),
        ("train --resume runs --wandb", "--resume takes no --wandb beside it"),
        ("train --set width=1 --set width=2", "width is given twice"),
        ("train --clip never", "'never' is not a valid float"),
        ("train --optimizer adm", "Did you mean adam"),
        ("train --resume no/run", "There is no run folder 'no/run'"),
        ("train --resume runs --epochs 3", "--resume takes no --epochs beside it"),
        ("train --resume runs --set width=2", "--resume takes no --set beside it"),
        ("evaluate no/run", "There is no run folder 'no/run'"),
        ("evaluate ./README.md", "'./README.md' is a file, no run folder.\n"),
        ("evaluate zoo/families/vgg.py", "vgg.py is a file of layouts; say which one, as in zoo/families/vgg.py:"),
        ("evaluate no.py", "There is no file 'no.py' to take a layout from."),
        ("train --model zoo/families/vgg.py", "vgg.py is a file of layouts; say which one, as in zoo/families/vgg.py:"),
        ("evaluate tests/", "has no config.json"),
        ("evaluate lenet1", "say with --dataset what to test it on"),
        ("predict lenet1 no.png", "There is no image file 'no.png'"),
        ("predict lenet1 train.py", "train.py can't be read as an image"),
        ("predict lenet1 no.png --output there", "lenet1 classifies images and writes nothing: --output"),
        ("predict segnet no.png --set width=0.02", "There is no image file 'no.png'"),
        ("predict segnet no.png --set width=0.02 --top 2", "segnet labels each pixel with one class: --top is for"),
        ("export lenet1 --weights no.keras", "There is no weights file 'no.keras'"),
        ("expot lenet1", "No such command 'expot'"),
    ],
)
def test_bad_input_ends_in_a_sentence_and_exit_code_2(arguments, sentence, monkeypatch):
    monkeypatch.chdir(ROOT)
    done = run(*arguments.split())
    assert done.exit_code == 2
    assert sentence in done.output and "Traceback" not in done.output


# Each option of `zoo train`, typed, and the argument that it becomes; the options of the recipe follow by their fields.
TRAIN = {
    "--model vgg11": {"model": "vgg11"},
    "--dataset mnist": {"dataset": "mnist"},
    "--data-dir sets": {"data_dir": "sets"},
    "--limit 9": {"limit": 9},
    "--classes cat,dog": {"classes": ["cat", "dog"]},
    "--image-size 8x9": {"image_size": (8, 9)},
    "--crop 8x9": {"crop": (8, 9)},
    "--set width=2": {"options": {"width": 2}},
    "--recipe mine.yaml": {"recipe": "mine.yaml"},
    "--runs there": {"runs": "there"},
    "--tensorboard": {"trackers": ("tensorboard",)},
    "--mlflow": {"trackers": ("mlflow",)},
    "--wandb": {"trackers": ("wandb",)},
    "--optimizer sgd": {"optimizer": "sgd"},
    "--learning-rate 0.1": {"learning_rate": 0.1},
    "--schedule step": {"schedule": "step"},
    "--milestones 0.1,0.2": {"milestones": [0.1, 0.2]},
    "--drop 0.5": {"drop": 0.5},
    "--warmup 2": {"warmup": 2.0},
    "--momentum 0": {"momentum": 0.0},
    "--weight-decay 0.1": {"weight_decay": 0.1},
    "--clip none": {"clip": "none"},
    "--clip 2": {"clip": 2.0},
    "--accumulate 2": {"accumulate": 2},
    "--ema 0.5": {"ema": 0.5},
    "--epochs 2": {"epochs": 2},
    "--batch-size 2": {"batch_size": 2},
    "--augment flip,crop": {"augment": ["flip", "crop"]},
    "--augment none": {"augment": []},
    "--loss focal": {"loss": "focal"},
    "--label-smoothing 0": {"label_smoothing": 0.0},
    "--rubbish 2": {"rubbish": 2.0},
    "--balance": {"balance": True},
    "--no-balance": {"balance": False},
    "--patience 2": {"patience": 2},
    "--initialization none": {"initialization": "none"},
    "--initialization gaussian": {"initialization": "gaussian"},
    "--weights imagenet": {"weights": "imagenet"}, "--freeze body": {"freeze": "body"}, "--thaw 3": {"thaw": 3},
    "--thaw-norm": {"thaw_norm": True}, "--no-thaw-norm": {"thaw_norm": False}, "--body-rate 0.1": {"body_rate": 0.1},
    "--zero-init-residual": {"zero_init_residual": True},
    "--no-zero-init-residual": {"zero_init_residual": False},
    "--precision bfloat16": {"precision": "bfloat16"},
    "--seed 2": {"seed": 2},
}


@pytest.fixture
def called(monkeypatch):
    """Say the words of a command; return the arguments with which it calls training or tuning, or their resuming."""

    def called(*words):
        assert run(*words).exit_code == 2
        return seen.pop()

    def watch(module, name):
        signature = inspect.signature(getattr(module, name))

        def function(*given, **named):
            bound = signature.bind(*given, **named).arguments
            arguments = bound.pop("fields", {}) | bound.pop("arguments", {}) | bound
            seen.append({key: value for key, value in arguments.items() if value is not None})
            raise zoo.ZooError("That is enough.")

        monkeypatch.setattr(module, name, function)

    seen = []
    for module in (training, tuning):
        watch(module, module.__name__.split(".")[-1])
        watch(module, "resume")
    return called


@pytest.mark.parametrize("command, others", [
    ("train", {"--strategy single": {"strategy": "single"}}),
    ("tune", {"--over epochs=1..3": {"over": {"epochs": "1..3"}}, "--trials 2": {"trials": 2},
              "--metric val_accuracy": {"metric": "val_accuracy"}}),
])
def test_every_option_of_training_becomes_its_argument(command, others, called):
    typed, plain = TRAIN | others, called(command)
    flags = {flag for option in main.commands[command].params for flag in (*option.opts, *option.secondary_opts)}
    assert {words.split()[0] for words in typed} == flags - {"--resume", "--json"}  # these two have tests of their own
    for words, expected in typed.items():
        assert called(command, *words.split()) == plain | expected != plain


def test_what_goes_on_is_asked_for_by_its_folder_and_an_empty_name_is_one(called):
    for command in ("train", "tune"):
        assert called(command, "--resume", "there")["folder"] == "there"
        assert called(command, "--resume", "")["folder"] == ""
    assert called("train", "--resume", "there", "--strategy", "single")["strategy"] == "single"
    assert called("tune", "--resume", "there", "--trials", 3)["trials"] == 3


def test_options_of_evaluate_and_predict_become_their_arguments(monkeypatch):
    def watch(name):
        signature = inspect.signature(getattr(evaluating, name))

        def function(*given, **named):
            seen.append(signature.bind(*given, **named).arguments)
            raise zoo.ZooError("That is enough.")

        monkeypatch.setattr(evaluating, name, function)

    seen = []
    watch("evaluate")
    watch("predict")
    given = ("--weights", "a.keras", "--set", "width=2", "--check", "x.npy", "y.npy")
    run("evaluate", "lenet1", "--dataset", "mnist", "--data-dir", "sets", *given)
    run("predict", "lenet1", "a.png", "b.png", "--top", 2, "--output", "there", *given)
    loaded = {"weights": "a.keras", "options": {"width": 2}, "check": ("x.npy", "y.npy")}
    assert seen == [
        {"subject": "lenet1", "dataset": "mnist", "data_dir": "sets", **loaded},
        {"subject": "lenet1", "paths": ("a.png", "b.png"), "top": 2, "output": "there", **loaded},
    ]


def test_a_model_without_weights_says_so_whatever_is_asked_of_it(tmp_path):
    Image.new("L", (8, 8)).save(tmp_path / "grey.png")
    for words in (["evaluate", "lenet1", "--dataset", "digits"], ["predict", "lenet1", tmp_path / "grey.png"]):
        done = run(*words)
        assert done.exit_code == 0 and "lenet1 has random weights; --weights loads others." in done.stderr


# ----------------------------------------------------------------------------------------------- nets that label pixels


@pytest.fixture
def greys_by_name(tmp_path, monkeypatch, own_registry):
    """The words that stand for a net that labels pixels by their grey value, in a folder with an image `cat.png`."""
    monkeypatch.chdir(tmp_path)
    set_to_greys(zoo.create(by_grey(4), (12, 16, 1))).save_weights("greys.weights.h5")
    Path("nets.py").write_text(
        "import zoo\nfrom pixel_nets import by_grey\n\n\n"
        "@zoo.register(input_shape=(12, 16, 1), classes=4, replace=True)\n"
        "def greys(classes=4):\n    return by_grey(classes)\n"
    )
    Image.fromarray(greys(4)[MASK]).save("cat.png")
    return "nets.py:greys", "--weights", "greys.weights.h5"


MASK = np.repeat(np.uint8([3, 0, 1]), (100, 60, 32)).reshape(12, 16)


def test_predict_writes_masks_and_tells_shares(greys_by_name):
    model, *weights = greys_by_name
    done = run("predict", model, "cat.png", *weights)
    assert done.stdout == "cat.png: 3 52.1%, 0 31.2%, 1 16.7% -> cat-mask.png, cat-overlay.png\n", done.output
    assert (np.asarray(Image.open("cat-mask.png")) == MASK).all() and Image.open("cat-overlay.png").size == (16, 12)
    again = run("predict", model, "cat.png", *weights)
    assert again.exit_code == 2 and "cat-mask.png exists already" in again.output
    answers = json.loads(run("predict", model, "cat.png", *weights, "--output", "there", "--json").stdout)
    assert answers == [{"image": "cat.png", "mask": "there/cat-mask.png", "overlay": "there/cat-overlay.png",
                        "shares": {"3": 0.520833, "0": 0.3125, "1": 0.166667, "2": 0.0}}]
    assert sorted(path.name for path in Path("there").iterdir()) == ["cat-mask.png", "cat-overlay.png"]


def test_evaluate_and_export_take_nets_that_label_pixels(greys_by_name, monkeypatch):
    model, *weights = greys_by_name
    masks, images = masks_and_images(8, 12, 16)
    masks[:, 0] = IGNORED
    split = Split(images, masks)
    dataset = Dataset("blobs", ("background", "a", "b", "c"), split, split, split)
    monkeypatch.setattr("zoo.data.load_source", lambda source: dataset)
    done = run("evaluate", model, *weights, "--dataset", "blobs", "--json")
    assert "blobs: test mean IoU 1.0000, pixel accuracy 1.0000, Dice 1.0000, loss 0.0000" in done.stdout, done.output
    assert "greys numbers its classes: 0 is taken for 'background'" in done.stderr
    assert json.loads(done.stdout.splitlines()[-1])["test_mean_iou"] == 1
    exported = json.loads(run("export", model, *weights, "--json").stdout)
    assert exported["saved_model"] == "exports/greys/saved_model/1" and exported["largest_difference"] < 1e-4


@pytest.mark.parametrize("command", main.commands)
def test_help_tells_every_option(command):
    done = run(command, "--help")
    options = [name for option in main.commands[command].params for name in option.opts if name[:2] == "--"]
    assert done.exit_code == 0 and all(name in done.output for name in options)


def test_help_says_which_field_is_taken_away_by_none():
    assert "--clip FLOAT|none" in run("train", "--help").output


def test_a_warning_is_one_sentence_on_standard_error(monkeypatch):
    def warned(*_, **__):
        warnings.warn("Mind the gap.", zoo.ZooWarning)
        return info("lenet")

    monkeypatch.setattr("zoo.facts.info", warned)
    done = run("info", "lenet")
    assert done.exit_code == 0 and done.stderr == "Mind the gap.\n"


def test_control_c_exits_with_130(monkeypatch):
    def interrupted(*_, **__):
        raise KeyboardInterrupt

    monkeypatch.setattr("zoo.training.train.train", interrupted)
    assert run("train").exit_code == 130

"""What pretrained weights expect of an image, and what their classes are called: known for all that have a publisher.

The 1000 names of ImageNet, imagenet_classes.txt, are those of torchvision 0.29 (torchvision/models/_meta.py, BSD
3-Clause, Copyright (c) Soumith Chintala 2016), in the order of the outputs, which is keras.applications' too.
"""

from dataclasses import dataclass, replace
from functools import cache
from pathlib import Path

from zoo.annotations import Shape, StrPath
from zoo.data.preprocessing import Preprocessing, expected_preprocessing
from zoo.entry import CROPPED, Entry
from zoo.pretrained import find_stored
from zoo.runs.folder import Run
from zoo.weights.conventions import recognize
from zoo.weights.starts import set_of_start
from zoo.weights.state_dicts import read_state
from zoo.weights.torch_files import SUFFIXES

IMAGENET_CLASSES = Path(__file__).with_name("imagenet_classes.txt")
FOR_IMAGENET = {"torchvision", "timm"}  # whose nets of the zoo's families are trained on it


@dataclass(frozen=True)
class Origin:
    """What a model was built from: `zoo.create` leaves it as the model's `zoo_origin`, for the process's time.

    `new` are the names of the layers that the weights had nothing for.
    """

    entry: Entry | None
    weights: StrPath
    new: tuple[str, ...] = ()


def publishers_preprocessing(entry: Entry, weights: StrPath, input_shape: Shape) -> Preprocessing | None:
    """Return what the publisher of weights does to a raw image; None where nothing is known.

    Args:
        entry: the net's.
        weights: "imagenet", "torchvision", a set that comes with the package, a run's folder, or a file. A file is
            known if its keys are torchvision's or timm's: then torchvision's is what it was probably trained with.
        input_shape: the net's, (height, width, channels).
    """
    expected = _expected(entry, weights)
    if expected:
        return expected_preprocessing(expected, entry, input_shape)
    stored, run = find_stored(entry.name, weights), _run(weights)
    if stored:
        return _at(Preprocessing.from_config(stored.preprocessing), input_shape)
    return _at(run.job().preprocessing, input_shape) if run else None


def pretrained_preprocessing(entry: Entry, weights: StrPath, input_shape: Shape) -> Preprocessing | None:
    """Return the preprocessing with which a net goes on from weights, on a data set's images; None if nothing is known.

    It is `publishers_preprocessing` but for what suits single pictures only: images are resized to the net's size,
    as those of a data set are when they are loaded; none is cropped or taken for a digit.
    """
    full = publishers_preprocessing(entry, weights, input_shape)
    return full and replace(full, shorter=None, digits=False)


def pretrained_class_names(entry: Entry, weights: StrPath) -> tuple[str, ...] | None:
    """Return the names of the classes that weights were trained on, in order; None where nothing is known.

    The arguments are those of `publishers_preprocessing`.
    """
    if weights in entry.weights or _is_of_imagenet(entry, weights):
        return imagenet_classes()
    stored, run = find_stored(entry.name, weights), _run(weights)
    return stored.class_names if stored else run.job().class_names if run else None


def is_assumed(entry: Entry, weights: StrPath) -> bool:
    """Return whether the preprocessing is torchvision's because a file's keys are torchvision's or timm's."""
    is_set = weights in entry.weights or set_of_start(entry, weights)
    return not is_set and _expected(entry, weights) is not None


@cache
def imagenet_classes() -> tuple[str, ...]:
    """Return the names of ImageNet's 1000 classes, in the order of the nets' outputs."""
    return tuple(IMAGENET_CLASSES.read_text(encoding="utf-8").splitlines())


def _expected(entry, weights):
    """Return the `Expected` of published weights, or of a file in a known form; None for others.

    A net that starts from another's sees whole images, of which nothing is cut away.
    """
    start = set_of_start(entry, weights)
    found = _expected_of(start or entry, weights)
    return found and replace(found, shorter=None) if entry.starts else found


def _expected_of(entry, weights):
    if weights in entry.weights:
        return entry.expects.get(weights, CROPPED if weights == "torchvision" else None)
    suits = "torchvision" in entry.expects or entry.pixel_range is None  # the paper's own range is timm's, too
    return entry.expects.get("torchvision", CROPPED) if suits and _classes(entry, weights) else None


def _is_of_imagenet(entry, weights):
    return _classes(entry, weights) == len(imagenet_classes())


def _classes(entry, weights):
    """Return the number of classes in a file with torchvision's or timm's keys; None for anything else."""
    path = Path(weights)
    if path.suffix.lower() not in SUFFIXES or not path.is_file() or not entry.input_shape:
        return None
    return _classes_in(path, path.stat().st_mtime, entry.input_shape[-1])


@cache
def _classes_in(path, _changed, channels):
    state = read_state(path)
    conventions = [convention for convention, _ in recognize(state, channels) if FOR_IMAGENET & set(convention.whose)]
    if not conventions:
        return None
    heads = [value for key, value in state.items() if key.partition(".")[0] in conventions[0].head]
    return len(heads[-1]) if heads else None


def _run(weights):
    """Return the `Run` in a folder, or of the model in one; None for anything else."""
    path = Path(weights)
    run = Run(path.parent)
    run = run if path == run.model_path else Run(path)
    return run if run.config_path.is_file() else None


def _at(preprocessing, input_shape):
    """Return a preprocessing for another input size; None if the channels aren't the same."""
    height, width, channels = input_shape
    around = 2 * preprocessing.margin
    fits = channels == preprocessing.channels
    return replace(preprocessing, size=(height - around, width - around)) if fits else None

"""What names weights (a set, a file, a run's folder) -> the loader that knows it."""

from os import PathLike
from pathlib import Path

from zoo.annotations import StrPath
from zoo.errors import ZooError, first_line
from zoo.pretrained import find_stored
from zoo.runs.folder import find_run
from zoo.weights.account import Account
from zoo.weights.checking import tell_doubt, tell_preparation
from zoo.weights.imagenet import load_imagenet
from zoo.weights.keras_files import SUFFIXES as KERAS_SUFFIXES
from zoo.weights.keras_files import load_file
from zoo.weights.matching import Target
from zoo.weights.pytorch import load_pytorch
from zoo.weights.torch_files import SUFFIXES
from zoo.weights.torchvision import load_torchvision


def load(target: Target, weights: StrPath) -> Account:
    """Load weights of the very net into a model; return the account. An error leaves the model as it was.

    Raises `ZooError` if there are no such weights, or they aren't of the same net.
    """
    model, name, include_top, options, new_head = (
        target.model, target.name, target.include_top, target.options, target.new_head)
    if weights == "imagenet":
        return load_imagenet(model, name, include_top, target.head, new_head)
    if weights == "torchvision":
        return load_torchvision(model, name, include_top, options, target.head, new_head)
    stored = find_stored(name, weights) if name else None
    if not isinstance(weights, (str, PathLike)):
        raise ZooError(f"weights must be None, 'imagenet', 'torchvision' or a path; got {weights!r}.")
    path = stored.checked_path() if stored else Path(weights)
    source = path.name
    if path.is_dir():
        path, source = find_run(path).model_path, f"the run {path.resolve().name}"
    elif not path.is_file():
        raise ZooError(
            f"There is no weights file {str(path)!r}, nor a set of weights of that name; `zoo list` tells which sets "
            "there are."
        )
    suffix = path.suffix.lower()
    if suffix in SUFFIXES:
        return load_pytorch(model, path, name, include_top, options, target.head, new_head)
    if suffix not in KERAS_SUFFIXES:
        raise ZooError(
            f"{path} is no weights file: its name must end with .keras, .h5, or, if it is PyTorch's, with "
            f"{', '.join(SUFFIXES[:-1])} or {SUFFIXES[-1]}."
        )
    try:
        account = load_file(target, path, source)
    except Exception as problem:  # h5py and zipfile each raise their own types
        raise ZooError(f"{path} doesn't fit {model.name}: {first_line(problem)}") from None
    if account.doubt and not (stored and stored.options == options):
        tell_doubt(path, account.doubt)
    if account.preparation:
        tell_preparation(path, account.preparation, model.name)
    return account

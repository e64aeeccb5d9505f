"""The weights that torchvision publishes for the nets that both have: downloaded, and verified by their hash."""

import hashlib
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from zoo import registry
from zoo.errors import ZooError
from zoo.weights.account import Account
from zoo.weights.pytorch import load_pytorch
from zoo.weights.sources import form_of

if TYPE_CHECKING:
    import keras

FOLDER = "https://download.pytorch.org/models/"

def load_torchvision(model: "keras.Model", name: str | None, include_top: bool = True,
                     options: dict[str, Any] | None = None, head: Sequence[str] = (),
                     new_head: bool = False) -> Account:
    """Download torchvision's weights, once, and load them into a model; the arguments are those of `load_pytorch`.

    Raises `ZooError` if torchvision has no such net, if the file arrives damaged, or if the model's shapes differ.
    Then nothing is changed.
    """
    files = registry.with_weights("torchvision")
    if name not in files:
        raise ZooError(f"torchvision has no weights for {name or model.name}.{form_of(name, files)} It has them for "
                       f"{', '.join(files)}.")
    account = load_pytorch(model, _download(files[name]), name, include_top, options, head, new_head)
    return replace(account, source="torchvision")


def _download(file):
    """Return the path of a downloaded file, verified by its name's end, the first digits of its SHA-256."""
    import keras

    url = f"{FOLDER}{file}.pth"
    try:
        path = Path(keras.utils.get_file(f"{file}.pth", url, cache_subdir="models"))
    except Exception as problem:
        raise ZooError(f"{url} can't be downloaded: {problem}") from None
    digits = hashlib.sha256(path.read_bytes()).hexdigest()
    if not digits.startswith(file.rpartition("-")[2]):
        path.unlink()
        raise ZooError(f"{url} came damaged: its hash begins with {digits[:10]}. It was deleted; try again.")
    return path

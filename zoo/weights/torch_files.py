"""Read PyTorch's files, `torch.save`'s and .safetensors. No code in a file is ever run."""

import re
from collections import OrderedDict
from pathlib import Path
from pickle import UnpicklingError
from typing import Any
from zipfile import ZipFile, is_zipfile

from zoo.errors import first_line

SUFFIXES = (".pth", ".pt", ".th", ".ckpt", ".bin", ".tar", ".safetensors")
MODULE = (
    "it holds a whole pickled module, which is code, and code from a file isn't run. Where the module was made, "
    'torch.save(model.state_dict(), "net.pth") writes its weights alone.'
)


class Unusable(ValueError):
    """A file isn't a checkpoint that can be read; the message is a clause to follow its name."""


def read(path: Path) -> Any:
    """Return a file's content, and {alias: name} of the tensors in .safetensors that share their values.

    Raises `Unusable`, and whatever PyTorch and safetensors raise: `told` turns it into a message.
    """
    with open(path, "rb") as file:
        head = file.read(512)
    if _is_safetensors(head):
        from safetensors import safe_open

        try:
            import torch  # noqa: F401  (without it only NumPy's dtypes can be read)
        except ImportError:
            framework = "np"
        else:
            framework = "pt"
        with safe_open(path, framework) as file:
            tensors, metadata = {key: file.get_tensor(key) for key in file.keys()}, file.metadata() or {}
        return tensors, {key: name for key, name in metadata.items() if name in tensors and key not in tensors}
    _refuse_others(path, head)
    return _load(path), {}


def _is_safetensors(head):
    """Return whether a file begins as .safetensors do: with the length of a JSON header."""
    return head[8:9] == b"{" and int.from_bytes(head[:8], "little") < 2**40


def refuse_mistaken(head: bytes) -> None:
    """Raise `Unusable` for what is commonly saved under the name of a file of weights, by how it begins."""
    text = head.lstrip().lower()
    if not head:
        raise Unusable("it is empty.")
    if head.startswith(b"version https://git-lfs"):
        raise Unusable("it is a pointer of Git LFS, not the file itself, which `git lfs pull` fetches.")
    if text.startswith((b"<!doctype", b"<html", b"<?xml")):
        raise Unusable("it is a web page, not what was to be downloaded.")
    if head.startswith(b"\x1f\x8b"):
        raise Unusable("it is compressed; unpack it with gunzip or tar.")


def _refuse_others(path, head):
    """Raise `Unusable` for files that are commonly mistaken for a checkpoint."""
    refuse_mistaken(head)
    if head.startswith(b"\x89HDF"):
        raise Unusable("it is an HDF5 file; Keras's weights must be named .h5.")
    if path.suffix.lower() == ".safetensors":
        raise Unusable("it doesn't begin as .safetensors do.")
    if head.startswith(b"PK"):
        if not is_zipfile(path):
            raise Unusable("it is cut off: its end is missing.")
        with ZipFile(path) as archive:
            names = archive.namelist()
        if any(name.endswith("constants.pkl") for name in names):
            raise Unusable(f"it is a TorchScript archive, which holds code. {MODULE.partition('. ')[2]}")
        if not any(name.endswith("data.pkl") for name in names):
            raise Unusable("it is a ZIP archive that torch.save didn't write.")


FOREIGN = re.compile(r"Unsupported global: GLOBAL (\S+) was not an allowed global")
FOREIGN_DICT = re.compile(r"Can only SETITEMS? for dict.*but got <class '(\S+)'>")


def _load(path):
    """Load by `torch.load` with weights_only, with a `StandIn` for each class or function that it doesn't allow."""
    import torch

    kinds = {}
    while True:
        try:
            with torch.serialization.safe_globals([_stand_in(name, kind) for name, kind in kinds.items()]):
                return torch.load(path, map_location="cpu", weights_only=True)
        except UnpicklingError as problem:
            foreign, of_dict = (pattern.search(str(problem)) for pattern in (FOREIGN, FOREIGN_DICT))
            found = {foreign[1]: StandIn} if foreign else {of_dict[1]: StandInDict} if of_dict else {}
            if found.items() <= kinds.items():
                raise
            kinds |= found


class StandIn:
    """A placeholder for an object that a file would create: it accepts all arguments, and does nothing."""

    def __new__(cls, *_, **__):
        return object.__new__(cls)

    is_module = False

    def __init__(self, *_, **__):
        pass

    def __setstate__(self, state):
        self.is_module = isinstance(state, dict) and "_modules" in state


class StandInDict(StandIn):
    """A placeholder for a subclass of dict: a plain one."""

    def __new__(cls, *_, **__):
        return OrderedDict()


def _stand_in(name, kind):
    module, _, name = name.rpartition(".")
    return type(name, (kind,), {"__module__": module or "builtins", "__qualname__": name})


def told(problem: Exception) -> str:
    """Return another library's error as the end of a message, on one line."""
    text = re.sub(r"\x1b\[[0-9;]*m", "", str(problem))
    blocked = re.search(r"unsupported GLOBAL (\S+) whose module", text)
    if blocked:
        return f"it would run {blocked[1]}, and code from a file isn't run."
    if "persistent_load of storage is allowed" in text:  # what torch.save wrote before PyTorch 1.6
        return MODULE
    if isinstance(problem, Unusable):
        return text
    if isinstance(problem, EOFError):
        return "it is cut off: its end is missing."
    if isinstance(problem, (RuntimeError, OSError)) or type(problem).__name__ == "SafetensorError":
        return first_line(text if text.strip() else problem).partition(". ")[0].rstrip(".") + "."
    return "torch.save didn't write it, or it is damaged."  # unpickling errors would tell users nothing more

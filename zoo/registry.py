"""Name -> entry: the models of `zoo.families`, of other packages and of a user's files."""

import os
import warnings
from collections.abc import Callable
from fnmatch import fnmatch
from functools import cache
from typing import Any

from zoo import entry as _entry
from zoo.entry import ENTRIES, Entry, registered
from zoo.errors import ZooError, did_you_mean


def register(function: Callable | None = None, **about: Any) -> Callable:
    """Register a layout function as `zoo.entry.register` does, after the models of `zoo.families`."""
    _load_families()
    return _entry.register(function, **about)


def entries() -> dict[str, Entry]:
    """Return every registered entry by name, sorted by year, and within a year by arXiv number."""
    _load_families()
    _load_plugins()
    return dict(sorted(ENTRIES.items(), key=lambda item: _date(item[1])))


def _date(entry):
    """Return the key that sorts entries by date: year, then arXiv number (1409.1556 is of September 2014)."""
    number = entry.paper.identifier if entry.paper and entry.paper.identifier.startswith("arXiv:") else ""
    return entry.year or 9999, number


def list_models(*patterns: str) -> list[str]:
    """Return the registered names that match any of the shell patterns ("resnet*"), or all of them, by year.

    A pattern that matches an alias finds its model.
    """

    def matches(entry):
        return any(fnmatch(name, pattern) for name in (entry.name, *entry.aliases) for pattern in patterns)

    return [name for name, entry in entries().items() if not patterns or matches(entry)]


def entry(name: str) -> Entry:
    """Return the entry of a name, an alias, or a layout in a file of the user's own ("my_layout.py:tiny").

    Raises `ZooError` with the nearest names for an unknown one.
    """
    if ".py:" in name:
        return _entry_in_file(*name.rsplit(":", 1))
    if name.endswith(".py"):
        if not os.path.isfile(name):
            raise ZooError(f"There is no file {name!r} to take a layout from.")
        raise ZooError(f"{name} is a file of layouts; say which one, as in {name}:tiny.")
    _load_families()
    found = registered()
    if name not in found:
        _load_plugins()
        found = registered()
    if name not in found:
        raise ZooError(f"There is no model {name!r}.{did_you_mean(name, found)} `zoo list` shows all {len(ENTRIES)}.")
    return found[name]


def with_weights(source: str) -> dict[str, str]:
    """Return {name: `Entry.weights[source]`} for the models with weights of "imagenet" or "torchvision", by year."""
    return {name: entry.weights[source] for name, entry in entries().items() if source in entry.weights}


def whereabouts(name: str) -> str:
    """Return a model's name such that it holds in any working directory: a file of layouts by its absolute path."""
    file, colon, layout = name.rpartition(":")
    return f"{os.path.abspath(file)}:{layout}" if colon and os.path.isfile(file) else name


def _entry_in_file(path, name):
    from pathlib import Path

    module = _run_file(Path(path).resolve())
    if not hasattr(module, name):
        raise ZooError(f"{path} defines no {name!r}.{did_you_mean(name, vars(module))}")
    found = getattr(module, name)
    known = next((entry for entry in ENTRIES.values() if entry.function is found), None)
    return known or Entry(name, found if callable(found) else lambda: found, family=Path(path).stem)


@cache
def _run_file(path):
    if not path.is_file():
        raise ZooError(f"There is no file {str(path)!r} to take a layout from.")
    import traceback
    from importlib.util import module_from_spec, spec_from_file_location

    spec = spec_from_file_location(path.stem, path)
    module = module_from_spec(spec)
    try:
        spec.loader.exec_module(module)
    except Exception as problem:
        at = getattr(problem, "lineno", None) or traceback.extract_tb(problem.__traceback__)[-1].lineno
        what = f"{type(problem).__name__}: {getattr(problem, 'msg', problem)}"
        raise ZooError(f"{path} can't be run: {what} (line {at}).") from None
    return module


def _load_families():
    import zoo.families  # noqa: F401  (each registers its models)


@cache
def _load_plugins():
    """Import the models that installed packages register through the entry-point group "zoo.models"."""
    from importlib.metadata import entry_points

    for point in entry_points(group="zoo.models"):
        try:
            point.load()
        except Exception as problem:  # a broken package must not break the zoo
            warnings.warn(f"The models of the entry point {point.name!r} can't be loaded: {problem}", stacklevel=2)

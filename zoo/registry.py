"""Name -> entry: what is known of each registered model, and the sentence for a name that isn't."""

import inspect
import os
import warnings
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import cache, cached_property
from importlib import import_module

from zoo import checks
from zoo.errors import ZooError, did_you_mean
from zoo.layout import Classes, as_layout


@dataclass(frozen=True)
class Paper:
    """Where a network was published; `identifier` is an arXiv number, a DOI or the venue."""

    title: str
    authors: str
    year: int
    identifier: str

    def __str__(self):
        return f"{self.authors}: {self.title}. {self.identifier}, {self.year}."


TORCHVISION = "torchvision.models documentation"  # a source that many families share


@dataclass(frozen=True)
class Figure:
    """A published figure and where it stands."""

    value: float
    source: str


@dataclass(frozen=True)
class Entry:
    """A registered model.

    `function(classes=…, …)` returns its layout. `input_shape` (NHWC without the N) and `classes` are the paper's.
    `margin` is the ring of zeros that the paper puts round an image to reach that shape, `pixel_range` the values
    that it gives to black and white (None: images are normalized by the data's mean and deviation), `recipe` what
    its training needs other than the defaults, `published` the figures that its tests hold it to.
    """

    name: str
    function: Callable
    family: str
    summary: str = ""
    paper: Paper | None = None
    year: int | None = None
    input_shape: tuple | None = None
    classes: int | None = None
    aliases: tuple = ()
    margin: int = 0
    pixel_range: tuple | None = None
    recipe: dict = field(default_factory=dict)
    published: dict = field(default_factory=dict)

    @cached_property
    def _parameters(self):
        return inspect.signature(self.function).parameters

    @property
    def options(self):
        """The names and defaults of the layout function's own options."""
        return {name: p.default for name, p in self._parameters.items() if name != "classes"}

    @property
    def is_registered(self):
        """Whether the name leads here: a layout in a file may bear the name of another."""
        return _ENTRIES.get(self.name) is self

    def layout(self, classes=None, **options):
        """Return the layout, for the paper's number of classes unless told.

        Raises `ZooError` without any, and for an option that isn't of its default's kind.
        """
        options = {key: checks.like(self.options[key])(key, value) for key, value in options.items()}
        parameter = self._parameters.get("classes")
        if parameter and (classes or self.classes):
            options["classes"] = Classes(classes or self.classes)
        elif parameter and parameter.default is parameter.empty:
            raise ZooError(f"{self.name} has no number of classes of its own; give classes.")
        return as_layout(self.function(**options))


_ENTRIES = {}
_ALIASES = {}


def register(function=None, *, name=None, replace=False, **about):
    """Register a layout function: `@register`, or `@register(year=1998, input_shape=(32, 32, 1), …)`.

    The function returns a list of words or a `Layout`; if it takes `classes`, it is given the number of classes.
    Its name is the model's unless `name` is given; the other arguments are the fields of `Entry`. The function is
    returned unchanged. A name that is taken is refused with `ZooError` unless `replace=True`.
    """
    if function is None:
        return lambda function: register(function, name=name, replace=replace, **about)
    if not function.__module__.startswith("zoo.models"):
        _load_families()  # so that their names are known to be taken
    name = name or function.__name__
    paper = about.get("paper")
    about.setdefault("year", paper.year if paper else None)
    about.setdefault("family", function.__module__.rpartition(".")[2])
    entry = Entry(name, function, **about)
    for taken in (name, *entry.aliases):
        if not replace and (taken in _ENTRIES or taken in _ALIASES):
            raise ZooError(
                f"A model named {taken!r} is registered already; pass replace=True to put yours in its place."
            )
    _ENTRIES[name] = entry
    _ALIASES.update(dict.fromkeys(entry.aliases, name))
    return function


def entries():
    """Return every registered entry by name, in the order of the years."""
    _load_families()
    _load_plugins()
    return dict(sorted(_ENTRIES.items(), key=lambda item: item[1].year or 9999))


def registered():
    """Return the entries registered so far by name and alias, without looking for more."""
    return {alias: _ENTRIES[name] for alias, name in _ALIASES.items()} | _ENTRIES


def entry(name):
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
        raise ZooError(f"There is no model {name!r}.{did_you_mean(name, found)} `zoo list` shows all {len(_ENTRIES)}.")
    return found[name]


def whereabouts(name):
    """Return a model's name, with the path from the root of a file of layouts: what means it in any working folder."""
    file, colon, layout = name.rpartition(":")
    return f"{os.path.abspath(file)}:{layout}" if colon and os.path.isfile(file) else name


def _entry_in_file(path, name):
    from pathlib import Path

    module = _run_file(Path(path).resolve())
    if not hasattr(module, name):
        raise ZooError(f"{path} defines no {name!r}.{did_you_mean(name, vars(module))}")
    found = getattr(module, name)
    known = next((entry for entry in _ENTRIES.values() if entry.function is found), None)
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
    import_module("zoo.models")


@cache
def _load_plugins():
    """Import what other packages offer under the entry point "zoo.models"; looked for only when it is needed."""
    from importlib.metadata import entry_points

    for point in entry_points(group="zoo.models"):
        try:
            point.load()
        except Exception as problem:  # somebody else's package must not take the zoo down
            warnings.warn(f"The models of the entry point {point.name!r} can't be loaded: {problem}", stacklevel=2)

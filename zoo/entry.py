"""What is known of a registered model, and `register`, which writes it down."""

import inspect
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import Any

from zoo.annotations import Shape
from zoo.errors import ZooError
from zoo.layout import Classes, Layout, as_layout, checks


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
# What the papers' trainings share, as far as a recipe has it: colour augmentation is left out, momentum is Nesterov's.
SGD = {"optimizer": "sgd", "momentum": 0.9, "label_smoothing": 0.0, "augment": ("flip", "crop")}


@dataclass(frozen=True)
class Cited:
    """A published figure and its source, such as a table of the paper."""

    value: float
    source: str


@dataclass(frozen=True)
class Expected:
    """What published weights expect of an image, RGB, 0..255: (pixel - mean) / deviation in each channel.

    With `bgr` the channels come in the order blue, green, red, and so do `mean` and `deviation`. `shorter`: the shorter
    side is resized to so many pixels, for the net's default input size, and the middle is cut out; None: images are
    resized to the input size, whatever their proportions. `interpolation` is "bilinear" or "bicubic".
    """

    mean: tuple
    deviation: tuple
    bgr: bool = False
    shorter: int | None = None
    interpolation: str = "bilinear"


# The modes of keras.applications' `preprocess_input`, there called "caffe", "tf" and "torch", and torchvision's own.
CAFFE = Expected((103.939, 116.779, 123.68), (1.0, 1.0, 1.0), bgr=True)
SIGNED = Expected((127.5,) * 3, (127.5,) * 3)
STANDARD = Expected((0.485 * 255, 0.456 * 255, 0.406 * 255), (0.229 * 255, 0.224 * 255, 0.225 * 255))
CROPPED = replace(STANDARD, shorter=256)


@dataclass(frozen=True)
class Start:
    """A trained net whose weights another one starts from: layers of the same name are taken.

    `net` is its registered name; `names` tells {how a layer's name begins there: how it begins here} for those that
    are called otherwise. With `scores` the layers of its head are taken, too; `zeros` are the layers here that start
    at zero then, so that the scores are at first those of that net.
    """

    net: str
    names: dict = field(default_factory=dict)
    scores: bool = False
    zeros: tuple = ()

    def here(self, name: str) -> str:
        """Return the name here of a layer that is called `name` there."""
        begin = next((begin for begin in self.names if name.startswith(begin)), "")
        return self.names.get(begin, begin) + name.removeprefix(begin)


@dataclass(frozen=True)
class Entry:
    """A registered model.

    `function(classes=…, …)` returns its layout. `input_shape` (NHWC without the N) and `classes` are the paper's.
    `margin` is how many pixels of zeros the paper pads an image with on each side to reach that shape, `pixel_range`
    the values that it gives to black and white (None: images are normalized by the data's mean and standard deviation),
    `recipe` the fields of its recipe that differ from the defaults, `paper_recipe` those of the paper's (None: not
    known here), `published` the figures that tests compare it with, `weights` its weights by what
    `zoo.create(weights=…)` takes: "imagenet": a builder of keras.applications, "torchvision": a file without suffix;
    `expects` what these expect of an image: an `Expected` by the same key, for "torchvision" `CROPPED` by default;
    `starts` the trained nets that its paper starts from, the nearest first.
    """

    name: str
    function: Callable
    family: str
    summary: str = ""
    paper: Paper | None = None
    year: int | None = None
    input_shape: Shape | None = None
    classes: int | None = None
    aliases: tuple = ()
    margin: int = 0
    pixel_range: tuple | None = None
    recipe: dict = field(default_factory=dict)
    paper_recipe: dict | None = None
    published: dict = field(default_factory=dict)
    weights: dict = field(default_factory=dict)
    expects: dict = field(default_factory=dict)
    starts: tuple[Start, ...] = ()

    @cached_property
    def _parameters(self):
        return inspect.signature(self.function).parameters

    @property
    def options(self) -> dict[str, Any]:
        """The names and defaults of the layout function's own options."""
        return {name: p.default for name, p in self._parameters.items() if name != "classes"}

    @property
    def is_registered(self) -> bool:
        """Whether this is the entry of its name: a layout in a file may have the name of a registered model."""
        return ENTRIES.get(self.name) is self

    def layout(self, classes: int | None = None, **options: Any) -> Layout:
        """Return the layout, by default for the paper's number of classes.

        Raises `ZooError` if there is no such number, and for an option that isn't of its default's type.
        """
        options = {key: checks.like(self.options[key])(key, value) for key, value in options.items()}
        parameter = self._parameters.get("classes")
        count = classes or self.classes
        if parameter and count:
            options["classes"] = Classes(count)
        elif parameter and parameter.default is parameter.empty:
            raise ZooError(f"{self.name} has no number of classes of its own; give classes.")
        return as_layout(self.function(**options))


ENTRIES: dict[str, Entry] = {}
ALIASES: dict[str, str] = {}


def register(function: Callable | None = None, *, name: str | None = None, replace: bool = False,
             **about: Any) -> Callable:
    """Register a layout function: `@register`, or `@register(year=1998, input_shape=(32, 32, 1), …)`.

    The function returns a list of words or a `Layout`; if it takes `classes`, it is given the number of classes.
    Its name is the model's unless `name` is given; the other arguments are the fields of `Entry`. The function is
    returned unchanged. A name that is taken is refused with `ZooError` unless `replace=True`.
    """
    if function is None:
        return lambda function: register(function, name=name, replace=replace, **about)
    name = name or function.__name__
    paper = about.get("paper")
    about.setdefault("year", paper.year if paper else None)
    about.setdefault("family", function.__module__.rpartition(".")[2])
    entry = Entry(name, function, **about)
    if None in (entry.input_shape or ()):
        raise ZooError(f"{name} can't have {entry.input_shape} for its own input shape, since recipes and data go by "
                       "it: all of it must be known. zoo.create takes open sides.")
    for taken in (name, *entry.aliases):
        if not replace and (taken in ENTRIES or taken in ALIASES):
            raise ZooError(
                f"A model named {taken!r} is registered already; pass replace=True to put yours in its place."
            )
    ENTRIES[name] = entry
    ALIASES.update(dict.fromkeys(entry.aliases, name))
    return function


def registered() -> dict[str, Entry]:
    """Return the entries registered so far by name and alias, without looking for more."""
    return {alias: ENTRIES[name] for alias, name in ALIASES.items()} | ENTRIES

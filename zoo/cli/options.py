"""Options that several commands share, and how their values are parsed."""

import os
import re
from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path
from typing import Any

import click

ANY = ("?", "any")  # how one writes a height or width that is open


class Size(click.ParamType):
    """ "32", "32x48" or "32x48x1" -> (height, width) or (height, width, channels).

    An `open` size may have "?" or "any" for height and width, which are None then: "any", "?x48", "anyxanyx1".
    """

    name = "HxW[xC]"

    def __init__(self, open: bool = False) -> None:
        self.open = open

    def convert(self, value: Any, parameter: click.Parameter | None, context: click.Context | None) -> tuple[Any, ...]:
        if isinstance(value, tuple):
            return value
        parts = value.lower().split("x")
        sizes = tuple(None if self.open and part in ANY else part for part in parts[:2]) + tuple(parts[2:])
        if not 1 <= len(parts) <= 3 or not all(re.fullmatch("[1-9][0-9]*", part) for part in sizes if part is not None):
            ways = "32, 32x48, 32x48x1 or anyxanyx3" if self.open else "32, 32x48 or 32x48x1"
            self.fail(f"{value!r} is no size; write {ways}.", parameter, context)
        sizes = tuple(part and int(part) for part in sizes)
        return sizes * 2 if len(sizes) == 1 else sizes


class OrNone(click.ParamType):
    """A value of the type `kind`, or "none", which sets a field of the recipe to None whatever its default is."""

    def __init__(self, kind: type) -> None:
        self.kind = click.types.convert_type(kind)
        self.name = self.kind.name

    def convert(self, value: Any, parameter: click.Parameter | None, context: click.Context | None) -> Any:
        return value if value == "none" else self.kind.convert(value, parameter, context)

    # click 8.1 gives param by place, and later ones both by name
    def get_metavar(self, param: click.Parameter, ctx: click.Context | None = None) -> str:
        return f"{self.name.upper()}|none"


class Picture(click.ParamType):
    """The path of a plot to be written, checked before anything is computed: suffix, folder, permission."""

    name = "FILE"

    def convert(self, value: Any, parameter: click.Parameter | None, context: click.Context | None) -> Path:
        path = Path(value)
        if path.suffix not in (".png", ".svg", ".pdf"):
            self.fail(f"{value} is no name of a picture: it must end with .png, .svg or .pdf.", parameter, context)
        if not path.parent.is_dir():
            self.fail(f"There is no folder {str(path.parent)!r} to put {path.name} in.", parameter, context)
        if path.is_dir() or not os.access(path if path.exists() else path.parent, os.W_OK):
            self.fail(f"{value} can't be written.", parameter, context)
        return path


# Arguments of zoo.create that aren't overrides, so that --set refuses them; some are options of their own.
BUILDER_ARGUMENTS = ("input_shape", "classes", "include_top", "pooling", "classifier_activation", "weights", "features",
                     "name")


def parse_pairs(context: click.Context, parameter: click.Parameter, values: Sequence[str]) -> dict[str, str]:
    """["padding=same", "width=0.5"] -> {"padding": "same", "width": "0.5"}."""
    pairs = {}
    for text in values:
        key, equals, value = text.partition("=")
        if not equals or not key:
            raise click.BadParameter(f"{text!r} isn't of the form key=value.")
        if key in pairs:
            raise click.BadParameter(f"{key} is given twice.")
        pairs[key] = value
    return pairs


def parse_overrides(context: click.Context, parameter: click.Parameter, values: Sequence[str]) -> dict[str, Any]:
    """As `parse_pairs`, with Python's values: ["padding=same", "width=0.5"] -> {"padding": "same", "width": 0.5}."""
    from zoo.layout.rewrite import literal

    overrides = parse_pairs(context, parameter, values)
    for key in overrides:
        if key in BUILDER_ARGUMENTS:
            raise click.BadParameter(f"{key} isn't an override of the layout.")
    return {key: literal(value) for key, value in overrides.items()}


set_option = click.option(
    "--set", "options", multiple=True, metavar="KEY=VALUE", callback=parse_overrides,
    help="Override the layout: padding, stride, pool, norm, activation, dropout, width, output_stride, head, and the "
         "model's own options. May be repeated.",
)
json_option = click.option("--json", "as_json", is_flag=True, help="Print JSON.")
data_dir_option = click.option("--data-dir", type=click.Path(), help="Where TFDS keeps its data sets.")


def bare_model_options(command: Callable[..., Any]) -> Callable[..., Any]:
    """Add the options that a model given by name needs, and a run doesn't: weights, overrides, a check of outputs."""
    for option in reversed((
        click.option("--weights", type=click.Path(), help="Weights for a model by name: imagenet, torchvision, mnist "
                     "and the like (`zoo list` tells), .keras, .h5, PyTorch's .pth, .th, .ckpt, .bin, .safetensors, or "
                     "a run's folder."),
        set_option,
        click.option("--check", nargs=2, type=click.Path(), metavar="IMAGES.npy OUTPUTS.npy", default=None,
                     help="First compare with the outputs that the weights' original net gave for these images, "
                          "preprocessed for it; stop if they differ."),
    )):
        command = option(command)
    return command


def with_channels(size: tuple[Any, ...] | None, model: str) -> tuple[Any, ...] | None:
    """Complete (height, width) with the model's default number of channels, or 3; None stays None."""
    from zoo.registry import entry

    return size if size is None or len(size) == 3 else (*size, (entry(model).input_shape or (3,))[-1])


def training_options(command: Callable[..., Any]) -> Callable[..., Any]:
    """Add the options for the model, the data set and the recipe of a training."""
    for option in reversed((
        click.option("--model", default="lenet", show_default=True, help="A registered name, or my_layout.py:name."),
        click.option("--dataset", default="digits", show_default=True,
                     help="digits, shapes (with masks), a TFDS name, a folder of class folders or of images and masks, "
                          "or a Keras-style .npz."),
        data_dir_option,
        click.option("--limit", type=int, metavar="N",
                     help="Use at most N images of each split: training, validation and test."),
        click.option("--classes", callback=parse_names, metavar="A,B,…", help="Only these classes, in this order."),
        click.option("--image-size", type=Size(),
                     help="Train at this size; by default it follows from model and data."),
        click.option("--crop", type=Size(), metavar="HxW",
                     help="Keep the sizes of images with masks: train on parts of this size, cut at random in each "
                          "epoch, and test on tiles of it."),
        set_option,
        click.option("--weights", metavar="SET|FILE|RUN", help="Start from weights: imagenet, torchvision, a file or a "
                     "run's folder; a head of another number of classes starts anew."),
        click.option("--recipe", metavar="fast|paper|FILE", help="Where the options below take their defaults from: "
                     "the model and the data set (fast), the paper's training, or a YAML file of fields."),
        recipe_options,
        click.option("--runs", default="runs", show_default=True, type=click.Path(),
                     help="The folder in which a new run's folder is made."),
        click.option("--tensorboard", "trackers", multiple=True, flag_value="tensorboard",
                     help="Also log metrics for TensorBoard: tensorboard --logdir runs."),
        click.option("--mlflow", "trackers", multiple=True, flag_value="mlflow", help="Also log to MLflow."),
        click.option("--wandb", "trackers", multiple=True, flag_value="wandb", help="Also log to Weights & Biases."),
    )):
        command = option(command)
    return command


def recipe_options(command: Callable[..., Any]) -> Callable[..., Any]:
    """Add an option for each field of the recipe."""
    from dataclasses import fields
    from types import NoneType
    from typing import get_args

    from zoo.recipes.recipe import Recipe

    for item in reversed(fields(Recipe)):
        name, rules = item.name.replace("_", "-"), item.metadata
        flag = f"--{name}/--no-{name}" if item.type is bool else f"--{name}"
        optional = next((OrNone(kind) for kind in get_args(item.type) if kind is not NoneType), None)
        parsing: Any = {
            bool: {"default": None},
            tuple: {"callback": partial(parse_several, kind=rules.get("kind", str)), "metavar": "A,B,…|none"},
        }.get(item.type, {"type": optional or item.type})
        choices = f": {', '.join(rules['choices'])}" if "choices" in rules else ""
        default = "" if item.default in (None, False, ()) else f" [default: {written(item.default)}]"
        command = click.option(flag, help=f"{rules['meaning']}{choices}{default}.", **parsing)(command)
    return command


def written(value: Any) -> str:
    """Return a default value as one types it on the command line."""
    if isinstance(value, tuple):
        return ",".join(map(written, value))
    return value if isinstance(value, str) else f"{value:g}"


def parse_names(context: click.Context, parameter: click.Parameter, value: str | None,
                kind: Callable[[str], Any] = str) -> list[Any] | None:
    """ "cat,dog" -> ["cat", "dog"]; with the kind float, "0.5,0.75" -> [0.5, 0.75], and so with int."""
    try:
        names = None if value is None else [kind(name.strip()) for name in value.split(",") if name.strip()]
    except ValueError:
        numbers = "whole numbers; write 32,128." if kind is int else "numbers; write 0.5,0.75."
        raise click.BadParameter(f"{value!r} is no list of {numbers}") from None
    if names == []:
        raise click.BadParameter(f"{value!r} names nothing.")
    return names


def parse_several(context: click.Context, parameter: click.Parameter, value: str | None,
                  kind: Callable[[str], Any]) -> list[Any] | None:
    """As `parse_names`; "none" -> []."""
    return [] if value == "none" else parse_names(context, parameter, value, kind)

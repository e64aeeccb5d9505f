"""Which recipe a run starts from: the model's and the data's own, its paper's, or a file's."""

from dataclasses import Field, fields
from typing import Any, get_args

from zoo.annotations import StrPath
from zoo.entry import Entry
from zoo.errors import ZooError, did_you_mean, first_line
from zoo.layout import Layout, norm_kinds
from zoo.layout.layouts import labels_pixels
from zoo.recipes.recipe import Recipe

# What a data set changes in the default recipe: a small shift doesn't change a digit's class, a flip would.
DATA = {
    "mnist": {"epochs": 12, "augment": ("crop",)},
    "fashion_mnist": {"augment": ("flip",)},
    "cifar10": {"augment": ("flip", "crop")},
    "cifar100": {"augment": ("flip", "crop")},
    "shapes": {"epochs": 10, "batch_size": 16, "schedule": "onecycle", "augment": ("flip",)},
}

# What data sets also change for nets with BatchNorm, which train well with large learning rates.
NORMALIZED = {"optimizer": "sgd", "learning_rate": 0.1, "schedule": "onecycle", "weight_decay": 5e-4}
DATA_OF_NORMALIZED = {"cifar10": NORMALIZED, "cifar100": NORMALIZED}

# What nets that label pixels change: a pixel's label is seldom in doubt, and a smooth target blurs the outlines.
OF_PIXELS = {"label_smoothing": 0.0}

# What a start from trained weights changes: the body learns more slowly than the new head (docs/fine_tuning.md).
FINE_TUNING = {
    "optimizer": "adam", "learning_rate": 1e-3, "schedule": "cosine", "weight_decay": 0.0, "body_rate": 0.1,
}

NONE = "none"  # means None where None means "not given"
OF_OPTIMIZER = ("optimizer", "learning_rate", "schedule", "momentum", "weight_decay")
OPTIONAL = {item.name for item in fields(Recipe) if item.default is None}


def recipe_for(entry: Entry, dataset: str | None = None, named: StrPath | None = None, layout: Layout | None = None,
               has_weights: bool = False, **overrides: Any) -> Recipe:
    """Return the recipe of an entry on a data set, with the overrides that aren't None.

    `has_weights` says whether the net starts from given weights: then the default is that of fine-tuning.

    An override "none" sets an optional field to None.

    `named` is "fast" or None (the default of model and data), "paper" (as the paper trained the model), or the path
    of a YAML file whose fields override the default's. If the default names an optimizer and another is asked for, its
    learning rate, schedule, momentum and weight decay are left out with it. `layout` is that of the net, if overrides
    have changed the entry's own.

    Raises:
        ZooError: if there is no such recipe, or a field has no such value.
    """
    given = {key: value for key, value in overrides.items() if value is not None}
    if named == "paper":
        if entry.paper_recipe is None:
            raise ZooError(
                f"No recipe of the paper of {entry.name} is known here; `--recipe fast` is its default."
            )
        start = entry.paper_recipe
    else:
        own = {} if named in (None, "fast") else read_recipe(named)
        start = _default(entry, dataset, layout, (own | given).get("optimizer"), has_weights) | own
    return Recipe(**start | {key: None if value == NONE and key in OPTIONAL else value for key, value in given.items()})


def _default(entry, dataset, layout, optimizer, has_weights):
    """Return the fields that model, data and weights change in the default recipe, without those of another optimizer.

    `optimizer` is the one that was asked for, or None.
    """
    default, layout = DATA.get(dataset, {}), layout or entry.layout(entry.classes or 2)
    default = default | (OF_PIXELS if labels_pixels(layout) else {})
    if dataset in DATA_OF_NORMALIZED and "batch" in norm_kinds(layout.body):
        default = default | DATA_OF_NORMALIZED[dataset]
    default = default | (FINE_TUNING if has_weights else {}) | entry.recipe
    if optimizer in (None, default.get("optimizer", optimizer)):
        return default
    return {key: value for key, value in default.items() if key not in OF_OPTIMIZER}


def read_recipe(path: StrPath) -> dict[str, Any]:
    """Return the fields that a YAML file sets. Raises `ZooError` for a file that is no recipe."""
    import yaml

    try:
        with open(path, encoding="utf-8") as file:
            read = yaml.safe_load(file)
    except (OSError, UnicodeDecodeError) as problem:
        why = getattr(problem, "strerror", None) or "it is no text"
        raise ZooError(f"{path} can't be read as a recipe: {why}. A recipe is paper, fast or a YAML file.") from None
    except yaml.YAMLError as problem:
        raise ZooError(f"{path} is no YAML: {first_line(problem)}.") from None
    if not isinstance(read, dict):
        raise ZooError(f"{path} is no recipe: it must hold lines such as `learning_rate: 0.01`.")
    known = {item.name: item for item in fields(Recipe)}
    for key, value in read.items():
        if key not in known:
            raise ZooError(f"{path}: a recipe has no {key!r}.{did_you_mean(str(key), known)}")
        try:
            read[key] = typed(known[key], value)
        except ZooError as problem:
            raise ZooError(f"{path}: {problem}") from None
    return read


def typed(item: Field, value: Any) -> Any:
    """Convert a value to the type of the recipe's field `item`: "1e-3" to a number, "flip, crop" to a tuple.

    Raises `ZooError` for a value that can't be converted.
    """
    if value in (None, NONE) and item.name in OPTIONAL:
        return None
    try:
        if item.type is tuple:
            values = [each for each in value.split(",") if each.strip()] if isinstance(value, str) else value
            if not isinstance(values, (list, tuple)):
                raise TypeError
            return tuple(_of_kind(item.metadata.get("kind", str), each) for each in values)
        return _of_kind((get_args(item.type) or (item.type,))[0], value)
    except (TypeError, ValueError, OverflowError):
        raise ZooError(f"{value!r} is no value for {item.name}.") from None


def _of_kind(kind, value):
    """Convert a value to the type `kind`. Raises `TypeError`, `ValueError` or `OverflowError` if that changes it."""
    if kind is str and isinstance(value, str):
        return value.strip()
    if kind is bool and isinstance(value, bool):
        return value
    if kind in (int, float) and not isinstance(value, bool) and kind(value) == float(value):
        return kind(value)
    raise ValueError

"""Arguments of a training -> a `Request`, checked before any image is read -> the `Job`, once images are loaded."""

import os
from collections.abc import Sequence
from dataclasses import dataclass, replace
from math import prod
from pathlib import Path
from typing import Any

from zoo import data, registry
from zoo.annotations import StrPath
from zoo.data.crops import checked_crop
from zoo.data.dataset import Dataset
from zoo.data.preprocessing import fit_to, inner_size
from zoo.entry import Entry
from zoo.errors import ZooError
from zoo.layout.layouts import labels_pixels
from zoo.plan import plan, resolve
from zoo.pretrained import find_stored
from zoo.recipes.defaults import recipe_for
from zoo.recipes.recipe import Recipe
from zoo.runs.job import Job
from zoo.runs.tracking import check_trackers


@dataclass(frozen=True)
class Request:
    """What a training is asked to do, checked as far as that is possible without its images.

    `model`, `options`, `weights`, `image_size` and `trackers` are those of `zoo.training.train`, `source` is the
    argument of `zoo.data.load_source`, `given` the names of the recipe's fields that were passed.
    """

    model: str
    options: dict
    entry: Entry
    recipe: Recipe
    source: dict
    weights: str | None
    image_size: tuple | None
    trackers: tuple
    given: tuple


def read_request(model: str, dataset: StrPath = "digits", data_dir: StrPath | None = None,
                 image_size: tuple | None = None, options: dict[str, Any] | None = None,
                 limit: int | None = None, classes: Sequence[str] | None = None, trackers: Sequence[str] = (),
                 recipe: Any = None, weights: StrPath | None = None, crop: Sequence[int] | None = None,
                 **fields: Any) -> Request:
    """Return the `Request` of a training; the arguments are those of `zoo.training.train`.

    Raises:
        ZooError: for every error that shows without the images, of which none is loaded.
    """
    model, options = registry.whereabouts(model), dict(options or {})
    entry, stored = registry.entry(model), find_stored(model, weights)
    if stored:  # the net of the record, but for what is asked for otherwise
        options, image_size = stored.options | options, image_size or stored.input_shape
    check_trackers(trackers)
    layout = resolve(model, entry.classes or 2, **options)[2]
    known_as = Path(dataset).stem if Path(dataset).suffix in data.FILES else Path(dataset).name.split(":")[0]
    settled = recipe_for(entry, known_as, recipe, layout, weights is not None, **fields)
    cut = None if crop is None else _crop_for(layout, entry, crop, image_size)
    image_size = cut or image_size
    size, channels = inner_size(layout, entry, image_size=image_size)
    source = {
        "dataset": data.whereabouts(dataset), "data_dir": data.folder_from_root(data_dir),
        "size": size, "limit": limit, "classes": classes,
        "order": "natural",
    } | ({"masks": True} if labels_pixels(layout) else {})
    if cut is not None:
        source |= _cut_to(cut, plan(model, (*cut, channels), entry.classes or 2, **options))
    given = tuple(name for name, value in fields.items() if value is not None)
    start = whereabouts(model, weights)
    return Request(model, options, entry, settled, source, start, image_size, tuple(trackers), given)


def _crop_for(layout, entry, crop, image_size):
    """Return the crop as (height, width). Raises `ZooError` if the net can't be trained on crops, or beside a size."""
    if not labels_pixels(layout):
        raise ZooError(f"{entry.name} gives one label for each image, and a crop may not show what it names: crop is "
                       "for nets that label pixels.")
    if entry.margin:
        raise ZooError(f"{entry.name} takes images with a margin around them, which crops don't have.")
    if image_size:
        raise ZooError("crop is the size that is trained at: leave image_size out.")
    return checked_crop(crop)


def _cut_to(crop, planned):
    """Return what a run's source says on crops, and on the part of them that the net labels, if that isn't all."""
    size = planned.trace.output_shape[:2]
    part = {} if planned.corner is None or size == crop else {"covered": (*planned.corner, *size)}
    return {"crop": crop} | part


def whereabouts(model: str, weights: StrPath | None) -> str | None:
    """Return the name of a set of weights, or the absolute path of a file or folder: valid in any working directory."""
    if weights is None:
        return None
    is_set = weights in registry.entry(model).weights or find_stored(model, weights)
    return str(weights) if is_set or not os.path.exists(weights) else os.path.abspath(weights)


def make_job(asked: Request, dataset: Dataset, single_threaded_ops: bool = False) -> Job:
    """Return the `Job` of a `Request` on a `Dataset`; every error on the size of the images is raised here.

    Raises:
        ZooError: if the net can't be trained to classify these images.
    """
    from zoo.training.freezing import check_trainable
    from zoo.training.shards import shards_for

    classes = len(dataset.class_names)
    pixels = prod(dataset.image_shape[:2]) if dataset.has_masks else 1
    recipe: Any = asked.recipe.for_images(len(dataset.train), pixels)
    layout = resolve(asked.model, classes, **asked.options)[2]
    preprocessing = fit_to(layout, asked.entry, dataset, asked.image_size)
    if asked.weights is not None:
        from zoo.weights.published import pretrained_preprocessing

        known = pretrained_preprocessing(asked.entry, asked.weights, preprocessing.input_shape)
        preprocessing = known or preprocessing
    preprocessing = replace(preprocessing, tiled="crop" in asked.source)
    planned = plan(asked.model, preprocessing.input_shape, classes, **asked.options)
    _check_outputs(planned, dataset)
    _check_recipe(recipe, dataset)
    check_trainable(planned.trace, recipe)
    is_named = asked.model == planned.name
    return Job(
        model=asked.model, options=asked.options, name=planned.name,
        layout=None if is_named else tuple(map(repr, planned.layout.body + planned.layout.head)),
        params=planned.trace.params, macs=planned.trace.macs, dataset=dataset.name,
        source=asked.source | {"white": dataset.white}, class_names=tuple(dataset.class_names),
        images={split: len(getattr(dataset, split)) for split in ("train", "validation", "test")},
        preprocessing=preprocessing, corner=planned.corner, colours=dataset.colours, recipe=recipe,
        weights=asked.weights, trackers=asked.trackers,
        shards=shards_for(recipe.batch_size, planned.trace, recipe.precision), single_threaded_ops=single_threaded_ops,
    )


def _check_outputs(planned, dataset):
    """Raise `ZooError` unless the net gives one score a class: of each image, or of each pixel if these have labels."""
    output, classes = planned.trace.output, len(dataset.class_names)
    if not planned.layout.head:
        raise ZooError(f"{planned.name} has no head that gives class scores: it can't be trained.")
    if output.is_map and not dataset.has_masks:
        raise ZooError(f"{planned.name} labels each pixel, but {dataset.name} has one label for each image.")
    if dataset.has_masks and not output.is_map:
        nets = [name for name in registry.list_models() if labels_pixels(registry.entry(name).layout())]
        raise ZooError(f"{dataset.name} has a label for each pixel, but {planned.name} gives one for each image; nets "
                       f"that label pixels are {', '.join(nets[:-1])} and {nets[-1]}.")
    if output.shape[-1] != classes:
        raise ZooError(f"{planned.name} has {output.shape[-1]} outputs, but {dataset.name} has {classes} classes.")
    if output.is_map and output.stride != (1, 1):
        stride = output.stride[0]
        raise ZooError(f"{planned.name} gives a map of stride {stride}: to label each pixel, its head must end in "
                       f'Upsample({stride}, "bilinear") and Crop("image").')


def _check_recipe(recipe, dataset):
    """Raise `ZooError` if the recipe can't be trained on these labels."""
    if mixing := [name for name in recipe.augment if dataset.has_masks and name in ("mixup", "cutmix")]:
        raise ZooError(f"{mixing[0]} mixes images and their labels, but the masks of {dataset.name} can't be mixed.")
    if recipe.loss == "dice" and not dataset.has_masks:
        raise ZooError(f"dice is a loss of masks, but {dataset.name} has one label for each image.")

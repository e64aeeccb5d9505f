"""Apply a trained model: measure it on a test split, or let it answer to image files."""

import time
import warnings
from collections.abc import Sequence
from typing import Any

import numpy as np

from zoo import data
from zoo.annotations import StrPath
from zoo.data.matching import matched
from zoo.data.selection import at_most
from zoo.errors import ZooError, ZooWarning
from zoo.inference.maps import at_once
from zoo.inference.mask_files import write_masks
from zoo.inference.measure import measure
from zoo.inference.pictures import read_pictures
from zoo.inference.trained import load_trained
from zoo.runs.folder import Result
from zoo.runs.same_data import changed, doubts


def evaluate(subject: StrPath, dataset: StrPath | None = None, data_dir: StrPath | None = None,
             weights: StrPath | None = None, batch_size: int = 128, options: dict[str, Any] | None = None,
             check: tuple[StrPath, StrPath] | None = None) -> Result:
    """Measure a run, or a model with weights, on a test split; return a `Result` (seconds are those of the test).

    `weights`, `options` and `check` are those of `load_trained`.

    Without `dataset` a run is tested on the data that it was trained on; if it was trained on some classes only,
    on these. Classes are matched by name (`zoo.data.matching`). Assumptions made for that, possible changes of
    the data since training, and the notes on a given `dataset` are each reported by a `ZooWarning`.

    Raises:
        ZooError: if the data has classes that the model doesn't know, or there is no data to test on.
    """
    trained = load_trained(subject, weights, options, check)  # reports a wrong name before Keras is loaded
    trained.check_answers()
    job = trained.run.job() if trained.run else None
    split, messages = _data(subject, job, dataset, data_dir, trained)
    split, assumed = matched(split, trained.class_names, trained.name)
    for message in (*messages, *assumed):
        warnings.warn(message, ZooWarning, stacklevel=2)
    masks = None
    if split.has_masks:
        masks = trained.mask_model(split.image_shape[:2])
        batch_size = min(batch_size, at_once(trained.model, split.image_shape[:2]))
    scores, seconds = _timed(measure, trained.folded().on_images(split.image_shape), split.test, batch_size, masks)
    return Result(
        run=str(subject), model=trained.name, dataset=split.name, **scores.metrics(),
        epochs=len(trained.run.metrics()["epoch"]) if trained.run else 0,
        seconds=round(seconds, 3), images_per_second=round(len(split.test) / seconds, 1),
    )


def _data(subject, job, dataset, data_dir, trained):
    """Return the data set to test on, a run's own or another, and messages on it."""
    if not job and dataset is None:
        raise ZooError(f"{subject} is no run, so say with --dataset what to test it on.")
    own = job.source if job else {"order": "natural"}
    if dataset is None:
        source = own | ({"data_dir": data_dir} if data_dir else {})
    else:  # the order of the classes affects which images are split off for testing, if there is no test split
        source = {"dataset": dataset, "data_dir": data_dir, "order": own.get("order", "text")}
        source |= {key: own.get(key) for key in ("classes", "white", "crop", "covered")}
        source |= {"masks": True} if trained.corner else {}
    split = data.load_source({"size": trained.front.loaded_size} | source)
    messages = list(split.notes) if dataset else []
    if job and data.is_same(source["dataset"], own["dataset"]):
        if not (dataset and own.get("limit")):
            messages += _doubts(job, split)
        elif "crop" not in own:  # else the limit is one of images, of which there are only tiles here
            messages += _doubts(job, at_most(split, own["limit"]))
    return split, messages


def predict(subject: StrPath, paths: Sequence[StrPath], weights: StrPath | None = None, top: int | None = None,
            options: dict[str, Any] | None = None, check: tuple[StrPath, StrPath] | None = None,
            output: StrPath | None = None) -> list[dict[str, Any]]:
    """Classify image files, or label their pixels; return a dict per file.

    Its keys are `image`, and `classes`, the `top` most probable (3 by default), best first; or, of a net that labels
    pixels, those of `zoo.inference.mask_files.write_masks`, which writes into the folder `output`, by default the
    current one. `weights`, `options` and `check` are those of `load_trained`.

    Raises:
        ZooError: if a file is missing, not an image, or blank on white; nothing is classified or written then. Also for
            `top` given for a net that labels pixels, and `output` for one that classifies images.
    """
    trained = load_trained(subject, weights, options, check)
    trained.check_answers()
    if trained.labels_pixels:
        if top is not None:
            raise ZooError(f"{trained.name} labels each pixel with one class: --top is for nets that classify images.")
        return write_masks(trained, paths, "." if output is None else output)
    if output is not None:
        raise ZooError(f"{trained.name} classifies images and writes nothing: --output is for nets that label pixels.")
    return _classified(trained, paths, 3 if top is None else top)


def _classified(trained, paths, top):
    answers = []
    for path, picture in zip(paths, read_pictures(paths, trained.white)):
        probabilities = trained.probabilities(picture[None])[0]
        best = np.argsort(-probabilities, kind="stable")[:top]
        classes = [{"name": trained.class_names[i], "probability": round(float(probabilities[i]), 6)} for i in best]
        answers.append({"image": str(path), "classes": classes})
    return answers


def _doubts(job, dataset):
    """Return messages on how a run's own data may have changed since training."""
    why = changed(job, dataset)
    more = [f"{why}: it may have been trained on images that it is tested on now, or on others."] if why else []
    return more + doubts(job, dataset)


def _timed(function, *arguments):
    start = time.perf_counter()
    return function(*arguments), time.perf_counter() - start

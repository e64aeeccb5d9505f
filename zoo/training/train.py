"""A training, from arguments to the run's folder: train on the training split, choose the epoch on validation, test."""

from collections.abc import Callable, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from zoo import data
from zoo.annotations import StrPath
from zoo.data.dataset import Dataset
from zoo.data.matching import renumbered
from zoo.errors import ZooError
from zoo.inference.measure import measure
from zoo.inference.trained import load_trained
from zoo.names import line
from zoo.processor import check_bfloat16, slow_bfloat16
from zoo.recipes.recipe import is_over
from zoo.runs.folder import Result, new_run, started_run
from zoo.runs.same_data import changed, doubts
from zoo.runs.sparing import can_do_without
from zoo.training.request import make_job, read_request


def train(model: str, dataset: StrPath = "digits", data_dir: StrPath | None = None,
          image_size: tuple[int, ...] | None = None, options: dict[str, Any] | None = None, runs: StrPath = "runs",
          verbose: str | int = "auto", log: Callable[[str], None] = print, limit: int | None = None,
          classes: Sequence[str] | None = None, trackers: Sequence[str] = (), strategy: str = "auto",
          recipe: StrPath | None = None, watch: Callable[[list[dict[str, float]]], None] | None = None,
          loaded: Dataset | None = None, own_process: bool = False, weights: StrPath | None = None,
          crop: Sequence[int] | None = None, **fields: Any) -> Result | None:
    """Train a model and leave a run's folder; return its `Result`, or None in a worker that isn't the chief.

    Args:
        model: a registered name, or "my_layout.py:tiny".
        dataset: "digits", "shapes" or "shapes:object" (with masks), a TFDS name, a folder of class folders or of
            images and masks, or a Keras-style .npz.
        data_dir: where TFDS keeps its data sets.
        image_size: (height, width) or (height, width, channels) to train at; chosen from model and data by default.
        options: the layout's overrides, as `zoo.create` takes them.
        runs: the folder in which the run's folder is made.
        verbose: Keras's own: "auto" draws a bar, 2 writes a line per epoch, 0 nothing.
        log: called with each message on what is done.
        limit: the most images that a split keeps; all by default.
        classes: names of the only classes to keep, in the order of their labels; all by default.
        trackers: where the figures also go: some of "tensorboard" (the run's folder), "mlflow" and "wandb".
        strategy: which devices train: "auto", "single", "mirrored" or "multiworker" (`zoo.training.distribution`).
        recipe: the recipe that `fields` override: "fast" or None (model's and data's own), "paper", or a YAML file.
        watch: called with the metrics so far, a dict per epoch, when training starts or resumes and after each epoch;
            an exception that it raises ends the training.
        loaded: the data set, if it is loaded already.
        own_process: whether this process runs nothing else, so that TensorFlow's threads may be configured for the run.
        weights: the weights that the net starts from, as `zoo.create` takes them; a head of another number of classes
            starts anew. None for random ones.
        crop: (height, width) of the parts of images that a net that labels pixels is trained on, in the place of images
            resized to one size: `zoo.data.load`'s.
        **fields: fields of `Recipe`, None for those of `recipe`.

    Raises:
        ZooError: for bad input, before anything is written.
    """
    asked = read_request(
        model, dataset, data_dir, image_size, options, limit, classes, trackers, recipe, weights, crop, **fields
    )

    from zoo.training.building import load_start
    from zoo.training.distribution import choose
    from zoo.training.shards import foreseen_shards, use_single_threaded_ops

    single_threaded_ops = own_process and foreseen_shards(asked) > 1
    if single_threaded_ops:
        use_single_threaded_ops()  # before listing devices, which initializes TensorFlow
    devices = choose(strategy)
    loaded = loaded or data.load_source(asked.source)
    job = make_job(asked, loaded, single_threaded_ops)
    log, verbose = devices.on_chief(log, verbose)
    for message in _messages(job, asked, loaded):
        log(message)
    devices.join(log)
    _check_devices(job, loaded, devices, log)
    start, account = load_start(job)
    if account:
        log(account)
    run = new_run(runs, job.name, job.dataset) if devices.is_chief else None
    return _train(run, job, loaded, devices, Progress(verbose, log, watch), start, is_new=True)


def resume(folder: StrPath, verbose: str | int = "auto", log: Callable[[str], None] = print,
           watch: Callable[[list[dict[str, float]]], None] | None = None, strategy: str = "auto",
           own_process: bool = False) -> Result | None:
    """Resume a run that was stopped, from its last checkpoint; return what `train` does.

    `watch` and `own_process` are `train`'s.

    The weights are those of a run without the stop, bit for bit on a CPU in float32. A finished run stays as it is.
    `strategy` may differ from before; every worker has to be able to read the folder.

    Raises:
        ZooError: if there is no such run, or its data or its layout aren't what they were.
    """
    run = started_run(folder)  # raises if there is none, before Keras is loaded
    job, finished = run.job(), run.result()

    from zoo.training.checkpoint import read_start
    from zoo.training.distribution import choose
    from zoo.training.shards import use_single_threaded_ops

    if own_process and job.single_threaded_ops:
        use_single_threaded_ops()  # before listing devices, which initializes TensorFlow
    devices = choose(strategy)
    log, verbose = devices.on_chief(log, verbose)
    if finished:
        log(f"The run in {run.folder} is finished.")
        if devices.is_chief and not run.is_shown:
            with can_do_without(run.report_path.name):
                _write_missing_report(run, job, log)
        return finished
    dataset = _load_data(job, f": the run in {run.folder} can't go on with it.")
    for doubt in doubts(job, dataset):
        log(doubt)
    devices.join(log)
    devices.check(job.recipe)
    start = read_start(run) if job.weights else None
    return _train(run, job, dataset, devices, Progress(verbose, log, watch), start)


def _messages(job, asked, dataset):
    """Return the messages before a training: on its data, on preprocessing, on fields without effect."""
    from zoo.training.initialization import without_residuals

    unused = [*job.recipe.unused(asked.given), without_residuals(job.plan, job.recipe)]
    if job.recipe.freeze and job.weights is None:
        unused.append("The frozen layers keep random weights: without --weights they have learnt nothing.")
    if job.weights is not None:
        unused.append(_doubt_on_images(job, asked.entry))
    told = (*dataset.notes, job.preprocessing.sentence(dataset.image_shape), _part_that_counts(job), *unused)
    return [one for one in told if one]


def _part_that_counts(job):
    """Return a message if the net's map is smaller than its input, so that not all of an image is learnt, or ""."""
    size, output = job.preprocessing.input_shape[:2], job.plan.trace.output_shape[:2]
    if job.corner is None or job.preprocessing.tiled or output == size:
        return ""
    return (f"{job.name} labels the inner {output[0]}x{output[1]} pixels of its {size[0]}x{size[1]} input, as it has "
            "no padding: only these are learnt and measured. With --set padding=same it labels all.")


def _doubt_on_images(job, entry):
    """Return a message if it isn't known for certain how the images were prepared that the weights come from, or ""."""
    from zoo.weights.published import is_assumed, pretrained_preprocessing

    name = line(Path(job.weights).name)
    if pretrained_preprocessing(entry, job.weights, job.preprocessing.input_shape) is None:
        return (f"How images were prepared for {name} isn't known: here they get the mean 0 and the deviation 1, or "
                "the paper's range.")
    if is_assumed(entry, job.weights):
        return f"Images are prepared as torchvision does, since {name} has the keys of such a net."
    return ""


def _check_devices(job, dataset, devices, log):
    """Raise `ZooError` if the job can't be done on these devices or has no update; warn of slow bfloat16."""
    from zoo.training.classifier import steps_per_epoch
    from zoo.training.freezing import periods

    recipe = job.recipe
    devices.check(recipe)
    if recipe.precision == "bfloat16":
        check_bfloat16()
        if warning := slow_bfloat16(devices.names[0]):
            log(warning)
    epochs = min(end - first for first, end in periods(recipe, 0))  # each period accumulates anew
    steps = steps_per_epoch(len(dataset.train), recipe.batch_size, dataset.is_in_memory) * epochs
    if recipe.accumulate > steps:
        where = "before or after frozen layers thaw" if recipe.freeze and recipe.thaw else "of this run"
        raise ZooError(f"accumulate must be at most {steps}, the steps {where}; got {recipe.accumulate}.")


def _load_data(job, consequence="."):
    """Return a job's data set, its classes in the job's order. Raises `ZooError` if the data has changed."""
    dataset = data.load_source({"size": job.preprocessing.size} | job.source)
    if why := changed(job, dataset):
        raise ZooError(why + consequence)
    return renumbered(dataset, job.class_names)  # a later version may order the classes in another way


@dataclass(frozen=True)
class Progress:
    """How a training tells how far it is: `verbose`, `log` and `watch` of `train`."""

    verbose: str | int
    log: Callable[[str], None]
    watch: Callable[[list[dict[str, float]]], None] | None


def _begin(run, job, start):
    """Write what the run has to have for being resumed."""
    from zoo.training.checkpoint import write_start

    run.add_to_config(job.to_config())
    if start is not None:
        write_start(run, start)


def _train(run, job, dataset, devices, progress, start, is_new=False):
    """Do what is left of a run: epochs, test, report. Only the chief writes it; others need it only to resume one."""
    from zoo.training.building import build_for
    from zoo.training.distribution import WorkerLost

    own, history, log = run if devices.is_chief else None, [], progress.log
    try:
        if own and is_new:
            _begin(own, job, start)
        if own:
            own.add_to_config(strategy=devices.strategy, replicas=devices.replicas)
        with _keeping_best(own, job, dataset, history, start), devices.scope():
            net, classifier = _train_periods(run, job, dataset, devices, progress, start, history)
        if not devices.is_chief:
            return None
        if devices.replicas > 1 or job.recipe.freeze:
            net, classifier = build_for(job, dataset, start)  # on one device, as it was before any layer thawed
        return _finish(run, job, net, classifier, dataset, history)
    except (KeyboardInterrupt, WorkerLost):
        if devices.is_chief:
            log(f"Stopped after epoch {len(history)}; `{run.resuming}` goes on from there.")
        raise
    except OSError as problem:
        raise ZooError(
            f"The run can't be written: {problem.strerror or problem}. What is in {run.folder} is whole; once there is "
            f"room, `{run.resuming}` goes on from it."
        ) from None


def _train_periods(run, job, dataset, devices, progress, start, history):
    """Train the epochs that a run lacks, after those of its newest checkpoint; return the last net and classifier.

    `history`, an empty list, is filled with the metrics of each epoch.
    """
    from zoo.training.building import build_period
    from zoo.training.checkpoint import newest, restore
    from zoo.training.epochs import run_epochs
    from zoo.training.freezing import periods, take_over

    own, period = run if devices.is_chief else None, None
    saved = newest(run, progress.log) if run else None
    history += saved.history if saved else []
    for epochs in periods(job.recipe, len(history)):
        if period and is_over(job.recipe, history):
            break
        before, period = period, build_period(job, dataset, devices, start, epochs)
        if before:
            take_over(before.classifier, before.net, period.net)
        else:
            if saved:
                restore(saved, period.classifier, progress.log)
            progress.log(_start_message(job, period.net, dataset, devices, history))
        if message := period.message(job.recipe):
            progress.log(message)
        if len(history) < period.end and not is_over(job.recipe, history):
            run_epochs(period, job, own, devices, history, progress.verbose, progress.watch)
    return period.net, period.classifier


def _start_message(job, net, dataset, devices, history):
    """Return the message on what is trained, on which data and devices."""
    import keras

    size = "x".join(map(str, net.input_shape[1:]))
    return (
        f"{'Going on with' if history else 'Training'} {job.name} ({net.count_params():,} parameters, input {size}) on "
        f"{dataset.name} ({len(dataset.train):,} images, {len(dataset.class_names)} classes), {job.recipe.precision}, "
        f"{keras.backend.backend()} on {', '.join(devices.names)}"
        f"{f', after epoch {len(history)}' if history else ''}."
    )


def _finish(run, job, net, classifier, dataset, history):
    """Test the best epoch's weights, once, and write model, result and report; return the `Result`."""
    from zoo.runs.report import write_report

    seconds = sum(row["seconds"] for row in history)
    _keep_best(run, net, classifier)
    scores = _test(job, classifier, dataset)
    result = Result(
        run=str(run.folder), model=job.name, dataset=dataset.name, **scores.metrics(), epochs=len(history),
        seconds=round(seconds, 3), images_per_second=round(len(dataset.train) * len(history) / seconds, 1),
    )
    run.add_to_config(result=result.to_json())
    write_report(run, dataset, scores, net)
    return result


def _test(job, classifier, dataset):
    """Return what the classifier scores on the test split."""
    from zoo.training.building import mask_preprocessing

    masks = mask_preprocessing(job.plan, job.preprocessing, dataset)
    return measure(classifier.logits_on_images(), dataset.test, job.recipe.batch_size, masks, are_logits=True)


def _write_missing_report(run, job, log):
    """Write the report of a finished run, of which pictures or page are missing; nothing else changes."""
    from zoo.runs.report import write_report

    trained, dataset = load_trained(run.folder), _load_data(job)
    masks = trained.mask_model(dataset.image_shape[:2]) if dataset.has_masks else None
    scores = measure(trained.on_images(dataset.image_shape), dataset.test, job.recipe.batch_size, masks)
    write_report(run, dataset, scores, trained.model)
    log("Its pictures and its page, of which some were missing, are drawn again.")


@contextmanager
def _keeping_best(run, job, dataset, history, start):
    """Return a context that, on a non-finite loss, saves the model of the best epoch so far, if run and epoch exist."""
    from zoo.training.building import build_for
    from zoo.training.checkpoint import NonFiniteLoss

    try:
        yield
    except NonFiniteLoss:
        if run and history:
            _keep_best(run, *build_for(job, dataset, start))
        raise


def _keep_best(run, net, classifier):
    """Load the best epoch's weights into the net and the classifier around it; save the run's model."""
    from zoo.training.checkpoint import restore_best
    from zoo.training.classifier import without_auxiliary

    restore_best(run, classifier)
    partial = run.model_path.with_name("partial.keras")
    without_auxiliary(net).save(partial)
    partial.replace(run.model_path)

"""Recipe -> run: train on the training split, choose the epoch on validation, test once."""

import platform
from contextlib import contextmanager
from dataclasses import asdict
from pathlib import Path

import numpy as np

from zoo import data, registry
from zoo.data.matching import renumbered
from zoo.data.preprocessing import Preprocessing, fit_to, inner_size
from zoo.errors import ZooError
from zoo.inference.trained import load_trained
from zoo.layout import checks
from zoo.plan import plan, resolve
from zoo.processor import check_bfloat16, prepare, slow_bfloat16
from zoo.recipes.defaults import recipe_for
from zoo.recipes.recipe import Recipe, is_over
from zoo.runs.folder import Result, new_run, reading, started_run
from zoo.runs.same_data import changed, doubts
from zoo.runs.sparing import can_do_without
from zoo.runs.tracking import check_trackers
from zoo.versions import __version__, installed


def train(model, dataset="digits", data_dir=None, image_size=None, options=None, runs="runs", verbose="auto",
          say=print, limit=None, classes=None, trackers=(), strategy="auto", recipe=None, watch=None, loaded=None,
          own_process=False, **fields):  # fmt: skip
    """Train a model and leave a run's folder; return its `Result`, or None in a worker that isn't the chief.

    Args:
        model: a registered name, or "my_layout.py:tiny".
        dataset: "digits", a TFDS name, a folder of class folders, or a Keras-style .npz.
        data_dir: where TFDS keeps its sets.
        image_size: (height, width) or (height, width, channels) to train at; chosen from model and data by default.
        options: the layout's overrides, as `zoo.create` takes them.
        runs: the folder in which the run's folder is made.
        verbose: Keras's own: "auto" draws a bar, 2 writes a line an epoch, 0 nothing.
        say: called with each sentence on what is done.
        limit: the most images that a split keeps; all by default.
        classes: names of the only classes to keep, in the order of their labels; all by default.
        trackers: where the figures also go: some of "tensorboard" (the run's folder), "mlflow" and "wandb".
        strategy: which devices train: "auto", "single", "mirrored" or "multiworker" (`zoo.training.distribution`).
        recipe: what the fields start from: "fast" or None (model's and data's own), "paper", or a YAML file.
        watch: called with the figures so far, a dict an epoch, as training begins or goes on and after each epoch; what
            it raises ends the training.
        loaded: the data set, where it is loaded already.
        own_process: whether this process is there for the run alone: TensorFlow's threads may be set up for it then.
        **fields: fields of `Recipe`, None for what they start from.

    Raises:
        ZooError: for bad input, before anything is written.
    """
    prepare()

    from zoo.training.distribution import choose
    from zoo.training.initialization import without_residuals
    from zoo.training.shards import foreseen_parts, one_core_an_op, parts_of

    options, model = dict(options or {}), registry.whereabouts(model)
    entry, recipe, source = check(
        model, dataset, data_dir, image_size, options, limit, classes, trackers, recipe, **fields
    )
    settled = own_process and foreseen_parts(model, options, recipe.precision, image_size, recipe.batch_size) > 1
    if settled:
        one_core_an_op()
    devices = choose(strategy)
    dataset = loaded or data.load_source(source)
    source |= {"white": dataset.white}
    recipe = recipe.for_images(len(dataset.train))
    front, planned = _fit(model, entry, dataset, image_size, options)
    say, verbose = devices.voice(say, verbose)
    given = [name for name, value in fields.items() if value is not None]
    unused = [*recipe.unused(given), without_residuals(planned, recipe)]
    for note in (*dataset.notes, front.sentence(dataset.image_shape), *unused):
        if note:
            say(note)
    devices.join(say)
    devices.check(recipe)
    if recipe.precision == "bfloat16":
        check_bfloat16()
        if warning := slow_bfloat16(devices.names[0]):
            say(warning)
    _check_steps(recipe, dataset)
    config = _config(planned, model, options, dataset, source, front, recipe)
    config |= {
        "trackers": trackers, "parts": parts_of(recipe.batch_size, planned.trace, recipe.precision),
        "one_core_an_op": settled,  # the order of sums follows from it, and the last bits of the weights
        "keeps_classes": True,  # in training, however few images they have; runs without this may be split otherwise
    }  # fmt: skip
    run = new_run(runs, planned.name, dataset.name) if devices.is_chief else None
    return _train(run, config, dataset, devices, verbose, say, watch)


def check(model, dataset="digits", data_dir=None, image_size=None, options=None, limit=None, classes=None,
          trackers=(), recipe=None, **fields):  # fmt: skip
    """Return the entry, the `Recipe` and the data's source of a training; the arguments are those of `train`.

    Raises:
        ZooError: for what is wrong whatever the images are; none is fetched.
    """
    entry = registry.entry(model)
    check_trackers(trackers)
    recipe = recipe_for(entry, Path(dataset).name.removesuffix(".npz"), recipe, **fields)
    layout = resolve(model, entry.classes or 2, **options or {})[2]
    return entry, recipe, {
        "dataset": data.whereabouts(dataset), "data_dir": data.folder_from_root(data_dir),
        "size": inner_size(layout, entry, image_size=image_size)[0], "limit": limit, "classes": classes,
        "order": "natural",
    }  # fmt: skip


def resume(folder, verbose="auto", say=print, watch=None, strategy="auto", own_process=False):
    """Go on with a run that was stopped, from its last checkpoint; return what `train` does.

    `watch` and `own_process` are `train`'s.

    It ends as it would have without the stop: with the same weights, bit for bit on a CPU in float32. A finished run
    stays as it is. It may go on with another `strategy`; each worker needs its folder then, to read.

    Raises:
        ZooError: if there is no such run, or its data or its layout aren't what they were.
    """
    run = started_run(folder)  # what is none is told before Keras is loaded
    prepare()

    from zoo.training.distribution import choose
    from zoo.training.shards import one_core_an_op

    with reading(run):
        config = run.config()
        finished = Result(**config["result"]) if "result" in config else None
        front, recipe = Preprocessing.from_config(config["preprocessing"]), Recipe(**config["recipe"])
        source, class_names = config["data"], config["class_names"]
        config["parts"] = _recorded_parts(config, recipe)
        config.setdefault("one_core_an_op", config["parts"] > 1)
    if own_process and config["one_core_an_op"]:
        one_core_an_op()
    devices = choose(strategy)
    say, verbose = devices.voice(say, verbose)
    if finished:
        say(f"The run in {run.folder} is finished.")
        if devices.is_chief and not run.is_shown:
            with can_do_without(run.report_path.name):
                _show(run, config, recipe, say)
        return finished
    dataset = data.load_source({"size": front.size} | source)
    if why := changed(config, dataset):
        raise ZooError(f"{why}: the run in {run.folder} can't go on with it.")
    for doubt in doubts(config, dataset):
        say(doubt)
    dataset = renumbered(dataset, class_names)  # a later version may order the classes in another way
    devices.join(say)
    devices.check(recipe)
    return _train(run, config, dataset, devices, verbose, say, watch)


def _show(run, config, recipe, say):
    """Draw what a finished run lacks of its pictures and page; nothing else of it changes."""
    from zoo.inference.predictor import predict_split
    from zoo.runs.report import write_report

    trained = load_trained(run.folder)
    dataset = data.load_source({"size": trained.preprocessing.size} | config["data"])
    if why := changed(config, dataset):
        raise ZooError(why)
    dataset = renumbered(dataset, config["class_names"])
    probabilities = predict_split(trained.on_images(dataset.image_shape), dataset.test, recipe.batch_size)
    write_report(run, config, dataset, np.log(probabilities.clip(1e-30)), trained.model)
    say("Its pictures and its page, of which some were missing, are drawn again.")


def _recorded_parts(config, recipe):
    """In how many parts a run's batches are computed; one that began before there were any has 1."""
    parts = checks.count("parts", config.get("parts", 1))
    if parts > recipe.batch_size:
        raise ZooError(f"parts must be at most {recipe.batch_size}, the images of a batch; got {parts}.")
    return parts


def _check_steps(recipe, dataset):
    """Raise `ZooError` if the run has too few steps for a single update."""
    from zoo.training.classifier import steps_per_epoch

    steps = steps_per_epoch(len(dataset.train), recipe.batch_size, dataset.is_held) * recipe.epochs
    if recipe.accumulate > steps:
        raise ZooError(f"accumulate must be at most {steps}, the steps of this run; got {recipe.accumulate}.")


def _train(run, config, dataset, devices, verbose, say, watch):
    """Do what is left of a run: of its epochs, of its end. Only the chief writes it, and needs it to begin one."""
    from zoo.training.building import build
    from zoo.training.checkpoint import restore
    from zoo.training.distribution import WorkerLost
    from zoo.training.epochs import run_epochs

    config |= {"strategy": devices.strategy, "replicas": devices.replicas}
    recipe, history = Recipe(**config["recipe"]), []
    front = Preprocessing.from_config(config["preprocessing"])
    made_of = config["source"], config["options"], front, dataset, recipe
    own = run if devices.is_chief else None
    try:
        if own:
            own.write_config(config)
        with _keeping_best(own, made_of, history), devices.scope():
            net, classifier = build(*made_of, devices.replicas, config["parts"] if devices.take_parts else 1)
            history += restore(run, classifier, say) if run else []
            say(_beginning(config, net, dataset, devices, history))
            if not is_over(recipe, history):
                run_epochs(classifier, dataset, recipe, own, devices, history, verbose, watch)
        if not devices.is_chief:
            return None
        if devices.replicas > 1:
            net, classifier = build(*made_of)  # on one device
        return _finish(run, config, net, classifier, dataset, recipe, history)
    except (KeyboardInterrupt, WorkerLost):
        if devices.is_chief:
            say(f"Stopped after epoch {len(history)}; `{run.resuming}` goes on from there.")
        raise
    except OSError as problem:
        raise ZooError(
            f"The run can't be written: {problem.strerror or problem}. What is in {run.folder} is whole; once there is "
            f"room, `{run.resuming}` goes on from it."
        ) from None


def _beginning(config, net, dataset, devices, history):
    """The sentence on what is trained, and where."""
    import keras

    size = "x".join(map(str, net.input_shape[1:]))
    return (
        f"{'Going on with' if history else 'Training'} {config['model']} ({net.count_params():,} parameters, input "
        f"{size}) on {dataset.name} ({len(dataset.train):,} images, {len(dataset.class_names)} classes), "
        f"{config['recipe']['precision']}, {keras.backend.backend()} on {', '.join(devices.names)}"
        f"{f', after epoch {len(history)}' if history else ''}."
    )


def _fit(model, entry, dataset, image_size, options):
    """Choose the preprocessing, and plan the model for it; every size error comes from here."""
    classes = len(dataset.class_names)
    front = fit_to(resolve(model, classes, **options)[2], entry, dataset, image_size)
    planned = plan(model, front.input_shape, classes, **options)
    if len(planned.trace.output_shape) != 1 or not planned.layout.head:
        raise ZooError(f"{planned.name} has no head that gives class scores: it can't be trained to classify images.")
    if planned.trace.output_shape[0] != classes:
        raise ZooError(
            f"{planned.name} has {planned.trace.output_shape[0]} outputs, but {dataset.name} has {classes} classes."
        )
    return front, planned


def _finish(run, config, net, classifier, dataset, recipe, history):
    """Take the best epoch, test it once, and write what a finished run holds: the result before what shows it."""
    import keras

    from zoo.inference.predictor import predict_split
    from zoo.runs.report import write_report

    seconds = sum(row["seconds"] for row in history)
    _keep_best(run, net, classifier)
    logits = predict_split(classifier.on_images(), dataset.test, recipe.batch_size)
    predictions = logits.argmax(-1)
    losses = keras.losses.sparse_categorical_crossentropy(dataset.test.labels, logits, from_logits=True)
    result = Result(
        run=str(run.folder), model=config["model"], dataset=dataset.name,
        test_accuracy=round(float((predictions == dataset.test.labels).mean()), 6),
        test_loss=round(float(np.mean(losses)), 6), epochs=len(history),
        seconds=round(seconds, 3), images_per_second=round(len(dataset.train) * len(history) / seconds, 1),
    )  # fmt: skip
    config = run.config() | {"result": asdict(result)}
    run.write_config(config)
    write_report(run, config, dataset, logits, net)
    return result


@contextmanager
def _keeping_best(run, made_of, history):
    """If the loss stops being a number, leave the model of the best epoch so far in the run, if there are both."""
    from zoo.training.building import build
    from zoo.training.checkpoint import NoNumber

    try:
        yield
    except NoNumber:
        if run and history:
            _keep_best(run, *build(*made_of))
        raise


def _keep_best(run, net, classifier):
    """Give the net, and the classifier around it, the weights of the best epoch; write the run's model."""
    from zoo.training.checkpoint import restore_best
    from zoo.training.classifier import without_auxiliary

    restore_best(run, classifier)
    partial = run.model_path.with_name("partial.keras")
    without_auxiliary(net).save(partial)
    partial.replace(run.model_path)


def _config(planned, model, options, dataset, source, front, recipe):
    """Everything needed to repeat the run."""
    import keras

    return {
        "model": planned.name,
        "source": model,
        "options": options,
        "layout": None if model == planned.name else [repr(word) for word in planned.layout.body + planned.layout.head],
        "params": planned.trace.params,
        "macs": planned.trace.macs,
        "dataset": dataset.name,
        "data": source,
        "class_names": list(dataset.class_names),
        "images": {split: len(getattr(dataset, split)) for split in ("train", "validation", "test")},
        "preprocessing": asdict(front),
        "recipe": asdict(recipe),
        "versions": installed("keras", "tensorflow", "jax", "numpy")
        | {"python": platform.python_version(), "zoo": __version__, "backend": keras.backend.backend()},
    }


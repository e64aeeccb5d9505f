"""Store the weights of finished runs in the package, each with its record:

    python train.py --model lenet5 --dataset mnist --epochs 20
    python -m benchmarks.stored_weights runs/lenet5-mnist-1

writes zoo/pretrained/lenet5-mnist.weights.h5 and .json, which `zoo.create("lenet5", weights="mnist")` takes then. The
accuracy in the record is measured here, of the file as it is stored, on the run's own test split. Weights are stored
as float16 if that gives the same accuracy, else as float32. For MNIST, pictures of digits are made as MNIST's first.
"""

import json
import re
import shlex
import tempfile
from dataclasses import asdict, fields, replace
from hashlib import sha256
from pathlib import Path

import click
import numpy as np

import zoo
from zoo import ZooError, data, pretrained, registry
from zoo.cli.frame import Command
from zoo.cli.options import written
from zoo.data.preprocessing import inner_size
from zoo.inference.trained import load_trained
from zoo.recipes.defaults import recipe_for
from zoo.runs.folder import find_run

AS_MNIST = {"mnist"}  # sets of digits that were made as MNIST's: `Preprocessing.digits`
VERSIONS = ("zoo", "keras", "tensorflow", "jax", "numpy", "python", "backend")


def store(folder):
    """Write the weights of a finished run and their record into `zoo.pretrained.FOLDER`; return the `Stored`.

    Raises `ZooError` if it is no finished run of a registered net.
    """
    run = find_run(folder)
    job, versions = run.job(), run.config()["versions"]
    entry, set_name = registry.entry(job.model), re.sub(r"\W", "_", job.dataset)
    if not entry.is_registered:
        raise ZooError(f"{job.model} is no registered net, and only these can have stored weights.")
    if not run.result():
        raise ZooError(f"The run in {folder} wasn't finished: `{run.resuming}` goes on with it.")
    dataset = data.load_source({"size": job.preprocessing.size} | job.source)
    trained = load_trained(run.folder)
    front = replace(trained.front, digits=set_name in AS_MNIST)
    dtype, content, right = _smallest(replace(trained, front=front), dataset)
    stored = pretrained.Stored(
        model=entry.name, weights=set_name, options=job.options, input_shape=front.input_shape,
        class_names=job.class_names, preprocessing=asdict(front), command=_command(job, entry, dataset),
        seed=job.recipe.seed, recipe=asdict(job.recipe), test_accuracy=round(right / len(dataset.test), 6),
        test_images=len(dataset.test), dtype=dtype, sha256=sha256(content).hexdigest(),
        versions={name: versions[name] for name in VERSIONS if name in versions},
    )
    stored.path.write_bytes(content)
    record = json.dumps(asdict(stored), indent=2, ensure_ascii=False) + "\n"
    stored.record_path.write_text(record, encoding="utf-8")
    return stored


def _smallest(trained, dataset):
    """Return how the weights are stored, the file's content, and how many test images the net in it has right."""
    job = trained.run.job()
    net = zoo.create(job.model, job.preprocessing.input_shape, len(job.class_names), weights=trained.run.model_path,
                     **job.options)
    exact = _right(trained, dataset)
    for dtype in ("float16", "float32"):
        with tempfile.TemporaryDirectory() as folder:
            path = Path(folder) / "net.weights.h5"
            net.save_weights(path)
            _compress(path, dtype)
            rounded = zoo.create(job.model, job.preprocessing.input_shape, len(job.class_names), **job.options)
            rounded.load_weights(path)
            if (right := _right(replace(trained, model=rounded), dataset)) == exact or dtype == "float32":
                return dtype, path.read_bytes(), right


def _compress(path, dtype):
    """Write the arrays of a file of weights anew, as another type and compressed."""
    import h5py

    with h5py.File(path) as file:
        content = {}
        file.visititems(lambda name, item: content.update({name: (dict(item.attrs), getattr(item, "shape", None))}))
        arrays = {name: np.asarray(file[name]) for name, (_, shape) in content.items() if shape is not None}
    with h5py.File(path, "w") as file:
        for name, (attributes, shape) in content.items():
            if shape is None:
                file.require_group(name).attrs.update(attributes)
            else:
                packed = {"compression": "gzip", "shuffle": True} if shape else {}
                with np.errstate(over="ignore"):  # it would show in the accuracy
                    file.create_dataset(name, data=arrays[name].astype(dtype), **packed)


def _right(trained, dataset):
    """Return how many images of the test split are classified as labelled."""
    from zoo.inference.predictor import predict_split

    probabilities = predict_split(trained.folded().on_images(dataset.image_shape), dataset.test, 128)
    return int(np.sum(probabilities.argmax(-1) == dataset.test.labels))


def _command(job, entry, dataset):
    """Return the command that trains the same net again; of the recipe, what isn't the default, epochs and seed."""
    usual = recipe_for(entry, job.dataset, layout=job.plan.layout).for_images(job.images["train"])
    words = ["--model", job.model, "--dataset", str(job.source["dataset"])]
    for key, value in job.options.items():
        words += ["--set", f"{key}={value}"]
    for key in ("limit", "classes"):
        if job.source.get(key):
            words += [f"--{key}", written(job.source[key])]
    if (job.preprocessing.size, job.preprocessing.channels) != inner_size(job.plan.layout, entry, dataset.image_shape):
        words += ["--image-size", "x".join(map(str, job.preprocessing.input_shape))]
    for field in fields(job.recipe):
        value, flag = getattr(job.recipe, field.name), f"--{field.name.replace('_', '-')}"
        if value != getattr(usual, field.name) or field.name in ("epochs", "seed"):
            negated = f"--no-{flag[2:]}"
            words += [flag if value else negated] if field.type is bool else [flag, _word(value)]
    return f"python train.py {shlex.join(words)}"


def _word(value):
    return "none" if value in (None, ()) else written(value)


@click.command(cls=Command)
@click.argument("runs", nargs=-1, required=True, metavar="RUN...")
def main(runs):
    """Store the weights of finished runs in the package, each with its record."""
    for folder in runs:
        stored = store(folder)
        size = stored.path.stat().st_size
        click.echo(f"{stored.path}: {size / 2**20:.2f} MiB, {stored.dtype}, {stored.test_accuracy:.2%} of "
                   f"{stored.test_images:,} test images right.")


if __name__ == "__main__":
    main()

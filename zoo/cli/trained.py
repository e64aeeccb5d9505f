"""Commands that take runs, or models with weights: evaluate, compare, predict, export."""

from pathlib import Path

import click

from zoo.cli.frame import main
from zoo.cli.options import bare_model_options, data_dir_option, json_option
from zoo.cli.printing import print_json, print_table, say


def _tell_of_weights(run_or_model, weights, check):
    from zoo.runs.folder import is_run

    if not is_run(run_or_model) and not weights:
        click.echo(f"{run_or_model} has random weights; --weights loads others.", err=True)
    if weights:
        _tell_of_images(run_or_model, weights)
    if check:
        click.echo(f"With {weights}, {run_or_model} gives the outputs in {check[1]}.", err=True)


def _tell_of_images(model, weights):
    """Say what the publisher of weights does to images, and so the command; what is assumed of files is a warning."""
    from zoo import registry
    from zoo.pretrained import find_stored
    from zoo.weights.published import publishers_preprocessing

    entry, stored = registry.entry(model), find_stored(model, weights)
    if stored or weights in entry.weights:
        front = publishers_preprocessing(entry, weights, stored.input_shape if stored else entry.input_shape)
        click.echo(front.sentence((None, None, None)), err=True)


@main.command()
@click.argument("run_or_model", metavar="RUN|MODEL")
@click.option("--dataset", help="A data set with the same classes [default: that of the run].")
@data_dir_option
@bare_model_options
@json_option
def evaluate(run_or_model, dataset, data_dir, weights, options, check, as_json):
    """Measure a run, or a model with weights, on a test split."""
    from zoo.inference.evaluate import evaluate

    result = evaluate(run_or_model, dataset, data_dir, weights, options=options, check=check)
    _tell_of_weights(run_or_model, weights, check)
    say(f"{result.model} on {result.dataset}: test {result} ({result.images_per_second:,.0f} images/s).")
    if as_json:
        print_json(result.to_json())


@main.command()
@click.argument("folders", nargs=-1, metavar="RUN RUN...")
@click.option("--output", default="compare", show_default=True, metavar="NAME", type=click.Path(),
              help="Write the curves to NAME.png, curves and table to the page NAME.html.")
@json_option
def compare(folders, output, as_json):
    """Compare runs, finished or not: a table of their metrics and differing settings, and their learning curves."""
    from zoo.runs.compare import compare, table, write_comparison

    runs = compare(folders)
    written = write_comparison(runs, output)
    if as_json:
        return print_json([run.facts for run in runs])
    print_table(["run", *(f"#{run.label}" for run in runs)], table(runs))
    say(f"Wrote {' and '.join(map(str, written))}")


@main.command()
@click.argument("run_or_model", metavar="RUN|MODEL")
@click.argument("images", nargs=-1, required=True, metavar="IMAGE...")
@bare_model_options
@click.option("--top", type=click.IntRange(1), help="How many classes of an image to show [default: 3].")
@click.option("--output", type=click.Path(), metavar="FOLDER",
              help="Where a net that labels pixels writes masks [default: the current folder].")
@json_option
def predict(run_or_model, images, weights, options, check, top, output, as_json):
    """Classify image files, or label their pixels.

    A net that labels pixels writes two pictures for each IMAGE, at its own size: NAME-mask.png, whose values are the
    indices of the classes, and NAME-overlay.png, the image with the classes' colours laid over. --json then prints a
    list of objects with "image", "mask", "overlay" and "shares", the share of pixels of each class.
    """
    from zoo.inference.evaluate import predict

    answers = predict(run_or_model, images, weights, top, options, check, output)
    _tell_of_weights(run_or_model, weights, check)
    if as_json:
        return print_json(answers)
    for answer in answers:
        say(f"{answer['image']}: {_labels(answer) if 'mask' in answer else _classes(answer)}")


def _classes(answer):
    return ", ".join(f"{best['name']} {best['probability']:.1%}" for best in answer["classes"])


def _labels(answer):
    found = ", ".join(f"{name} {share:.1%}" for name, share in answer["shares"].items() if share)
    return f"{found} -> {answer['mask']}, {answer['overlay']}"


@main.command()
@click.argument("run_or_model", metavar="RUN|MODEL")
@bare_model_options
@click.option("--output", type=click.Path(), help="The folder to write [default: saved_model in the run's folder].")
@json_option
def export(run_or_model, weights, options, check, output, as_json):
    """Write a SavedModel that takes raw images, and check that, loaded again, it gives the same probabilities."""
    from zoo.inference.trained import load_trained

    trained = load_trained(run_or_model, weights, options, check)  # before Keras is loaded, so that errors come at once

    from zoo.export import export_saved_model
    from zoo.runs.folder import Run

    run = trained.run or Run(Path("exports") / trained.name)
    folder = Path(output) / "1" if output else run.saved_model_path
    _tell_of_weights(run_or_model, weights, check)
    difference = export_saved_model(trained, folder)
    if as_json:
        return print_json({"saved_model": str(folder), "largest_difference": difference})
    say(f"Wrote {folder}; reloaded in a fresh process, its probabilities differ by at most "
               f"{difference:.1e}.")

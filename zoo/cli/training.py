"""Commands that train: train, tune."""

import shlex
import sys
from dataclasses import asdict
from pathlib import Path

import click
from click.core import ParameterSource

from zoo.cli.frame import main
from zoo.cli.options import Size, json_option, parse_pairs, training_options
from zoo.cli.printing import print_json, print_table, say
from zoo.errors import ZooError

SHOWN = 10  # the most trials of a search that are printed


@main.command()
@training_options
@click.option("--strategy", default="auto", metavar="auto|single|mirrored|multiworker",
              help="Train on a single device, on all of this machine (mirrored), or on the cluster that environment "
                   "variables describe (multiworker); auto is the last of these that is available.")
@click.option("--resume", type=click.Path(), metavar="RUN", help="Resume a run that was stopped, with its settings.")
@json_option
@click.pass_context
def train(context, model, dataset, data_dir, image_size, options, runs, strategy, resume, as_json, **others):
    """Train a model, and write the run's folder: the model, its learning curves and a report.

    Models and data sets change some of the defaults below: VGG without BatchNorm has a lower learning rate, LeNet of
    1998 a rubbish class; on CIFAR images are flipped and cropped, and nets with BatchNorm are trained by SGD.
    """
    from zoo.training import train as training

    verbose = "auto" if sys.stdout.isatty() else 2
    if resume is not None:
        _refuse_others(context, "A run", "resume", "strategy", "as_json")
        result = training.resume(resume, verbose, click.echo, strategy=strategy, own_process=True)
    else:
        result = training.train(
            model, dataset, data_dir, image_size, options, runs, verbose, click.echo, strategy=strategy,
            own_process=True, **others,
        )
    if result is None:  # another worker, the chief, prints it
        return
    epochs = "1 epoch" if result.epochs == 1 else f"{result.epochs} epochs"
    click.echo(f"Test {result}, after {epochs} in {result.seconds:.1f} s "
               f"({result.images_per_second:,.0f} images/s).")
    mistakes = "mistakes" if result.test_accuracy is not None else "masks from worst to best"
    for name, what in (("model.keras", "the best epoch on validation"), ("report.html", f"curves, classes, {mistakes}"),
                       ("metrics.csv", "every epoch"), ("config.json", "all settings, to repeat the run")):
        if (path := Path(result.run) / name).exists():
            say(f"  {path}  {what}")
    run = shlex.quote(result.run)
    say(f"Next: zoo predict {run} IMAGE, or zoo export {run}")
    if as_json:
        print_json(result.to_json())


def _refuse_others(context, what, *allowed):
    """Raise `ZooError` for other options beside --resume: a run or a search is resumed with its own settings."""
    for option in context.command.params:
        given = context.get_parameter_source(option.name) is ParameterSource.COMMANDLINE
        if option.name == "trackers":  # one parameter of several flags
            given = option.flag_value in context.params["trackers"]
        if given and option.name not in allowed:
            raise ZooError(f"{what} is resumed with its own settings: --resume takes no {option.opts[0]} beside it.")


@main.command()
@click.option(
    "--over", multiple=True, metavar="NAME=VALUES", callback=parse_pairs,
    help="Search a field of the recipe (learning_rate, as in the options) or an override of the layout (set.width): in "
         "a range, 1e-4..1e-2, with :log for a logarithmic scale, or among choices, adam,sgd. May be repeated.",
)
@click.option("--trials", type=int, metavar="N", help="Number of trials in all, failed ones included [default: 20].")
@click.option("--metric", default="val_loss", show_default=True, metavar="NAME",
              help="The metric by which trials are compared: val_loss or val_accuracy; or, of nets that label pixels, "
                   "val_mean_iou or val_pixel_accuracy.")
@training_options
@click.option("--resume", type=click.Path(), metavar="FOLDER",
              help="Resume a search that was stopped, with its settings, or extend one to more --trials.")
@json_option
@click.pass_context
def tune(context, over, trials, metric, resume, as_json, **others):
    """Search for the recipe or layout with which a model is best on validation images.

    Each trial is a run in the folder runs/tune-MODEL-DATASET-N, where tune.csv and tune.png show them all.
    """
    from zoo.tuning import tune as tuning
    from zoo.tuning.trials import METRICS

    if resume is not None:
        _refuse_others(context, "A search", "resume", "trials", "as_json")
        found = tuning.resume(resume, trials, click.echo)
    else:
        found = tuning.tune(over, 20 if trials is None else trials, metric, log=click.echo, **others)
    states = [trial.state for trial in found.trials]
    counts = ", ".join(f"{states.count(state)} {state}" for state in dict.fromkeys(states))
    click.echo(f"Of {len(states)} trials, {counts}. The best:")
    measured = [name for name in METRICS if getattr(found.trials[0], name) is not None]
    print_table(("#trial", *(f"#{name}" for name in measured), "#epochs", "#seconds", *found.trials[0].settings), [
        (t.trial, *(f"{getattr(t, name):.4f}" for name in measured), t.epochs, f"{t.seconds:.1f}",
         *(f"{value:.4g}" if isinstance(value, float) else value for value in t.settings.values()))
        for t in found.trials[:SHOWN] if t.state == "finished"
    ])
    for name, what in (("tune.csv", "every trial"), ("tune.png", "the metric by trial and by value")):
        if (path := Path(found.folder) / name).exists():
            say(f"  {path}  {what}")
    say(f"The best run is {found.trials[0].run}; this repeats it:")
    click.echo(f"  {_command_line(found.best)}")
    if as_json:
        print_json([asdict(trial) for trial in found.trials])


def _command_line(arguments):
    """Return the command line of `zoo train` with these arguments."""
    words = ["zoo", "train"]
    for option in train.params:
        flag, value = option.opts[0], arguments.get(option.name)
        if option.name == "options":
            words += [word for key, item in value.items() for word in (flag, f"{key}={item}")]
        elif option.name == "trackers":
            words += [flag] * (option.flag_value in (value or ()))
        elif option.is_flag:
            words += [flag] * (value is True) + option.secondary_opts * (value is False)
        elif value is not None:
            by = "x" if isinstance(option.type, Size) else ","
            words += [flag, by.join(map(str, value)) if isinstance(value, (list, tuple)) else str(value)]
    return shlex.join(words)

"""Words on the command line -> calls of the other rooms, each imported only by the command that needs it."""

import json
import os
import re
import shlex
import sys
import warnings
from contextlib import contextmanager
from dataclasses import asdict
from functools import partial
from pathlib import Path

import click
from click.core import ParameterSource

import zoo
from zoo.names import line, on_lines
from zoo.processor import prepare

# TensorFlow's start-up notes; what it found to run on is printed before training.
os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")


class Sentences:
    """Bad input ends in one sentence and exit code 2, Ctrl-C in 130; a warning is a sentence on standard error."""

    def invoke(self, context):
        if hasattr(sys.stdout, "reconfigure"):
            sys.stdout.reconfigure(errors="backslashreplace")  # a name that it can't print ends no command
        try:
            with _telling_warnings():
                return super().invoke(context)
        except zoo.ZooError as problem:
            message = click.ClickException(line(str(problem)))
            message.exit_code = 2
            raise message from None
        except KeyboardInterrupt:
            click.echo("Interrupted.", err=True)
            context.exit(130)


@contextmanager
def _telling_warnings():
    """Print each `ZooWarning` as its sentence alone, without the place in the code that it comes from."""

    def tell(message, category, *place, own=warnings.showwarning):
        if issubclass(category, zoo.ZooWarning):
            click.echo(line(str(message)), err=True)
        else:
            own(message, category, *place)

    with warnings.catch_warnings():
        warnings.showwarning = tell
        warnings.simplefilter("always", zoo.ZooWarning)
        yield


class Command(Sentences, click.Command):
    """A command by itself."""


class Commands(Sentences, click.Group):
    """The commands in the order of this file."""

    def list_commands(self, context):
        return list(self.commands)


@click.group(cls=Commands, context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100})
@click.version_option(zoo.__version__, prog_name="zoo")
def main():
    """The classic convolutional networks: look at them, train them, export them."""
    prepare()


# ------------------------------------------------------------------------------------------------ shared options


class Size(click.ParamType):
    """ "32", "32x48" or "32x48x1" -> (height, width) or (height, width, channels)."""

    name = "HxW[xC]"

    def convert(self, value, parameter, context):
        if isinstance(value, tuple):
            return value
        parts = value.lower().split("x")
        if not 1 <= len(parts) <= 3 or not all(re.fullmatch("[1-9][0-9]*", part) for part in parts):
            self.fail(f"{value!r} is no size; write 32, 32x48 or 32x48x1.", parameter, context)
        sizes = tuple(map(int, parts))
        return sizes * 2 if len(sizes) == 1 else sizes


class OrNone(click.ParamType):
    """A value of another type, or "none": what a field of the recipe then is, whatever it starts from."""

    def __init__(self, kind):
        self.kind = click.types.convert_type(kind)
        self.name = self.kind.name

    def convert(self, value, parameter, context):
        return value if value == "none" else self.kind.convert(value, parameter, context)

    def get_metavar(self, param, ctx=None):  # click 8.1 gives param by place, and later ones both by name
        return f"{self.name.upper()}|none"


class Picture(click.ParamType):
    """A file that a figure can be drawn into, as far as can be told before."""

    name = "FILE"

    def convert(self, value, parameter, context):
        path = Path(value)
        if path.suffix not in (".png", ".svg", ".pdf"):
            self.fail(f"{value} is no name of a picture: it must end with .png, .svg or .pdf.", parameter, context)
        if not path.parent.is_dir():
            self.fail(f"There is no folder {str(path.parent)!r} to put {path.name} in.", parameter, context)
        if path.is_dir() or not os.access(path if path.exists() else path.parent, os.W_OK):
            self.fail(f"{value} can't be written.", parameter, context)
        return path


SHOWN = 10  # of the trials of a search

# Arguments of zoo.create that are no overrides: the commands have options of their own for some.
BUILDER_ARGUMENTS = ("input_shape", "classes", "include_top", "pooling", "classifier_activation", "weights", "features",
                     "name")  # fmt: skip


def _parse_pairs(context, parameter, values):
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


def _parse_settings(context, parameter, values):
    """["padding=same", "width=0.5"] -> {"padding": "same", "width": 0.5}."""
    from zoo.layout.rewrite import literal

    settings = _parse_pairs(context, parameter, values)
    for key in settings:
        if key in BUILDER_ARGUMENTS:
            raise click.BadParameter(f"{key} isn't an override of the layout.")
    return {key: literal(value) for key, value in settings.items()}


set_option = click.option(
    "--set", "options", multiple=True, metavar="KEY=VALUE", callback=_parse_settings,
    help="Override the layout: padding, stride, pool, norm, activation, dropout, width, output_stride, head, and the "
         "model's own options. May be repeated.",
)  # fmt: skip
json_option = click.option("--json", "as_json", is_flag=True, help="Print JSON.")
data_dir_option = click.option("--data-dir", type=click.Path(), help="Where TFDS keeps its data sets.")


def _bare_model_options(command):
    """Give a command the options that make a model by name as good as a run: its weights and what they need."""
    for option in reversed((
        click.option("--weights", type=click.Path(), help="Weights for a model by name: imagenet, torchvision, .keras, "
                     ".weights.h5, or PyTorch's .pth, .th, .ckpt, .bin, .safetensors."),
        set_option,
        click.option("--check", nargs=2, type=click.Path(), metavar="IMAGES.npy OUTPUTS.npy", default=None,
                     help="Compare first with what the net that the weights come from gave for these images, "
                          "preprocessed as it was given them; end if they differ."),
    )):  # fmt: skip
        command = option(command)
    return command


def with_channels(size, model):
    """Complete a (height, width) by the model's own channels, or by 3."""
    from zoo.registry import entry

    return size if size is None or len(size) == 3 else (*size, (entry(model).input_shape or (3,))[-1])


def _print_json(value):
    click.echo(json.dumps(value))


def _by(shape):
    return "x".join(map(str, shape))


def _short(count):
    """1234567 -> "1.23 M"."""
    for unit, name in ((1e9, "G"), (1e6, "M"), (1e3, "k")):
        if count >= unit:
            return f"{count / unit:.4g} {name}"
    return str(count)


def _print_table(columns, rows, style="simple"):
    """Print rows under columns; a column whose name starts with "#" holds numbers and is aligned right."""
    from tabulate import tabulate

    align = ["right" if column.startswith("#") else "left" for column in columns]
    headers = [column.removeprefix("#") for column in columns]
    rows = [[line(str(cell)) for cell in row] for row in rows]
    click.echo(tabulate(rows, list(map(line, headers)), style, colalign=align, disable_numparse=True))


_say = on_lines(click.echo)


# ------------------------------------------------------------------------------------------------- looking at nets


def _parse_count(context, parameter, value):
    """ "5M" -> 5_000_000."""
    if value is None:
        return None
    found = re.fullmatch(r"([0-9]*\.?[0-9]+)([kKMG]?)", value)
    if not found:
        raise click.BadParameter(f"{value!r} is no number of parameters; write 60000, 60k or 5M.")
    return float(found[1]) * {"": 1, "k": 1e3, "K": 1e3, "M": 1e6, "G": 1e9}[found[2]]


@main.command("list")
@click.argument("patterns", nargs=-1, metavar="[PATTERN|WORD]...")
@click.option("--family", help="Only this family, a shell pattern.")
@click.option("--year", help="Only this year, or these: 2012-2014.")
@click.option("--max-params", callback=_parse_count, help="Only nets of at most so many parameters: 60k, 5M.")
@click.option("--markdown", is_flag=True, help="Print the table in Markdown.")
@json_option
def list_(patterns, family, year, max_params, markdown, as_json):
    """List the models whose names match any PATTERN ("vgg*"), or whose summary or paper holds all the WORDs, or all."""
    from zoo.facts import facts
    from zoo.plan import plan

    found = [facts(plan(name)) for name in _search(patterns, family, year)]
    found = [model for model in found if max_params is None or model.params <= max_params]
    if not found:
        asked = " ".join(patterns) or "that"
        raise zoo.ZooError(f"No model matches {asked}; `zoo list` shows all.")
    keys = ("name", "family", "year", "input_shape", "classes", "params", "macs", "paper")
    if as_json:
        return _print_json([{key: getattr(model, key) for key in keys} for model in found])
    columns = ("model", "#year", "input", "#params", "#MACs", "what it is")
    _print_table(columns, [
        (m.name, m.year, _by(m.input_shape), _short(m.params), _short(m.macs), m.summary) for m in found
    ], "github" if markdown else "simple")  # fmt: skip


def _search(patterns, family, year):
    """The names that match any pattern, or, where none does, those whose summary or paper holds all the words."""
    from fnmatch import fnmatch

    entries = zoo.registry.entries()
    names = zoo.list_models(*patterns)
    if not names:
        told = {name: f"{entry.family} {entry.summary} {entry.paper}".lower() for name, entry in entries.items()}
        names = [name for name in entries if all(word.lower() in told[name] for word in patterns)]
    first, _, last = (year or "").partition("-")
    if not all(part.isdigit() for part in (first, last) if part):
        raise zoo.ZooError(f"{year!r} is no year; write 2015 or 2012-2014.")
    years = range(int(first or 0), int(last or first or 9999) + 1)
    found = [entries[name] for name in names]
    return [e.name for e in found if fnmatch(e.family, family or "*") and (e.year or 0) in years]


@main.command()
@click.argument("model")
@click.option("--input", "input_shape", type=Size(), help="Another input: HxW or HxWxC.")
@click.option("--classes", type=int, help="Another number of classes.")
@set_option
@json_option
def info(model, input_shape, classes, options, as_json):
    """Show every layer of MODEL: shape, parameters, multiply-adds, receptive field and stride."""
    facts = zoo.info(model, with_channels(input_shape, model), classes, **options)
    if as_json:
        return _print_json(asdict(facts))
    click.echo(f"{facts.name}: {facts.summary}" if facts.summary else facts.name)
    if facts.paper:
        click.echo(facts.paper)
    click.echo(
        f"input {_by(facts.input_shape)}, output {_by(facts.output_shape)}, {facts.params:,} parameters "
        f"({facts.trainable_params:,} trainable), {_short(facts.macs)} multiply-adds, "
        f"receptive field of the last map {facts.receptive_field}"
    )
    columns = ("layer", "kind", "output", "#params", "#MACs", "#receptive field", "#stride")
    _print_table(columns, [
        (row["name"], row["kind"], _by(row["output_shape"]), f"{row['params']:,}", _short(row["macs"]),
         row["receptive_field"] or "all", row["stride"] or "-") for row in facts.layers
    ])  # fmt: skip


@main.command()
@click.argument("model")
@click.option("--input", "input_shape", type=Size(), help="Another input: HxW or HxWxC.")
@set_option
@click.option("--output", type=Picture(), help="The file: .png, .svg or .pdf [default: MODEL.png].")
def plot(model, input_shape, options, output):
    """Draw the maps of MODEL to scale."""
    from zoo.inspect.diagram import draw_network
    from zoo.plan import plan

    planned = plan(model, with_channels(input_shape, model), **options)
    output = output or Path(f"{planned.name}.png")
    _write_figure(draw_network(planned.trace, planned.name), output)
    click.echo(f"Wrote {output}")


def _write_figure(figure, path):
    try:
        figure.savefig(path, dpi=150)
    except (OSError, ValueError) as problem:
        raise zoo.ZooError(f"{path} can't be drawn: {problem}.") from None


# ------------------------------------------------------------------------------------------------------- training


def _training_options(command):
    """Give a command the options that say what is trained, on what and how."""
    for option in reversed((
        click.option("--model", default="lenet", show_default=True, help="A registered name, or my_layout.py:name."),
        click.option("--dataset", default="digits", show_default=True,
                     help="digits, a TFDS name, a folder of class folders, or a Keras-style .npz."),
        data_dir_option,
        click.option("--limit", type=int, metavar="N",
                     help="At most N images for training, as many to validate and to test."),
        click.option("--classes", callback=_parse_names, metavar="A,B,…", help="Only these classes, in this order."),
        click.option("--image-size", type=Size(),
                     help="Train at this size; by default it follows from model and data."),
        set_option,
        click.option("--recipe", metavar="fast|paper|FILE", help="What the options below start from: the model's and "
                     "data's own defaults (fast), the paper's training, or a YAML file of fields."),
        _recipe_options,
        click.option("--runs", default="runs", show_default=True, type=click.Path(), help="Where the folder is made."),
        click.option("--tensorboard", "trackers", multiple=True, flag_value="tensorboard",
                     help="Also write the figures for TensorBoard: tensorboard --logdir runs."),
        click.option("--mlflow", "trackers", multiple=True, flag_value="mlflow", help="Also send them to MLflow."),
        click.option("--wandb", "trackers", multiple=True, flag_value="wandb",
                     help="Also send them to Weights & Biases."),
    )):  # fmt: skip
        command = option(command)
    return command


def _recipe_options(command):
    """Give a command an option for each field of the recipe."""
    from dataclasses import fields
    from types import NoneType
    from typing import get_args

    from zoo.recipes.recipe import Recipe

    for item in reversed(fields(Recipe)):
        name, rules = item.name.replace("_", "-"), item.metadata
        flag = f"--{name}/--no-{name}" if item.type is bool else f"--{name}"
        optional = next((OrNone(kind) for kind in get_args(item.type) if kind is not NoneType), None)
        options = {
            bool: {"default": None},
            tuple: {"callback": partial(_parse_several, kind=rules.get("kind", str)), "metavar": "A,B,…|none"},
        }.get(item.type, {"type": optional or item.type})  # fmt: skip
        choices = f": {', '.join(rules['choices'])}" if "choices" in rules else ""
        default = "" if item.default in (None, False, ()) else f" [default: {_written(item.default)}]"
        command = click.option(flag, help=f"{rules['meaning']}{choices}{default}.", **options)(command)
    return command


def _written(value):
    """A default as it is typed."""
    if isinstance(value, tuple):
        return ",".join(map(_written, value))
    return value if isinstance(value, str) else f"{value:g}"


def _parse_names(context, parameter, value, kind=str):
    """ "cat,dog" -> ["cat", "dog"]; with the kind float, "0.5,0.75" -> [0.5, 0.75], and so with int."""
    try:
        names = None if value is None else [kind(name.strip()) for name in value.split(",") if name.strip()]
    except ValueError:
        numbers = "whole numbers; write 32,128." if kind is int else "numbers; write 0.5,0.75."
        raise click.BadParameter(f"{value!r} is no list of {numbers}") from None
    if names == []:
        raise click.BadParameter(f"{value!r} names nothing.")
    return names


def _parse_several(context, parameter, value, kind):
    """As `_parse_names`; "none" -> []."""
    return [] if value == "none" else _parse_names(context, parameter, value, kind)


@main.command()
@_training_options
@click.option("--strategy", default="auto", metavar="auto|single|mirrored|multiworker",
              help="Which devices train: one, all of this machine, or those of the cluster that the environment "
                   "describes; auto is the last of these that there is.")  # fmt: skip
@click.option("--resume", type=click.Path(), metavar="RUN", help="Go on with a run that was stopped, as it began.")
@json_option
@click.pass_context
def train(context, model, dataset, data_dir, image_size, options, runs, strategy, resume, as_json, **others):
    """Train a model; leave a folder with the model, its curves and a report.

    A model or a data set may have other defaults than these: VGG without BatchNorm has a lower learning rate, LeNet of
    1998 a rubbish class; on CIFAR images are flipped and cropped, and nets with BatchNorm train by SGD.
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
        )  # fmt: skip
    if result is None:  # the chief of the workers tells it
        return
    epochs = "1 epoch" if result.epochs == 1 else f"{result.epochs} epochs"
    click.echo(f"Test accuracy {result.test_accuracy:.4f}, loss {result.test_loss:.4f}, after {epochs} "
               f"in {result.seconds:.1f} s ({result.images_per_second:,.0f} images/s).")  # fmt: skip
    for name, what in (("model.keras", "the best epoch on validation"), ("report.html", "curves, classes, mistakes"),
                       ("metrics.csv", "every epoch"), ("config.json", "all that repeats the run")):  # fmt: skip
        if (path := Path(result.run) / name).exists():
            _say(f"  {path}  {what}")
    run = shlex.quote(result.run)
    _say(f"Next: zoo predict {run} IMAGE, or zoo export {run}")
    if as_json:
        _print_json(asdict(result))


def _refuse_others(context, what, *allowed):
    """What is resumed goes on as it began: no other option has a meaning."""
    for option in context.command.params:
        given = context.get_parameter_source(option.name) is ParameterSource.COMMANDLINE
        if option.name == "trackers":  # one parameter of several flags
            given = option.flag_value in context.params["trackers"]
        if given and option.name not in allowed:
            raise zoo.ZooError(f"{what} goes on as it began: --resume takes no {option.opts[0]} beside it.")


@main.command()
@click.option(
    "--over", multiple=True, metavar="NAME=VALUES", callback=_parse_pairs,
    help="Search a field of the recipe (learning_rate, as in the options) or an override of the layout (set.width): a "
         "range, 1e-4..1e-2, with :log to draw evenly in the logarithm, or choices, adam,sgd. May be repeated.",
)  # fmt: skip
@click.option("--trials", type=int, metavar="N", help="How many in all, failed ones included [default: 20].")
@click.option("--metric", default="val_loss", show_default=True, metavar="val_loss|val_accuracy",
              help="What trials are compared by.")  # fmt: skip
@_training_options
@click.option("--resume", type=click.Path(), metavar="FOLDER",
              help="Go on with a search that was stopped, as it began, or to more --trials.")  # fmt: skip
@json_option
@click.pass_context
def tune(context, over, trials, metric, resume, as_json, **others):
    """Search for the recipe or layout with which a model trains best, by the loss on validation images.

    Each trial is a run in the folder runs/tune-MODEL-DATASET-N, where tune.csv and tune.png show them all.
    """
    from zoo.tuning import tune as tuning

    if resume is not None:
        _refuse_others(context, "A search", "resume", "trials", "as_json")
        found = tuning.resume(resume, trials, click.echo)
    else:
        found = tuning.tune(over, 20 if trials is None else trials, metric, say=click.echo, **others)
    states = [trial.state for trial in found.trials]
    counts = ", ".join(f"{states.count(state)} {state}" for state in dict.fromkeys(states))
    click.echo(f"Of {len(states)} trials, {counts}. The best:")
    _print_table(("#trial", "#val_loss", "#val_accuracy", "#epochs", "#seconds", *found.trials[0].settings), [
        (t.trial, f"{t.val_loss:.4f}", f"{t.val_accuracy:.4f}", t.epochs, f"{t.seconds:.1f}",
         *(f"{value:.4g}" if isinstance(value, float) else value for value in t.settings.values()))
        for t in found.trials[:SHOWN] if t.state == "finished"
    ])  # fmt: skip
    for name, what in (("tune.csv", "every trial"), ("tune.png", "what each value brought")):
        if (path := Path(found.folder) / name).exists():
            _say(f"  {path}  {what}")
    _say(f"The best run is {found.trials[0].run}; this repeats it:")
    click.echo(f"  {_command_line(found.best)}")
    if as_json:
        _print_json([asdict(trial) for trial in found.trials])


def _command_line(arguments):
    """The words of `zoo train` that give it these arguments."""
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


def _tell_of_weights(run_or_model, weights, check):
    from zoo.runs.folder import is_run

    if not is_run(run_or_model) and not weights:
        click.echo(f"{run_or_model} has random weights; --weights loads others.", err=True)
    if check:
        click.echo(f"With {weights}, {run_or_model} gives the outputs in {check[1]}.", err=True)


@main.command()
@click.argument("run_or_model", metavar="RUN|MODEL")
@click.option("--dataset", help="Another data set with the same classes; a run's own by default.")
@data_dir_option
@_bare_model_options
@json_option
def evaluate(run_or_model, dataset, data_dir, weights, options, check, as_json):
    """Measure a run, or a model with weights, on a test split."""
    from zoo.inference.evaluate import evaluate

    result = evaluate(run_or_model, dataset, data_dir, weights, options=options, check=check)
    _tell_of_weights(run_or_model, weights, check)
    _say(f"{result.model} on {result.dataset}: test accuracy {result.test_accuracy:.4f}, "
               f"loss {result.test_loss:.4f} ({result.images_per_second:,.0f} images/s).")  # fmt: skip
    if as_json:
        _print_json(asdict(result))


@main.command()
@click.argument("folders", nargs=-1, metavar="RUN RUN...")
@click.option("--output", default="compare", show_default=True, metavar="NAME", type=click.Path(),
              help="What is written: the curves as NAME.png, curves and table as the page NAME.html.")  # fmt: skip
@json_option
def compare(folders, output, as_json):
    """Put runs side by side, finished or not: a table of what they reached and where they differ, and their curves."""
    from zoo.runs.compare import compare, table, write_comparison

    runs = compare(folders)
    written = write_comparison(runs, output)
    if as_json:
        return _print_json([run.facts for run in runs])
    _print_table(["run", *(f"#{run.label}" for run in runs)], table(runs))
    _say(f"Wrote {' and '.join(map(str, written))}")


@main.command()
@click.argument("run_or_model", metavar="RUN|MODEL")
@click.argument("images", nargs=-1, required=True, metavar="IMAGE...")
@_bare_model_options
@click.option("--top", default=3, show_default=True, type=click.IntRange(1), help="How many classes to show.")
@json_option
def predict(run_or_model, images, weights, options, check, top, as_json):
    """Classify image files."""
    from zoo.inference.evaluate import predict

    answers = predict(run_or_model, images, weights, top, options, check)
    _tell_of_weights(run_or_model, weights, check)
    if as_json:
        return _print_json(answers)
    for answer in answers:
        classes = ", ".join(f"{best['name']} {best['probability']:.1%}" for best in answer["classes"])
        _say(f"{answer['image']}: {classes}")


@main.command()
@click.argument("run_or_model", metavar="RUN|MODEL")
@_bare_model_options
@click.option("--output", type=click.Path(), help="The folder to write [default: saved_model in the run's folder].")
@json_option
def export(run_or_model, weights, options, check, output, as_json):
    """Write a SavedModel that takes raw images, reloaded and compared before it is called done."""
    from zoo.inference.trained import load_trained

    trained = load_trained(run_or_model, weights, options, check)  # a name that is none is told before Keras is loaded

    from zoo.export import export_saved_model

    parent = Path(output or (trained.run.folder if trained.run else Path("exports") / trained.name) / "saved_model")
    _tell_of_weights(run_or_model, weights, check)
    difference = export_saved_model(trained, parent / "1")
    if as_json:
        return _print_json({"saved_model": str(parent / "1"), "largest_difference": difference})
    _say(f"Wrote {parent / '1'}; reloaded in a fresh process, its probabilities differ by at most "
               f"{difference:.1e}.")  # fmt: skip


# ---------------------------------------------------------------------------------------------------------- speed


@main.command()
@click.argument("models", nargs=-1, required=True, metavar="MODEL...")
@click.option("--vs", multiple=True, metavar="pytorch|keras", help="Measure beside it the same net in a plain PyTorch "
              "loop, or in Keras's fit and predict (keras.applications' net, if it has one). May be "
              "repeated.")  # fmt: skip
@click.option("--mode", metavar="training|inference", help="Only this [default: both].")
@click.option("--precision", metavar="float32|bfloat16", help="Only this [default: both].")
@click.option("--batch-size", "batch_sizes", callback=partial(_parse_names, kind=int), metavar="A,B,…",
              help="Images a step [default: 128, for inputs of more than 64 pixels 32].")  # fmt: skip
@click.option("--input", "input_shape", type=Size(), help="Another input: HxW or HxWxC.")
@click.option("--classes", type=int, help="Another number of classes.")
@set_option
@click.option("--repeats", default=5, show_default=True, type=click.IntRange(1), help="Turns that each one takes.")
@click.option("--plot", type=Picture(), help="Draw the images/s: .png, .svg or .pdf.")
@click.option("--plot-growth", type=Picture(), help="Measure also at other batch sizes, widths and "
              "input sizes, and draw how the cost grows.")  # fmt: skip
@json_option
def benchmark(models, vs, mode, precision, batch_sizes, input_shape, classes, options, repeats, plot, plot_growth,
              as_json):  # fmt: skip
    """Measure how fast MODELs train and classify here, on random images.

    Each contender has a process of its own, and they take turns; a figure is the median of its turns. On a processor,
    the peak memory holds libraries and images too.

    --json prints an object: "machine", "notes" and "results", a list of objects with "model", "mode", "precision",
    "batch_size", "input_shape", "macs", "contender", "images_per_second", "slowest" and "fastest" (of the turns),
    "spread" (their difference, as a share of the median), "ms_per_step", "device", "peak_memory_mb", "build_seconds",
    "compile_seconds", "gflops" (two operations for each multiply-add, in training three times those),
    "ceiling_gflops" (what a product of large matrices reached), "share_of_ceiling" and "ratio" (how many times as fast
    the zoo is). "growth" is a list of such objects with two keys more: "varied", which is batch_size, width or
    input_size, and its "value".
    """
    from zoo.benchmark import figures
    from zoo.benchmark.session import benchmark

    given = {"modes": mode, "precisions": precision}
    session = benchmark(
        [(model, with_channels(input_shape, model)) for model in models], vs, classes=classes, options=options,
        batch_sizes=batch_sizes or (None,), repeats=repeats, growth=bool(plot_growth),
        **{key: (value,) for key, value in given.items() if value is not None},
    )  # fmt: skip
    if as_json:
        _print_json(asdict(session))
    else:
        _print_speeds(session)
    for path, draw, drawn in ((plot, figures.draw_results, session.results),
                              (plot_growth, figures.draw_growth, session.growth)):  # fmt: skip
        if path:
            _write_figure(draw(drawn), path)
            click.echo(f"Wrote {path}", err=as_json)


def _print_speeds(session):
    """Print a table a model, and what is to be said of them."""
    columns = ("mode", "precision", "#batch", "contender", "#images/s", "#spread", "#ms/step", "#peak MB", "#build s",
               "#compile s", "#GFLOP/s", "#of ceiling", "#zoo is")  # fmt: skip
    for model in dict.fromkeys(result.model for result in session.results):
        results = [result for result in session.results if result.model == model]
        click.echo(f"{model}, input {_by(results[0].input_shape)}, {_short(results[0].macs)} multiply-adds")
        _print_table(columns, [
            (r.mode, r.precision, r.batch_size, r.contender, f"{r.images_per_second:,.1f}", f"{r.spread:.0%}",
             f"{r.ms_per_step:,.2f}", f"{r.peak_memory_mb:,.0f}", f"{r.build_seconds:.1f}", f"{r.compile_seconds:.1f}",
             f"{r.gflops:,.1f}", f"{r.share_of_ceiling:.1%}", "" if r.ratio is None else f"{r.ratio:.2f}x as fast")
            for r in results
        ])  # fmt: skip
        click.echo()
    for precision in dict.fromkeys(result.precision for result in session.results):
        ceiling = max(result.ceiling_gflops for result in session.results if result.precision == precision)
        click.echo(f"The ceiling, a product of large {precision} matrices: {ceiling:,.0f} GFLOP/s.")
    for note in session.notes:
        click.echo(note)

"""Commands that look at nets: list, info, plot."""

import re
from dataclasses import asdict
from pathlib import Path

import click

from zoo.cli.frame import main
from zoo.cli.options import Picture, Size, json_option, set_option, with_channels
from zoo.cli.printing import by, print_json, print_table, short, write_figure
from zoo.errors import ZooError


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
@click.option("--family", help="Only the families that match this shell pattern.")
@click.option("--year", help="Only this year, or a range of years: 2012-2014.")
@click.option("--max-params", callback=_parse_count, help="Only nets of at most so many parameters: 60k, 5M.")
@click.option("--markdown", is_flag=True, help="Print the table in Markdown.")
@json_option
def list_(patterns, family, year, max_params, markdown, as_json):
    """List all models, or those whose name matches a PATTERN ("vgg*"), or whose summary or paper has every WORD."""
    from zoo.facts import facts, search
    from zoo.plan import plan

    found = [facts(plan(name)) for name in search(patterns, family, year)]
    found = [model for model in found if max_params is None or model.params <= max_params]
    if not found:
        asked = " ".join(patterns) or "that"
        raise ZooError(f"No model matches {asked}; `zoo list` shows all.")
    keys = ("name", "family", "year", "input_shape", "classes", "params", "macs", "paper", "weights")
    if as_json:
        return print_json([{key: getattr(model, key) for key in keys} for model in found])
    columns = ("model", "#year", "input", "#params", "#MACs", "weights", "what it is")
    print_table(columns, [
        (m.name, m.year, by(m.input_shape), short(m.params), short(m.macs), _listed(m.weights), m.summary)
        for m in found
    ], "github" if markdown else "simple")


def _listed(weights):
    """ {"mnist": {"test_accuracy": 0.99…}, "imagenet": None} -> "mnist 99.0 %, imagenet"."""
    return ", ".join(name if about is None else f"{name} {about['test_accuracy']:.2%}".replace("%", " %")
                     for name, about in weights.items())


@main.command()
@click.argument("model")
@click.option("--input", "input_shape", type=Size(open=True), help="Input size, HxW or HxWxC; any or ? for a height or "
              "width that is open [default: the model's own].")
@click.option("--classes", type=int, help="Number of classes [default: the model's own].")
@set_option
@json_option
def info(model, input_shape, classes, options, as_json):
    """Show every layer of MODEL: shape, parameters, multiply-adds, receptive field and stride."""
    from zoo import facts as about

    facts = about.info(model, with_channels(input_shape, model), classes, **options)
    if as_json:
        return print_json(asdict(facts))
    click.echo(f"{facts.name}: {facts.summary}" if facts.summary else facts.name)
    if facts.paper:
        click.echo(facts.paper)
    click.echo(
        f"input {by(facts.input_shape)}, output {by(facts.output_shape)}, {facts.params:,} parameters "
        f"({facts.trainable_params:,} trainable), {short(facts.macs)} multiply-adds, "
        f"receptive field of the last map {facts.receptive_field}"
    )
    if facts.weights:
        click.echo(f"weights: {_listed(facts.weights)}")
    columns = ("layer", "kind", "output", "#params", "#MACs", "#receptive field", "#stride")
    print_table(columns, [
        (row["name"], row["kind"], by(row["output_shape"]), f"{row['params']:,}", short(row["macs"]),
         row["receptive_field"] or "all", row["stride"] or "-") for row in facts.layers
    ])


@main.command()
@click.argument("model")
@click.option("--input", "input_shape", type=Size(), help="Input size, HxW or HxWxC [default: the model's own].")
@set_option
@click.option("--output", type=Picture(), help="The file: .png, .svg or .pdf [default: MODEL.png].")
def plot(model, input_shape, options, output):
    """Draw the feature maps of MODEL to scale."""
    from zoo.inspect.diagram import draw_network
    from zoo.plan import plan

    planned = plan(model, with_channels(input_shape, model), **options)
    output = output or Path(f"{planned.name}.png")
    write_figure(draw_network(planned.trace, planned.name), output)
    click.echo(f"Wrote {output}")

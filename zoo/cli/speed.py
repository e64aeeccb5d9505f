"""The command that measures speed: benchmark."""

from dataclasses import asdict
from functools import partial

import click

from zoo.cli.frame import main
from zoo.cli.options import Picture, Size, json_option, parse_names, set_option, with_channels
from zoo.cli.printing import by, print_json, print_table, short, write_figure


@main.command()
@click.argument("models", nargs=-1, required=True, metavar="MODEL...")
@click.option("--vs", multiple=True, metavar="pytorch|keras", help="Compare with the same net in a plain PyTorch loop, "
              "or in Keras's fit and predict (keras.applications' net, if it has one). May be repeated.")
@click.option("--mode", metavar="training|inference", help="Measure only this [default: both].")
@click.option("--precision", metavar="float32|bfloat16", help="Measure only this [default: both].")
@click.option("--batch-size", "batch_sizes", callback=partial(parse_names, kind=int), metavar="A,B,…",
              help="One or several batch sizes [default: 128; 32 for inputs of more than 64 "
              "pixels, 4 if pixels are labelled].")
@click.option("--input", "input_shape", type=Size(), help="Input size, HxW or HxWxC [default: the model's own].")
@click.option("--classes", type=int, help="Number of classes [default: the model's own].")
@set_option
@click.option("--repeats", default=5, show_default=True, type=click.IntRange(1), help="How many times to measure each.")
@click.option("--plot", type=Picture(), help="Plot the images/s into this file: .png, .svg or .pdf.")
@click.option("--plot-growth", type=Picture(), help="Also measure other batch sizes, widths and input sizes, and plot "
              "how the cost grows.")
@json_option
def benchmark(models, vs, mode, precision, batch_sizes, input_shape, classes, options, repeats, plot, plot_growth,
              as_json):
    """Measure how fast MODELs train and classify here, on random images.

    Each contender (the zoo, and those of --vs) runs in a process of its own, and they take turns; results are medians
    of a contender's turns. On a CPU, the peak memory includes libraries and images.

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
    )
    if as_json:
        print_json(asdict(session))
    else:
        _print_speeds(session)
    for path, draw, drawn in ((plot, figures.draw_results, session.results),
                              (plot_growth, figures.draw_growth, session.growth)):
        if path:
            write_figure(draw(drawn), path)
            click.echo(f"Wrote {path}", err=as_json)


def _print_speeds(session):
    """Print a table for each model, the ceilings and the notes."""
    columns = ("mode", "precision", "#batch", "contender", "#images/s", "#spread", "#ms/step", "#peak MB", "#build s",
               "#compile s", "#GFLOP/s", "#of ceiling", "#zoo is")
    for model in dict.fromkeys(result.model for result in session.results):
        results = [result for result in session.results if result.model == model]
        click.echo(f"{model}, input {by(results[0].input_shape)}, {short(results[0].macs)} multiply-adds")
        print_table(columns, [
            (r.mode, r.precision, r.batch_size, r.contender, f"{r.images_per_second:,.1f}", f"{r.spread:.0%}",
             f"{r.ms_per_step:,.2f}", f"{r.peak_memory_mb:,.0f}", f"{r.build_seconds:.1f}", f"{r.compile_seconds:.1f}",
             f"{r.gflops:,.1f}", f"{r.share_of_ceiling:.1%}", "" if r.ratio is None else f"{r.ratio:.2f}x as fast")
            for r in results
        ])
        click.echo()
    for precision in dict.fromkeys(result.precision for result in session.results):
        ceiling = max(result.ceiling_gflops for result in session.results if result.precision == precision)
        click.echo(f"The ceiling, a product of large {precision} matrices: {ceiling:,.0f} GFLOP/s.")
    for note in session.notes:
        click.echo(note)

"""The plots of a benchmark: images/s of each contender as bars, and how the cost of a net grows."""

from typing import Any

from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.ticker import NullFormatter

from zoo.benchmark.contenders import EVERYONE
from zoo.benchmark.growth import Point
from zoo.benchmark.result import Result
from zoo.benchmark.workload import MODES
from zoo.runs.palette import COLOURS, GREY

VARIED = {"batch_size": "batch size", "width": "width", "input_size": "input height, pixels"}
COLOUR = {contender.name: colour for contender, colour in zip(EVERYONE, COLOURS)}
STYLES: dict[str, Any] = {"float32": "-", "bfloat16": "--"}


def draw_results(results: list[Result]) -> Figure:
    """Plot the images/s of each contender as bars, with a row of panels per model and a column per mode."""
    models, modes = _distinct(results, "model"), _distinct(results, "mode")
    most = max(sum(r.model == model and r.mode == mode for r in results) for model in models for mode in modes)
    height = len(models) * (1.2 + 0.3 * most)
    figure = Figure(figsize=(5.2 * len(modes), height + 0.5), layout="constrained")
    panels = figure.subplots(len(models), len(modes), squeeze=False)
    for model, row in zip(models, panels):
        for mode, axes in zip(modes, row):
            _bars(axes, [r for r in results if r.model == model and r.mode == mode])
            axes.set_title(f"{model}, {mode}", fontsize=10)
    names = _distinct(results, "contender")
    handles = [Line2D([], [], color=COLOUR[name], linewidth=6, label=name) for name in names]
    figure.legend(handles=handles, loc="outside lower center", ncols=min(len(names), 3 * len(modes)), frameon=False)
    return figure


def _bars(axes, results):
    """Draw a bar per result, grouped by precision and batch size, the first on top; its length is the median.

    An error bar goes from the slowest turn to the fastest.
    """
    groups, ticks = _distinct(results, "precision", "batch_size"), []
    at = 0.0
    for group in groups:
        members = [r for r in results if (r.precision, r.batch_size) == group]
        ticks.append(at + (len(members) - 1) / 2)
        for result in members:
            rate = result.images_per_second
            turns = [[rate - result.slowest], [result.fastest - rate]]
            axes.barh(at, rate, 0.8, color=COLOUR[result.contender], xerr=turns, ecolor=GREY)
            label = f"{rate:,.0f}" if rate >= 100 else f"{rate:.1f}"
            label += "" if result.ratio is None else f"  (zoo: {result.ratio:.2f}x)"
            axes.annotate(label, (result.fastest, at), (4, 0), va="center", textcoords="offset points", fontsize=8)
            at += 1
        at += 0.6
    axes.set_yticks(ticks, [f"{precision}\nbatch {size}" for precision, size in groups])
    axes.invert_yaxis()
    axes.set_xlim(0, 1.45 * max(r.fastest for r in results))
    axes.locator_params(axis="x", nbins=6)  # so that large numbers have room
    axes.xaxis.set_major_formatter("{x:,g}")
    axes.set_xlabel("images/s: median, slowest and fastest turn")
    axes.spines[["top", "right"]].set_visible(False)


def draw_growth(points: list[Point]) -> Figure:
    """Plot images/s and ms per step of one net over batch size, width and input size, and what its MACs predict."""
    figure = Figure(figsize=(11, 6), layout="constrained")
    panels = figure.subplots(2, 3, sharex="col", sharey="row")
    series = _distinct(points, "mode", "precision")
    for varied, column in zip(VARIED, panels.T):
        here = [point for point in points if point.varied == varied]
        for mode, precision in series:
            _curves(column, [p for p in here if (p.mode, p.precision) == (mode, precision)])
        for axes in column:
            axes.set_xscale("log", base=2)
            axes.set_yscale("log")
            axes.grid(alpha=0.4)
            axes.spines[["top", "right"]].set_visible(False)
        values = sorted({point.value for point in here})
        column[1].set_xticks(values, [f"{value:g}" for value in values])
        column[1].xaxis.set_minor_formatter(NullFormatter())
        column[1].set_xlabel(VARIED[varied])
    panels[0, 0].set_ylabel("images/s")
    panels[1, 0].set_ylabel("ms per step")
    figure.suptitle(points[0].model, fontsize=11)
    handles = [Line2D([], [], color=COLOURS[MODES.index(mode)], linestyle=STYLES[precision], marker="o", markersize=4,
                      label=f"{mode}, {precision}") for mode, precision in series]
    handles.append(Line2D([], [], color=GREY, linestyle=":", label="in proportion to the multiply-adds"))
    figure.legend(handles=handles, loc="outside lower center", ncols=len(handles), frameon=False)
    return figure


def _curves(axes, points):
    """Plot one series into its two panels, and what its multiply-adds predict from its last, most costly point."""
    points = sorted(points, key=lambda point: point.value)
    values, last = [point.value for point in points], points[-1]
    style = dict(color=COLOURS[MODES.index(last.mode)], linestyle=STYLES[last.precision], marker="o", markersize=4)
    for panel, key in zip(axes, ("images_per_second", "ms_per_step")):
        panel.plot(values, [getattr(point, key) for point in points], **style)
    panel_of_rates, panel_of_steps = axes
    panel_of_rates.plot(values, [last.images_per_second * last.macs / p.macs for p in points], color=GREY, ls=":")
    work = [point.macs * point.batch_size for point in points]
    panel_of_steps.plot(values, [last.ms_per_step * each / work[-1] for each in work], color=GREY, ls=":")


def _distinct(results, *keys):
    """Return the distinct values of a key, or tuples of those of several keys, in the order of the results."""
    found = [tuple(getattr(result, key) for key in keys) for result in results]
    return list(dict.fromkeys(found if len(keys) > 1 else (value for (value,) in found)))

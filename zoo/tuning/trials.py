"""The trials of a search, read from its Optuna study and the trials' runs -> tune.csv and tune.png."""

import csv
import io
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator

from zoo.runs.figures import TRAINING, VALIDATION
from zoo.runs.folder import Run, best_epoch, write_text
from zoo.runs.lettering import lettered, with_fonts
from zoo.runs.sparing import can_do_without

if TYPE_CHECKING:
    import optuna

STATES = {"COMPLETE": "finished", "PRUNED": "pruned", "FAIL": "failed"}
METRICS = {"val_loss": "minimize", "val_accuracy": "maximize", "val_mean_iou": "maximize",
           "val_pixel_accuracy": "maximize"}
COLUMNS = 3  # of panels in tune.png, at most


@dataclass(frozen=True)
class Trial:
    """One trial; the fields are the keys of `zoo tune --json`, `trial` is its number, counted from 1.

    `state` is "finished", "pruned" or "failed", and `error` says why it failed. `settings` are the sampled values, by
    name. The metrics are those of the run's best epoch; they are None, as is `run`, its folder, if the trial failed
    before there were any. Those of classifiers and of nets that label pixels differ: a trial has either.
    """

    trial: int
    state: str
    settings: dict
    val_loss: float | None = None
    val_accuracy: float | None = None
    val_mean_iou: float | None = None
    val_pixel_accuracy: float | None = None
    epochs: int | None = None
    seconds: float | None = None
    run: str | None = None
    error: str | None = None


def trial_folder(folder: Path, number: int) -> Path:
    """Return the folder of a trial's run; `number` counts from 0, as Optuna does."""
    return folder / f"trial-{number + 1}"


def run_of(folder: Path, number: int) -> Run | None:
    """Return the `Run` of a trial in a search's folder, None if it has none yet."""
    config: Any = next(trial_folder(folder, number).glob("*/config.json"), None)
    return config and Run(config.parent)


def best_metrics(run: Run | None) -> dict[str, Any]:
    """Return the metrics of a run's best epoch, its number of epochs and its seconds; {} before the first epoch."""
    metrics = run.metrics() if run else {}
    if not metrics:
        return {}
    best = best_epoch(metrics) - 1
    found = {name: metrics[name][best] for name in METRICS if name in metrics}
    return found | {"epochs": len(metrics["epoch"]), "seconds": round(sum(metrics["seconds"]), 3)}


def read_trials(study: "optuna.Study", folder: Path) -> list[Trial]:
    """Return the `Trial`s of an Optuna study whose runs are in `folder`, in their order."""
    run: Any
    trials = []
    for trial in study.trials:
        run, state, error = run_of(folder, trial.number), STATES[trial.state.name], trial.user_attrs.get("error")
        found = best_metrics(run)
        if state != "failed" and not found:
            state, error = "failed", "Its run isn't there any more."
        trials.append(Trial(trial.number + 1, state, trial.params, **found, run=run and str(run.folder), error=error))
    return trials


def ranked(trials: list[Trial], metric: str) -> list[Trial]:
    """Return the trials sorted by state (finished, pruned, failed), and within a state by the metric, best first."""
    sign = 1 if metric == "val_loss" else -1
    states = list(STATES.values())
    return sorted(trials, key=lambda trial: (states.index(trial.state), sign * (getattr(trial, metric) or 0)))


def write_trials(folder: Path, trials: list[Trial], space: "dict[str, optuna.distributions.BaseDistribution]",
                 metric: str) -> None:
    """Write tune.csv, a row per trial, and tune.png if it can be drawn; `space` is {name: Optuna's distribution}."""
    rows = [{key: value for key, value in asdict(trial).items() if key != "settings"} for trial in trials]
    text = io.StringIO()
    writer = csv.DictWriter(text, [*rows[0], *space], lineterminator="\n")
    writer.writeheader()
    writer.writerows(row | trial.settings for row, trial in zip(rows, trials))
    write_text(folder / "tune.csv", text.getvalue())
    with can_do_without("tune.png"):
        draw_trials(trials, space, metric).savefig(folder / "tune.png", dpi=150)


def draw_trials(trials: list[Trial], space: "dict[str, optuna.distributions.BaseDistribution]",
                metric: str) -> Figure:
    """Plot the metric over the trials, with the best so far, and over each searched value; pruned trials are hollow."""
    seen = [trial for trial in trials if trial.state != "failed"]
    columns = min(COLUMNS, 1 + len(space))
    rows = -(-(1 + len(space)) // columns)
    figure = Figure(figsize=(3.6 * columns, 3.2 * rows), layout="constrained")
    panels = figure.subplots(rows, columns, sharey=True, squeeze=False).ravel()
    _draw_history(panels[0], seen, metric)
    for axes, (name, distribution) in zip(panels[1:], space.items()):
        _draw_value(axes, seen, metric, name, distribution)
    for axes in panels[1 + len(space) :]:
        axes.set_visible(False)
    for axes in panels:
        axes.grid(alpha=0.4)
        axes.set_axisbelow(True)
        axes.spines[["top", "right"]].set_visible(False)
    for axes in panels[::columns]:
        axes.set_ylabel(metric)
    return with_fonts(figure)


def _draw_history(axes, trials, metric):
    _scatter(axes, trials, metric, [trial.trial for trial in trials])
    finished = [trial for trial in trials if trial.state == "finished"]
    if finished:
        better = np.minimum if metric == "val_loss" else np.maximum
        best = better.accumulate([getattr(trial, metric) for trial in finished])
        axes.step([trial.trial for trial in finished], best, where="post", color=VALIDATION, label="best so far")
    axes.set_xlabel("trial")
    axes.xaxis.set_major_locator(MaxNLocator(integer=True))
    if trials:
        axes.legend(frameon=False)


def _draw_value(axes, trials, metric, name, distribution):
    choices = getattr(distribution, "choices", None)
    values = [trial.settings[name] for trial in trials]
    if choices:
        axes.set_xticks(range(len(choices)), lettered(map(str, choices)))
        axes.set_xlim(-0.5, len(choices) - 0.5)
        values = list(map(choices.index, values))
    elif distribution.log:
        low, high = distribution.low, distribution.high
        margin = (high / low) ** 0.05
        axes.set_xscale("log")
        axes.set_xlim(low / margin, high * margin)
        axes.set_xticks(np.geomspace(low, high, 4))
        axes.xaxis.set_major_formatter("{x:.2g}")
        axes.minorticks_off()
    _scatter(axes, trials, metric, values)
    axes.set_xlabel(*lettered([name]))


def _scatter(axes, trials, metric, values):
    """Plot each trial's metric over its value in `values`."""
    for state, inside in (("finished", TRAINING), ("pruned", "none")):
        points = [(x, getattr(trial, metric)) for x, trial in zip(values, trials) if trial.state == state]
        if points:
            axes.scatter(*zip(*points), edgecolors=TRAINING, facecolors=inside, label=state)

"""Search for a better recipe or layout: trials are runs, sampled by Optuna, compared on validation alone."""

import json
import logging
import shlex
from collections.abc import Callable
from contextlib import contextmanager
from dataclasses import asdict, dataclass, replace
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import numpy as np

from zoo import data, registry
from zoo.annotations import StrPath
from zoo.errors import ZooError, first_line
from zoo.names import on_lines
from zoo.runs.folder import Run, new_folder, write_text
from zoo.training import train as training
from zoo.training.request import make_job, read_request, whereabouts
from zoo.tuning.space import FIELDS, as_arguments, metrics_of, read_space
from zoo.tuning.trials import METRICS, best_metrics, ranked, read_trials, run_of, trial_folder, write_trials


@dataclass(frozen=True)
class Search:
    """The settings of a search, stored in its folder as search.json.

    `over` is the space as `read_space` takes it, {name: string}; `training` the arguments of `train` that all trials
    share.
    """

    over: dict
    trials: int
    metric: str
    training: dict

    def arguments(self, drawn: dict[str, Any]) -> dict[str, Any]:
        """Return the arguments of `train` for a trial's sampled values."""
        fields = as_arguments(drawn)
        options = self.training.get("options", {}) | fields.pop("options")
        return self.training | fields | {"options": options}


@dataclass(frozen=True)
class Found:
    """The result of a search: its folder, its `Trial`s, the best first, and the arguments of `train` that repeat it."""

    folder: str
    trials: list
    best: dict


def tune(over: dict[str, str], trials: int = 20, metric: str = "val_loss", runs: StrPath = "runs",
         log: Callable[[str], None] = print, model: str = "lenet", dataset: StrPath = "digits",
         **arguments: Any) -> Found:
    """Search for the values with which a model trains best; write a folder with each trial's run; return the `Found`.

    Trials are sampled by Optuna's TPE with the recipe's seed. Once five trials are finished, one is pruned, after the
    first quarter of the epochs, if its best value so far is worse than the median of the others at the same epoch.

    Args:
        over: what to search, {name: string}, as `zoo.tuning.space.read_space` takes it.
        trials: the number of trials in all, including those that fail or are pruned.
        metric: what trials are compared by, at their run's best epoch: "val_loss" or "val_accuracy" or, of nets that
            label pixels, "val_mean_iou" or "val_pixel_accuracy".
        runs: the folder in which the search's folder is made.
        log: called with each message about progress.
        **arguments: other arguments of `train`; None means their default.

    Raises:
        ZooError: for bad input, before anything is written; if no trial could be finished.
    """
    given = {key: value for key, value in arguments.items() if value is not None}
    if "data_dir" in given:
        given["data_dir"] = data.folder_from_root(given["data_dir"])
    if "recipe" in given and Path(given["recipe"]).is_file():
        given["recipe"] = str(Path(given["recipe"]).resolve())
    if "weights" in given:
        given["weights"] = whereabouts(model, given["weights"])
    here = {"model": registry.whereabouts(model), "dataset": data.whereabouts(dataset)}
    search = Search(dict(over), trials, metric, here | given)
    entry, space, loaded = _check(search)
    folder = new_folder(runs, f"tune-{entry.name}-{loaded.name}")
    return _search(folder, search, space, loaded, log)


def resume(folder: StrPath, trials: int | None = None, log: Callable[[str], None] = print) -> Found:
    """Resume a search that was stopped, or extend one to more trials in all; return the `Found`.

    A trial that was stopped is resumed, too, from its run's last checkpoint; a search gives the same trials whether or
    not it was stopped.

    Raises:
        ZooError: if there is no such search, or its data, its layout or its kind of loss has changed.
    """
    path = Path(folder) / "search.json"
    if not path.is_file():
        raise ZooError(f"There is no search in {str(folder)!r}: it has no search.json.")
    try:
        search = Search(**json.loads(path.read_text()))
    except (ValueError, TypeError) as problem:
        raise ZooError(f"{path} can't be read: {problem}.") from None
    search = replace(search, trials=search.trials if trials is None else trials)
    _, space, loaded = _check(search)
    _check_losses(Path(folder), search)
    return _search(Path(folder), search, space, loaded, log)


def _check(search):
    """Return the model's registry entry, the space and the data set. Raises `ZooError` for an invalid search."""
    if find_spec("optuna") is None:
        raise ZooError("zoo tune needs a package that isn't installed: pip install optuna.")
    if search.trials < 1:
        raise ZooError(f"trials must be at least 1; got {search.trials}.")
    if search.metric not in METRICS:
        raise ZooError(f"There is no metric {search.metric!r}. It is one of {', '.join(METRICS)}.")
    asked = read_request(**search.training)
    known = metrics_of(search.training, asked.entry)
    if search.metric not in known:
        raise ZooError(f"{asked.entry.name} is trained without {search.metric}: for it, the metric is one of "
                       f"{', '.join(known)}.")
    space = read_space(search.over, search.metric, search.training, asked.entry)
    loaded = data.load_source(asked.source)
    _check_stages(space, asked, loaded)
    return asked.entry, space, loaded


def _check_stages(space, asked, loaded):
    """Raise `ZooError` if a stage to freeze isn't there, or leaves nothing to train: each of its trials would fail.

    Where overrides are searched too, each trial has a net of its own, and tells it itself.
    """
    if "freeze" not in space or any(name not in FIELDS for name in space):
        return
    from zoo.training.freezing import check_trainable

    traced = make_job(asked, loaded).plan.trace
    for stage in space["freeze"].choices:
        try:
            check_trainable(traced, replace(asked.recipe, freeze=stage))
        except ZooError as problem:
            raise ZooError(f"--over freeze: {problem}") from None


def _check_losses(folder, search):
    """Raise `ZooError` if remaining trials would be compared by another loss than earlier ones."""
    epochs = [Run(path.parent).metrics() for path in folder.glob("trial-*/*/metrics.csv")]
    if search.metric == "val_loss" and len(epochs) < search.trials and any("objective" not in one for one in epochs):
        raise ZooError(
            f"The search in {folder} can't go on: its trials were compared by the loss that they minimized, and new "
            "ones would be by the plain cross-entropy."
        )


def _search(folder, search, space, loaded, log):
    """Run the remaining trials, and write tune.csv and tune.png; return the `Found`."""
    import optuna

    log = on_lines(log)
    optuna.logging.set_verbosity(optuna.logging.WARNING)
    logging.getLogger("tensorflow").setLevel(logging.ERROR)  # it warns if many nets are compiled in one process
    recipe = read_request(**search.training).recipe
    write_text(folder / "search.json", json.dumps(asdict(search), indent=2, default=str) + "\n")
    with _database(folder):
        study = optuna.create_study(
            storage=f"sqlite:///{folder / 'study.db'}", study_name="tune", direction=METRICS[search.metric],
            pruner=optuna.pruners.MedianPruner(n_warmup_steps=recipe.epochs // 4), load_if_exists=True,
        )
        for trial in _trials(study, space, search.trials, recipe.seed):
            try:
                _run(study, trial, folder, search, loaded, log)
            except KeyboardInterrupt:
                again = f"zoo tune --resume {shlex.quote(str(folder))}"
                log(f"Stopped in trial {trial.number + 1}; `{again}` goes on from there.")
                raise
        trials = read_trials(study, folder)
    write_trials(folder, trials, space, search.metric)
    if not any(trial.state == "finished" for trial in trials):
        last = next((trial.error for trial in reversed(trials) if trial.error), "it was pruned")
        raise ZooError(f"None of {len(trials)} trials in {folder} could be finished; the last: {last}")
    best_first = ranked(trials, search.metric)
    return Found(str(folder), best_first, search.arguments(best_first[0].settings))


@contextmanager
def _database(folder):
    """Return a context that raises `ZooError` if study.db can't be read or written."""
    from optuna.exceptions import StorageInternalError
    from sqlalchemy.exc import DatabaseError

    try:
        yield
    except (DatabaseError, StorageInternalError) as problem:
        why = first_line(getattr(problem, "orig", problem))
        raise ZooError(f"{folder / 'study.db'} can't be used: {why.rstrip('.')}.") from None


def _trials(study, space, count, seed):
    """Yield the trial that was stopped, if one was, and new ones until there are `count` in all."""
    import optuna

    for stopped in study.get_trials(states=[optuna.trial.TrialState.RUNNING]):
        trial = optuna.trial.Trial(study, stopped._trial_id)  # Optuna has no public way to continue a trial
        if stopped.params.keys() == space.keys():
            yield trial
        else:
            _fail(study, trial, "It was stopped before it began.")
    for number in range(len(study.trials), count):
        # A random generator per trial: its samples depend on the seed and the trials before, however often the search
        # was stopped.
        state = np.random.SeedSequence((seed, number)).generate_state(1)
        study.sampler = optuna.samplers.TPESampler(seed=int(state[0]))
        yield study.ask(space)


def _run(study, trial, folder, search, loaded, log):
    """Run a trial, or the rest of one that was stopped, and report its result to the study."""
    import keras
    import optuna

    values = ", ".join(f"{name} {value:.4g}" if isinstance(value, float) else f"{name} {value}"
                       for name, value in trial.params.items())
    log(f"Trial {trial.number + 1} of {search.trials}: {values}.")
    try:
        value = _train(study, trial, folder, search, loaded)
    except optuna.TrialPruned:
        study.tell(trial, state=optuna.trial.TrialState.PRUNED)
        log(f"  Pruned after epoch {study.trials[trial.number].last_step + 1}.")
    except Exception as problem:
        _fail(study, trial, str(problem))
        if not isinstance(problem, ZooError):
            raise
        log(f"  Failed: {problem}")
    else:
        study.tell(trial, value)
        log(f"  {search.metric} {value:.4f}{', the best so far' if study.best_trial.number == trial.number else ''}.")
    keras.utils.clear_session()


def _fail(study, trial, error):
    import optuna

    trial.set_user_attr("error", error)
    study.tell(trial, state=optuna.trial.TrialState.FAIL)


def _train(study, trial, folder, search, loaded):
    """Train a trial's run, or resume it; return the value of the metric."""
    from tqdm import tqdm

    arguments = search.arguments(trial.params)
    epochs, run = read_request(**arguments).recipe.epochs, run_of(folder, trial.number)
    with tqdm(total=epochs, desc="epochs", leave=False, disable=None) as progress:
        watch = _watcher(study, trial, search.metric, epochs, progress)
        if run:
            training.resume(run.folder, 0, _ignore, watch)
        else:
            runs = trial_folder(folder, trial.number)
            training.train(**arguments, runs=runs, verbose=0, log=_ignore, watch=watch, loaded=loaded)
    return best_metrics(run_of(folder, trial.number))[search.metric]


def _ignore(message):
    """Drop a run's messages; they are in its config.json, too."""


def _watcher(study, trial, metric, epochs, progress):
    """Return the `watch` function for `train`: it reports each epoch to the study, and may prune the trial."""
    import optuna

    reported = set(study.trials[trial.number].intermediate_values)

    def watch(history):
        progress.update(len(history) - progress.n)
        for row in history:
            if row["epoch"] not in reported:
                trial.report(row[metric], row["epoch"])
                reported.add(row["epoch"])
        if 0 < len(history) < epochs and trial.should_prune():
            raise optuna.TrialPruned

    return watch

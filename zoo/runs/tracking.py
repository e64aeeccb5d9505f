"""Experiment trackers that also log a run's metrics, each by its own Keras callback: TensorBoard, MLflow, W&B.

If one fails (no server, a full disk), there is a warning, and the run goes on without it.
"""

from collections.abc import Iterable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import asdict
from functools import wraps
from importlib.util import find_spec
from typing import TYPE_CHECKING

from zoo.errors import ZooError
from zoo.runs.folder import Run
from zoo.runs.job import Job
from zoo.runs.sparing import can_do_without

if TYPE_CHECKING:
    import keras


def check_trackers(names: Iterable[str]) -> None:
    """Raise `ZooError` for a tracker whose package isn't installed."""
    for name in names:
        if find_spec(name) is None:
            raise ZooError(f"--{name} needs a package that isn't installed: pip install {name}.")


@contextmanager
def tracked(run: Run, job: Job) -> "Iterator[list[keras.callbacks.Callback]]":
    """Yield the callbacks of the trackers of a run's job; whatever they open is closed at the end, also after errors.

    A resumed run is resumed in them too, by the ids that they gave it, which its config holds.
    """
    opened, callbacks = ExitStack(), []
    for name in job.trackers:
        with can_do_without(_record(name)):
            callbacks.append(_spared(name, TRACKERS[name](run, job, opened)))

    def close(*problem):
        with can_do_without("The end of a tracker's record of this run"):
            opened.__exit__(*problem)

    with ExitStack() as closing:
        closing.push(close)
        yield callbacks


def _record(name):
    return f"The record of this run that --{name} asks for"


def _spared(name, callback):
    """Return the callback, changed to do nothing more once it has failed."""
    failed = False

    def spared(method):
        @wraps(method)  # Keras checks whether a callback overrides a method
        def call(*arguments, **options):
            nonlocal failed
            if failed:
                return
            with can_do_without(_record(name)):
                try:
                    method(*arguments, **options)
                except Exception:
                    failed = True
                    raise

        return call

    for method in dir(callback):
        if method.startswith("on_") or method in ("set_model", "set_params"):
            setattr(callback, method, spared(getattr(callback, method)))
    return callback


def _tensorboard(run, job, opened):
    import keras

    return keras.callbacks.TensorBoard(run.tensorboard_path, write_graph=False)


def _mlflow(run, job, opened):
    import mlflow
    from mlflow.keras import MlflowCallback

    config = run.config()
    started = opened.enter_context(mlflow.start_run(run_id=config.get("mlflow_run"), run_name=run.folder.name))
    if "mlflow_run" not in config:
        run.add_to_config(mlflow_run=started.info.run_id)
        mlflow.log_params(_settings(job))
    return MlflowCallback()


def _wandb(run, job, opened):
    import wandb
    from wandb.integration.keras import WandbMetricsLogger

    started = opened.enter_context(wandb.init(id=run.config().get("wandb_run"), resume="allow", name=run.folder.name,
                                              dir=run.folder, config=_settings(job)))
    run.add_to_config(wandb_run=started.id)
    return WandbMetricsLogger()


def _settings(job):
    return {"model": job.name, "dataset": job.dataset} | job.options | asdict(job.recipe)


TRACKERS = {"tensorboard": _tensorboard, "mlflow": _mlflow, "wandb": _wandb}

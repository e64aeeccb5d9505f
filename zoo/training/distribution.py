"""Data parallelism over devices: one, all of this machine, or those of several machines (workers).

Each replica computes its part of every batch, with TensorFlow or JAX. On JAX results are those of a single device, but
for the order of sums. On TensorFlow replicas exchange nothing but the sum of their gradients: BatchNorm, MixUp and
CutMix work within a replica's part of the batch, and dropout and augmentation draw the same random numbers in each.
"""

import atexit
import os
import sys
from collections.abc import Callable
from contextlib import AbstractContextManager, contextmanager, nullcontext
from dataclasses import dataclass
from typing import Any

import keras
import numpy as np
from keras import ops

from zoo.errors import ZooError, first_line, no_such
from zoo.names import on_lines
from zoo.recipes.recipe import Recipe

STRATEGIES = ("auto", "single", "mirrored", "multiworker")
ADDRESSES, PROCESSES, NUMBER = CLUSTER = (
    "KERAS_DISTRIBUTION_JOB_ADDRESSES", "KERAS_DISTRIBUTION_NUM_PROCESSES", "KERAS_DISTRIBUTION_PROCESS_ID"
)
ENGINES = ("Gloo", "NCCL", "CoordinationService")  # how workers communicate; each names itself in its errors
HEARTBEAT = 30  # seconds without a heartbeat after which a worker counts as lost


class WorkerLost(ZooError):
    """Another worker of the cluster died, or can't be reached."""


@dataclass(frozen=True)
class Devices:
    """The devices of a run, as `choose` found them. This process is worker `worker`, counted from 0, of `workers`."""

    strategy: str
    workers: int = 1
    worker: int = 0

    @property
    def is_chief(self) -> bool:
        """Whether this process writes the run's folder and prints."""
        return self.worker == 0

    @property
    def names(self) -> list[str]:
        """The devices' names, one per replica, those of other machines included; a cluster has them after `join`."""
        names = keras.distribution.list_devices()
        return names[:1] if self.strategy == "single" else names

    @property
    def replicas(self) -> int:
        return len(self.names)

    @property
    def take_blocks(self) -> bool:
        """Whether many steps can be one compiled call: Keras's optimizers can't run in a MirroredStrategy's loop."""
        return self.strategy == "single" or keras.backend.backend() == "jax"

    @property
    def take_shards(self) -> bool:
        """Whether a batch can be computed in shards (`zoo.training.shards`): on one device, by TensorFlow."""
        return self.replicas == 1 and keras.backend.backend() == "tensorflow"

    def on_chief(self, log: Callable[[str], None], verbose: str | int) -> tuple[Callable[[str], None], str | int]:
        """Return `log`, with each message on one line, and `verbose`; silent ones in workers other than the chief."""
        return (on_lines(log), verbose) if self.is_chief else (lambda message: None, 0)

    def join(self, log: Callable[[str], None]) -> None:
        """Connect to the other workers, if any. Raises `ZooError` if they don't within JAX's timeout, five minutes."""
        if self.strategy != "multiworker":
            return
        import jax

        address = os.environ[ADDRESSES].split(",")[0]
        log(f"Worker {self.worker} of {self.workers} meets the others at {address}.")
        try:
            jax.distributed.initialize(address, self.workers, self.worker, heartbeat_timeout_seconds=HEARTBEAT)
        except RuntimeError as problem:
            raise ZooError(f"The workers didn't meet at {address}: {first_line(problem)}") from None

    def check(self, recipe: Recipe) -> None:
        """Raise `ZooError` if the recipe can't be trained on these devices."""
        if recipe.batch_size % self.replicas:  # type: ignore[operator]
            raise ZooError(
                f"A batch of {recipe.batch_size} images can't be shared evenly among {self.replicas} devices; "
                f"give a --batch-size that {self.replicas} divides."
            )
        if not self.take_blocks and (recipe.clip or recipe.accumulate > 1):
            raise ZooError(
                "On TensorFlow, Keras can't clip or accumulate gradients over several devices; KERAS_BACKEND=jax "
                "can, or train with --strategy single."
            )

    def local_slice(self, batch_size: int) -> slice:
        """Return the slice of each batch that this process feeds to its own devices."""
        size = batch_size // self.workers
        return slice(self.worker * size, (self.worker + 1) * size)

    def even(self, batch_size: int, count: int) -> int:
        """Return the largest batch size, at most this, that gives each replica images of every batch of `count`.

        TensorFlow needs equal parts of the first batch, to build a net, and fails on an empty part of the last.
        """
        largest = min(batch_size, count) // self.replicas * self.replicas
        sizes = range(largest, 0, -self.replicas)
        return next((size for size in sizes if not 0 < count % size < self.replicas), batch_size)

    def scope(self) -> AbstractContextManager[Any]:
        """Return the context in which the net is built and trained; a process can enter that of a cluster only once.

        It raises `WorkerLost` in the remaining workers when one is lost.
        """
        if self.strategy == "single":
            return nullcontext()
        if keras.backend.backend() == "tensorflow":
            import tensorflow as tf

            return tf.distribute.MirroredStrategy(list(self.names)).scope()
        parallel = keras.distribution.DataParallel(auto_shard_dataset=False).scope()
        return parallel if self.workers == 1 else _among_workers(parallel)


def choose(strategy: str) -> Devices:
    """Return the `Devices` of one of the `STRATEGIES`.

    "single" is one device, "mirrored" all devices of this machine, "multiworker" those of the cluster that the
    environment describes (by the variables of `keras.distribution.initialize`), and "auto" the last of these that is
    available; for "auto", CPU cores that JAX or TensorFlow presents as several devices count as one.

    Raises:
        ZooError: for an unknown strategy, for "multiworker" without a cluster and "mirrored" with one device, or if
            Keras runs on neither TensorFlow nor JAX.
    """
    if strategy not in STRATEGIES:
        raise no_such("strategy", strategy, STRATEGIES)
    if keras.backend.backend() not in ("tensorflow", "jax"):
        raise ZooError(f"Training needs TensorFlow or JAX, but KERAS_BACKEND is {keras.backend.backend()}.")
    if strategy == "auto" and _is_in_cluster():
        strategy = "multiworker"
    if strategy == "multiworker":
        return _cluster()
    mirrored = Devices("mirrored")
    if strategy == "auto":
        strategy = "mirrored" if mirrored.replicas > 1 and not mirrored.names[0].startswith("cpu") else "single"
    if strategy == "mirrored" and mirrored.replicas == 1:
        raise ZooError(f"mirrored needs several devices, but this machine has one: {mirrored.names[0]}.")
    return Devices(strategy)


def _is_in_cluster():
    if ADDRESSES in os.environ:
        return True
    if keras.backend.backend() != "tensorflow":
        return False
    import tensorflow as tf

    cluster = tf.distribute.cluster_resolver.TFConfigClusterResolver().cluster_spec()
    return sum(map(cluster.num_tasks, cluster.jobs)) > 1


def _cluster():
    if keras.backend.backend() != "jax":
        raise ZooError(
            "Keras can't train on several machines with TensorFlow: set KERAS_BACKEND=jax, and instead of TF_CONFIG "
            f"{ADDRESSES}, {PROCESSES} and {NUMBER}; or train here alone with --strategy single."
        )
    try:
        workers, worker = int(os.environ[PROCESSES]), int(os.environ[NUMBER])
        known = bool(os.environ[ADDRESSES]) and 0 <= worker < workers
    except (KeyError, ValueError):
        known = False
    if not known:
        raise ZooError(
            f"multiworker needs a cluster: set for every worker {ADDRESSES} (worker 0's host:port), {PROCESSES} (how "
            f"many) and {NUMBER} (which, from 0)."
        )
    return Devices("multiworker", workers, worker)


@contextmanager
def _among_workers(parallel):
    """Enter JAX's scope, and leave the cluster at its end; raise `WorkerLost` if another worker is lost meanwhile."""
    import jax

    try:
        with parallel:
            yield
        jax.distributed.shutdown()
    except BaseException as problem:
        if isinstance(problem, (RuntimeError, ValueError)) and any(name in str(problem) for name in ENGINES):
            problem = WorkerLost("Another worker is lost: it died, or it can't be reached.")
        code = 130 if isinstance(problem, KeyboardInterrupt) else 2 if isinstance(problem, ZooError) else 1
        atexit.register(_leave, code)
        raise problem from None


def _leave(code):
    """Exit at once: JAX's own shutdown would wait for the lost worker, and then abort."""
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(code)


# ------------------------------------------------------------------------------- inside a scope of JAX's, or outside


class _Replicated(keras.distribution.DataParallel):
    """Keras's DataParallel with data replicated, not sharded, so that batch sizes needn't be multiples of devices."""

    def get_data_layout(self, data_shape: tuple[int, ...]) -> keras.distribution.TensorLayout:
        return keras.distribution.TensorLayout([None] * len(data_shape), self.device_mesh)


def replicated_data() -> AbstractContextManager[Any]:
    """Return a context in which every device gets whole batches, of any size."""
    current = keras.distribution.distribution()
    return nullcontext() if current is None else _Replicated(current.device_mesh, auto_shard_dataset=False).scope()


def on_every_device(array: np.ndarray) -> Any:
    """Return an array as a tensor, replicated on every device."""
    with replicated_data():
        current = keras.distribution.distribution()
        if current is None:
            return ops.convert_to_tensor(array)
        return keras.distribution.distribute_tensor(array, current.get_data_layout(array.shape))


def sharded(batch: Any) -> Any:
    """In a compiled step, shard a replicated tensor, or a tuple of such, over the devices."""
    current = keras.distribution.distribution()
    if current is None:
        return batch
    parallel = keras.distribution.DataParallel(current.device_mesh)
    return keras.tree.map_structure(
        lambda tensor: keras.distribution.distribute_tensor(tensor, parallel.get_data_layout(tensor.shape)), batch
    )


def replicas_in_step() -> int:
    """Return the number of losses summed in a step: one per replica on TensorFlow; one of the whole batch on JAX."""
    if keras.backend.backend() != "tensorflow":
        return 1
    import tensorflow as tf

    return tf.distribute.get_strategy().num_replicas_in_sync

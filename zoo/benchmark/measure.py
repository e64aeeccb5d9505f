"""Contenders take turns, round by round, so that other load on the machine slows all of them alike."""

from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from functools import partial
from math import ceil
from typing import Any

from zoo.benchmark.contenders import OWN, Contender
from zoo.benchmark.process import Process
from zoo.benchmark.result import Result, ratio, speeds
from zoo.benchmark.workload import Workload
from zoo.errors import ZooError, first_line

# Least seconds of a turn of the zoo, if there are enough images: a call of `fit` has a fixed cost.
TURN = 3.0
# Rows of the matrices whose product is the ceiling: on a GPU the smaller product takes less time than its launch.
SIZES = 2048, 8192
SHORTEST, TIMES = 0.01, 5  # least seconds of a timing, and the number of timings in a round


class Entrant:
    """A contender with its process, warmed up, and its seconds per step in each turn so far."""

    def __init__(self, contender: Contender, process: Process, workload: Workload) -> None:
        self.contender, self.process = contender, process
        self.seconds: list[float] = []
        first, _ = process.run(workload.steps_in_block)
        self.warm, self.peak = process.run(workload.steps_in_block)
        self.compile_seconds = max(first - self.warm, 0.0)

    def take_turn(self, steps: int) -> None:
        seconds, self.peak = self.process.run(steps)
        self.seconds.append(seconds / steps)


@contextmanager
def ceiling_of(precision: str) -> Iterator[Callable[[], float]]:
    """Yield a function that measures, in a process of its own, how fast this machine multiplies large matrices now.

    It returns billions of operations per second, the best of several timings.
    """
    for size in SIZES:
        with Process("zoo.benchmark.ceiling", precision, size) as process:
            process.run(1)
            seconds, _ = process.run(1)
            if seconds >= SHORTEST or size == SIZES[-1]:
                products = ceil(SHORTEST / seconds)
                yield partial(_best_rate, process, size, products)
                return


def _best_rate(process, size, products):
    return 2 * size**3 * products / min(process.run(products)[0] for _ in range(TIMES)) / 1e9


def measure(workload: Workload, contenders: list[Contender], repeats: int, ceiling: Callable[[], float],
            progress: Callable[[], Any]) -> tuple[list[Result], dict[str, str]]:
    """Return the `Result`s of the `Contender`s, the zoo's first, and the reasons why others have none, {name: reason}.

    Args:
        workload: the `Workload`.
        contenders: those that take a turn in each round.
        repeats: the number of rounds.
        ceiling: the function that `ceiling_of` yields for this precision; it is called once in each round.
        progress: called without arguments, `repeats` + 1 times for each contender.

    Raises:
        ZooError: if the zoo's own contender can't be measured.
    """
    entrants: list[Entrant] = []
    failed: dict[str, str] = {}
    with ExitStack() as processes:
        for contender in contenders:
            with _noting_failure(contender, failed, workload):
                process = processes.enter_context(Process(contender.module, workload, **contender.settings))
                entrants.append(Entrant(contender, process, workload))
            progress()
        own = entrants[0]
        steps = _steps_of_turn(workload, own.warm)
        most = 0.0
        for _ in range(repeats):
            most = max(most, ceiling())
            for entrant in entrants:
                with _noting_failure(entrant.contender, failed, workload):
                    entrant.take_turn(steps)
                progress()
    return [_result(workload, e, own, most) for e in entrants if e.contender.name not in failed], failed


@contextmanager
def _noting_failure(contender, failed, workload):
    """Go on without a contender that fails, unless it is the zoo's own."""
    try:
        yield
    except (ZooError, RuntimeError) as problem:
        if contender is not OWN:
            failed.setdefault(contender.name, first_line(problem))
        elif isinstance(problem, ZooError):
            raise ZooError(f"{workload.plan.name} can't be measured: {problem}") from None
        else:
            raise


def _steps_of_turn(workload, seconds):
    """Return the steps of every contender's turn, in whole blocks; `seconds` is the zoo's time for one block."""
    return min(ceil(TURN / seconds) * workload.steps_in_block, workload.steps)


def _result(workload, entrant, own, ceiling):
    planned = workload.plan
    return Result(
        model=planned.name, mode=workload.mode, precision=workload.precision, batch_size=workload.batch_size,
        input_shape=workload.input_shape, macs=planned.trace.macs, contender=entrant.contender.name,
        device=entrant.process.device, peak_memory_mb=round(entrant.peak / 1e6, 1),
        build_seconds=round(entrant.process.build_seconds, 3), compile_seconds=round(entrant.compile_seconds, 3),
        ratio=None if entrant is own else ratio(own.seconds, entrant.seconds),
        **speeds(entrant.seconds, workload.batch_size, workload.flops_per_image, ceiling),
    )

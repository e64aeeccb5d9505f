"""A session: everything that one call of `zoo benchmark` measures."""

import os
import platform
from collections.abc import Sequence
from contextlib import ExitStack
from dataclasses import dataclass, replace
from itertools import product
from typing import Any

from tqdm import tqdm

from zoo.benchmark.contenders import choose
from zoo.benchmark.growth import measure_growth, number_of_others
from zoo.benchmark.measure import ceiling_of, measure
from zoo.benchmark.result import Result
from zoo.benchmark.workload import MODES, MOMENT, make_workload
from zoo.errors import ZooError
from zoo.processor import PRECISIONS, check_bfloat16
from zoo.versions import installed


@dataclass(frozen=True)
class Session:
    """The results of a session; the fields are the keys of `zoo benchmark --json`.

    `machine` describes hardware and library versions, `results` are `Result`s, `growth` is `Point`s, and `notes` are
    messages about what couldn't be measured.
    """

    machine: dict
    results: list
    growth: list
    notes: list


def benchmark(nets: Sequence[tuple[str, tuple[int, int, int] | None]], vs: Sequence[str] = (),
              modes: Sequence[str] = MODES, precisions: Sequence[str] = PRECISIONS,
              batch_sizes: Sequence[int | None] = (None,), classes: int | None = None,
              options: dict[str, Any] | None = None, repeats: int = 5, growth: bool = False) -> Session:
    """Measure nets, alone or beside other contenders; return the `Session`.

    Args:
        nets: pairs of a registered name, or "my_layout.py:tiny", and an input shape, None for the model's own.
        vs: what to compare with, some of "pytorch" and "keras".
        modes: some of "training" and "inference".
        precisions: some of "float32" and "bfloat16".
        batch_sizes: images per step; None is 128; 32 for inputs of more than 64 pixels, 4 if pixels are labelled.
        classes: the number of classes; each model's own by default.
        options: overrides of the layout, as `zoo.create` takes them.
        repeats: the number of rounds, in each of which every contender takes a turn.
        growth: whether also to measure how the cost of a single net grows with batch size, width and input size.

    Raises:
        ZooError: for bad input, before anything is measured; and if the zoo itself can't run the first workload.
    """
    contenders = choose(vs)
    if growth and len(nets) * len(batch_sizes) > 1:
        raise ZooError("How the cost grows is measured of one model, from one batch size on; give one of each.")
    workloads = [
        make_workload(model, mode, precision, batch_size, shape, classes, **options or {})
        for (model, shape), batch_size, mode, precision in product(nets, batch_sizes, modes, precisions)
    ]
    if "bfloat16" in precisions:
        check_bfloat16()
    turns = len(workloads) * len(contenders) + sum(number_of_others(workload) for workload in workloads if growth)
    results: list[Result] = []
    reasons: dict[tuple[str, str], dict[str, None]] = {}
    points, notes = [], []
    with ExitStack() as processes, tqdm(total=turns * (repeats + 1), leave=False, disable=None) as bar:
        ceilings = {precision: processes.enter_context(ceiling_of(precision)) for precision in precisions}
        for workload in workloads:
            bar.set_description(workload.title)
            ceiling = ceilings[workload.precision]
            workload = replace(workload, work=max(workload.work, MOMENT * 1e9 * ceiling()))
            try:
                found, failed = measure(workload, contenders, repeats, ceiling, bar.update)
            except ZooError as problem:
                if not results:
                    raise
                notes.append(f"{workload.title}: {problem}")  # keeps what was measured so far
                continue
            results += found
            for name, reason in failed.items():
                reasons.setdefault((found[0].model, reason), {})[name] = None
            if growth:
                points += measure_growth(workload, found[0], repeats, ceiling, bar)
    notes += [f"{model} isn't measured with {', '.join(names)}: {reason}" for (model, reason), names in reasons.items()]
    machine = {"system": platform.system(), "processor": platform.machine(), "cores": os.cpu_count()}
    return Session(machine | installed("keras", "tensorflow", "jax", "torch"), results, points, notes)

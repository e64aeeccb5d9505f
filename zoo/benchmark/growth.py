"""How the cost of a net grows with the batch, the width and the input size."""

from collections.abc import Callable
from dataclasses import asdict, dataclass, replace

from tqdm import tqdm

from zoo.benchmark.contenders import OWN
from zoo.benchmark.measure import measure
from zoo.benchmark.result import Result
from zoo.benchmark.workload import Workload, make_workload
from zoo.errors import ZooError

FACTORS = {"batch_size": (1 / 8, 1 / 4, 1 / 2, 1, 2), "width": (1 / 4, 1 / 2, 1, 2), "input_size": (1 / 2, 1, 3 / 2, 2)}


@dataclass(frozen=True)
class Point(Result):
    """A `Result` for one `value` of a quantity `varied`, a key of `FACTORS`; "input_size" is the height in pixels."""

    varied: str
    value: float


def variations(workload: Workload) -> dict[str, dict[float, Workload]]:
    """Return the variations of a `Workload` that its net can be built for: {key of `FACTORS`: {value: workload}}.

    Each inner dict contains the given workload itself, the same object.
    """
    found: dict[str, dict[float, Workload]] = {}
    for varied, (given, change) in _changes(workload).items():
        found[varied] = {}
        for factor in FACTORS[varied]:
            value = given * factor if varied == "width" else max(1, round(given * factor))
            try:
                found[varied][value] = workload if value == given else change(value)
            except ZooError:  # too small an input, or a width that the layout fixes
                continue
    return found


def _changes(workload):
    """Return {key of `FACTORS`: (the workload's value, function from another value to a changed workload)}."""
    height, width, channels = workload.input_shape

    def changed(input_shape, **options):
        new = make_workload(
            workload.model, workload.mode, workload.precision, workload.batch_size, input_shape, workload.classes,
            **workload.options | options,
        )
        return replace(new, work=workload.work)

    return {
        "batch_size": (workload.batch_size, lambda size: replace(workload, batch_size=size)),
        "width": (workload.options.get("width", 1), lambda times: changed(workload.input_shape, width=times)),
        "input_size": (height, lambda size: changed((size, round(width * size / height), channels))),
    }


def number_of_others(workload: Workload) -> int:
    """Return how many more workloads `measure_growth` measures."""
    return sum(len(values) - 1 for values in variations(workload).values())


def measure_growth(workload: Workload, result: Result, repeats: int, ceiling: Callable[[], float],
                   bar: tqdm) -> list[Point]:
    """Measure the variations of a `Workload` whose own `Result` is known; return all `Point`s.

    `bar` is a tqdm progress bar; the other arguments are those of `measure`.
    """
    points = []
    for varied, values in variations(workload).items():
        for value, changed in values.items():
            found = result
            if changed is not workload:
                bar.set_description(f"{workload.title}: {varied.replace('_', ' ')} {value:g}")
                try:
                    (found,), _ = measure(changed, [OWN], repeats, ceiling, bar.update)
                except ZooError:  # such as too little memory
                    continue
            points.append(Point(**asdict(found), varied=varied, value=value))
    return points

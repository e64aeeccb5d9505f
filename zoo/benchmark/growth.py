"""How the cost of a net grows with the batch, the width and the input size."""

from dataclasses import asdict, dataclass, replace

from zoo.benchmark.contenders import OWN
from zoo.benchmark.measure import measure
from zoo.benchmark.result import Result
from zoo.benchmark.workload import make_workload
from zoo.errors import ZooError

FACTORS = {"batch_size": (1 / 8, 1 / 4, 1 / 2, 1, 2), "width": (1 / 4, 1 / 2, 1, 2), "input_size": (1 / 2, 1, 3 / 2, 2)}


@dataclass(frozen=True)
class Point(Result):
    """A `Result`, and in what it differs from others: `varied`, a key of `FACTORS`, has this value there.

    The value of "input_size" is the height in pixels.
    """

    varied: str
    value: float


def variations(workload):
    """Return {what varies: {its value: the workload}} for a `Workload` and those round it that the net takes.

    Every one holds the workload itself, the same object.
    """
    found = {}
    for varied, factors in FACTORS.items():
        found[varied] = {}
        for factor in factors:
            try:
                value, changed = _CHANGES[varied](workload, factor)
            except ZooError:  # too small an input, or a width that the net's layout fixes
                continue
            found[varied].setdefault(value, workload if factor == 1 else changed)
    return found


def number_of_others(workload):
    """Return how many workloads `measure_growth` measures."""
    return sum(len(values) - 1 for values in variations(workload).values())


def measure_growth(workload, result, repeats, ceiling, bar):
    """Return the `Point`s round a `Workload` whose `Result` is known; the other arguments are those of `measure`.

    `bar` is a tqdm bar.
    """
    points = []
    for varied, values in variations(workload).items():
        for value, changed in values.items():
            found = result
            if changed is not workload:
                bar.set_description(f"{changed.title}, {varied.replace('_', ' ')} {value:g}")
                (found,), _ = measure(changed, [OWN], repeats, ceiling, bar.update)
            points.append(Point(**asdict(found), varied=varied, value=value))
    return points


def _batch_size(workload, factor):
    size = max(1, round(workload.batch_size * factor))
    return size, replace(workload, batch_size=size)


def _width(workload, factor):
    width = workload.options.get("width", 1) * factor
    return width, _planned(workload, workload.input_shape, workload.options | {"width": width})


def _input_size(workload, factor):
    height, width, channels = workload.input_shape
    shape = (round(height * factor), round(width * factor), channels)
    return shape[0], _planned(workload, shape, workload.options)


_CHANGES = {"batch_size": _batch_size, "width": _width, "input_size": _input_size}


def _planned(workload, input_shape, options):
    """The workload with another shape and options. Raises `ZooError` if the net doesn't take them."""
    return make_workload(
        workload.model, workload.mode, workload.precision, workload.batch_size, input_shape, workload.classes, **options
    )

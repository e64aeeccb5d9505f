"""Seconds per step in each round -> the measurements of a contender."""

from dataclasses import dataclass
from statistics import median


@dataclass(frozen=True)
class Result:
    """A contender's measurements; the fields are the keys of `zoo benchmark --json`.

    In each of several rounds every contender takes a turn. `ms_per_step` is the median over the rounds, and
    `images_per_second` follows from it; `slowest` and `fastest` are the images/s of single turns, `spread` is their
    difference as a fraction of the median. `device` is the GPU or CPU that computed, `peak_memory_mb` the peak of GPU
    memory in use, or of the process's resident memory, including libraries and images. `build_seconds` passed until
    net, optimizer and images were ready; `compile_seconds` is how much longer the first steps took than the next.
    `gflops` are billions of operations per second: two for each multiply-add, and three times as many in training;
    `ceiling_gflops` is the most that a product of large matrices reached in the same rounds, `share_of_ceiling` is
    `gflops` divided by it. `ratio` is how many times as fast as the contender the zoo is, the median of the rounds;
    None for the zoo.
    """

    model: str
    mode: str
    precision: str
    batch_size: int
    input_shape: tuple
    macs: int
    contender: str
    images_per_second: float
    slowest: float
    fastest: float
    spread: float
    ms_per_step: float
    device: str
    peak_memory_mb: float
    build_seconds: float
    compile_seconds: float
    gflops: float
    ceiling_gflops: float
    share_of_ceiling: float
    ratio: float | None


def speeds(seconds: list[float], batch_size: int, flops_per_image: int, ceiling: float) -> dict[str, float]:
    """Return the fields of `Result` about speed, given the seconds per step of each round."""
    rates = [batch_size / one for one in seconds]
    rate = batch_size / median(seconds)
    gflops = rate * flops_per_image / 1e9
    return {
        "images_per_second": round(rate, 1), "slowest": round(min(rates), 1), "fastest": round(max(rates), 1),
        "spread": round((max(rates) - min(rates)) / rate, 4),
        "ms_per_step": round(1000 * median(seconds), 3), "gflops": round(gflops, 2),
        "ceiling_gflops": round(ceiling, 1), "share_of_ceiling": round(gflops / ceiling, 4),
    }


def ratio(zoo: list[float], other: list[float]) -> float:
    """Return how many times as fast the zoo is as another contender, given both's seconds per step of each round."""
    return round(median(theirs / ours for ours, theirs in zip(zoo, other, strict=True)), 3)

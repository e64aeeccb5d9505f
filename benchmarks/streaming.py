"""How much memory does a set take that stays in its files, and how fast is it read?

    python -m benchmarks.streaming                        # 100,000 JPEGs of 64x64: a few minutes on two cores
    python -m benchmarks.streaming --images 20000 --size 224

Makes a folder of two classes of JPEGs in a temporary directory, then reads one shuffled epoch of it in a process of
its own, and prints that process's peak resident memory, before and after, and the images/s.
"""

import argparse
import os
import resource
import sys
import tempfile
import time
from concurrent.futures import ProcessPoolExecutor
from functools import partial
from multiprocessing import get_context
from pathlib import Path

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

import numpy as np
from PIL import Image

BATCH = 128


def make_images(folder, count, size):
    """Write JPEGs of smooth noise: as large as photographs are, after compression, and no two alike."""
    for name in ("a", "b"):
        (folder / name).mkdir()
    generator = np.random.default_rng(0)
    for i in range(count):
        coarse = Image.fromarray(generator.integers(0, 256, (8, 8, 3), dtype=np.uint8))
        coarse.resize((size, size), Image.Resampling.BICUBIC).save(folder / "ab"[i % 2] / f"{i:07}.jpg", quality=90)


def read_epoch(folder, held_bytes):
    """Return what loading and reading took, in seconds and in MiB, of a process that does nothing else."""
    from zoo import data
    from zoo.data import dataset
    from zoo.data.stream import Stream

    dataset.IN_MEMORY_BYTES = held_bytes
    start, before = time.perf_counter(), peak()
    made = data.load(folder)
    stream = Stream(made.train, BATCH, seed=0)
    opened = time.perf_counter()
    count = sum(len(stream[step][1]) for step in range(stream.steps))
    return {
        "resident before, MiB": before,
        "resident at most, MiB": peak(),
        "decoded size of the set, MiB": sum(len(s) for s in (made.train, made.validation, made.test))
        * np.prod(made.image_shape) / 2**20,
        "seconds to open": opened - start,
        "images read": count,
        "images/s": count / (time.perf_counter() - opened),
    }


def peak():
    """The largest resident memory of this process so far, in MiB."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / (2**20 if sys.platform == "darwin" else 2**10)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--images", type=int, default=100_000)
    parser.add_argument("--size", type=int, default=64)
    parser.add_argument("--held", action="store_true", help="hold the images in memory, to compare")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        start = time.perf_counter()
        make_images(Path(folder), options.images, options.size)
        print(f"{options.images:,} images of {options.size}x{options.size} made in {time.perf_counter() - start:.0f} s")
        read = partial(read_epoch, folder, sys.maxsize if options.held else 0)
        with ProcessPoolExecutor(1, get_context("spawn")) as process:
            for what, figure in process.submit(read).result().items():
                print(f"{what:>30} {figure:10,.0f}")


if __name__ == "__main__":
    main()

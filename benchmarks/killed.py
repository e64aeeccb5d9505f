"""Does a run that was killed end as one that never was? Kill training by SIGKILL at random moments, and resume it.

    python -m benchmarks.killed                 # 20 moments: some five minutes on two cores
    python -m benchmarks.killed --moments 100 --seed 1
    python -m benchmarks.killed --what masks    # of a net that labels pixels

The run has all that a checkpoint must hold: dropout, augmentation that mixes images, a moving average of the weights.
For each moment, from the run's first file to its last, a new run is killed there, resumed, and its weights compared
with those of an unbroken run, bit for bit. A moment that comes too late, since a run was faster, is drawn again.
"""

import argparse
import os
import subprocess
import sys
import tempfile
import time
from itertools import count
from pathlib import Path

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

import keras
import numpy as np
from tqdm import tqdm

ROOT = Path(__file__).parents[1]
TRAININGS = {
    "labels": ("--model", "lenet1", "--epochs", "6", "--set", "dropout=0.2", "--augment", "crop,mixup", "--ema", "0.9",
               "--schedule", "plateau", "--patience", "5"),
    "masks": ("--model", "unet", "--dataset", "shapes", "--limit", "64", "--set", "width=0.05", "--set", "padding=same",
              "--epochs", "4", "--augment", "flip,crop,cutout", "--ema", "0.9", "--loss", "focal"),
}


def unbroken(folder, what):
    """Train in a folder; return the weights, and after how many seconds the run had a file and had ended."""
    start = time.perf_counter()
    process = _begin(folder, what)
    while not _config(folder):
        _ended(process, within=0.02)
    begun = time.perf_counter() - start
    _ended(process)
    return _weights(folder), begun, time.perf_counter() - start


def broken(folder, moments, what):
    """Train in a folder, killed after each of these seconds, and then not; return the weights and the kills that hit.

    A moment counts from the start of the process, which resumes the run if there is one.
    """
    hits = 0
    for seconds in moments:
        process = _begin(folder, what)
        if not _ended(process, within=seconds):
            process.kill()
            process.wait()
            hits += 1
    _ended(_begin(folder, what))
    return _weights(folder), hits


def _begin(folder, what):
    config = _config(folder)
    arguments = ("--resume", config.parent) if config else (*TRAININGS[what], "--runs", folder)
    return subprocess.Popen([sys.executable, "train.py", *arguments], cwd=ROOT, stdout=subprocess.DEVNULL,
                            stderr=subprocess.DEVNULL)


def _config(folder):
    return next(folder.glob("*/config.json"), None)


def _ended(process, within=None):
    """Has the process ended within these seconds? Raises `CalledProcessError` if it failed."""
    try:
        if process.wait(within):
            raise subprocess.CalledProcessError(process.returncode, process.args)
    except subprocess.TimeoutExpired:
        return False
    return True


def _weights(folder):
    return keras.models.load_model(_config(folder).parent / "model.keras", compile=False).get_weights()


def same(ours, theirs):
    """Are two lists of arrays equal, bit for bit?"""
    return [array.tobytes() for array in ours] == [array.tobytes() for array in theirs]


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--moments", type=int, default=20)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--what", choices=TRAININGS, default="labels", help="what the images have")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        whole, begun, ended = unbroken(Path(folder, "whole"), options.what)
        random, killed, equal = np.random.default_rng(options.seed), 0, 0
        with tqdm(total=options.moments) as progress:
            for run in count():
                weights, hits = broken(Path(folder, str(run)), [random.uniform(begun, ended)], options.what)
                killed, equal = killed + hits, equal + (hits and same(weights, whole))
                progress.update(hits)
                if killed == options.moments:
                    break
    print(f"{killed} runs were killed, {begun:.1f} to {ended:.1f} s after their start; {equal} of them ended with the "
          "weights of the unbroken run, bit for bit.")
    return 0 if equal == killed else 1


if __name__ == "__main__":
    sys.exit(main())

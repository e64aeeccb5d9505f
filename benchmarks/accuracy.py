"""How near to the papers' errors does training come? By the default recipes, or by the papers' own.

    python -m benchmarks.accuracy --data-dir DIR             # all that isn't measured yet: hours on two cores
    python -m benchmarks.accuracy lenet5 --data-dir DIR      # one net
    python -m benchmarks.accuracy --papers --cifar10 cifar10.npz    # the papers' recipes, for a graphics card
    python -m benchmarks.accuracy resnet20 resnet56 --papers --jobs 2    # two runs at a time
    python -m benchmarks.accuracy --markdown                 # the tables of docs/accuracy.md, from the results

Each run is a process of `python train.py`, with the words that stand in `DEFAULTS` and `PAPERS`. Each finished run is
appended to the file of results at once, and one that stands there is not trained again. CIFAR-10 may come from a
Keras-style file, cifar10.npz, where there is no TensorFlow (set KERAS_BACKEND=jax).
"""

import argparse
import os
import shlex
import subprocess
import sys
import time
from collections import defaultdict
from pathlib import Path

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

import numpy as np
from tabulate import tabulate

from benchmarks import command, results
from zoo import registry

# What follows `python train.py`, and how many seeds.
DEFAULTS = {
    "--model lenet5 --dataset mnist": 3,
    "--model lenet5_1998 --dataset mnist": 3,
    "--model resnet20 --dataset cifar10": 1,
    "--model vgg11_bn --dataset cifar10 --set head=gap": 1,
    "--model nin_cifar --dataset cifar10": 1,
    "--model allcnn_c --dataset cifar10": 1,
}

# The most valuable first, for a time that ends.
PAPERS = {
    "--model resnet20 --dataset cifar10 --recipe paper": 1,
    "--model resnet32 --dataset cifar10 --recipe paper": 1,
    "--model resnet56 --dataset cifar10 --recipe paper": 1,
    "--model wrn_16_4 --dataset cifar10 --precision bfloat16 --epochs 15": 1,  # not yet 94 %
    "--model wrn_16_8 --dataset cifar10 --precision bfloat16 --epochs 12": 2,
    "--model wrn_16_8 --dataset cifar10 --precision bfloat16 --epochs 30": 5,
    "--model wrn_16_8 --dataset cifar10 --precision bfloat16 --epochs 60": 1,
    "--model allcnn_c --dataset cifar10 --recipe paper": 1,
    "--model nin_cifar --dataset cifar10 --epochs 100": 1,
    "--model densenet_bc_100_12 --dataset cifar10 --recipe paper --precision bfloat16": 1,
}
NAME_OF_DEVICE = "import sys; from zoo.benchmark import device; print(device.name(sys.argv[1]))"


def run(words, seed, data_dir, cifar10=None):
    """Train by the command, with this seed; return what it prints as JSON, and how long it was `compiling`.

    That is by how much the first epoch took longer than the others.
    """
    arguments = [cifar10 if cifar10 and word == "cifar10" else word for word in shlex.split(words)]
    told, metrics = command.train([*arguments, "--seed", str(seed), *(["--data-dir", data_dir] if data_dir else [])])
    first, *others = metrics["seconds"]
    return told | {"compiling": round(first - float(np.median(others or [first])), 1)}


def machine():
    """What the runs are measured on; asked in another process, since asking can take the card's memory from them."""
    ask = [sys.executable, "-c", NAME_OF_DEVICE, os.environ.get("KERAS_BACKEND", "tensorflow")]
    told = subprocess.run(ask, stdout=subprocess.PIPE, text=True, check=True).stdout
    return f"{os.cpu_count()} cores, {told.strip()}"


def table(rows):
    """The paper's error, the mean of ours over its seeds with its extremes, epochs and time, in Markdown."""
    runs = defaultdict(list)
    for row in rows:
        runs[row["command"], row["machine"]].append(row)
    lines = []
    for (words, where), found in runs.items():
        model, dataset = found[0]["model"], words.split()[3]
        errors = [100 - 100 * float(row["test_accuracy"]) for row in found]
        spread = f" ({min(errors):.2f} to {max(errors):.2f})" if len(errors) > 1 else ""
        figure = registry.entry(model).published.get(f"{dataset}_error")
        minutes = np.mean([float(row["seconds"]) for row in found]) / 60
        lines.append((
            model, f"`python train.py {words}`", f"{figure.value:.2f} %" if figure else "-",
            f"{np.mean(errors):.2f} %{spread}", len(found), found[0]["epochs"], f"{minutes:.1f} min", where,
        ))
    headers = ("model", "command", "paper's error", "our error", "runs", "epochs", "time", "machine")
    return tabulate(lines, headers, "github", disable_numparse=True)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("models", nargs="*")
    parser.add_argument("--papers", action="store_true", help="train by the papers' recipes")
    parser.add_argument("--minutes", type=float, default=float("inf"), help="begin no run after so many")
    parser.add_argument("--jobs", type=int, default=1, help="how many runs at a time; their times don't compare then")
    parser.add_argument("--data-dir", help="where TFDS keeps its sets")
    parser.add_argument("--cifar10", help="a Keras-style file of that name to take for it, cifar10.npz")
    parser.add_argument("--results", type=Path, default=Path("benchmarks/accuracy.csv"))
    parser.add_argument("--markdown", action="store_true", help="print the results so far, and train nothing")
    options = parser.parse_args()
    cases = {(words.split()[1], words): seeds for words, seeds in (PAPERS if options.papers else DEFAULTS).items()}
    known = list(dict.fromkeys(model for model, _ in cases))
    if unknown := [model for model in options.models if model not in known]:
        parser.error(f"there is no case for {', '.join(unknown)}; there is one for {', '.join(known)}.")
    rows = results.read(options.results)
    if options.markdown:
        return print(table(rows))
    here, end = machine(), time.monotonic() + 60 * options.minutes
    here += f", {options.jobs} runs side by side" * (options.jobs > 1)
    done = {(row["command"], row["seed"], row["machine"]) for row in rows}

    def row(model, words, seed):
        if time.monotonic() > end:
            return None
        told = run(words, seed, options.data_dir, options.cifar10)
        told = {key: told[key] for key in ("epochs", "test_accuracy", "seconds", "compiling")}
        return {"model": model, "command": words, "seed": seed} | told | {"machine": here}

    todo = [(model, words, seed) for (model, words), seeds in cases.items() for seed in range(seeds)
            if (not options.models or model in options.models) and (words, str(seed), here) not in done]
    for found in command.side_by_side(row, todo, options.jobs):
        if found:
            results.append(options.results, found)


if __name__ == "__main__":
    main()

"""How near to the papers' errors do the default recipes come? Train a fixed list of nets, several seeds for the small.

    python -m benchmarks.accuracy --data-dir DIR              # all that isn't measured yet: hours on two cores
    python -m benchmarks.accuracy lenet5 --data-dir DIR       # one net
    python -m benchmarks.accuracy --markdown                  # the table of docs/accuracy.md, from the results

Each run is a process of `python train.py`, with the options of `SCHEDULES`. Each finished run is appended to the file
of results at once, and one that stands there is not trained again.
"""

import argparse
import csv
import json
import os
import platform
import shlex
import subprocess
import sys
import tempfile
from collections import defaultdict
from pathlib import Path

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

import numpy as np
from tabulate import tabulate

from zoo import registry

COLUMNS = ("model", "dataset", "schedule", "seed", "epochs", "accuracy", "seconds", "machine")

# A net, the set that it is trained on, the fields of its recipe and its layout's options beside the default's, seeds.
SHORT = {"precision": "bfloat16", "schedule": "onecycle", "learning_rate": 3e-3}
SCHEDULES = {
    ("lenet5", "mnist"): ({}, {}, 3),
    ("lenet5_1998", "mnist"): ({}, {}, 3),
    ("vgg11_bn", "cifar10"): (SHORT | {"epochs": 12}, {"head": "gap"}, 1),
    ("resnet20", "cifar10"): (SHORT | {"epochs": 10}, {}, 1),
    ("allcnn_c", "cifar10"): (SHORT | {"learning_rate": 1e-3, "epochs": 5}, {}, 1),
    ("nin_cifar", "cifar10"): (SHORT | {"learning_rate": 1e-3, "epochs": 5}, {}, 1),
}


def command(model, dataset):
    """The command that does the same as a run of the benchmark, without its seed."""
    fields, options, _ = SCHEDULES[model, dataset]
    words = [f"--{key.replace('_', '-')} {value}" for key, value in fields.items()]
    words += [f"--set {key}={value}" for key, value in options.items()]
    return " ".join(["python train.py", f"--model {model} --dataset {dataset}", *words])


def run(words, seed, data_dir):
    """Train by the command, with this seed; return what it prints as JSON."""
    with tempfile.TemporaryDirectory() as runs:
        where = ["--runs", runs, *(["--data-dir", data_dir] if data_dir else [])]
        arguments = [sys.executable, *shlex.split(words)[1:], "--seed", str(seed), "--json", *where]
        told = subprocess.run(arguments, stdout=subprocess.PIPE, text=True, check=True).stdout
    return json.loads(told.splitlines()[-1])


def machine():
    """What the run was measured on: processor or accelerator, and how many of it."""
    import tensorflow as tf

    devices = tf.config.list_physical_devices("GPU")  # Keras's own list would take their memory from the run
    return f"{len(devices)} GPU" if devices else f"{os.cpu_count()} cores, {platform.machine()}"


def measured(path):
    """The rows of the results so far."""
    with path.open() as file:
        return list(csv.DictReader(file))


def table(rows):
    """The paper's error, the mean of ours over its seeds with its extremes, epochs and time, in Markdown."""
    runs = defaultdict(list)
    for row in rows:
        runs[row["model"], row["dataset"], row["machine"]].append(row)
    lines = []
    for (model, dataset, where), found in runs.items():
        errors = [100 - 100 * float(row["accuracy"]) for row in found]
        spread = f" ({min(errors):.2f} to {max(errors):.2f})" if len(errors) > 1 else ""
        figure = registry.entry(model).published.get(f"{dataset}_error")
        lines.append((
            model, dataset, f"{figure.value:.2f} %" if figure else "-", f"{np.mean(errors):.2f} %{spread}", len(found),
            found[0]["epochs"], f"{np.mean([float(row['seconds']) for row in found]) / 60:.0f} min", where,
        ))  # fmt: skip
    headers = ("model", "data", "paper's error", "our error", "runs", "epochs", "time", "machine")
    return tabulate(lines, headers, "github", disable_numparse=True)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("models", nargs="*")
    parser.add_argument("--data-dir", help="where TFDS keeps its sets")
    parser.add_argument("--results", type=Path, default=Path("benchmarks/accuracy.csv"))
    parser.add_argument("--markdown", action="store_true", help="print the results so far, and train nothing")
    options = parser.parse_args()
    scheduled = dict.fromkeys(model for model, _ in SCHEDULES)
    if unknown := [model for model in options.models if model not in scheduled]:
        parser.error(f"there is no schedule for {', '.join(unknown)}; there is one for {', '.join(scheduled)}.")
    if options.markdown:
        return print(table(measured(options.results)))
    if not options.results.exists():
        options.results.write_text(",".join(COLUMNS) + "\n")
    done = {(row["model"], row["dataset"], row["seed"], row["machine"]) for row in measured(options.results)}
    for (model, dataset), (_, _, seeds) in SCHEDULES.items():
        for seed in range(seeds):
            if (options.models and model not in options.models) or (model, dataset, str(seed), machine()) in done:
                continue
            result = run(command(model, dataset), seed, options.data_dir)
            row = (model, dataset, command(model, dataset), seed, result["epochs"], result["test_accuracy"],
                   result["seconds"], machine())  # fmt: skip
            with options.results.open("a") as file:
                csv.writer(file, lineterminator="\n").writerow(row)


if __name__ == "__main__":
    main()

"""Does the zoo learn as much as a plain PyTorch loop by the same recipe, on the same images, in as many steps?

    python -m benchmarks.parity --data-dir DIR                  # all that isn't measured yet: hours on two cores
    python -m benchmarks.parity "resnet20*" --data-dir DIR      # some of the cases, by their names
    python -m benchmarks.parity --data-dir DIR --jobs 2         # two runs at a time, with half of the cores each
    python -m benchmarks.parity --markdown                      # the table of docs/parity.md, from the results
    python -m benchmarks.parity --plot docs/parity.svg          # the curves, epoch by epoch

The zoo trains by `python train.py`; PyTorch by `benchmarks.torch_training`; each run is a process of its own, with the
same seed on both sides. Each finished run is appended to the file of results at once, and one that stands there is not
trained again.
"""

import argparse
import json
import os
import sys
from collections import defaultdict
from dataclasses import dataclass, field
from fnmatch import fnmatch
from pathlib import Path

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

import numpy as np
from tabulate import tabulate

from benchmarks import command, results
from zoo.benchmark import device

LIBRARIES = ("pytorch", "zoo")
SEEDS = (0, 1, 2)
COLUMNS_OF_PLOT = 4
STYLES = {"pytorch": {"color": "#d95f02", "linestyle": "--"}, "zoo": {"color": "#1b6ca8"}}


@dataclass(frozen=True)
class Case:
    """A net, data and recipe; `limit` is the most images of each split, `fields` are the recipe's."""

    model: str
    dataset: str
    fields: dict
    limit: int | None = None
    options: dict = field(default_factory=dict)

    def words(self):
        """The command that trains it, without seed and place of the data."""
        given = {"model": self.model, "dataset": self.dataset, "limit": self.limit} | self.fields
        words = [f"--{key.replace('_', '-')}={value}" for key, value in given.items() if value is not None]
        return words + [f"--set={key}={value}" for key, value in self.options.items()]


ADAM = {"optimizer": "adam", "learning_rate": 3e-3}
SGD = {"optimizer": "sgd", "learning_rate": 0.1, "momentum": 0.9, "weight_decay": 5e-4}
# Of nets without BatchNorm; and the VGG's, which barely begins to learn in 120 steps at 0.1.
SLOW_ADAM, SLOW_SGD = ADAM | {"learning_rate": 1e-3}, SGD | {"learning_rate": 0.02}
COMMON = {"schedule": "onecycle", "batch_size": 128, "label_smoothing": 0.1}
CIFAR, MNIST = COMMON | {"augment": "flip,crop"}, COMMON | {"augment": "none", "epochs": 3}
GAP, HALF = {"head": "gap"}, {"width": 0.5}  # two cores train the larger nets at half of their width


def on_cifar(model, recipe, epochs, limit=None, options=None, precision="float32"):
    return Case(model, "cifar10", CIFAR | recipe | {"epochs": epochs, "precision": precision}, limit, options or {})


CASES = {
    "lenet5 adam": Case("lenet5", "mnist", MNIST | ADAM),
    "lenet5 sgd": Case("lenet5", "mnist", MNIST | SGD),
    "resnet20 adam": on_cifar("resnet20", ADAM, 2),
    "resnet20 sgd": on_cifar("resnet20", SGD, 3, 10_000),
    "resnet20 adam bfloat16": on_cifar("resnet20", ADAM, 2, 20_000, precision="bfloat16"),
    "vgg11_bn adam": on_cifar("vgg11_bn", ADAM, 3, 5_000, GAP | HALF),
    "vgg11_bn sgd": on_cifar("vgg11_bn", SLOW_SGD, 3, 5_000, GAP | HALF),
    "vgg11_bn sgd bfloat16": on_cifar("vgg11_bn", SLOW_SGD, 3, 5_000, GAP | HALF, "bfloat16"),
    "nin_cifar adam": on_cifar("nin_cifar", SLOW_ADAM, 3, 5_000, HALF),
    "nin_cifar sgd": on_cifar("nin_cifar", SLOW_SGD, 3, 5_000, HALF),
    "allcnn_c adam": on_cifar("allcnn_c", SLOW_ADAM, 3, 5_000, HALF),
    "allcnn_c sgd": on_cifar("allcnn_c", SLOW_SGD, 3, 5_000, HALF),
    "wrn_16_4 sgd": on_cifar("wrn_16_4", SGD, 3, 5_000, HALF),
    "wrn_16_4 sgd bfloat16": on_cifar("wrn_16_4", SGD, 3, 2_500, HALF, "bfloat16"),
    "densenet_bc_100_12 sgd": on_cifar("densenet_bc_100_12", SGD, 3, 2_500, HALF),
    "mobilenet_v2_torchvision adam": on_cifar("mobilenet_v2_torchvision", ADAM, 4, 5_000, HALF),
    "mobilenet_v2_torchvision sgd": on_cifar("mobilenet_v2_torchvision", SGD, 4, 5_000, HALF),
}


def run_zoo(case, seed, data_dir):
    """Train by the command; return what `benchmarks.torch_training.train` does."""
    told, metrics = command.train([*case.words(), f"--seed={seed}", *([f"--data-dir={data_dir}"] if data_dir else [])])
    return {"test_accuracy": told["test_accuracy"], "curve": metrics["val_accuracy"]}


def run_pytorch(case, seed, data_dir):
    """Train by PyTorch's loop in a process of its own; return what it does."""
    augment = tuple(name for name in case.fields["augment"].split(",") if name != "none")
    arguments = case.fields | {"augment": augment, "seed": seed, "limit": case.limit, "options": case.options}
    arguments |= {"model": case.model, "dataset": case.dataset, "data_dir": data_dir}
    return command.output([sys.executable, "-m", "benchmarks.torch_training", json.dumps(arguments)])


def by_case(rows):
    """Return {(case, machine): {library: {seed: row}}}, in the order of `CASES`."""
    found = defaultdict(lambda: defaultdict(dict))
    for row in sorted(rows, key=lambda row: list(CASES).index(row["case"])):
        found[row["case"], row["machine"]][row["library"]][int(row["seed"])] = row
    return found


def table(rows):
    """Test accuracies of both, mean and extremes over the seeds, and how far the zoo is ahead, in Markdown."""
    lines = []
    for (name, machine), sides in by_case(rows).items():
        if set(sides) != set(LIBRARIES):
            continue
        scores = {library: [100 * float(row["accuracy"]) for row in sides[library].values()] for library in LIBRARIES}
        ahead = np.mean(scores["zoo"]) - np.mean(scores["pytorch"])
        case = CASES[name]
        images = f"{case.limit:,} of {case.dataset}" if case.limit else case.dataset
        lines.append(
            (name, images, case.fields["epochs"], *(_spread(scores[library]) for library in LIBRARIES),
             f"{ahead:+.1f}", len(scores["zoo"]), machine)
        )
    headers = ("case", "images", "epochs", "PyTorch", "zoo", "ahead by", "seeds", "machine")
    return tabulate(lines, headers, "github", disable_numparse=True)


def _spread(scores):
    return f"{np.mean(scores):.1f} % ({min(scores):.1f} to {max(scores):.1f})"


def plot(rows, path):
    """Draw the accuracy on validation images, epoch by epoch: a line a run, PyTorch's dashed."""
    import matplotlib

    matplotlib.use("Agg")
    import matplotlib.pyplot as plt

    cases = [(name, sides) for (name, _), sides in by_case(rows).items() if set(sides) == set(LIBRARIES)]
    columns = min(len(cases), COLUMNS_OF_PLOT)
    lines = -(-len(cases) // columns)
    figure, axes = plt.subplots(lines, columns, squeeze=False, figsize=(3.2 * columns, 2.6 * lines))
    for ax in axes.flat[len(cases) :]:
        ax.remove()
    for ax, (name, sides) in zip(axes.flat, cases):
        for library, style in STYLES.items():
            curves = 100 * np.array([row["curve"].split() for row in sides[library].values()], float).T
            ax.plot(range(1, len(curves) + 1), curves, marker=".", **style)
        ax.set_title(name, fontsize=9)
        ax.xaxis.get_major_locator().set_params(integer=True)
        ax.grid(alpha=0.3)
    axes[0, 0].legend([plt.Line2D([], [], **style) for style in STYLES.values()], STYLES, frameon=False)
    axes[0, 0].set_ylabel("validation accuracy, %")
    axes[0, 0].set_xlabel("epoch")
    figure.tight_layout()
    figure.savefig(path, facecolor="white")


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("patterns", nargs="*", help="names of cases, with * and ?")
    parser.add_argument("--data-dir", help="where TFDS keeps its sets")
    parser.add_argument("--seeds", type=int, nargs="+", default=SEEDS)
    parser.add_argument("--jobs", type=int, default=1, help="how many runs at a time share the cores")
    parser.add_argument("--results", type=Path, default=Path("benchmarks/parity.csv"))
    parser.add_argument("--markdown", action="store_true", help="print the results so far, and train nothing")
    parser.add_argument("--plot", type=Path, help="draw the results so far into this file, and train nothing")
    options = parser.parse_args()
    names = [name for name in CASES if not options.patterns or any(fnmatch(name, one) for one in options.patterns)]
    if not names:
        parser.error(f"no case matches {', '.join(options.patterns)}; there are {', '.join(CASES)}.")
    rows = results.read(options.results)
    if options.markdown:
        return print(table(rows))
    if options.plot:
        return plot(rows, options.plot)
    machine = device.name("processor")
    done = {(row["case"], row["library"], row["seed"], row["machine"]) for row in rows}
    runs = [(name, library, seed) for seed in options.seeds for name in names for library in LIBRARIES]
    todo = [(*run, options.data_dir, machine) for run in runs if (*map(str, run), machine) not in done]
    for row in command.side_by_side(_row, todo, options.jobs):
        results.append(options.results, row)


def _row(name, library, seed, data_dir, machine):
    """Train one run; return what is written down about it."""
    told = (run_zoo if library == "zoo" else run_pytorch)(CASES[name], seed, data_dir)
    accuracy, curve = f"{told['test_accuracy']:.4f}", " ".join(f"{value:.4f}" for value in told["curve"])
    return {
        "case": name, "library": library, "seed": seed, "accuracy": accuracy, "curve": curve, "machine": machine
    }


if __name__ == "__main__":
    main()

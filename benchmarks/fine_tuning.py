"""What does a trained body bring on a few images of another set?

    python -m benchmarks.fine_tuning --data-dir DIR    # all that isn't measured yet: an hour on two cores
    python -m benchmarks.fine_tuning --markdown        # the table of docs/fine_tuning.md, from the results

A net learns a first set; then nets learn another from 200 images, in the ways of `WAYS`: from scratch, and from that
net. ResNet-20 goes from five classes of CIFAR-10 to the other five, and is tested on their 5,000 test images; LeNet-5
from MNIST to the embedded digits, which other people wrote and which are smaller. Each way trains with three seeds,
which also sample the images.
"""

import argparse
import os
import sys
import tempfile
from collections import defaultdict
from dataclasses import dataclass
from pathlib import Path

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

import numpy as np
from tabulate import tabulate

from benchmarks import command, results
from zoo import data
from zoo.benchmark import device

TRAINING, VALIDATION = 200, 100  # images
SEEDS = (0, 1, 2)
START = "--weights RUN"


@dataclass(frozen=True)
class Task:
    """A net, what it learns first, and what then from a few images: arguments of `zoo train` and of its data."""

    model: str
    first: str
    dataset: str
    classes: tuple | None = None
    augment: str = "none"


TASKS = {
    "resnet20: other classes of CIFAR-10": Task(
        "resnet20", "--dataset cifar10 --classes airplane,automobile,bird,cat,deer --epochs 6", "cifar10",
        ("dog", "frog", "horse", "ship", "truck"), "flip,crop",
    ),
    "lenet5: from MNIST to digits": Task("lenet5", "--dataset mnist", "digits"),
}
WAYS = {
    "from scratch, 20 epochs": "",
    "from scratch, 60 epochs": "--epochs 60",
    "body frozen": f"{START} --freeze body",
    "body frozen, 60 epochs at ten times the rate": f"{START} --freeze body --epochs 60 --learning-rate 0.01",
    "all layers": f"{START} --body-rate 1",
    "all layers, the body at a tenth (the default)": f"{START}",
    "first the head, then all": f"{START} --freeze body --thaw 6 --body-rate 1",
    "first the head, then all, the body at a tenth": f"{START} --freeze body --thaw 6",
    "the same, BatchNorm frozen": f"{START} --freeze body --thaw 6 --no-thaw-norm",
}


def few_images(task, data_dir, seed, folder):
    """Write an .npz of a task: a few images for training, some for validation, and the whole test split."""
    dataset = data.load_source({"dataset": task.dataset, "data_dir": data_dir, "classes": task.classes})
    chosen = np.random.default_rng(seed).permutation(len(dataset.train))[: TRAINING + VALIDATION]
    train, validation = dataset.train.take(chosen[:TRAINING]), dataset.train.take(chosen[TRAINING:])
    path = Path(folder) / "few.npz"
    np.savez(
        path, x_train=train.images, y_train=train.labels, x_validation=validation.images,
        y_validation=validation.labels, x_test=dataset.test.images, y_test=dataset.test.labels,
        classes=np.array(dataset.class_names),
    )
    return path


def run(name, way, seed, data_dir, first):
    """Train on a task in one of the ways; return what is written down about it."""
    task = TASKS[name]
    with tempfile.TemporaryDirectory() as folder:
        path = few_images(task, data_dir, seed, folder)
        words = ["--model", task.model, "--dataset", str(path), "--augment", task.augment, "--seed", str(seed)]
        told, _ = command.train([*words, *WAYS[way].replace("RUN", str(first)).split()])
    return {"task": name, "way": way, "seed": seed, "test_accuracy": told["test_accuracy"], "epochs": told["epochs"],
            "machine": device.name("processor")}


def table(rows):
    """The test accuracies of each way, mean and extremes over its seeds, in Markdown."""
    found = defaultdict(list)
    for row in rows:
        found[list(TASKS).index(row["task"]), list(WAYS).index(row["way"]), row["machine"]].append(row)
    lines = []
    for (_, _, machine), runs in sorted(found.items()):
        task, way = runs[0]["task"], runs[0]["way"]
        scores = [100 * float(one["test_accuracy"]) for one in runs]
        lines.append((task, way, f"`{WAYS[way]}`" if WAYS[way] else "", runs[0]["epochs"], f"{np.mean(scores):.1f} %",
                      f"{min(scores):.1f} to {max(scores):.1f} %", len(runs), machine))
    headers = ("task", "way", "options", "epochs", "test accuracy", "least to greatest", "seeds", "machine")
    return tabulate(lines, headers, "github", disable_numparse=True)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data-dir", help="where TFDS keeps its sets")
    parser.add_argument("--runs", type=Path, default=Path("runs"), help="where the first trainings are, or are put")
    parser.add_argument("--results", type=Path, default=Path("benchmarks/fine_tuning.csv"))
    parser.add_argument("--markdown", action="store_true", help="print the results so far, and train nothing")
    options = parser.parse_args()
    rows = results.read(options.results)
    if options.markdown:
        return print(table(rows))
    done = {(row["task"], row["way"], row["seed"]) for row in rows}
    where = ["--data-dir", options.data_dir] if options.data_dir else []
    for name, task in TASKS.items():
        todo = [(way, seed) for seed in SEEDS for way in WAYS if (name, way, str(seed)) not in done]
        first = options.runs / f"first-{task.model}"
        if todo and not first.exists():
            words = ["--model", task.model, *task.first.split(), *where, "--runs", str(options.runs)]
            told = command.output([sys.executable, "train.py", "--json", *words])
            Path(told["run"]).rename(first)
        for way, seed in todo:
            results.append(options.results, run(name, way, seed, options.data_dir, first))


if __name__ == "__main__":
    main()

"""What does a trained body bring on a few images of other classes?

    python -m benchmarks.fine_tuning --data-dir DIR    # all that isn't measured yet: an hour on two cores
    python -m benchmarks.fine_tuning --markdown        # the table of docs/fine_tuning.md, from the results

A net learns five classes of CIFAR-10; then nets learn the other five from 200 images, in the ways of `WAYS`: from
scratch, and from that net. Each is tested on all 5,000 test images of these classes. Each way trains with three seeds,
which also sample the images.
"""

import argparse
import os
import sys
import tempfile
from collections import defaultdict
from pathlib import Path

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

import numpy as np
from tabulate import tabulate

from benchmarks import command, results
from zoo.benchmark import device

MODEL = "resnet20"
FIRST, OTHERS = "airplane,automobile,bird,cat,deer", "dog,frog,horse,ship,truck"
EPOCHS = 6  # of the first training
TRAINING, VALIDATION = 200, 100  # images
SEEDS = (0, 1, 2)
START = "--weights RUN"
WAYS = {
    "from scratch, 20 epochs": "",
    "from scratch, 60 epochs": "--epochs 60",
    "the default with --weights": START,
    "body frozen": f"{START} --freeze body",
    "no layer frozen, one rate": f"{START} --freeze none --body-rate 1",
    "no layer frozen, body at a tenth": f"{START} --freeze none",
    "thawed, one rate": f"{START} --freeze body --thaw 6 --body-rate 1",
    "thawed without BatchNorm": f"{START} --no-thaw-norm",
}


def few_images(data_dir, seed, folder):
    """Write an .npz of the other classes: a few images for training, some for validation, and the whole test split."""
    from zoo import data

    dataset = data.load_source({"dataset": "cifar10", "data_dir": data_dir, "classes": OTHERS.split(",")})
    chosen = np.random.default_rng(seed).permutation(len(dataset.train))[: TRAINING + VALIDATION]
    train, validation = dataset.train.take(chosen[:TRAINING]), dataset.train.take(chosen[TRAINING:])
    path = Path(folder) / "few.npz"
    np.savez(
        path, x_train=train.images, y_train=train.labels, x_validation=validation.images,
        y_validation=validation.labels, x_test=dataset.test.images, y_test=dataset.test.labels,
        classes=np.array(dataset.class_names),
    )
    return path


def run(way, seed, data_dir, first):
    """Train in one of the ways; return what is written down about it."""
    with tempfile.TemporaryDirectory() as folder:
        path = few_images(data_dir, seed, folder)
        words = WAYS[way].replace("RUN", str(first)).split()
        told, metrics = command.train(
            ["--model", MODEL, "--dataset", str(path), "--augment", "flip,crop", "--seed", str(seed), *words]
        )
    return {"way": way, "seed": seed, "test_accuracy": told["test_accuracy"], "epochs": told["epochs"],
            "seconds_per_epoch": round(float(np.median(metrics["seconds"])), 3), "machine": device.name("processor")}


def table(rows):
    """The test accuracies of each way, mean and extremes over its seeds, in Markdown."""
    found = defaultdict(list)
    for row in rows:
        found[row["way"], row["machine"]].append(row)
    lines = []
    for (way, machine), runs in sorted(found.items(), key=lambda item: list(WAYS).index(item[0][0])):
        scores = [100 * float(one["test_accuracy"]) for one in runs]
        words = WAYS[way].replace(" --augment none", "")
        lines.append((way, f"`{words}`" if words else "", runs[0]["epochs"], f"{np.mean(scores):.1f} %",
                      f"{min(scores):.1f} to {max(scores):.1f} %", len(runs), machine))
    headers = ("way", "options", "epochs", "test accuracy", "least to greatest", "seeds", "machine")
    return tabulate(lines, headers, "github", disable_numparse=True)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data-dir", help="where TFDS keeps its sets")
    parser.add_argument("--first", type=Path, help="the run of the first training, if there is one already")
    parser.add_argument("--results", type=Path, default=Path("benchmarks/fine_tuning.csv"))
    parser.add_argument("--markdown", action="store_true", help="print the results so far, and train nothing")
    options = parser.parse_args()
    rows = results.read(options.results)
    if options.markdown:
        return print(table(rows))
    done = {(row["way"], row["seed"]) for row in rows}
    with tempfile.TemporaryDirectory() as folder:
        first = options.first or Path(folder) / f"{MODEL}-cifar10-1"
        if not options.first:
            words = ["--model", MODEL, "--dataset", "cifar10", "--classes", FIRST, "--epochs", str(EPOCHS)]
            words += ["--data-dir", options.data_dir] if options.data_dir else []
            command.output([sys.executable, "train.py", "--json", *words, "--runs", folder])
        for seed in SEEDS:
            for way in WAYS:
                if (way, str(seed)) not in done:
                    results.append(options.results, run(way, seed, options.data_dir, first))


if __name__ == "__main__":
    main()

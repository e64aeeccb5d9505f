"""How well do nets for dense prediction label the pixels of the embedded data set `shapes`?

    python -m benchmarks.segmentation                # what isn't measured yet: three hours on two cores
    python -m benchmarks.segmentation --only unet    # of one case
    python -m benchmarks.segmentation --markdown     # the table of docs/segmentation.md, from the results

Each case is a command, `python train.py --dataset shapes` with the words of `CASES`, and trains with three seeds.
"""

import argparse
import os
from collections import defaultdict
from pathlib import Path

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

import numpy as np
from tabulate import tabulate

from benchmarks import command, results
from zoo.benchmark import device

SEEDS = (0, 1, 2)
SAME = "--set padding=same"  # FCN's 100 rings of zeros would only cost time here; U-Net takes no image under 188x188
CASES = {
    "unet": f"--model unet --set width=0.25 {SAME}",
    "segnet": "--model segnet --set width=0.25",
    "fcn32s": f"--model fcn32s --set width=0.25 {SAME}",
    "fcn16s": f"--model fcn16s --set width=0.25 {SAME}",
    "fcn8s": f"--model fcn8s --set width=0.25 {SAME}",
    "deeplab_largefov": "--model deeplab_largefov --set width=0.25",
    "deeplab_largefov, without dilation": "--model deeplab_largefov --set width=0.25 --set dilated=false",
}
COLUMNS = ("test_mean_iou", "test_pixel_accuracy", "test_dice", "epochs", "seconds")


def run(name, seed):
    """Train a case; return what is written down about it."""
    told, _ = command.train(["--dataset", "shapes", *CASES[name].split(), "--seed", str(seed)])
    return {"case": name, "seed": seed, **{key: told[key] for key in COLUMNS}, "machine": device.name("processor")}


def table(rows):
    """The mean IoU of each case, mean and extremes over its seeds, in Markdown."""
    found = defaultdict(list)
    for row in rows:
        found[list(CASES).index(row["case"]), row["machine"]].append(row)
    lines = []
    for (_, machine), runs in sorted(found.items()):
        scores, (accuracy, dice, seconds) = (
            [float(one["test_mean_iou"]) for one in runs],
            (np.mean([float(one[key]) for one in runs]) for key in ("test_pixel_accuracy", "test_dice", "seconds")),
        )
        name = runs[0]["case"]
        lines.append((name, f"`{CASES[name]}`", runs[0]["epochs"], f"{np.mean(scores):.3f}",
                      f"{min(scores):.3f} to {max(scores):.3f}", f"{accuracy:.1%}".replace("%", " %"), f"{dice:.3f}",
                      f"{seconds / 60:.1f} min", len(runs), machine))
    headers = ("net", "words of the command", "epochs", "mean IoU", "least to greatest", "pixel accuracy", "Dice",
               "time", "seeds", "machine")
    return tabulate(lines, headers, "github", disable_numparse=True)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--only", choices=CASES, help="measure this case alone")
    parser.add_argument("--results", type=Path, default=Path("benchmarks/segmentation.csv"))
    parser.add_argument("--markdown", action="store_true", help="print the results so far, and train nothing")
    options = parser.parse_args()
    rows = results.read(options.results)
    if options.markdown:
        return print(table(rows))
    done = {(row["case"], row["seed"]) for row in rows}
    for seed in SEEDS:
        for name in [options.only] if options.only else CASES:
            if (name, str(seed)) not in done:
                results.append(options.results, run(name, seed))


if __name__ == "__main__":
    main()

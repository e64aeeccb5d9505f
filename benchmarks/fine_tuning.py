"""What does a trained body bring on a few images of other classes, and what do features that are computed once?

    python -m benchmarks.fine_tuning --data-dir DIR       # half an hour on two cores
    python -m benchmarks.fine_tuning --markdown           # the table of docs/fine_tuning.md, from the results

ResNet-20 learns five classes of CIFAR-10; then nets learn the other five from 200 images in all: from scratch, and from
that net, in the ways of `WAYS`. LeNet-5, which has learnt MNIST, does so with 200 of the embedded digits, which other
people wrote and which are smaller. Each way trains with three seeds; all are tested on the whole test split.
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
FIRST = "--model resnet20 --dataset cifar10 --classes airplane,automobile,bird,cat,deer --epochs 6"
DIGITS = "--model lenet5 --dataset mnist --epochs 4"
TASKS = {
    "resnet20, five classes of CIFAR-10": (FIRST, "--model resnet20 --dataset cifar10 --classes dog,frog,horse,ship,truck"),
    "lenet5, digits": (DIGITS, "--model lenet5 --dataset digits"),
}
WAYS = {
    "from scratch, 20 epochs": "",
    "from scratch, 60 epochs": "--epochs 60",
    "the default with --weights": "--weights RUN",
    "frozen body": "--weights RUN --freeze body --thaw none --augment none",
    "frozen body, augmented": "--weights RUN --freeze body --thaw none",
    "no layer frozen": "--weights RUN --freeze none --body-rate 1",
    "no layer frozen, body at a tenth": "--weights RUN --freeze none --body-rate 0.1",
}
LIMITED = "--limit 200"

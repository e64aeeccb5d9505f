"""Commands that are measured, each in a process of its own."""

import json
import os
import subprocess
import sys
import tempfile
from concurrent.futures import ThreadPoolExecutor, as_completed
from pathlib import Path

from zoo.runs.folder import Run


def train(words):
    """Run `python train.py` with these words.

    Returns (told, metrics): what it prints as JSON, and its figures epoch by epoch, as `Run.metrics` has them.
    """
    with tempfile.TemporaryDirectory() as runs:
        told = output([sys.executable, "train.py", *words, "--json", "--runs", runs])
        return told, Run(Path(told["run"])).metrics()


THREADS = ("OMP_NUM_THREADS", "TF_NUM_INTRAOP_THREADS")  # the variables that PyTorch and TensorFlow read


def side_by_side(run, cases, jobs):
    """Yield what `run(*case)` returns for each case, as it ends, `jobs` at a time; they share cores and card.

    A case whose command fails is told, and the others go on; then the program ends with exit code 1.
    """
    os.environ |= dict.fromkeys(THREADS, str(max(1, os.cpu_count() // jobs)))
    if jobs > 1:
        os.environ.setdefault("XLA_PYTHON_CLIENT_PREALLOCATE", "false")  # or JAX's first run takes the card's memory
    failed = 0
    with ThreadPoolExecutor(jobs) as pool:
        futures = {pool.submit(run, *case): case for case in cases}
        for future in as_completed(futures):
            try:
                yield future.result()
            except subprocess.CalledProcessError as problem:
                failed += 1
                print(*futures[future], problem, file=sys.stderr, flush=True)
    if failed:
        sys.exit(1)


def output(command):
    """Run a command; return the last line that it prints, which is JSON."""
    return json.loads(subprocess.run(command, stdout=subprocess.PIPE, text=True, check=True).stdout.splitlines()[-1])

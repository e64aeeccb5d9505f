"""How long do fresh processes take to start, to answer, and to end their first training step?

    python -m benchmarks.startup                          # 5 turns, each about 10 seconds
    python -m benchmarks.startup --turns 11 --json

The processes take turns; one turn goes before those that count, so that files are cached and bytecode is written.
Training has ended its first step once Keras's bar shows a loss; the bar moves with each block of steps, one call.
"""

import argparse
import json
import os
import pty
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from statistics import median

from tabulate import tabulate

ROOT = Path(__file__).resolve().parent.parent
ENDING = {
    "bare Python": ["-c", "pass"],
    "import zoo": ["-c", "import zoo"],
    "zoo list": ["-m", "zoo", "list"],
    "zoo info vgg16": ["-m", "zoo", "info", "vgg16"],
    "import tensorflow": ["-c", "import os, tensorflow; os._exit(0)"],  # to clear up would take a second more
}
TRAINING = {"train.py, first step": ["train.py", "--model", "lenet"]}


def to_end(arguments):
    """Return the seconds that a process of Python takes from start to end."""
    start = time.perf_counter()
    subprocess.run([sys.executable, *arguments], cwd=ROOT, check=True, capture_output=True)
    return time.perf_counter() - start


def to_first_step(arguments):
    """Return the seconds from a training's start until its bar shows the first loss; it is stopped then."""
    ours, terminal = pty.openpty()  # Keras draws its bar on a terminal alone
    with tempfile.TemporaryDirectory() as runs:
        start, shown = time.perf_counter(), b""
        command = [sys.executable, *arguments, "--runs", runs]
        with subprocess.Popen(command, cwd=ROOT, stdout=terminal, stderr=terminal) as process:
            os.close(terminal)
            try:
                while b"loss:" not in shown:
                    shown += os.read(ours, 4096)
                return time.perf_counter() - start
            except OSError:  # the training has closed its end
                raise SystemExit(shown.decode()) from None
            finally:
                process.kill()
                os.close(ours)


def measure(turns):
    """Return each process's seconds, a list in the order of the turns."""
    seconds = {what: [] for what in ENDING | TRAINING}
    for turn in range(-1, turns):
        for timed, processes in ((to_end, ENDING), (to_first_step, TRAINING)):
            for what, arguments in processes.items():
                took = timed(arguments)
                if turn >= 0:
                    seconds[what].append(took)
    return seconds


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--turns", type=int, default=5)
    parser.add_argument("--json", action="store_true", help="print every turn's seconds")
    options = parser.parse_args()
    if options.turns < 1:
        parser.error("--turns must be 1 or more.")
    seconds = measure(options.turns)
    if options.json:
        print(json.dumps(seconds))
        return
    rows = [(what, f"{median(took):.3f}", f"{min(took):.3f}") for what, took in seconds.items()]
    print(tabulate(rows, ["process", "median, s", "least, s"], colalign=("left", "right", "right")))


if __name__ == "__main__":
    main()

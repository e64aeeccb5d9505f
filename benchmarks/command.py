"""Commands that are measured, each in a process of its own."""

import json
import subprocess
import sys
import tempfile
from pathlib import Path

from zoo.runs.folder import Run


def train(words):
    """Run `python train.py` with these words.

    Returns (told, metrics): what it prints as JSON, and its figures epoch by epoch, as `Run.metrics` has them.
    """
    with tempfile.TemporaryDirectory() as runs:
        told = output([sys.executable, "train.py", *words, "--json", "--runs", runs])
        return told, Run(Path(told["run"])).metrics()


def output(command):
    """Run a command; return the last line that it prints, which is JSON."""
    return json.loads(subprocess.run(command, stdout=subprocess.PIPE, text=True, check=True).stdout.splitlines()[-1])

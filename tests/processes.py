"""Commands in a process of their own."""

import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parents[1]


def loaded_by(command, *modules):
    """Return which of the modules a command of `zoo`, a list of words, has loaded when it ends, in a fresh process."""
    code = (
        "import sys; from zoo.cli import main\n"
        f"try: main({command!r})\n"
        "except SystemExit: pass\n"
        f"print(*sorted({set(modules)!r} & set(sys.modules)))"
    )
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True)
    return done.stdout.splitlines()[-1].split()

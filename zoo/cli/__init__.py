"""The command line: arguments -> calls of the other packages, each imported only by the command that needs it."""

from zoo.cli import nets, training, trained, speed  # isort: skip  (in the order of `zoo --help`)
from zoo.cli.frame import main

__all__ = ["main", "nets", "speed", "trained", "training"]

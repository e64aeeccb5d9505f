"""The command `zoo` itself, and what all its commands do with errors, Ctrl-C and warnings."""

import logging
import os
import sys
import warnings
from contextlib import contextmanager
from typing import Any

import click

from zoo.errors import ZooError, ZooWarning
from zoo.names import line
from zoo.versions import __version__

# Hides TensorFlow's start-up messages; the devices that it found are printed before training.
os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")


class Sentences:
    """Bad input ends in one sentence and exit code 2, Ctrl-C in exit code 130; warnings go to standard error."""

    def invoke(self, context: click.Context) -> Any:
        if hasattr(sys.stdout, "reconfigure"):
            sys.stdout.reconfigure(errors="backslashreplace")  # so that a name that it can't print isn't an error
        try:
            with _telling_warnings(), _telling_accounts():
                return super().invoke(context)  # type: ignore[misc]
        except ZooError as problem:
            message: Any = click.ClickException(line(str(problem)))
            message.exit_code = 2
            raise message from None
        except KeyboardInterrupt:
            click.echo("Interrupted.", err=True)
            context.exit(130)


@contextmanager
def _telling_warnings():
    """Print each `ZooWarning` as a sentence, without the file and line of code that it comes from."""

    def show(message, category, *place, default=warnings.showwarning):
        if issubclass(category, ZooWarning):
            click.echo(line(str(message)), err=True)
        else:
            default(message, category, *place)

    with warnings.catch_warnings():
        warnings.showwarning = show
        warnings.simplefilter("always", ZooWarning)
        yield


@contextmanager
def _telling_accounts():
    """Print what is told at level INFO, such as what was taken of a file of weights, on standard error."""

    class Handler(logging.Handler):
        def emit(self, record):
            click.echo(line(record.getMessage()), err=True)

    logger, handler = logging.getLogger("zoo"), Handler()
    level, propagates = logger.level, logger.propagate
    logger.addHandler(handler)
    logger.setLevel(logging.INFO)
    logger.propagate = False  # other libraries may have given the root logger a handler
    try:
        yield
    finally:
        logger.removeHandler(handler)
        logger.setLevel(level)
        logger.propagate = propagates


class Command(Sentences, click.Command):
    """A single command, not a group."""


class Commands(Sentences, click.Group):
    """The commands in the order in which they are defined."""

    def list_commands(self, context: click.Context) -> list[str]:
        return list(self.commands)


@click.group(cls=Commands, context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100})
@click.version_option(__version__, prog_name="zoo")
def main() -> None:
    """The classic convolutional networks: look at them, train them, export them."""

"""What a run can do without: if that fails, it costs a sentence, and never the run."""

import warnings
from collections.abc import Iterator
from contextlib import contextmanager

from zoo.errors import ZooWarning, first_line


@contextmanager
def can_do_without(what: str) -> Iterator[None]:
    """Return a context in which an error ends in a `ZooWarning` that `what`, "curves.png" say, can't be made, and why.

    What was to follow in the context isn't done.
    """
    try:
        yield
    except Exception as problem:
        warnings.warn(f"{what} can't be made: {first_line(problem).rstrip('.')}.", ZooWarning, stacklevel=3)

"""What a run can do without: if that fails, there is a warning, and the run goes on."""

import warnings
from collections.abc import Iterator
from contextlib import contextmanager

from zoo.errors import ZooWarning, first_line


@contextmanager
def can_do_without(what: str) -> Iterator[None]:
    """Return a context that turns an error into a `ZooWarning` that `what`, "curves.png" say, can't be made, and why.

    The rest of the context's body is skipped.
    """
    try:
        yield
    except Exception as problem:
        warnings.warn(f"{what} can't be made: {first_line(problem).rstrip('.')}.", ZooWarning, stacklevel=3)

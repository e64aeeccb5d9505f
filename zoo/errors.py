"""The one exception that the user can mend, the one warning, and the sentence that suggests near names."""

from collections.abc import Iterable


class ZooError(ValueError):
    """Bad input. Its message is one clear sentence; the command line prints it and exits with 2."""


class ZooWarning(UserWarning):
    """Something that the user should know, one clear sentence; the command line prints it on standard error."""


def first_line(problem: object) -> str:
    """Return an exception's first line, or its kind where it says nothing: another library's, for a sentence."""
    return next(iter(str(problem).strip().splitlines()), type(problem).__name__)


def no_such(what: str, value: object, known: Iterable[str]) -> ZooError:
    """Return the `ZooError` for a value that is none of the known ones."""
    return ZooError(f"There is no {what} {value!r}.{did_you_mean(value, known)} It is one of {', '.join(known)}.")


def did_you_mean(word: object, known: Iterable[str], count: int = 3) -> str:
    """Return " Did you mean a, b or c?" for the known words nearest to `word`, or "" if none is near."""
    from difflib import get_close_matches

    lowered = {name.lower(): name for name in known}
    near = [lowered[name] for name in get_close_matches(str(word).lower(), lowered, count, cutoff=0.55)]
    if not near:
        return ""
    *first, last = near
    return f" Did you mean {', '.join(first) + ' or ' if first else ''}{last}?"

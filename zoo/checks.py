"""The checks of the words' fields: each takes what the field is called and its value, and returns the value to keep."""

from zoo.errors import ZooError


def _whole(value, least):
    return isinstance(value, int) and not isinstance(value, bool) and value >= least


def pair(what, value):
    value = tuple(value) if isinstance(value, list) else value
    if _whole(value, 1) or (isinstance(value, tuple) and len(value) == 2 and all(_whole(v, 1) for v in value)):
        return value
    raise ZooError(f"{what} must be a positive whole number or a pair of them; got {value!r}.")


def padding(what, value, names=("same", "valid", "ceil")):
    value = tuple(value) if isinstance(value, list) else value
    if (isinstance(value, str) and value in names) or _whole(value, 0):
        return value
    if isinstance(value, tuple) and len(value) in (2, 4) and all(_whole(v, 0) for v in value):
        return value
    known = ", ".join(f'"{name}"' for name in names)
    raise ZooError(f"{what} must be {known}, or rings of zeros (a whole number, a pair or four sides); got {value!r}.")


def count(what, value):
    if _whole(value, 1):
        return value
    raise ZooError(f"{what} must be a positive whole number; got {value!r}.")


def table(what, value):
    rows = tuple(tuple(row) for row in value)
    if rows and all(row and all(_whole(channel, 0) for channel in row) for row in rows):
        return rows
    raise ZooError(f"{what} must give each filter at least one input channel, counted from 0; got {value!r}.")


def name(what, value):
    if isinstance(value, str) and value and "/" not in value:
        return value
    raise ZooError(f"{what} must be text without a slash; got {value!r}.")


def positive(what, value):
    if isinstance(value, (int, float)) and not isinstance(value, bool) and value > 0:
        return value
    raise ZooError(f"{what} must be a positive number; got {value!r}.")


def flag(what, value):
    if isinstance(value, bool):
        return value
    raise ZooError(f"{what} must be True or False; got {value!r}.")


def rate(what, value):
    if isinstance(value, (int, float)) and not isinstance(value, bool) and 0 <= value < 1:
        return value
    raise ZooError(f"{what} must be a number from 0 up to, but not, 1; got {value!r}.")


def one_of(*choices):
    def check(what, value):
        if value in choices:
            return value
        raise ZooError(f"{what} must be one of {', '.join(map(repr, choices))}; got {value!r}.")

    return check


def or_none(check):
    return lambda what, value: None if value is None else check(what, value)

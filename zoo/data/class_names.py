"""Class names: their order, which of them differ in spelling only, and how a message lists them."""

import unicodedata
from collections.abc import Collection, Iterable, Sequence

SHOWN = 12  # names in a message


def in_order(names: Iterable[str]) -> list[str]:
    """Return the names sorted: as numbers if all of them are, so that 2 comes before 10, else as text."""
    are_numbers = all(name.isdecimal() for name in names)
    return sorted(names, key=(lambda name: (int(name), name)) if are_numbers else None)


def normalized(name: str) -> str:
    """Return the name normalized for comparison: without case, surrounding spaces and a number's leading zeros."""
    name = unicodedata.normalize("NFC", name).strip().casefold()
    return str(int(name)) if name.isdecimal() else name


def alike(name: str, names: Sequence[str]) -> str:
    """Return the one of `names` that differs from `name` in spelling only; `name` itself if none or several do."""
    matches = [other for other in names if normalized(other) == normalized(name)]
    return matches[0] if name not in names and len(matches) == 1 else name


def are_numbered(names: Collection[str]) -> bool:
    """Return whether the names are 0, 1, … n - 1, in any order."""
    return set(names) == set(map(str, range(len(names))))


def listed(names: Sequence[str]) -> str:
    """Return "a, b, c and 5 more": the first names, and how many more there are."""
    more = f" and {len(names) - SHOWN} more" if len(names) > SHOWN else ""
    return ", ".join(names[:SHOWN]) + more

"""The numbers that masks hold -> classes: which numbers occur, and what they mean."""

from collections.abc import Mapping, Sequence

import numpy as np

from zoo.data.class_names import listed
from zoo.data.dataset import IGNORED
from zoo.data.labels import by_name_or_index
from zoo.errors import ZooError

MOST = 64  # numbers without names: more of them are levels of grey, not classes
SMOOTH = 8  # more unknown numbers or colours than this are no mistake in the list of classes
MEND = "save masks without smooth edges and without lossy compression"


def classes_of(where: str, found: Mapping[int, str], names: Sequence[str] | None = None, are_text: bool = True,
               are_levels: bool = True) -> tuple[list[str], dict[int, int], list[str]]:
    """Return (the class names, {number: class index, or `IGNORED`}, the notes) of masks that hold the numbers `found`.

    Without `names` each number that occurs is a class of that name. With them numbers count the names from 0 or are
    the names (`zoo.data.labels`, also for `are_text`). 255 marks pixels that don't count; but where 0 and 255 alone
    occur, in masks of two classes or without names, 255 is the second class.

    Args:
        where: what has the classes, at the beginning of a sentence.
        found: {a number that occurs: where it does, at the beginning of a sentence}.
        names: those of the classes, if they are known.
        are_text: whether the names come as text.
        are_levels: whether the numbers may be levels of grey, for a picture: not those of a palette.

    Raises:
        ZooError: for a number that is no class, and for numbers that could mean several things.
    """
    numbers = sorted(found.keys() - {IGNORED})
    if not numbers:
        raise ZooError(f"{where} has no pixel in its masks that counts: all are 255, which marks pixels to ignore.")
    if numbers == [0] and IGNORED in found and (names is None or len(names) == 2):
        note = f"The masks of {where} hold 0 and 255 only: 255 is the second class, and doesn't mark pixels to ignore."
        return list(names or ("0", "255")), {0: 0, IGNORED: 1}, [note]
    if names is None:
        known, index_of, notes = _unnamed(where, numbers, IGNORED in found and are_levels)
    else:
        known, index_of, notes = _named(where, {number: found[number] for number in numbers}, list(names), are_text)
    return known, index_of | {IGNORED: IGNORED}, notes


def _unnamed(where, numbers, is_ambiguous):
    if numbers[0] < 0 or numbers[-1] > IGNORED:
        odd = numbers[0] if numbers[0] < 0 else numbers[-1]
        raise ZooError(f"{where} has the number {odd} in its masks: number the classes from 0 to {IGNORED - 1}.")
    if len(numbers) > MOST:
        raise ZooError(
            f"{where} has {len(numbers)} numbers in its masks, from {numbers[0]} to {numbers[-1]}: if these are levels "
            f"of grey, {MEND}; if they are classes, name them."
        )
    names, has_gaps = list(map(str, numbers)), numbers != list(range(len(numbers)))
    if has_gaps and is_ambiguous:
        raise ZooError(
            f"{where} has the numbers {listed([*names, str(IGNORED)])} in its masks: it isn't clear whether 255 is a "
            "class or marks pixels to ignore; number the classes from 0 without a gap, or name them."
        )
    notes = [f"The masks of {where} leave numbers out: the classes are those that occur, {listed(names)}."] * has_gaps
    return names, {number: i for i, number in enumerate(numbers)}, notes


def _named(where, found, names, are_text):
    if len(names) > IGNORED:
        raise ZooError(f"{where} has {len(names)} classes; masks have room for {IGNORED}.")
    index_of, notes = by_name_or_index(where, list(found), names, are_text)
    if unknown := [number for number in found if number not in index_of]:
        raise unknown_numbers(found[unknown[0]], unknown, where, names)
    occurring = {index_of[number] for number in found}
    return names, index_of, notes + note_on_missing([name for i, name in enumerate(names) if i not in occurring])


def unknown_numbers(source: str, unknown: Sequence[int], where: str, names: Sequence[str]) -> ZooError:
    """Return the `ZooError` for numbers in `source` that are no class."""
    if len(unknown) > SMOOTH:
        return ZooError(f"{source} has {len(unknown)} numbers that are no class of {where}, as {unknown[0]}: {MEND}.")
    return ZooError(
        f"{source} has the number {unknown[0]}, but {where} has {len(names)} classes, {listed(names)}, which numbers "
        "count from 0."
    )


def note_on_missing(names: Sequence[str]) -> list[str]:
    """Return a list of one note on the classes that occur in no mask; an empty list if there are none."""
    return [f"Classes of which no mask has a pixel: {listed(names)}."] if names else []


def occurring(numbers: np.ndarray) -> np.ndarray:
    """Return the whole numbers that occur in an array, in their order."""
    if numbers.dtype in (np.uint8, np.uint16):  # counted ten times as fast as sorted
        return np.flatnonzero(np.bincount(numbers.ravel())).astype(numbers.dtype)
    flat = numbers.ravel()
    is_new = np.append(True, flat[1:] != flat[:-1])[: len(flat)]  # neighbours are mostly alike, and sorting is slow
    return np.unique(flat[is_new])


def looked_up(numbers: np.ndarray, index_of: Mapping[int, int]) -> np.ndarray:
    """Return `index_of[number]` for each number, as int16; -1 for those that aren't in it."""
    if numbers.dtype == np.uint8:
        return looked_up(np.arange(256), index_of)[numbers]
    known = np.array(sorted(index_of))
    indices = np.array([index_of[number] for number in known.tolist()], np.int16)
    places = np.searchsorted(known, numbers).clip(0, len(known) - 1)
    return np.where(known[places] == numbers, indices[places], np.int16(-1))

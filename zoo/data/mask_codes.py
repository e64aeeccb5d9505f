"""What the files of masks hold, numbers or colours -> classes, decided for a folder as a whole."""

from dataclasses import dataclass
from pathlib import Path

import numpy as np

from zoo.data.dataset import IGNORED
from zoo.data.mask_classes import Colour, NamedClass, listed_colour
from zoo.data.mask_files import Mask, as_colour, as_number
from zoo.data.mask_numbers import MEND, SMOOTH, classes_of, looked_up, note_on_missing, occurring, unknown_numbers
from zoo.errors import ZooError
from zoo.names import line

GREY = int(as_number(np.array([1, 1, 1])))  # a level of grey times this is its colour's number
NOTHING = -1  # in the place of a colour's number: the 255 of a palette, which doesn't count


@dataclass(frozen=True)
class Codes:
    """{number: class} and {colour's number: class} of a folder's masks; the latter is empty if colours aren't named.

    `file` has the classes `names`, those that stand for no class too. Indexed masks are read by their palette's colours
    where colours are named; grey ones by their colours only if all of the named colours are grey, else by numbers.
    """

    file: Path
    names: list[str]
    numbers: dict[int, int]
    colours: dict[int, int]

    def classes(self, path: str, mask: Mask) -> np.ndarray:
        """Return the classes of a mask's pixels, uint8. Raises `ZooError` if it holds what is no class."""
        codes, known = self._codes(path, mask)
        classes = looked_up(codes, known)
        if (classes < 0).any():
            raise self._unknown(path, occurring(codes[classes < 0]).tolist(), known is self.numbers)
        return classes.astype(np.uint8)

    def _codes(self, path, mask):
        """Return the pixels as keys of `numbers` or of colours, and these."""
        if self.colours and mask.palette is not None:
            palette = np.zeros(256, np.int32)  # black beyond its end, as viewers show it
            palette[: len(mask.palette)] = as_number(mask.palette)
            if palette[IGNORED] not in self.colours:
                palette[IGNORED] = NOTHING
            return palette[mask.pixels], self.colours | {NOTHING: IGNORED}
        if self.colours and mask.in_colours:
            return mask.pixels, self.colours
        if self.colours and all(map(_is_grey, self.colours)):
            return mask.pixels.astype(np.int64) * GREY, {IGNORED * GREY: IGNORED} | self.colours
        return numbers_of(path, mask), self.numbers

    def _unknown(self, path, unknown, are_numbers):
        if are_numbers:
            return unknown_numbers(line(path), unknown, line(self.file), self.names)
        colour = listed_colour(as_colour(unknown[0]))
        if len(unknown) > SMOOTH:
            count = f"{len(unknown)} colours that {line(self.file)} doesn't name"
            return ZooError(f"{line(path)} has {count}, as {colour}: {MEND}.")
        return ZooError(f"{line(path)} has the colour {colour}, which {line(self.file)} doesn't name.")


def numbers_of(path: str, mask: Mask) -> np.ndarray:
    """Return the numbers of a mask whose colours have no names: these are all levels of grey, or it is refused."""
    if not mask.in_colours:
        return mask.pixels
    levels = mask.pixels % 256
    if (is_colour := levels * GREY != mask.pixels).any():
        found = occurring(mask.pixels[is_colour]).tolist()
        raise ZooError(
            f"{line(path)} is in colours, as {listed_colour(as_colour(found[0]))}: name the classes with their colours "
            "in a file classes.txt in the data set's folder, one a line, as cat 128 0 0."
        )
    return levels


def codes_of(folder: Path, named: tuple[Path, list[NamedClass]] | None,
             kept: dict[str, Mask]) -> tuple[list[str], tuple[Colour, ...], Codes, list[str]]:
    """Return (the class names, their colours, the codes, the notes) of a folder's masks.

    `named` is `read_classes`' value, `kept` {path: what a mask holds, each number or colour once} of the masks that
    were looked at. Raises `ZooError` if any of these holds what is no class.
    """
    file, entries = named or (folder, [])
    index_of = _indices(entries)
    names = [one.name for one in entries if not one.is_ignored]
    if entries and entries[0].colour:
        colours = {int(as_number(np.array(one.colour))): index_of[i] for i, one in enumerate(entries)}
        codes = Codes(file, [one.name for one in entries], index_of | {IGNORED: IGNORED}, colours)
        occurs = {index for path, mask in kept.items() for index in codes.classes(path, mask).tolist()}
        notes = note_on_missing([line(name) for i, name in enumerate(names) if i not in occurs])
        return names, tuple(one.colour for one in entries if one.colour and not one.is_ignored), codes, notes
    sources: dict[int, str] = {}
    for path, mask in kept.items():
        sources = {number: line(path) for number in numbers_of(path, mask).tolist()} | sources
    palette = _common_palette(kept)
    where = line(file if entries else folder.resolve().name)
    are_indexed = all(mask.palette is not None for mask in kept.values())
    all_names, numbers, notes = classes_of(where, sources, [line(one.name) for one in entries] or None,
                                           are_levels=not are_indexed)
    if entries:
        numbers = {number: index_of.get(index, IGNORED) for number, index in numbers.items()}
    in_order = sorted((number for number in numbers if numbers[number] != IGNORED), key=numbers.__getitem__)
    shown = tuple(as_colour(palette[number]) for number in in_order) if palette.keys() >= set(in_order) else ()
    return names or all_names, shown if are_indexed else (), Codes(file, all_names, numbers, {}), notes


def _indices(entries):
    """Return {place in the list: class index}, the lines that stand for no class being `IGNORED`."""
    kept = [i for i, one in enumerate(entries) if not one.is_ignored]
    return {i: kept.index(i) if i in kept else IGNORED for i in range(len(entries))}


def _common_palette(kept):
    """Return {number: its colour's number} of the indexed masks. Raises `ZooError` if they contradict each other."""
    palette: dict[int, int] = {}
    source: dict[int, str] = {}
    for path, mask in kept.items():
        for number in mask.pixels.tolist() if mask.palette is not None else ():
            colour = int(as_number(mask.palette[number])) if number < len(mask.palette) else 0
            if palette.setdefault(number, colour) != colour:
                raise ZooError(
                    f"{line(source[number])} and {line(path)} have palettes in which {number} is another colour, so "
                    "that numbers don't tell the classes: name the classes with their colours in a file classes.txt."
                )
            source.setdefault(number, path)
    return palette


def _is_grey(colour):
    return colour % 256 * GREY == colour

"""The file beside masks that names their classes, classes.txt or classes.json, with or without their colours.

classes.txt has a class a line, "name" or "name r g b" (or "name r,g,b"); a name may hold spaces, and empty lines and
those that begin with # are passed over. classes.json holds ["name", ...] or {"name": [r, g, b], ...}. Numbers in masks
count the classes from 0, in the file's order. The name ignore, ignored or void stands for no class: what has its
number or its colour are pixels that don't count.
"""

import json
import re
from collections import Counter
from dataclasses import dataclass
from pathlib import Path

from zoo.data.class_names import listed, normalized
from zoo.errors import ZooError, first_line
from zoo.names import line

FILES = ("classes.txt", "classes.json")
NO_CLASS = ("ignore", "ignored", "void")
COLOURED = re.compile(r"(.*\S)[\s,:;]+(\d+)[\s,]+(\d+)[\s,]+(\d+)")
Colour = tuple[int, ...]


@dataclass(frozen=True)
class NamedClass:
    """A line of the file: a name and, if the file has it, a colour (red, green, blue)."""

    name: str
    colour: Colour | None

    @property
    def is_ignored(self) -> bool:
        """Whether it stands for pixels that don't count."""
        return normalized(self.name) in NO_CLASS


def read_classes(folder: Path) -> tuple[Path, list[NamedClass]] | None:
    """Return the file that names the classes and what it names, in its order; None if a folder has no such file.

    Raises:
        ZooError: if the file can't be understood, or has colours for some of the classes only, or one for two.
    """
    paths = [folder / name for name in FILES if (folder / name).is_file()]
    if len(paths) > 1:
        raise ZooError(f"{line(folder)} has {FILES[0]} and {FILES[1]}, which both name the classes; remove one.")
    if not paths:
        return None
    (path,) = paths
    try:
        text = path.read_text("utf-8-sig")
    except UnicodeDecodeError:
        raise ZooError(f"{line(path)} isn't UTF-8; save it as such.") from None
    except OSError as problem:
        raise ZooError(f"{line(path)} can't be read: {problem.strerror}.") from None
    classes = _from_json(path, text) if path.suffix == ".json" else _from_lines(text)
    _check(path, classes)
    return path, classes


def _from_lines(text):
    lines = [one.strip() for one in text.splitlines()]
    lines = [one for one in lines if one and one[0] != "#"]
    matches = [(one, COLOURED.fullmatch(one)) for one in lines]
    return [NamedClass(match[1].rstrip(" \t,:;"), tuple(map(int, match.groups()[1:]))) if match
            else NamedClass(one, None) for one, match in matches]


def _from_json(path, text):
    try:
        stored = json.loads(text)
    except ValueError as problem:
        raise ZooError(f"{line(path)} isn't JSON: {first_line(problem)}.") from None
    if isinstance(stored, list) and all(isinstance(name, str) for name in stored):
        return [NamedClass(name, None) for name in stored]
    if isinstance(stored, dict) and all(map(_is_colour, stored.values())):
        return [NamedClass(name, tuple(colour)) for name, colour in stored.items()]
    raise ZooError(f'{line(path)} is to hold ["name", ...] or {{"name": [r, g, b], ...}}, the colours from 0 to 255.')


def _is_colour(value):
    return isinstance(value, list) and len(value) == 3 and all(type(level) is int for level in value)


def _check(path, classes):
    """Raise `ZooError` for colours that are none, or not given for each class, or given twice."""
    if not classes:
        raise ZooError(f"{line(path)} names no class.")
    plain = [one.name for one in classes if one.colour is None]
    if plain and len(plain) < len(classes):
        raise ZooError(f"{line(path)} has colours for some classes, but none for {line(listed(plain))}.")
    for one in classes:
        if one.colour and not all(0 <= level <= 255 for level in one.colour):
            colour = listed_colour(one.colour)
            raise ZooError(f"{line(path)} has a colour beyond 0..255 for {line(one.name)}: {colour}.")
    for shared, count in Counter(one.colour for one in classes if one.colour).items():
        if count > 1:
            names = [one.name for one in classes if one.colour == shared]
            raise ZooError(f"{line(path)} has one colour, {listed_colour(shared)}, for {line(listed(names))}.")


def listed_colour(colour: Colour) -> str:
    """Return a colour as classes.txt has it."""
    return " ".join(map(str, colour))

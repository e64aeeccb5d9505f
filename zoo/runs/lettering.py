"""Names of classes and runs -> labels of a figure: short, unique, in fonts that have their characters."""

import unicodedata
from collections import Counter
from collections.abc import Iterable
from functools import cache

from matplotlib import rcParams
from matplotlib.figure import Figure
from matplotlib.font_manager import FontProperties, findfont, fontManager
from matplotlib.ft2font import FT2Font
from matplotlib.text import Text

from zoo.names import line

LONGEST = 48  # characters of a label, at most
BOX = "□"  # replaces a character that no font has


def lettered(names: Iterable[str]) -> list[str]:
    """Return a label for each name. Those that would look the same are prefixed with their index, from 1."""
    drawable = [_drawable(_shortened(line(name))) for name in names]
    counts = Counter(drawable)
    unique = [label if counts[label] == 1 else f"{index}: {label}" for index, label in enumerate(drawable, 1)]
    return [_verbatim(label) for label in unique]


def columns(label: str) -> int:
    """Return a label's width in columns: Chinese characters, and many others, take two."""
    return sum(2 if unicodedata.east_asian_width(char) in "WF" else 1 for char in label)


def with_fonts(figure: Figure) -> Figure:
    """Give each text of a figure the fonts that have its characters; return the figure."""
    for item in figure.findobj(Text):
        more = _more_fonts(item.get_text())
        if more:
            item.set_fontfamily([*item.get_fontfamily(), *more])
    return figure


def _shortened(name):
    if len(name) <= LONGEST:
        return name
    end = LONGEST // 3
    return f"{name[: LONGEST - end - 1]}…{name[-end:]}"


def _drawable(name):
    """Return the name with characters that no font has replaced by boxes, or by nothing if combining or format ones."""
    return "".join(char if char.isascii() or _font_of(char) is not None else _substitute(char) for char in name)


def _substitute(char):
    return "" if unicodedata.category(char) in ("Cf", "Mn") else BOX


def _verbatim(label):
    """Return the label, escaped so that matplotlib doesn't read it as a formula or hide it from legends."""
    label = label.replace("$", r"\$")
    return f" {label}" if label.startswith("_") else label


def _more_fonts(name):
    return list(dict.fromkeys(font for char in name if not char.isascii() and (font := _font_of(char))))


@cache
def _font_of(char):
    """Return the family of a font that has a character: "" for the figures' default, None if none has it."""
    if ord(char) in _characters(findfont(FontProperties(family=rcParams["font.family"]))):
        return ""
    upright = (font for font in fontManager.ttflist if font.style == "normal" and "Last Resort" not in font.name)
    for font in sorted(upright, key=lambda font: ("Sans" not in font.name, font.name)):
        if ord(char) in _characters(font.fname):
            return font.name
    return None


@cache
def _characters(file):
    """Return the code points that a scalable font has; none for other fonts, or if the file can't be read."""
    try:
        font = FT2Font(file)
        return frozenset(font.get_charmap()) if font.scalable else frozenset()
    except (RuntimeError, OSError):
        return frozenset()

"""Names of classes and runs -> labels of a figure: short, told apart, in fonts that have their characters."""

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

LONGEST = 48  # characters of a label
BOX = "□"  # what stands for a character that no font has


def lettered(names: Iterable[str]) -> list[str]:
    """Return a label for each name. Those that look alike have their places, from 1, in front."""
    drawn = [_drawable(_shortened(line(name))) for name in names]
    counts = Counter(drawn)
    told = [label if counts[label] == 1 else f"{place}: {label}" for place, label in enumerate(drawn, 1)]
    return [_verbatim(label) for label in told]


def columns(label: str) -> int:
    """How wide a label is, in letters: Chinese characters, and many others, take two."""
    return sum(2 if unicodedata.east_asian_width(sign) in "WF" else 1 for sign in label)


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
    """The name without what no font can draw: boxes for characters, nothing for what only joins or chooses them."""
    return "".join(sign if sign.isascii() or _font_of(sign) is not None else _instead(sign) for sign in name)


def _instead(sign):
    return "" if unicodedata.category(sign) in ("Cf", "Mn") else BOX


def _verbatim(label):
    """The label as matplotlib takes it for no formula, and for none that a legend leaves out."""
    label = label.replace("$", r"\$")
    return f" {label}" if label.startswith("_") else label


def _more_fonts(name):
    return list(dict.fromkeys(font for sign in name if not sign.isascii() and (font := _font_of(sign))))


@cache
def _font_of(sign):
    """The family of a font that has a character: "" for the figures' own, None if none has it."""
    if ord(sign) in _characters(findfont(FontProperties(family=rcParams["font.family"]))):
        return ""
    upright = (font for font in fontManager.ttflist if font.style == "normal" and "Last Resort" not in font.name)
    for font in sorted(upright, key=lambda font: ("Sans" not in font.name, font.name)):
        if ord(sign) in _characters(font.fname):
            return font.name
    return None


@cache
def _characters(file):
    """The numbers of the characters that a font draws in any size; none, where it can't be read."""
    try:
        font = FT2Font(file)
        return frozenset(font.get_charmap()) if font.scalable else frozenset()
    except (RuntimeError, OSError):
        return frozenset()

"""Names as they come (of classes, files, folders: any characters, any bytes) -> as text, and as text on one line."""

import unicodedata
from collections.abc import Callable
from typing import Any

TURNING = {"LRE", "RLE", "LRO", "RLO", "PDF", "LRI", "RLI", "FSI", "PDI"}  # they turn what follows around


def text(name: object) -> str:
    """Return a name or path that UTF-8 can hold: a byte that isn't, as folders may have it, is written as \\xe9."""
    return "".join(_escaped(sign) if unicodedata.category(sign) == "Cs" else sign for sign in str(name))


def line(name: object) -> str:
    """Return a name or path for one line: as `text`, with line breaks and other control characters written out."""
    return "".join(_escaped(sign) if _controls(sign) else sign for sign in str(name))


def on_lines(log: Callable[[str], Any]) -> Callable[[str], Any]:
    """Return the function that logs a message, `log`, such that each is one line, whatever the names in it hold."""
    return lambda sentence: log(line(sentence))


def _controls(sign):
    return unicodedata.category(sign) in ("Cc", "Cs", "Zl", "Zp") or unicodedata.bidirectional(sign) in TURNING


def _escaped(sign):
    if 0xDC80 <= ord(sign) <= 0xDCFF:  # a byte, as Python's file functions return it
        return f"\\x{ord(sign) - 0xDC00:02x}"
    return sign.encode("unicode_escape").decode()

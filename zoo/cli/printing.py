"""How commands print JSON, tables, sizes and counts, and write plots."""

import json
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from zoo.errors import ZooError
from zoo.names import line, on_lines

if TYPE_CHECKING:
    from matplotlib.figure import Figure


def print_json(value: Any) -> None:
    click.echo(json.dumps(value))


def by(shape: Iterable[int | None]) -> str:
    """(32, None, 3) -> "32x?x3"."""
    return "x".join("?" if n is None else str(n) for n in shape)


def short(count: int | None) -> str:
    """1234567 -> "1.235 M"; None, of what depends on the input -> "?"."""
    if count is None:
        return "?"
    for unit, name in ((1e9, "G"), (1e6, "M"), (1e3, "k")):
        if count >= unit:
            return f"{count / unit:.4g} {name}"
    return str(count)


def print_table(columns: Sequence[str], rows: Iterable[Sequence[Any]], style: str = "simple") -> None:
    """Print a table; a column whose name starts with "#", which isn't printed, holds numbers and is aligned right."""
    from tabulate import tabulate

    align = ["right" if column.startswith("#") else "left" for column in columns]
    headers = [column.removeprefix("#") for column in columns]
    rows = [[line(str(cell)) for cell in row] for row in rows]
    click.echo(tabulate(rows, list(map(line, headers)), style, colalign=align, disable_numparse=True))


say = on_lines(click.echo)


def write_figure(figure: "Figure", path: Path) -> None:
    try:
        figure.savefig(path, dpi=150)
    except (OSError, ValueError) as problem:
        raise ZooError(f"{path} can't be drawn: {problem}.") from None

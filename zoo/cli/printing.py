"""How commands print: JSON, tables, sizes, counts, figures."""

import json

import click

from zoo.errors import ZooError
from zoo.names import line, on_lines


def print_json(value):
    click.echo(json.dumps(value))


def by(shape):
    return "x".join(map(str, shape))


def short(count):
    """1234567 -> "1.23 M"."""
    for unit, name in ((1e9, "G"), (1e6, "M"), (1e3, "k")):
        if count >= unit:
            return f"{count / unit:.4g} {name}"
    return str(count)


def print_table(columns, rows, style="simple"):
    """Print rows under columns; a column whose name starts with "#" holds numbers and is aligned right."""
    from tabulate import tabulate

    align = ["right" if column.startswith("#") else "left" for column in columns]
    headers = [column.removeprefix("#") for column in columns]
    rows = [[line(str(cell)) for cell in row] for row in rows]
    click.echo(tabulate(rows, list(map(line, headers)), style, colalign=align, disable_numparse=True))


say = on_lines(click.echo)


def write_figure(figure, path):
    try:
        figure.savefig(path, dpi=150)
    except (OSError, ValueError) as problem:
        raise ZooError(f"{path} can't be drawn: {problem}.") from None

"""Results that are written down run by run, so that nothing is lost and nothing measured twice."""

import csv


def read(path):
    """The rows of a file of results, as dicts of text; none if there is no such file yet."""
    if not path.exists():
        return []
    with path.open(newline="") as file:
        return list(csv.DictReader(file))


def append(path, row):
    """Add a row, a dict, to a file of results, which begins with the names of its columns; print it."""
    is_new = not path.exists()
    with path.open("a", newline="") as file:
        writer = csv.DictWriter(file, row, lineterminator="\n")
        if is_new:
            writer.writeheader()
        writer.writerow(row)
    print(*row.values(), flush=True)

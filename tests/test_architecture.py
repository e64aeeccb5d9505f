"""The house: rooms import only rooms on the floors below, and docs/architecture.md shows it as it is.

    python tests/test_architecture.py    # draw the floors in docs/architecture.md anew
"""

import ast
import re
from functools import cache
from graphlib import TopologicalSorter
from pathlib import Path

from tabulate import tabulate

ROOT = Path(__file__).parents[1]
PAGE = ROOT / "docs" / "architecture.md"
FLOORS = re.compile(r"(?<=<!-- floors -->\n).*?(?=<!-- end -->)", re.DOTALL)
DOORS = ("zoo", "zoo.__main__")  # what users import and start; nothing inside does


@cache
def modules():
    """{name: its source, parsed} of each module."""
    found = {}
    for path in sorted((ROOT / "zoo").rglob("*.py")):
        name = ".".join(path.relative_to(ROOT).with_suffix("").parts).removesuffix(".__init__")
        found[name] = ast.parse(path.read_text())
    return found


def imports(name):
    """The modules of the package that a module imports, inside its functions too."""
    found = set()
    for node in ast.walk(modules()[name]):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            inner = {f"{node.module}.{alias.name}" for alias in node.names}
            found |= inner & modules().keys() or {node.module}
    return (found & modules().keys()) - {name}


def room(name):
    """A package or file of zoo/: what stands after "zoo." up to the next point."""
    return ".".join(name.split(".")[:2])


def rooms():
    """{room: the other rooms that its modules import}."""
    found = {}
    for name in modules():
        if name not in DOORS:
            found.setdefault(room(name), set()).update(map(room, imports(name)))
    return {name: others - {name, "zoo"} for name, others in found.items()}


def floors():
    """The rooms floor by floor, the ground floor first: each on the lowest floor above all that it imports."""
    level, graph = {}, rooms()
    for name in TopologicalSorter(graph).static_order():  # refuses a circle
        level[name] = 1 + max((level[other] for other in graph[name]), default=-1)
    return [sorted(name for name in level if level[name] == n) for n in range(1 + max(level.values()))]


def drawing():
    """The floors as a table in Markdown, the highest first."""
    rows = []
    for n, names in reversed(list(enumerate(floors()))):
        for name in names:
            about = ast.get_docstring(modules()[name]).partition("\n\n")[0].replace("\n", " ")
            below = ", ".join(other.removeprefix("zoo.") for other in sorted(rooms()[name]))
            rows.append((n, f"`{name}`", about, below))
    return tabulate(rows, ("floor", "room", "what it is", "imports"), "github", disable_numparse=True) + "\n"


def test_modules_import_each_other_in_no_circle():
    TopologicalSorter({name: imports(name) for name in modules()}).prepare()


def test_rooms_import_only_rooms_below_them():
    assert len(floors()) > 5  # a circle of rooms has no order


def test_nothing_inside_comes_in_by_the_front_door():
    """`import zoo` is for users: it leads to all rooms, those above a module too."""
    assert [name for name in modules() if "zoo" in imports(name)] == []


def test_the_page_shows_the_floors_as_they_are():
    assert FLOORS.search(PAGE.read_text())[0] == drawing(), "python tests/test_architecture.py draws them anew"


if __name__ == "__main__":
    PAGE.write_text(FLOORS.sub(lambda _: drawing(), PAGE.read_text()))

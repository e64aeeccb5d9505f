"""Every notebook runs from top to bottom as it is committed, and is committed with its figures."""

from pathlib import Path

import nbformat
import pytest
from nbclient import NotebookClient

FOLDER = Path(__file__).parents[1] / "notebooks"
NOTEBOOKS = sorted(FOLDER.glob("*.ipynb"))


def pictures(notebook):
    return sum("image/png" in output.get("data", {}) for cell in notebook.cells for output in cell.get("outputs", []))


@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)
def test_the_notebook_runs(path):
    notebook = nbformat.read(path, as_version=4)
    kept = pictures(notebook)
    assert kept > 0, "commit the notebook with its outputs"
    NotebookClient(notebook, timeout=300, resources={"metadata": {"path": FOLDER.parent}}).execute()
    assert pictures(notebook) == kept

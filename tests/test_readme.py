"""The README's table is the registry's, and its Python runs."""

import re
from pathlib import Path

import numpy as np
import pytest
from click.testing import CliRunner

from zoo.cli import main

README = Path(__file__).parents[1].joinpath("README.md").read_text()


def test_the_table_of_models_is_the_registrys():
    table = CliRunner().invoke(main, ["list", "--markdown"]).output
    assert f"<!-- zoo list --markdown -->\n{table}<!-- end -->" in README


@pytest.mark.bfloat16
def test_the_python_of_the_readme_runs(own_registry):
    building, layout = re.findall(r"```python\n(.*?)```", README, re.DOTALL)[:2]
    names = {"__name__": "readme", "images": np.zeros((2, 64, 64, 3), "float32")}
    exec(building.replace("vgg16(features", "vgg16(width=0.1, features"), names)
    assert names["model"].output_shape == (None, 10)
    assert names["classify"](names["images"]).shape == (2, 10)
    assert list(names["maps"].output) == [f"block{i}" for i in range(1, 6)]
    exec(layout, names)
    assert names["model"].output_shape == (None, 10)


def test_every_command_of_the_readme_exists():
    for command in re.findall(r"^(?:zoo|python -m zoo) (\w+)", README, re.MULTILINE):
        assert command in main.commands

"""zoo/models/__init__.pyi tells editors and type checkers every builder with its own options, as they are registered.

    python -m tests.test_stub    # write it anew, after a net or an option has changed
"""

import inspect
import re
from pathlib import Path

from zoo import registry
from zoo.layout.rewrite import OVERRIDES

STUB = Path(__file__).parents[1] / "zoo" / "models" / "__init__.pyi"
HEAD = '''"""Every registered name as a builder. Written by tests/test_stub.py, from the registry."""

from typing import Literal, TypedDict, Unpack

import keras

from zoo.annotations import InputShape, StrPath

class Overrides(TypedDict, total=False):
    """The overrides that every net takes; see `zoo.layout.rewrite`."""

{overrides}
'''
BUILDER = '''
def {name}(
    input_shape: InputShape | None = {input_shape}, classes: int | None = {classes}, include_top: bool = True,
    pooling: Literal["avg", "max"] | None = None, classifier_activation: str | None = "softmax",
    weights: StrPath | None = None, features: bool = False, name: str | None = None,
    input_tensor: keras.KerasTensor | None = None, {own}
    **overrides: Unpack[Overrides],
) -> keras.Model:
    """{summary}."""
'''


def stub():
    overrides = [f"    {key}: {_kind(function)}" for key, function in OVERRIDES.items()]
    text = HEAD.format(overrides="\n".join(overrides))
    for entry in registry.entries().values():
        own = [f"{key}: {type(default).__name__} = {default!r}," for key, default in entry.options.items()]
        text += BUILDER.format(
            name=entry.name, input_shape=entry.input_shape, classes=entry.classes, summary=entry.summary,
            own=" ".join(["*,", *own] if own else []),
        )
        text += "".join(f"\n{alias} = {entry.name}\n" for alias in entry.aliases)
    return re.sub(r" +\n", "\n", text)


def _kind(function):
    _, value = inspect.signature(function).parameters.values()
    return value.annotation if isinstance(value.annotation, str) else inspect.formatannotation(value.annotation)


def test_the_stub_is_what_is_registered():
    assert STUB.read_text() == stub(), "python -m tests.test_stub writes it anew"


if __name__ == "__main__":
    STUB.write_text(stub())

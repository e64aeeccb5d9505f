"""Keras, whenever it is imported, knows the papers' layers: `keras.models.load_model` then loads any saved net.

Keras finds a class of a saved model among those that were registered, or in its own packages; it imports no module that
a file names. So the layers must be registered by the time a model is loaded, but `import zoo` doesn't import Keras.
"""

import sys
from collections.abc import Sequence
from importlib.machinery import ModuleSpec
from types import ModuleType
from typing import Any


def register_with_keras() -> None:
    """Register the papers' layers with Keras: now if it is imported already, else as soon as it is."""
    if "keras" in sys.modules:
        _register()
    else:
        sys.meta_path.insert(0, _AfterKeras())  # type: ignore[arg-type]


def _register():
    import zoo.layers  # noqa: F401  (each class is registered where it is defined)


class _AfterKeras:
    """Finds Keras as the other finders do, and lets its loader register the layers at the end.

    (A finder needs no base class, and that of `importlib.abc` brings much with it that `import zoo` has no use for.)
    """

    def find_spec(self, name: str, path: Sequence[str] | None, target: ModuleType | None = None) -> ModuleSpec | None:
        if name != "keras":
            return None
        others = (finder.find_spec(name, path, target) for finder in sys.meta_path if finder is not self)
        spec = next((spec for spec in others if spec), None)
        loader: Any = spec and spec.loader
        if not hasattr(loader, "exec_module"):
            return spec
        load = loader.exec_module

        def exec_module(module: ModuleType) -> None:
            load(module)
            sys.meta_path.remove(self)
            _register()

        loader.exec_module = exec_module
        return spec

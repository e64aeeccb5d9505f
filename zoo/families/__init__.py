"""The families: a file each, the tables of its papers. All of them are found here, none is listed."""

from importlib import import_module
from pkgutil import iter_modules

for _module in iter_modules(__path__):
    import_module(f"{__name__}.{_module.name}")

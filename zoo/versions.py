"""The versions of the packages that compute here."""

from importlib.metadata import PackageNotFoundError, version


def installed(*names):
    """Return {name: version} of those of the packages that are installed."""
    found = {}
    for name in names:
        try:
            found[name] = version(name)
        except PackageNotFoundError:
            continue
    return found

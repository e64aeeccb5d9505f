"""The version of this package, and those of the packages that it computes with."""

__version__ = "0.1.0"


def installed(*names: str) -> dict[str, str]:
    """Return {name: version} of those of the packages that are installed."""
    from importlib.metadata import PackageNotFoundError, version  # a quarter of the time of `import zoo`

    found = {}
    for name in names:
        try:
            found[name] = version(name)
        except PackageNotFoundError:
            continue
    return found

"""Weights that come with the package, and the record of each: found in this folder, and read without Keras.

For each net and set there are two files, written by `python -m benchmarks.stored_weights RUN`:
`<model>-<set>.weights.h5` and `<model>-<set>.json`, which holds the fields of `Stored`.
"""

from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any

from zoo import registry
from zoo.annotations import Shape
from zoo.errors import ZooError

FOLDER = Path(__file__).parent


@dataclass(frozen=True)
class Stored:
    """What is known of a net's weights that come with the package.

    Attributes:
        model: the registered name.
        weights: the name of the set that it was trained on, and what `zoo.create(weights=…)` takes: "mnist".
        options: the overrides that the net was built with.
        input_shape: (height, width, channels).
        class_names: in the order of the net's outputs.
        preprocessing: the fields of `zoo.data.preprocessing.Preprocessing`.
        command: what trained it.
        seed: the run's.
        recipe: the fields of its recipe.
        test_accuracy: of these weights with this preprocessing, on the test split.
        test_images: how many images that is.
        dtype: what the weights are stored as: "float16" only where that changed no answer.
        sha256: of the file of weights.
        versions: of the packages that it was trained with.
    """

    model: str
    weights: str
    options: dict
    input_shape: Shape
    class_names: tuple
    preprocessing: dict
    command: str
    seed: int
    recipe: dict
    test_accuracy: float
    test_images: int
    dtype: str
    sha256: str
    versions: dict

    @property
    def path(self) -> Path:
        """The file of weights."""
        return FOLDER / f"{self.model}-{self.weights}.weights.h5"

    @property
    def record_path(self) -> Path:
        """The file of the record."""
        return FOLDER / f"{self.model}-{self.weights}.json"

    def checked_path(self) -> Path:
        """Return the file of weights. Raises `ZooError` if it is missing, or isn't the one of the record."""
        if not self.path.is_file():
            raise ZooError(f"{self.path} is missing; install the package anew.")
        from hashlib import sha256

        if sha256(self.path.read_bytes()).hexdigest() != self.sha256:
            raise ZooError(f"{self.path} isn't the file that its record tells of; install the package anew.")
        return self.path


def stored_sets(name: str) -> dict[str, Stored]:
    """Return {set: its `Stored`} for a net, by its registered name: {} if no weights of it come with the package."""
    found = map(_read, sorted(FOLDER.glob(f"{name}-*.json")))
    return {record.weights: record for record in found}


def find_stored(model: Any, weights: Any) -> Stored | None:
    """Return the `Stored` of a model, a registered name, and a set; None if no set of that name comes with the package.

    Raises `ZooError` if there is such a set, but not for this model.
    """
    names = {path.stem.rpartition("-")[0] for path in FOLDER.glob(f"*-{weights}.json")} if _is_name(weights) else ()
    if not names:
        return None
    entry = registry.entry(model) if isinstance(model, str) else None
    if not (entry and entry.is_registered and entry.name in names):
        name = entry.name if entry else "a layout of your own"
        raise ZooError(f"No weights of {weights} come with the package for {name}; they do for "
                       f"{', '.join(sorted(names))}.")
    return _read(FOLDER / f"{entry.name}-{weights}.json")


def _is_name(weights):
    return isinstance(weights, str) and weights.isidentifier()


def _read(path):
    import json  # and hashlib above: `import zoo` needs neither

    try:
        values = json.loads(path.read_text(encoding="utf-8"))
        known = {item.name: values[item.name] for item in fields(Stored)}
        return Stored(**known | {key: tuple(known[key]) for key in ("input_shape", "class_names")})
    except (ValueError, LookupError, TypeError) as problem:
        raise ZooError(f"{path} is no record of stored weights: {problem!r}.") from None

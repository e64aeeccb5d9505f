"""The contenders of a benchmark: the zoo itself, and the same net in Keras or PyTorch."""

from collections.abc import Collection
from dataclasses import dataclass, field
from importlib.util import find_spec

from zoo.errors import ZooError, no_such


@dataclass(frozen=True)
class Contender:
    """A name, and a module whose `prepare(workload, **settings)` returns a function that takes n and runs n steps.

    The module's `LIBRARY` is the library that computes: "tensorflow", "jax" or "torch".
    """

    name: str
    module: str
    settings: dict = field(default_factory=dict, hash=False)


OWN = Contender("zoo", "zoo.benchmark.own")
OTHERS = {
    "pytorch": (
        Contender("pytorch", "zoo.benchmark.torch_loop"),
        Contender("pytorch channels-last", "zoo.benchmark.torch_loop", {"channels_last": True}),
        Contender("pytorch compiled", "zoo.benchmark.torch_loop", {"channels_last": True, "compiled": True}),
    ),
    "keras": (Contender("keras", "zoo.benchmark.keras_net"),),
}
EVERYONE = (OWN, *(contender for some in OTHERS.values() for contender in some))


def choose(names: Collection[str]) -> list[Contender]:
    """Return the zoo's own `Contender` and those of `OTHERS` under the given names, in the order of `OTHERS`.

    Raises:
        ZooError: for an unknown name, and for "pytorch" if PyTorch isn't installed.
    """
    for name in names:
        if name not in OTHERS:
            raise no_such("contender", name, OTHERS)
    if "pytorch" in names and find_spec("torch") is None:
        raise ZooError("There is no PyTorch to compare with: pip install torch.")
    return [OWN, *(contender for name, some in OTHERS.items() if name in names for contender in some)]

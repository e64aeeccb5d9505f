"""Load Keras's files, `.keras` and `.h5`, of whole models and of weights alone: matched layer by layer, or refused."""

from dataclasses import replace
from pathlib import Path

from zoo.errors import ZooError
from zoo.weights import applications
from zoo.weights.account import Account
from zoo.weights.copying import given_of, places, slots
from zoo.weights.graphs import prepared
from zoo.weights.hdf5 import read
from zoo.weights.matching import Given, Target, counted, settle
from zoo.weights.whole_models import OTHER_HEAD, Matched, match_model, of_applications

SUFFIXES = (".keras", ".h5", ".hdf5")
UNSEEN = (
    "was matched to {} by its layers' names and shapes alone, which another stride, pool, padding, epsilon or "
    "activation leaves as they are"
)
IN_ORDER = (
    "was matched to {} by the order and shapes of its weights alone, which another stride, padding or epsilon leaves "
    "as they are"
)


def load_file(target: Target, path: Path, source: str) -> Account:
    """Load a file of the same net into a model; return the account, whose source is `source`.

    Layers are matched by name where the file has the names of the net's body, else by their order in the graph, and
    in a file without a graph by their order in the file. Without top, or with a new head, the file's is left aside.

    Raises `ZooError` if the file is of another net, and whatever h5py raises for damaged files.
    """
    stored, takers = read(path), slots(target.model)
    if stored.graph is None:
        found = _match_weights(target, stored, takers)
    else:
        found = match_model(target, stored, stored.graph, takers)
    account = settle(found.given, takers, target, source)
    return replace(account, doubt=found.doubt, preparation=found.preparation)


def _match_weights(target, stored, takers):
    """Match a file of weights alone: by our names, as keras.applications' if it is theirs, or in its order."""
    arrays = {}
    for path, values in stored.arrays.items():
        own = path.rpartition("/")[2]
        arrays[path if own in arrays else own] = values
    body = [taker.name for taker in takers if taker.name not in target.head]
    missing = [name for name in body if name not in arrays]
    if body and not missing:
        return Matched(_by_name(target, takers, arrays), UNSEEN.format(target.model.name))
    found = applications.listed(stored.arrays, target.name)
    if not found and not stored.is_ordered:
        raise ZooError(f"it has no layer {missing[0]!r}.")
    if not found:
        return Matched(counted(target, takers, list(arrays.items())), IN_ORDER.format(target.model.name))
    doubt = of_applications(target, found.name) or ("" if found.is_named else IN_ORDER.format(target.model.name))
    given = given_of(places(found.graph.nodes, found.graph.outputs, found.arrays), takers)
    rest = list(found.rest.items())
    doubt = doubt or (OTHER_HEAD if rest and not found.has_head and target.include_top else "")
    return Matched(counted(target, takers, [*given, *rest]), doubt, prepared(found.graph).what)


def _by_name(target, takers, arrays):
    """Return what is given to each taker by its name; refuse a whole net's file of another number of layers."""
    names = [taker.name for taker in takers]
    given: list[Given | None] = [(name, arrays[name]) if name in arrays else None for name in names]
    if target.include_top and not target.new_head and len(arrays) != len(takers) and None not in given:
        raise ZooError(f"it has {len(arrays)} layers with weights, the net has {len(takers)}.")
    return given

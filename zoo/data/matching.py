"""Match a data set's classes with a model's: by name if both have names, whatever the order."""

from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from zoo.data.class_names import are_numbered, listed, normalized
from zoo.data.dataset import Dataset
from zoo.errors import ZooError, did_you_mean

SHOWN = 6  # pairs of names in a message


def renumbered(dataset: Dataset, class_names: Sequence[str], same: dict[str, str] | None = None) -> Dataset:
    """Return the data set with labels that are indices of `class_names`, which include all of its own.

    `same` is a dict from the data set's class names to those, for names that are spelled differently.
    """
    index_of = {name: i for i, name in enumerate(class_names)}
    own = [(same or {}).get(name, name) for name in dataset.class_names]
    indices = np.array([index_of[name] for name in own], np.int32)
    return replace(dataset.map(lambda split: split.relabelled(indices)), class_names=tuple(class_names))


def matched(dataset: Dataset, class_names: Sequence[str], model: str) -> tuple[Dataset, list[str]]:
    """Return (the data set with the model's class indices as labels, messages on what had to be assumed).

    Names match regardless of case, surrounding spaces and a number's leading zeros, if that is unambiguous. A
    data set may have some of the classes only. If one side's names are just 0 to n - 1, these are indices of the
    other's classes, of which there must be as many.

    Args:
        dataset: a `Dataset`.
        class_names: the model's class names.
        model: its name, for messages.

    Raises:
        ZooError: if the data set has a class that the model doesn't know.
    """
    theirs, notes = dataset.class_names, []
    same = {name: name for name in theirs} if set(theirs) <= set(class_names) else _spelled_alike(theirs, class_names)
    if same:
        if pairs := [(repr(name), other) for name, other in same.items() if name != other]:
            notes.append(
                f"{dataset.name} spells the names of classes otherwise than {model}: {_taken(pairs)}."
            )
    elif same := _matched_by_index(theirs, class_names):
        numbered, by_number = (dataset.name, same) if are_numbered(theirs) else (model, {i: n for n, i in same.items()})
        notes.append(
            f"{numbered} numbers its classes: {_taken(sorted(by_number.items(), key=lambda pair: int(pair[0])))}."
        )
    else:
        raise _unknown(dataset, class_names, model)
    if len(theirs) < len(class_names):
        notes.append(
            f"{dataset.name} has {len(theirs)} of the {len(class_names)} classes of {model}: {listed(theirs)}."
        )
    return renumbered(dataset, class_names, same), notes


def _spelled_alike(theirs, ours):
    """Return {their name: ours} if each of theirs matches one of ours but for spelling, unambiguously; else None."""
    known = {normalized(name): name for name in ours}
    is_clear = len(known) == len(ours) and len(set(map(normalized, theirs))) == len(theirs)
    is_known = {normalized(name) for name in theirs} <= set(known)
    return {name: known[normalized(name)] for name in theirs} if is_clear and is_known else None


def _matched_by_index(theirs, ours):
    """Return {their name: ours} if one side has n names and the other the numbers 0 to n - 1 for them, else None."""
    numbers, names = (theirs, ours) if are_numbered(theirs) else (ours, theirs)
    if not are_numbered(numbers) or len(numbers) != len(names) or all(name.isdecimal() for name in names):
        return None
    pairs = [(str(i), name) for i, name in enumerate(names)]
    return dict(pairs) if numbers is theirs else {name: index for index, name in pairs}


def _taken(pairs):
    """Return "0 is taken for 'cat', 1 for 'dog'" for pairs of names; if many, only the first ones and the last."""
    shown = [*pairs[: SHOWN - 1], *pairs[SHOWN - 1 :][-1:]]
    one, other = shown[0]
    more = [f"{name} for {their!r}" for name, their in shown[1:]]
    if len(pairs) > SHOWN:
        more.insert(-1, "…")
    return ", ".join([f"{one} is taken for {other!r}", *more])


def _unknown(dataset, ours, model):
    """Return the `ZooError` for a data set with a class that the model doesn't know."""
    theirs = dataset.class_names
    unknown = [name for name in theirs if name not in ours]
    if len(ours) != len(theirs):
        return ZooError(
            f"{model} knows {len(ours)} classes, but {dataset.name} has {len(theirs)}; of these, it doesn't know "
            f"{unknown[0]!r}.{did_you_mean(unknown[0], ours)}"
        )
    missing = [name for name in ours if name not in theirs]
    return ZooError(
        f"{model} knows other classes than {dataset.name} has: {missing[0]!r} where that has {unknown[0]!r}."
    )

"""Subsets of a data set: some of its classes, or some of its images."""

from collections.abc import Iterable
from dataclasses import replace

import numpy as np

from zoo.data import splitting
from zoo.data.class_names import alike, listed
from zoo.data.dataset import Dataset
from zoo.errors import ZooError, did_you_mean


def only(dataset: Dataset, classes: Iterable[str]) -> Dataset:
    """Return the data set with these classes only, labelled 0, 1, … in the order given.

    A name may differ from the data set's in case, or by leading zeros, if that is unambiguous.

    Raises:
        ZooError: for an unknown class, for fewer than two, or if a split has no image of them; if images have masks.
    """
    if dataset.has_masks:
        raise ZooError(f"{dataset.name} has a label for each pixel: classes can't be chosen among its images.")
    names = dataset.class_names
    classes = tuple(dict.fromkeys(alike(str(name), names) for name in classes))
    for name in classes:
        if name not in names:
            raise ZooError(f"{dataset.name} has no class {name!r}.{did_you_mean(name, names)} It has {listed(names)}.")
    if len(classes) < 2:
        raise ZooError(f"Give two classes or more to tell apart; got {', '.join(classes) or 'none'}.")
    renumbered = np.full(len(names), -1, np.int32)
    renumbered[[names.index(name) for name in classes]] = np.arange(len(classes))

    def keep(split):
        labels = renumbered[split.labels]
        if labels.max() < 0:
            raise ZooError(f"{dataset.name} has a split without any image of {', '.join(classes)}.")
        return replace(split.take(labels >= 0), labels=labels[labels >= 0])

    note = f"Only {len(classes)} of {len(names)} classes: {', '.join(classes)}."
    return replace(dataset.map(keep), class_names=classes, notes=(*dataset.notes, note))


def at_most(dataset: Dataset, limit: int) -> Dataset:
    """Return at most `limit` images of each split, stratified by class and always the same. A note reports the counts.

    Each class of a split keeps an image in it if `limit` is at least the number of these classes.
    """
    limited = dataset.map(lambda split: splitting.at_most(split, limit))
    counts = [
        f"{len(getattr(limited, name)):,} of {len(getattr(dataset, name)):,} {what} images"
        for name, what in (("train", "training"), ("validation", "validation"), ("test", "test"))
    ]
    return replace(limited, notes=(*dataset.notes, f"Limited to {', '.join(counts[:-1])} and {counts[-1]}."))

"""A part of a split, drawn: each class in proportion, and always the same."""

from typing import Any

import numpy as np

from zoo.errors import ZooError

SEED = 0  # splits are taken with this seed, whatever the training's, so that every run sees the same test images


def split_off(name: str, split: Any, share: float, what: str = "testing") -> tuple[Any, Any]:
    """Return (the rest, the taken `share`) of a training split, each class in proportion, for testing or `what`.

    Every class stays in the rest, and so does half of what can be spared beyond one image of each, for another share.

    Raises:
        ZooError: if that leaves nothing to carve.
    """
    if len(split) < 3:
        raise ZooError(f"{name} has {len(split)} training images, too few to hold any back for {what}.")
    spare = len(split) - len(np.unique(split.labels))
    count = size_of_share(split, share)
    if not spare and what == "testing":
        raise ZooError(f"{name} has one training image of each class: give it a test split of its own.")
    if not spare:  # to learn all but one class beats to learn none
        rest, drawn = _draw(split.labels, count)
        return split.take(rest), split.take(drawn)
    return hold_back(split, min(count, max(1, spare // 2)))


def size_of_share(split: Any, share: float) -> int:
    """How many images a share is, one at the least."""
    return max(1, round(share * len(split)))


def hold_back(split: Any, count: int) -> tuple[Any, Any]:
    """Return (the rest, the `count` drawn) of a split; every class keeps an image in the rest.

    So there must be more than `count` images besides one of each class.
    """
    rest, drawn = _draw(split.labels, count)
    if _lacks_a_class(split.labels, rest):
        kept, others = _one_each(split.labels)
        rest, drawn = _draw(split.labels[others], count)
        rest, drawn = np.concatenate([kept, others[rest]]), others[drawn]
    return split.take(rest), split.take(drawn)


def at_most(split: Any, count: int) -> Any:
    """Return the split, or `count` of its images where it has more; every class keeps one if that's so many."""
    if len(split) <= count:
        return split
    _, drawn = _draw(split.labels, count)
    if _lacks_a_class(split.labels, drawn):
        kept, others = _one_each(split.labels)
        if count == len(kept):
            drawn = kept
        elif count > len(kept):
            _, drawn = _draw(split.labels[others], count - len(kept))
            drawn = np.concatenate([kept, others[drawn]])
    return split.take(drawn)


def _draw(labels, count):
    """Return the places of (the rest, the `count` drawn), 0 < count < len(labels).

    They are stratified over the classes of two images and more, those of one staying in the rest; but drawn without
    regard to classes where either part has fewer places than there are such classes.
    """
    from sklearn.model_selection import train_test_split

    _, own, sizes = np.unique(labels, return_inverse=True, return_counts=True)
    is_single = sizes[own] == 1
    common, singles = np.flatnonzero(~is_single), np.flatnonzero(is_single)
    if 0 < (sizes > 1).sum() <= min(count, len(common) - count):
        rest, drawn = train_test_split(common, test_size=count, random_state=SEED, stratify=labels[common])
        return np.concatenate([rest, singles]), drawn
    return train_test_split(np.arange(len(labels)), test_size=count, random_state=SEED)


def _lacks_a_class(labels, places):
    return len(np.unique(labels[places])) < len(np.unique(labels))


def _one_each(labels):
    """Return the places of (an image of each class, all others)."""
    order = np.random.default_rng(SEED).permutation(len(labels))
    _, first = np.unique(labels[order], return_index=True)
    is_first = np.zeros(len(labels), bool)
    is_first[order[first]] = True
    return np.flatnonzero(is_first), np.flatnonzero(~is_first)

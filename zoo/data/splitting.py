"""Split off, or sample, a part of a split: stratified by class, and always the same."""

from typing import Any

import numpy as np

from zoo.errors import ZooError

SEED = 0  # of all sampling here, whatever the training's seed, so that every run sees the same test images


def split_off(name: str, split: Any, share: float, what: str = "testing") -> tuple[Any, Any]:
    """Split a `share` off a training split, stratified by class, for testing or `what`; return (the rest, the share).

    The rest keeps an image of every class, and half of the others if that is possible, for another share.

    Raises:
        ZooError: if that leaves nothing to split off.
    """
    if len(split) < 3:
        raise ZooError(f"{name} has {len(split)} training images, too few to hold any back for {what}.")
    spare = len(split) - len(np.unique(split.strata))
    count = size_of_share(split, share)
    if not spare and what == "testing":
        raise ZooError(f"{name} has one training image of each class: give it a test split of its own.")
    if not spare:  # learning all classes but one is better than none
        rest, sampled = _sample(split.strata, count)
        return split.take(rest), split.take(sampled)
    return hold_back(split, min(count, max(1, spare // 2)))


def size_of_share(split: Any, share: float) -> int:
    """Return the number of images in a share, at least 1."""
    return max(1, round(share * len(split)))


def hold_back(split: Any, count: int) -> tuple[Any, Any]:
    """Split `count` images off; return (the rest, those). Every class keeps an image in the rest.

    So there must be more than `count` images besides one of each class.
    """
    rest, sampled = _sample(split.strata, count)
    if _lacks_a_class(split.strata, rest):
        kept, others = _one_each(split.strata)
        rest, sampled = _sample(split.strata[others], count)
        rest, sampled = np.concatenate([kept, others[rest]]), others[sampled]
    return split.take(rest), split.take(sampled)


def at_most(split: Any, count: int) -> Any:
    """Return the split, or a sample of `count` images if it has more; every class keeps one if `count` allows it."""
    if len(split) <= count:
        return split
    _, sampled = _sample(split.strata, count)
    if _lacks_a_class(split.strata, sampled):
        kept, others = _one_each(split.strata)
        if count == len(kept):
            sampled = kept
        elif count > len(kept):
            _, sampled = _sample(split.strata[others], count - len(kept))
            sampled = np.concatenate([kept, others[sampled]])
    return split.take(sampled)


def _sample(labels, count):
    """Return the indices of (the rest, a sample of `count`), 0 < count < len(labels).

    Sampling is stratified over the classes of two images and more, those of one staying in the rest; but it ignores
    the classes if either part would have fewer images than there are such classes.
    """
    from sklearn.model_selection import train_test_split

    _, own, sizes = np.unique(labels, return_inverse=True, return_counts=True)
    is_single = sizes[own] == 1
    common, singles = np.flatnonzero(~is_single), np.flatnonzero(is_single)
    if 0 < (sizes > 1).sum() <= min(count, len(common) - count):
        rest, sampled = train_test_split(common, test_size=count, random_state=SEED, stratify=labels[common])
        return np.concatenate([rest, singles]), sampled
    return train_test_split(np.arange(len(labels)), test_size=count, random_state=SEED)


def _lacks_a_class(labels, indices):
    return len(np.unique(labels[indices])) < len(np.unique(labels))


def _one_each(labels):
    """Return the indices of (an image of each class, all others)."""
    order = np.random.default_rng(SEED).permutation(len(labels))
    _, first = np.unique(labels[order], return_index=True)
    is_first = np.zeros(len(labels), bool)
    is_first[order[first]] = True
    return np.flatnonzero(is_first), np.flatnonzero(~is_first)

"""A layout, which is the body and the head of a network, and functions that visit or replace its words."""

from collections.abc import Callable, Iterator
from copy import copy
from dataclasses import dataclass
from typing import Any

from zoo.layout.words import Composite, Flatten, GlobalPool, Norm, Stage, Word, Words, as_words


@dataclass(frozen=True)
class Layout:
    """A network: the `body`, which outputs a feature map, and the `head`, which turns that into class scores.

    Words are copied, so that one given twice becomes two objects, of which a rewrite can change just one.
    """

    body: tuple | Any  # given as any nesting of words, stored as a tuple
    head: tuple | Any = ()

    def __post_init__(self):
        object.__setattr__(self, "body", map_words(copy, self.body))
        object.__setattr__(self, "head", map_words(copy, self.head))


def as_layout(items: Layout | Words) -> Layout:
    """Return `items` as a `Layout`; in a plain list the head starts at the first Flatten or GlobalPool."""
    if isinstance(items, Layout):
        return items
    flat = as_words(items)
    cut = next((i for i, word in enumerate(flat) if _flattens(word)), len(flat))
    return Layout(flat[:cut], flat[cut:])


def _flattens(word):
    if isinstance(word, Stage):
        return any(map(_flattens, word.branches[0]))
    return isinstance(word, (Flatten, GlobalPool))


def labels_pixels(layout: Layout) -> bool:
    """Return whether the head of a layout gives class scores of each pixel, a map, and not those of the image."""
    return bool(layout.head) and not any(map(_flattens, (*layout.body, *layout.head)))


def map_words(function: Callable[[Any], Words], items: Words) -> tuple[Word, ...]:
    """Return the words with each that isn't a `Composite` replaced by `function(word)`: a word, a list, or []."""

    def mapped(branch):
        return [
            word.with_branches(map(mapped, word.branches)) if isinstance(word, Composite) else function(word)
            for word in branch
        ]

    return as_words(mapped(as_words(items)))


def all_words(items: Words) -> Iterator[Word]:
    """Yield every word, in order: a composite, then those inside it."""
    for word in as_words(items):
        yield word
        for branch in getattr(word, "branches", ()):
            yield from all_words(branch)


def plain_words(items: Words) -> Iterator[Word]:
    """Yield every word that isn't a `Composite`, in order, including those inside composites."""
    return (word for word in all_words(items) if not isinstance(word, Composite))


def norm_kinds(items: Words) -> set[str]:
    """Return the kinds of normalization that words use, as `Norm` or as `norm` of a convolution: {"batch"}."""
    norms = (word if isinstance(word, Norm) else getattr(word, "norm", None) for word in plain_words(items))
    return {norm.kind for norm in norms if norm}

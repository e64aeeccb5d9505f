"""A layout: the body and the head of a network, and walks over all of its words."""

from collections.abc import Callable, Iterator
from copy import copy
from dataclasses import dataclass
from typing import Any

from zoo.layout.words import Composite, Flatten, GlobalPool, Norm, Stage, Word, Words, as_words


@dataclass(frozen=True)
class Layout:
    """A network: the `body`, which keeps a map, and the `head`, which turns it into class scores.

    Each row is an object of its own, even if one word was given twice, so a rewrite can tell equal rows apart.
    """

    body: tuple | Any  # any nesting of words is kept as a tuple
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


def map_words(function: Callable[[Any], Words], items: Words) -> tuple[Word, ...]:
    """Return the words with each plain word replaced by what `function` gives: a word, a list of words, or []."""

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
    """Yield every word that isn't made of words, in order, those inside composites too."""
    return (word for word in all_words(items) if not isinstance(word, Composite))


def norm_kinds(items: Words) -> set[str]:
    """Return the kinds of normalization in any nesting of words, by themselves or of a convolution: {"batch"}."""
    norms = (word if isinstance(word, Norm) else getattr(word, "norm", None) for word in plain_words(items))
    return {norm.kind for norm in norms if norm}

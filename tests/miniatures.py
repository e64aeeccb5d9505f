"""Registered nets small enough to build and run in a moment: few channels, few pixels, and no block twice in a row."""

from functools import cache

import numpy as np

import zoo
from zoo import ZooError, registry
from zoo.layout import Composite, Layout, as_words
from zoo.layout.trace import smallest_input

LEAST = 32  # pixels, so that maps are more than one value


def shallow(layout):
    """The layout without the blocks that only repeat what stands before them."""
    return Layout(_without_repeats(layout.body), _without_repeats(layout.head))


def _without_repeats(items):
    kept = []
    for word in as_words(items):
        if isinstance(word, Composite):
            word = word.with_branches(map(_without_repeats, word.branches))
        kept.append(word)
        for period in (1, 2, 3):
            if len(kept) >= 2 * period and kept[-period:] == kept[-2 * period : -period]:
                del kept[-period:]
    return kept


@cache
def smallest(name):
    """The shallow layout of a registered net, and the options that make it small."""
    entry, params = registry.entry(name), zoo.info(name).params
    layout, channels = shallow(entry.layout()), entry.input_shape[-1]
    options = {"width": 1 / 2 if params < 1e5 else 1 / 4 if params < 3e6 else 1 / 16}
    size = max(smallest_input(layout, channels), LEAST)
    try:
        zoo.info(layout, (size, size, channels), **options)
    except ZooError:  # a net whose width is fixed
        options = {}
    return layout, options | {"input_shape": (size, size, channels)}


def miniature(name, **arguments):
    """Build the miniature of a registered net; the arguments are those of `zoo.create`."""
    layout, options = smallest(name)
    return zoo.create(layout, name=name, **options | arguments)


def images(model, count=4):
    """Random images of the model's input shape, always the same."""
    return np.random.default_rng(0).standard_normal((count, *model.input_shape[1:]), "float32")


def stirred(model):
    """Move every weight a little, so that none is at the 0 or 1 with which it starts; return the model."""
    random = np.random.default_rng(1)
    model.set_weights([weight + 0.1 * random.random(weight.shape, "float32") for weight in model.get_weights()])
    return model

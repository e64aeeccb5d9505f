"""Colours that readers can tell apart, colour-blind ones too: those of classes in pictures of masks, and of curves."""

from collections.abc import Iterable

import numpy as np

GREY = "#8a8a8a"  # legible on white and on black
YELLOW = "#f0e442"  # too light for lines on white

# Okabe and Ito's colours, which colour-blind readers can tell apart, but for the yellow and the black.
COLOURS = ("#0072b2", "#d55e00", "#009e73", "#e69f00", "#cc79a7", "#56b4e9", GREY)

Colour = tuple[int, int, int]
BLACK = (0, 0, 0)
LEVELS = range(0, 256, 17)  # of each channel, of the colours that are found where Okabe and Ito's don't suffice
DARKEST = 0.4  # their lightness in Oklab, from 0 to 1, at least: darker ones look like the black of the background


def class_colours(count: int, colours: Iterable[Colour] = ()) -> tuple[Colour, ...]:
    """Return the (red, green, blue) of `count` classes, 0..255: the data's own `colours`, if it has them, or others.

    The first class, mostly the background, is black; Okabe and Ito's colours follow and, after these, each time the
    colour that looks the least like all before it. Grey is none of them: it is left to pixels without a class.
    """
    own = [tuple(map(int, colour)) for colour in colours]
    if len(own) >= count:
        return tuple(own[:count])  # type: ignore[arg-type]
    chosen = [BLACK, *(rgb(text) for text in (*COLOURS, YELLOW) if text != GREY)]
    if count > len(chosen):
        chosen += _unlike(chosen, count - len(chosen))
    return tuple(chosen[:count])


def rgb(text: str) -> Colour:
    """Return "#rrggbb" as (red, green, blue)."""
    red, green, blue = bytes.fromhex(text[1:])
    return red, green, blue


def _unlike(chosen, count):
    """Return `count` more colours, each the farthest from its nearest one among all before it and the grey."""
    candidates = np.stack(np.meshgrid(LEVELS, LEVELS, LEVELS, indexing="ij"), -1).reshape(-1, 3)
    candidates = candidates[_as_seen(candidates)[:, 0] >= DARKEST]
    seen = _as_seen(candidates)
    distance = np.full(len(candidates), np.inf)
    found = []

    def keep_off(colour):
        np.minimum(distance, np.linalg.norm(seen - _as_seen(np.array(colour)), axis=-1), out=distance)

    for colour in (*chosen, rgb(GREY)):
        keep_off(colour)
    for _ in range(count):
        found.append(tuple(candidates[distance.argmax()].tolist()))
        keep_off(found[-1])
    return found


def _as_seen(colours):
    """Return colours (…, 3), 0..255, in Oklab (Ottosson, 2020), where distances are those that eyes see."""
    share = colours / 255
    light = np.where(share <= 0.04045, share / 12.92, ((share + 0.055) / 1.055) ** 2.4)
    cones = light @ np.array([[0.4122214708, 0.2119034982, 0.0883024619], [0.5363325363, 0.6806995451, 0.2817188376],
                              [0.0514459929, 0.1073969566, 0.6299787005]])
    return np.cbrt(cones) @ np.array([[0.2104542553, 1.9779984951, 0.0259040371],
                                      [0.7936177850, -2.4285922050, 0.7827717662],
                                      [-0.0040720468, 0.4505937099, -0.8086757660]])

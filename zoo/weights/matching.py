"""Weights in the order of a net's layers -> which of them are set, checked before any is; what is new is told."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

import keras
import numpy as np

from zoo.annotations import InputShape
from zoo.errors import ZooError
from zoo.weights.account import Account

Given = tuple[str, list[np.ndarray]]  # a layer's name and its arrays, in the order of Keras's layers


@dataclass(frozen=True)
class Target:
    """A model to load weights into, and what is known of it: the arguments of `zoo.weights.load_weights`."""

    model: keras.Model
    name: str | None = None
    include_top: bool = True
    options: dict[str, Any] = field(default_factory=dict)
    at_size: Callable[[InputShape], keras.Model] | None = None
    head: Sequence[str] = ()
    new_head: bool = False

    @property
    def classes(self) -> int | None:
        return self.model.outputs[0].shape[-1] if self.head else None

    def in_body(self, takers: list[Any]) -> int:
        """Return how many of the takers belong to the body."""
        return sum(taker.name not in self.head for taker in takers)


def settle(given: Sequence[Given | None], takers: list[Any], target: Target, source: str) -> Account:
    """Set the weights of the takers (slots or layers), in order, to what is given; None where a source has nothing.

    What is given beyond the takers is left aside. Where a new head may be made (`Target.new_head`), layers of the head
    are taken in order as long as they fit, and none at all of a head with more layers than the net's.

    Raises:
        ZooError: naming the first layer that doesn't fit; no weight has been set then.
    """
    given, left = list(given[: len(takers)]), [one[0] for one in given[len(takers):] if one]
    given += [None] * (len(takers) - len(given))
    pairs = list(zip(given, takers))
    body, head = ([pair for pair in pairs if (pair[1].name in target.head) == is_head] for is_head in (False, True))
    values = [fitted(one, taker, target, taker is takers[-1]) for one, taker in body]
    new: list[str] = []
    for one, taker in head:
        try:
            if new or left and target.new_head:
                raise ZooError("")
            values.append(fitted(one, taker, target, taker is takers[-1]))
        except ZooError:
            if not target.new_head:
                raise
            new.append(taker.name)
            left += [one[0]] if one else []
    assign([taker for _, taker in (body + head)[: len(values)]], values)
    heads = _names(head)
    return Account(
        source, (len(_names(body)), len(_names(body))), (len(heads) - len(dict.fromkeys(new)), len(heads)),
        tuple(dict.fromkeys(new)), tuple(dict.fromkeys(left)), target.classes,
    )


def _names(pairs):
    return {taker.name for _, taker in pairs}


def fitted(given: Given | None, taker: Any, target: Target, is_last: bool = False) -> list[np.ndarray]:
    """Reshape what is given to the shapes of a taker's weights; raise `ZooError` if they don't fit.

    Kernels of 1x1 convolutions and dense layers differ in dimensions of 1 only.
    """
    is_head = taker.name in target.head
    hint = " include_top=False leaves the head aside." if target.include_top and (is_last or is_head) else ""
    if hint and is_head and not target.new_head:
        hint = f"{hint[:-1]}, classes={target.classes} makes a new one."
    if given is None:
        raise ZooError(f"it has no layer {taker.name!r}.{hint}")
    name, arrays = given
    have, want = ([tuple(w.shape) for w in weights] for weights in (arrays, taker.weights))
    if len(have) != len(want) or any(_bare(a) != _bare(b) for a, b in zip(have, want)):
        raise ZooError(f"{name} has weights of shapes {have}, but {taker.name} takes {want}.{hint}")
    for array in arrays:
        if array.dtype.kind != "f":
            raise ZooError(f"{name} holds weights of the type {array.dtype}; they must be floating-point numbers.")
        if not np.isfinite(array).all():
            raise ZooError(f"{name} holds values that aren't finite numbers.")
    return [np.reshape(value, shape) for value, shape in zip(arrays, want)]


def assign(takers: list[Any], values: list[list[np.ndarray]]) -> None:
    """Set each taker's weights, a slot's or a layer's, to arrays of their shapes."""
    for taker, arrays in zip(takers, values, strict=True):
        for variable, value in zip(taker.weights, arrays):
            variable.assign(value)


def counted(target: Target, takers: list[Any], given: Sequence[Any]) -> list[Any]:
    """Return what is given, in order; refuse another number of layers than the net's, but for a head that may go."""
    may_differ = not target.include_top or target.new_head
    if len(given) < target.in_body(takers) or not may_differ and len(given) != len(takers):
        raise ZooError(f"it has {len(given)} layers with weights, the net has {len(takers)}.")
    return list(given)


def _bare(shape):
    """Return a kernel's shape without spatial dimensions of 1x1."""
    return shape[2:] if len(shape) == 4 and shape[:2] == (1, 1) else shape

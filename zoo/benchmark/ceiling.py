"""The most that this machine computes a second, as Keras's backend gets it: the product of two large matrices."""

from collections.abc import Callable

import keras
from keras import ops

LIBRARY = keras.backend.backend()


def prepare(precision: str, size: int) -> Callable[[int], float]:
    """Return a function that computes so many products of two square matrices of that precision and size."""
    left, right = (ops.cast(keras.random.normal((size, size), seed=seed), precision) for seed in (0, 1))

    def run(products):
        for _ in range(products):
            product = ops.matmul(left, right)
        return float(ops.cast(product[0, 0], "float32"))  # which has to wait until it is computed

    return run

"""The ceiling: this machine's peak throughput with Keras's backend, measured by products of two large matrices."""

from collections.abc import Callable

import keras
from keras import ops

LIBRARY = keras.backend.backend()


def prepare(precision: str, size: int) -> Callable[[int], float]:
    """Return a function of n that computes n products of two (size, size) matrices of that precision."""
    left, right = (ops.cast(keras.random.normal((size, size), seed=seed), precision) for seed in (0, 1))

    def run(products):
        for _ in range(products):
            product = ops.matmul(left, right)
        return float(ops.cast(product[0, 0], "float32"))  # waits until it is computed

    return run

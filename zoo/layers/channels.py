"""Channels are last (NHWC) in every net, whatever keras.json or `keras.config.set_image_data_format` says."""

from collections.abc import Iterator
from contextlib import contextmanager

import keras

LAST = "channels_last"  # for functions of keras.ops


@contextmanager
def channels_last() -> Iterator[None]:
    """Return a context, or a decorator, in which each Keras layer is created with channels last.

    (Some of Keras's layers create others, to which they don't pass their `data_format` on.)
    """
    before = keras.config.image_data_format()
    keras.config.set_image_data_format(LAST)
    try:
        yield
    finally:
        keras.config.set_image_data_format(before)

"""The contender "keras": `fit` and `predict` with Keras's defaults, on float32 images in memory."""

from collections.abc import Callable
from typing import Any

import keras
import numpy as np

from zoo.benchmark.workload import Workload
from zoo.build import create
from zoo.registry import entry
from zoo.weights.imagenet import reference

LIBRARY = keras.backend.backend()


def prepare(workload: Workload) -> Callable[[int], Any]:
    """Return a function of n that trains or infers n batches of a `Workload`."""
    keras.config.set_dtype_policy("mixed_bfloat16" if workload.precision == "bfloat16" else "float32")
    net, batch_size = _net(workload), workload.batch_size
    images, labels = workload.images(workload.input_shape)
    images, labels = images / np.float32(255), workload.targets(labels)
    if workload.mode == "inference":
        return lambda steps: net.predict(images[: steps * batch_size], batch_size, verbose=0)
    net.compile("adam", "sparse_categorical_crossentropy", metrics=["accuracy"])
    return lambda steps: net.fit(images[: steps * batch_size], labels[: steps * batch_size], batch_size, verbose=0)


def _net(workload):
    """Return keras.applications' net; if it has none, or overrides change it, the zoo's made of Keras's layers."""
    known = entry(workload.model)
    if "imagenet" in known.weights and not workload.options:
        return reference(known.name, weights=None, input_shape=workload.input_shape, classes=workload.classes)
    net = create(workload.model, workload.input_shape, workload.classes, **workload.options)
    return keras.Model.from_config(net.get_config())  # the config names Keras's layers, not the zoo's faster ones

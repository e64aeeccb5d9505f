"""The tensor of `input_tensor=`, as keras.applications have it: what it must be, and the model from its sources."""

import re
from typing import Any

import keras

from zoo.annotations import InputShape
from zoo.errors import ZooError


def image_shape(tensor: Any) -> InputShape:
    """Return the (height, width, channels) of a Keras tensor of images, None for a height or width that is open.

    Raises `ZooError` if it is none, or its channels are open.
    """
    if not isinstance(tensor, keras.KerasTensor) or not hasattr(tensor, "_keras_history"):
        kind = type(tensor).__name__
        raise ZooError(f"input_tensor must be a keras.Input, or what Keras layers made of one; got one {kind}.")
    if len(tensor.shape) != 4:
        raise ZooError(f"input_tensor must hold images, (N, height, width, channels); its shape is {tensor.shape}.")
    _, height, width, channels = tensor.shape
    if channels is None:
        raise ZooError(f"input_tensor must have a known number of channels; its shape is {tensor.shape}. "
                       "Give keras.Input it, as in keras.Input((None, None, 3)).")
    if "float" not in tensor.dtype:  # Keras's convolutions take no other type when it comes to real images
        raise ZooError(f"input_tensor must hold floats; it holds {tensor.dtype}. keras.layers.Rescaling makes them.")
    return height, width, channels


def check_shape(tensor: keras.KerasTensor, name: str, input_shape: InputShape) -> None:
    """Raise `ZooError` if a net of this input shape doesn't take the tensor."""
    given = image_shape(tensor)
    if given != tuple(input_shape):
        shapes = ["x".join("?" if n is None else str(n) for n in shape) for shape in (input_shape, given)]
        raise ZooError(f"{name} can't have input_shape {shapes[0]} on an input_tensor of {shapes[1]}: give only one.")


def model_from_sources(tensor: keras.KerasTensor, outputs: Any, name: str, trained: keras.Model | None) -> keras.Model:
    """Return the model that leads from the inputs which `tensor` was computed from to what a net made of it.

    `trained` is the same net by itself, whose weights the net's layers are given.

    Raises:
        ZooError: if a layer before the tensor bears the name of one of the net's.
    """
    sources = keras.utils.get_source_inputs(tensor)
    try:
        model = keras.Model(sources[0] if len(sources) == 1 else sources, outputs, name=name)
    except ValueError as problem:
        taken = re.search('The name "(.*)" is used', str(problem))  # Keras wants each name once in a model
        if not taken:
            raise
        raise ZooError(
            f"{name} can't be built on this input_tensor, since a layer before it has the name of one of its own: "
            f"{taken[1]}. Build it without, and call it on the tensor: a model in a model keeps its names to itself."
        ) from None
    for layer in trained.layers if trained else ():
        if layer.weights:
            model.get_layer(layer.name).set_weights(layer.get_weights())
    return model

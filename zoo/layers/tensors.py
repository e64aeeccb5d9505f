"""The tensor of `input_tensor=`, as keras.applications have it: what it must be, and the model from its sources."""

from typing import Any

import keras

from zoo.annotations import Shape
from zoo.errors import ZooError

LARGE = (224, 224, 3)  # an example for sentences


def image_shape(tensor: Any) -> Shape:
    """Return the (height, width, channels) of a Keras tensor of images; `ZooError` if it is none, or they are open."""
    if not isinstance(tensor, keras.KerasTensor) or not hasattr(tensor, "_keras_history"):
        kind = type(tensor).__name__
        raise ZooError(f"input_tensor must be a keras.Input, or what Keras layers made of one; got one {kind}.")
    if len(tensor.shape) != 4:
        raise ZooError(f"input_tensor must hold images, (N, height, width, channels); its shape is {tensor.shape}.")
    _, height, width, channels = tensor.shape
    if None in (height, width, channels):
        raise ZooError(
            f"input_tensor must have a known height, width and number of channels; its shape is {tensor.shape}. Give "
            f"keras.Input all three, as in keras.Input({LARGE}), or put keras.layers.Resizing{LARGE[:2]} before."
        )
    return height, width, channels


def check_shape(tensor: keras.KerasTensor, name: str, input_shape: Shape) -> None:
    """Raise `ZooError` if a net of this input shape doesn't take the tensor."""
    given = image_shape(tensor)
    if given != tuple(input_shape):
        shapes = ["x".join(map(str, shape)) for shape in (input_shape, given)]
        raise ZooError(f"{name} can't have input_shape {shapes[0]} on an input_tensor of {shapes[1]}: give only one.")


def model_from_sources(tensor: keras.KerasTensor, outputs: Any, name: str) -> keras.Model:
    """Return the model that leads from the inputs which `tensor` was computed from to what a net made of it.

    Raises:
        ZooError: if layers before the tensor bear the names of the net's.
    """
    sources = keras.utils.get_source_inputs(tensor)
    try:
        return keras.Model(sources[0] if len(sources) == 1 else sources, outputs, name=name)
    except ValueError:  # Keras wants each name once in a model
        before = {operation.name for operation in keras.Model(sources, tensor).operations}
        net = keras.Model(tensor, outputs).operations
        taken = sorted(before & {one.name for one in net if not isinstance(one, keras.layers.InputLayer)})
        if not taken:
            raise
    raise ZooError(
        f"{name} can't be built on this input_tensor, since layers of the same names stand before it: "
        f"{', '.join(taken[:3])}{', …' if taken[3:] else ''}. Build it without, and call it on the tensor: a model in "
        "a model keeps its names to itself."
    )

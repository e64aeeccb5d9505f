"""A Keras model and images -> its outputs: the one way in which a net is applied to many images."""

from zoo.data.dataset import Split
from zoo.data.stream import Stream, own_errors


def predict(model, images, batch_size):
    """Return the outputs (N, …) of a Keras model for images (N, height, width, channels), batch by batch, in NumPy."""
    return model.predict(images, batch_size, verbose=0)


def predict_split(model, split, batch_size):
    """Return the outputs (len(split), …) of a Keras model for the images of a split, in memory or streamed.

    Raises:
        ZooError: for an image of a streamed split that can't be read.
    """
    if isinstance(split, Split):
        return predict(model, split.images, batch_size)
    stream = Stream(split, batch_size)
    with own_errors(stream):
        return model.predict(stream, verbose=0)

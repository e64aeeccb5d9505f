"""Notes on a TFDS set's images as stored, which TFDS's decoding hides: darkness, alpha channels, EXIF orientations."""

from collections.abc import Callable, Sequence
from io import BytesIO
from typing import Any

import numpy as np

from zoo.data import brightness, transparency
from zoo.data.images import ORIENTATION, UPRIGHT, brightest
from zoo.errors import ZooError, first_line


def notes_on(features: Any, key: str, records: Sequence[bytes], name_of: Callable[[int], str]) -> list[str]:
    """Return the notes on a split's images, of which these serialized `records` are a sample.

    `features` are the set's, `key` is the image feature's, and `name_of(index)` names a record. Raises `ZooError` if
    one can't be decoded, or if there are several and all are blank on white.
    """
    try:
        stored = [features.deserialize_example(record)[key].numpy() for record in records]
        heads = [_head(features, key, record) for record in records]
    except Exception as problem:  # TensorFlow's, Pillow's
        raise ZooError(f"Images such as {name_of(0)} can't be decoded: {first_line(problem)}") from None
    notes = brightness.notes_on([_brightest(image) for image in stored], 8 * stored[0].dtype.itemsize, name_of)
    if stored[0].shape[-1] == 4:
        notes += transparency.notes_on([_is_blank(image) for image in stored], name_of)
    elif any(has_alpha for has_alpha, _ in heads):
        notes.append("The images are stored with an alpha channel, which their feature in TFDS leaves out.")
    if turned := [index for index, (_, is_turned) in enumerate(heads) if is_turned]:
        notes.append(
            f"{len(turned)} of {len(heads)} images that were looked at say that they are to be turned upright, as "
            f"{name_of(turned[0])}, which TFDS doesn't do."
        )
    return notes


def _head(features, key, record):
    """Return whether an image's file has transparent pixels, and whether its EXIF orientation isn't upright."""
    import tensorflow as tf
    from PIL import Image

    spec = {key: features.tf_example_spec[key]}
    with Image.open(BytesIO(tf.io.parse_single_example(record, spec)[key].numpy())) as image:
        return image.has_transparency_data, image.getexif().get(ORIENTATION, UPRIGHT) != UPRIGHT


def _brightest(image):
    """Return a decoded image's brightest value as a share of white: see `zoo.data.images.brightest`."""
    alpha = image[..., 3] if image.shape[-1] == 4 else None
    return brightest(image[..., :3], np.iinfo(image.dtype).max, alpha)


def _is_blank(image):
    images = np.round(image[None] * (255 / np.iinfo(image.dtype).max)).astype(np.uint8)
    return transparency.are_blank(images, np.round(transparency.on_white(images)))[0]

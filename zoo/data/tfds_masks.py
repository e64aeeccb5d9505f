"""The masks of TFDS sets: which feature holds them, which numbers occur, and how they are read."""

import re
from collections.abc import Callable, Mapping, Sequence
from io import BytesIO
from typing import Any

import numpy as np

from zoo.annotations import Size
from zoo.data.dataset import chunks
from zoo.data.images import BROKEN
from zoo.data.mask_numbers import classes_of, looked_up
from zoo.data.records import read_records
from zoo.errors import ZooError, first_line

NAMED_SO = re.compile("mask|segment|label|annotation|trimap|ground_?truth", re.IGNORECASE)  # features that hold masks
PARALLEL = 16  # records decoded at a time
NUMBERS = {"uint8": 2**8, "uint16": 2**16}  # of the types of masks


def mask_keys(tfds: Any, features: Mapping[str, Any], keys: Sequence[str]) -> list[str]:
    """Return those of the keys whose features are masks: images with classes, then others of one channel so named.

    An image is no mask if it is the only one.
    """
    images = [key for key in keys if isinstance(features.get(key), tfds.features.Image)]
    labelled = [key for key in images if isinstance(features[key], tfds.features.LabeledImage)]
    named = [key for key in images if features[key].shape[-1] == 1 and NAMED_SO.search(key) and key not in labelled]
    found = list(dict.fromkeys(labelled + named))
    return found if len(found) < len(set(images)) else []


def mask_reader(builder: Any, key: str, image_key: str, size: Size) -> Callable[[Any, np.ndarray], np.ndarray]:
    """Return the function (records, indices) -> masks (indices, height, width) as stored, resized to the nearest pixel.

    They aren't resized to a `size` of (None, None), and must be of one size then.
    """
    import tensorflow as tf

    features, stored = builder.info.features, _stored(builder, key, image_key)
    dtype = tf.as_dtype(np.dtype(features[key].np_dtype))

    def mask(record):
        pixels = stored(record)
        if None not in size and features[key].shape[:2] != tuple(size):
            pixels = tf.image.resize(pixels, size, method="nearest")
        return pixels[..., 0]

    @tf.function(input_signature=[tf.TensorSpec((None,), tf.string)])
    def masks(chunk):
        return tf.map_fn(mask, chunk, fn_output_signature=tf.TensorSpec(size, dtype), parallel_iterations=PARALLEL)

    return _on_the_cpu(builder, lambda records, indices: masks(read_records(records, indices)).numpy())


def decoder(read: Callable[[Any, np.ndarray], np.ndarray], records: Any,
            index_of: Mapping[int, int]) -> Callable[[np.ndarray], np.ndarray]:
    """Return the function indices -> masks of class indices (indices, height, width) uint8."""
    return lambda indices: looked_up(read(records, indices), index_of).astype(np.uint8)


def mask_classes(builder: Any, name: str, splits: Mapping[str, Any], key: str,
                 image_key: str) -> tuple[list[str], dict[int, int], list[str]]:
    """Return (the class names, {number: class index}, the notes) of the masks in all `splits`, {its name: records}.

    Each mask is decoded for that. Raises `ZooError` for a mask of another size than its image, and for numbers that
    are no class.
    """
    feature = builder.info.features[key]
    if (kind := np.dtype(feature.np_dtype).name) not in NUMBERS:
        raise ZooError(f"{name} has masks of {kind}, not of 8 or 16 bits.")
    found: dict[int, str] = {}
    for split, records in splits.items():
        where = f"the {split} split of {name}"
        _check_sizes(builder, where, records, key, image_key)
        numbers = _occurring(builder, where, records, key, image_key)
        found = {number: where[0].upper() + where[1:] for number in numbers} | found
    count = getattr(feature, "num_classes", None)
    return classes_of(name, found, feature.names if count else None)


def mask_sizes(builder: Any, records: Any, key: str) -> np.ndarray:
    """Return the height and width of each mask, (len(records), 2), of which only the heads are read."""
    import tensorflow as tf
    from PIL import Image

    feature = builder.info.features[key]
    if None not in feature.shape:
        return np.tile(feature.shape[:2], (len(records), 1))
    spec, sizes = {key: builder.info.features.tf_example_spec[key]}, []
    for chunk in chunks(np.arange(len(records))):
        files = tf.io.parse_example(read_records(records, chunk), spec)[key].numpy()
        sizes += [Image.open(BytesIO(file)).size[::-1] for file in files]
    return np.array(sizes)


def _occurring(builder, where, records, key, image_key):
    """Return the numbers in a split's masks."""
    import tensorflow as tf
    from tqdm import tqdm

    count = NUMBERS[np.dtype(builder.info.features[key].np_dtype).name]
    stored = _stored(builder, key, image_key)

    def numbers(record):
        values = tf.reshape(tf.cast(stored(record), tf.int32), [-1])
        return tf.math.bincount(values, minlength=count, maxlength=count) > 0

    @tf.function(input_signature=[tf.TensorSpec((None,), tf.string)])
    def of_chunk(chunk):
        spec = tf.TensorSpec((count,), tf.bool)
        return tf.reduce_any(tf.map_fn(numbers, chunk, fn_output_signature=spec, parallel_iterations=PARALLEL), 0)

    read = _on_the_cpu(builder, lambda records, indices: of_chunk(read_records(records, indices)).numpy())
    occurs = np.zeros(count, bool)
    for chunk in tqdm(list(chunks(np.arange(len(records)))), f"masks of {where}", delay=2, leave=False, disable=None):
        occurs |= read(records, chunk)
    return np.flatnonzero(occurs).tolist()


def _check_sizes(builder, where, records, key, image_key):
    """Raise `ZooError` for a mask of another size than its image, of which only the heads are read."""
    import tensorflow as tf
    from PIL import Image

    features = builder.info.features
    if None not in features[key].shape and features[key].shape[:2] == features[image_key].shape[:2]:
        return
    spec = {one: features.tf_example_spec[one] for one in (image_key, key)}
    for chunk in chunks(np.arange(len(records))):
        parsed = tf.io.parse_example(read_records(records, chunk), spec)
        for index, *files in zip(chunk, parsed[image_key].numpy(), parsed[key].numpy()):
            try:
                (width, height), (mask_width, mask_height) = (Image.open(BytesIO(file)).size for file in files)
            except BROKEN as problem:
                raise ZooError(f"Image {index} of {where} or its mask can't be read: {first_line(problem)}.") from None
            if (width, height) != (mask_width, mask_height):
                raise ZooError(
                    f"Image {index} of {where} is {height}x{width} pixels, but its mask {mask_height}x{mask_width}."
                )


def _stored(builder, key, image_key):
    """Return the function record -> its mask (height, width, 1); the image isn't decoded."""
    import tensorflow_datasets as tfds

    features, skipped = builder.info.features, {image_key: tfds.decode.SkipDecoding()}
    return lambda record: features.deserialize_example(record, decoders=skipped)[key]


def _on_the_cpu(builder, function):
    """Return the function computed on the CPU, whose errors are told in one sentence."""
    import tensorflow as tf

    def computed(records, indices):
        try:
            with tf.device("CPU"):
                return function(records, indices)
        except (tf.errors.OpError, ValueError) as problem:
            raise ZooError(f"{builder.name} has a mask that can't be decoded: {first_line(problem)}") from None

    return computed

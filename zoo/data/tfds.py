"""TensorFlow Datasets: any image-classification set, downloaded or already in the data folder."""

import logging
import shutil
from collections.abc import Iterable
from itertools import groupby
from operator import itemgetter
from pathlib import Path
from textwrap import shorten
from typing import Any

import numpy as np

from zoo.annotations import Size, StrPath
from zoo.data import EMBEDDED, stored
from zoo.data.dataset import Dataset, StreamedSplit, chunks, make_dataset
from zoo.data.transparency import on_white, spread
from zoo.errors import ZooError, did_you_mean, first_line

SPLITS = {"train": ("train",), "validation": ("validation", "val", "valid"), "test": ("test",)}
PIXELS = ("uint8", "uint16")  # the dtypes of images whose value range is known
PARALLEL = 16  # records decoded at a time


def load_tfds(name: str, data_dir: StrPath | None, size: Size) -> Dataset:
    """Load a TFDS data set by name ("cifar10", "cifar10:3.0.2"), downloading it if it isn't in `data_dir`.

    Images of differing sizes are resized to `size`, (height, width). They stay in their files (`StreamedSplit`).

    Raises:
        ZooError: for an unknown name, a set that isn't image classification, or a failed download.
    """
    try:
        import tensorflow_datasets as tfds
    except ImportError:
        raise ZooError(
            "Data sets other than digits, shapes, folders and .npz need the package tensorflow-datasets."
        ) from None
    builder = _builder(tfds, name, data_dir)
    image_key, label_key, notes = _keys(tfds, name, builder.info)
    _prepare(name, builder)
    shape = builder.info.features[image_key].shape
    if None in shape[:2]:
        shape = (*size, shape[2])
        notes.append(f"The images' sizes differ: all are resized to {size[0]}x{size[1]}.")
    if shape[2] == 4:
        notes.append("The images have an alpha channel: they are laid on white.")
    splits = {}
    for split, names in SPLITS.items():
        found = next((n for n in names if n in builder.info.splits), None)
        if found:
            records = _records(tfds, name, builder, found)
            read = _split(builder, records, image_key, label_key, shape)
            if read.labels.max(initial=-1) < 0:
                notes.append(f"The {found} split of {name} is left out: its labels are secret.")  # stored as -1
            else:
                splits[split] = read
                notes += _notes_on(f"the {found} split of {name}", builder.info.features, image_key, records)
    if "train" not in splits:
        raise ZooError(f"{name} has no split named train with labels; it has {', '.join(builder.info.splits)}.")
    names = builder.info.features[label_key].names
    notes = list(dict.fromkeys(notes))  # those on several splits once
    return make_dataset(name.split(":")[0].replace("/", "-"), names, splits, notes)


def prepared(data_dir: StrPath) -> list[str]:
    """Return the names of the data sets prepared in a TFDS data folder."""
    folder = Path(data_dir).expanduser()
    return sorted({info.relative_to(folder).parts[0] for info in folder.glob("*/**/dataset_info.json")})


def available_offline(data_dir: StrPath) -> str:
    """Return the message on what is available without a download."""
    ready = prepared(data_dir)
    others = f", and in {data_dir} {', '.join(ready)}" if ready else ""
    return f"Available offline: {', '.join(EMBEDDED)}{others}."


def _notes_on(where, features, image_key, records):
    indices = spread(np.arange(len(records)))
    sampled = _read(records, np.array(indices))
    return stored.notes_on(features, image_key, sampled, lambda index: f"image {indices[index]} of {where}")


def _builder(tfds, name, data_dir):
    folder = data_dir or tfds.core.constants.DATA_DIR
    try:
        return tfds.builder(name, data_dir=data_dir)
    except (tfds.core.DatasetNotFoundError, tfds.core.registered.DatasetNotFoundError):
        near = did_you_mean(name, [*tfds.list_builders(), *prepared(folder), *EMBEDDED])
        raise ZooError(f"There is no data set {name!r}.{near} {available_offline(folder)}") from None
    except (ValueError, AssertionError) as problem:  # a version or configuration that doesn't exist
        raise ZooError(f"The data set {name!r} can't be opened: {first_line(problem)}") from None


def _keys(tfds, name, info):
    """Return the keys of the image and the label feature, and notes on the others."""
    features = dict(info.features)
    keys = *(info.supervised_keys or ()), "image", "label", *sorted(features)  # sorted, for TFDS has no fixed order
    image = [key for key in keys if isinstance(features.get(key), tfds.features.Image)]
    label = [key for key in keys if isinstance(features.get(key), tfds.features.ClassLabel)]
    if not image or not label:
        raise ZooError(f"{name} isn't a set of labelled images: its features are {', '.join(features)}.")
    if (kind := np.dtype(features[image[0]].np_dtype).name) not in PIXELS:
        raise ZooError(f"{name} has images of {kind}, not of 8 or 16 bits.")
    others = [key for key in dict.fromkeys(image + label) if key not in (image[0], label[0])]
    note = f"Of several images or labels, {image[0]} and {label[0]} are taken, not {', '.join(others)}."
    return image[0], label[0], [note] if others else []


def _prepare(name, builder):
    """Download a data set that isn't prepared; a failed download leaves nothing behind."""
    if builder.is_prepared():
        return
    from tensorflow_datasets.core.download import downloader

    downloader.MAX_RETRIES = 3  # its 10, with doubling delays, take three minutes if there is no network
    logging.getLogger("urllib3").setLevel(logging.ERROR)  # it warns of each attempt
    root = Path(builder._data_dir_root)
    folders = [root / "downloads", *reversed(Path(builder.data_dir).parents), Path(builder.data_dir)]
    missing = [path for path in folders if not path.exists()]
    try:
        builder.download_and_prepare()
    except Exception as problem:  # whatever type the network, the mirror or the disk raises
        for path in missing:
            shutil.rmtree(path, ignore_errors=True)
        reason = shorten(first_line(_root_cause(problem)), 200, placeholder=" …")
        raise ZooError(
            f"{name} isn't in {root} and couldn't be downloaded ({reason}). {available_offline(root)}"
        ) from None


def _root_cause(problem):
    """Return the exception that the chain of exceptions began with."""
    cause = problem.__cause__ or (None if problem.__suppress_context__ else problem.__context__)
    return _root_cause(cause) if cause else problem


class TFRecords:
    """Random access by index to the records of TFRecord files, as TFDS's data sources have it for other formats.

    TFDS reads this format only sequentially; but each record is preceded by its length, so that one pass over the
    lengths yields all offsets.
    """

    def __init__(self, files: Iterable[Any]):
        self.files = tuple(files)
        self.places = np.concatenate([_offsets(file_index, file) for file_index, file in enumerate(self.files)])

    def __len__(self) -> int:
        return len(self.places)

    def __getitems__(self, indices):
        records = []
        for file, located in groupby(self.places[indices].tolist(), itemgetter(0)):
            with self.files[file].open("rb") as stream:
                for _, start, length in located:
                    stream.seek(start)
                    records.append(stream.read(length))
        return records


def _offsets(file_index, file):
    """Return (records, 3) int64: the file's index, and each record's offset and length in bytes."""
    offsets = []
    with file.open("rb") as stream:
        while head := stream.read(12):  # the length, in 8 bytes, and its checksum
            length = int.from_bytes(head[:8], "little")
            offsets.append((file_index, stream.tell(), length))
            stream.seek(length + 4, 1)  # the record and its checksum
    return np.array(offsets, np.int64).reshape(-1, 3)


def _records(tfds, name, builder, split):
    """Return a sequence of a split's serialized examples (bytes), with access by index."""
    if builder.info.file_format == tfds.core.FileFormat.TFRECORD:
        files = dict.fromkeys(part.filename for part in builder.info.splits[split].file_instructions)
        return TFRecords(map(tfds.core.Path, files))
    try:
        return builder.as_data_source(split, deserialize_method=tfds.decode.DeserializeMethod.RAW_BYTES)
    except NotImplementedError:
        raise ZooError(f"{name} is stored as {builder.info.file_format.value}, which can't be read.") from None


def _split(builder, records, image_key, label_key, shape):
    """Return the `StreamedSplit` whose items are indices of records; only the labels are read immediately."""
    import tensorflow as tf
    from tqdm import tqdm

    features, (height, width, channels) = builder.info.features, shape
    kept = (height, width, 3 if channels == 4 else channels)

    def image(record):
        stored = features.deserialize_example(record)[image_key]
        if stored.dtype == tf.uint8 and features[image_key].shape == shape == kept:
            return stored
        pixels = tf.cast(stored, tf.float32) * (255 / stored.dtype.max)
        if channels == 4:
            pixels = on_white(pixels)
        if features[image_key].shape != shape:
            pixels = tf.image.resize(pixels, (height, width), antialias=True)
        return tf.cast(tf.clip_by_value(tf.round(pixels), 0, 255), tf.uint8)

    @tf.function(input_signature=[tf.TensorSpec((None,), tf.string)])
    def images(chunk):
        return tf.map_fn(image, chunk, fn_output_signature=tf.TensorSpec(kept, tf.uint8), parallel_iterations=PARALLEL)

    def decode(indices):
        try:
            with tf.device("CPU"):
                return images(_read(records, indices)).numpy()
        except (tf.errors.OpError, ValueError) as problem:
            raise ZooError(f"{builder.name} has an image that can't be decoded: {first_line(problem)}") from None

    indices, labels = np.arange(len(records)), np.empty(len(records), np.int32)
    spec = {label_key: features.tf_example_spec[label_key]}
    for chunk in tqdm(list(chunks(indices)), f"{builder.name} labels", delay=2, leave=False, disable=None):
        labels[chunk] = tf.io.parse_example(_read(records, chunk), spec)[label_key]
    return StreamedSplit(indices, labels, kept, decode)


def _read(records, indices):
    return list(map(bytes, records.__getitems__(indices.tolist())))

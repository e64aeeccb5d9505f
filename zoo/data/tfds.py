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
from zoo.data import stored
from zoo.data.dataset import Dataset, StreamedSplit, chunks, make_dataset
from zoo.data.transparency import on_white, spread
from zoo.errors import ZooError, did_you_mean, first_line

SPLITS = {"train": ("train",), "validation": ("validation", "val", "valid"), "test": ("test",)}
PIXELS = ("uint8", "uint16")  # the types of images whose range is known
PARALLEL = 16  # records decoded at a time


def load_tfds(name: str, data_dir: StrPath | None, size: Size) -> Dataset:
    """Open a TFDS name ("cifar10", "cifar10:3.0.2"); what isn't in `data_dir` is downloaded into it.

    Images of differing sizes are resized to `size`, (height, width). They stay in their files (`StreamedSplit`).

    Raises:
        ZooError: for an unknown name, a set that isn't image classification, or a failed download.
    """
    try:
        import tensorflow_datasets as tfds
    except ImportError:
        raise ZooError("Data sets other than digits, folders and .npz need the package tensorflow-datasets.") from None
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
                notes.append(f"The {found} split of {name} is left out: its labels are secret.")  # TFDS has -1 for that
            else:
                splits[split] = read
                notes += _notes_on(f"the {found} split of {name}", builder.info.features, image_key, records)
    if "train" not in splits:
        raise ZooError(f"{name} has no split named train with labels; it has {', '.join(builder.info.splits)}.")
    names = builder.info.features[label_key].names
    notes = list(dict.fromkeys(notes))  # those of all splits once
    return make_dataset(name.split(":")[0].replace("/", "-"), names, splits, notes)


def prepared(data_dir: StrPath) -> list[str]:
    """Return the names of the sets that lie ready in a TFDS data folder."""
    folder = Path(data_dir).expanduser()
    return sorted({info.relative_to(folder).parts[0] for info in folder.glob("*/**/dataset_info.json")})


def available_offline(data_dir: StrPath) -> str:
    """The end of a sentence: what can be had without a download."""
    ready = prepared(data_dir)
    return f"Available offline: digits{', and in ' + str(data_dir) + ' ' + ', '.join(ready) if ready else ''}."


def _notes_on(where, features, image_key, records):
    places = spread(np.arange(len(records)))
    looked_at = _read(records, np.array(places))
    return stored.notes_on(features, image_key, looked_at, lambda place: f"image {places[place]} of {where}")


def _builder(tfds, name, data_dir):
    folder = data_dir or tfds.core.constants.DATA_DIR
    try:
        return tfds.builder(name, data_dir=data_dir)
    except (tfds.core.DatasetNotFoundError, tfds.core.registered.DatasetNotFoundError):
        near = did_you_mean(name, [*tfds.list_builders(), *prepared(folder), "digits"])
        raise ZooError(f"There is no data set {name!r}.{near} {available_offline(folder)}") from None
    except (ValueError, AssertionError) as problem:  # a version or configuration that doesn't exist
        raise ZooError(f"The data set {name!r} can't be opened: {first_line(problem)}") from None


def _keys(tfds, name, info):
    """The names of the image feature and the label feature, and notes on what is left aside."""
    features = dict(info.features)
    keys = *(info.supervised_keys or ()), "image", "label", *sorted(features)  # TFDS reads them in no order
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
    """Download what isn't there; a download that fails leaves nothing behind."""
    if builder.is_prepared():
        return
    from tensorflow_datasets.core.download import downloader

    downloader.MAX_RETRIES = 3  # its 10, each twice as long as the last, wait three minutes for an absent network
    logging.getLogger("urllib3").setLevel(logging.ERROR)  # it warns of each attempt
    root = Path(builder._data_dir_root)
    homes = [root / "downloads", *reversed(Path(builder.data_dir).parents), Path(builder.data_dir)]
    missing = [path for path in homes if not path.exists()]
    try:
        builder.download_and_prepare()
    except Exception as problem:  # whatever the network, the mirror or the disk had to say
        for path in missing:
            shutil.rmtree(path, ignore_errors=True)
        reason = shorten(first_line(_root_cause(problem)), 200, placeholder=" …")
        raise ZooError(
            f"{name} isn't in {root} and couldn't be downloaded ({reason}). {available_offline(root)}"
        ) from None


def _root_cause(problem):
    """The exception that the others were raised for."""
    cause = problem.__cause__ or (None if problem.__suppress_context__ else problem.__context__)
    return _root_cause(cause) if cause else problem


class TFRecords:
    """The records of TFRecord files by their numbers, as the data sources of TFDS for other formats give them.

    TFDS reads this format as a stream alone; but each record is preceded by its length, so that a walk over these
    tells where each begins.
    """

    def __init__(self, files: Iterable[Any]):
        self.files = tuple(files)
        self.places = np.concatenate([_places(number, file) for number, file in enumerate(self.files)])

    def __len__(self) -> int:
        return len(self.places)

    def __getitems__(self, numbers):
        records = []
        for file, places in groupby(self.places[numbers].tolist(), itemgetter(0)):
            with self.files[file].open("rb") as stream:
                for _, start, length in places:
                    stream.seek(start)
                    records.append(stream.read(length))
        return records


def _places(number, file):
    """Return (records, 3) int64: the file's number, and where each record of it begins and how long it is."""
    places = []
    with file.open("rb") as stream:
        while head := stream.read(12):  # the length, in 8 bytes, and its checksum
            length = int.from_bytes(head[:8], "little")
            places.append((number, stream.tell(), length))
            stream.seek(length + 4, 1)  # the record and its checksum
    return np.array(places, np.int64).reshape(-1, 3)


def _records(tfds, name, builder, split):
    """Return the serialized examples of a split: bytes, by number."""
    if builder.info.file_format == tfds.core.FileFormat.TFRECORD:
        files = dict.fromkeys(part.filename for part in builder.info.splits[split].file_instructions)
        return TFRecords(map(tfds.core.Path, files))
    try:
        return builder.as_data_source(split, deserialize_method=tfds.decode.DeserializeMethod.RAW_BYTES)
    except NotImplementedError:
        raise ZooError(f"{name} is stored as {builder.info.file_format.value}, which can't be read.") from None


def _split(builder, records, image_key, label_key, shape):
    """Return the `StreamedSplit`, its items the records' numbers; only the labels are read at once."""
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
    def images(some):
        return tf.map_fn(image, some, fn_output_signature=tf.TensorSpec(kept, tf.uint8), parallel_iterations=PARALLEL)

    def decode(numbers):
        try:
            with tf.device("CPU"):
                return images(_read(records, numbers)).numpy()
        except (tf.errors.OpError, ValueError) as problem:
            raise ZooError(f"{builder.name} has an image that can't be decoded: {first_line(problem)}") from None

    numbers, labels = np.arange(len(records)), np.empty(len(records), np.int32)
    spec = {label_key: features.tf_example_spec[label_key]}
    for some in tqdm(list(chunks(numbers)), f"{builder.name} labels", delay=2, leave=False, disable=None):
        labels[some] = tf.io.parse_example(_read(records, some), spec)[label_key]
    return StreamedSplit(numbers, labels, kept, decode)


def _read(records, numbers):
    return list(map(bytes, records.__getitems__(numbers.tolist())))

"""TensorFlow Datasets: any set of images with labels or masks, downloaded or already in the data folder."""

import logging
import shutil
from pathlib import Path
from textwrap import shorten

import numpy as np

from zoo.annotations import Size, StrPath
from zoo.data import EMBEDDED, stored
from zoo.data.dataset import Dataset, StreamedSplit, chunks, make_dataset
from zoo.data.own_sizes import one_by_one
from zoo.data.records import open_records, read_records
from zoo.data.tfds_masks import decoder, mask_classes, mask_keys, mask_reader, mask_sizes
from zoo.data.transparency import on_white, spread
from zoo.errors import ZooError, did_you_mean, first_line

SPLITS = {"train": ("train",), "validation": ("validation", "val", "valid"), "test": ("test",)}
PIXELS = ("uint8", "uint16")  # the dtypes of images whose value range is known
PARALLEL = 16  # records decoded at a time


def load_tfds(name: str, data_dir: StrPath | None, size: Size | None, masks: bool | None = None) -> Dataset:
    """Load a TFDS data set by name ("cifar10", "cifar10:3.0.2"), downloading it if it isn't in `data_dir`.

    Images of differing sizes are resized to `size`, (height, width), masks to the nearest pixel; without a `size`
    images with masks keep theirs (`OwnSizes`). They stay in their files. `masks` is `zoo.data.load`'s.

    Raises:
        ZooError: for an unknown name, a set without images or without labels or masks, or a failed download.
    """
    try:
        import tensorflow_datasets as tfds
    except ImportError:
        raise ZooError(
            "Data sets other than digits, shapes, folders and .npz need the package tensorflow-datasets."
        ) from None
    builder = _builder(tfds, name, data_dir)
    image_key, label_key, notes = _keys(tfds, name, builder.info, masks)
    _prepare(name, builder)
    features = builder.info.features
    shape = features[image_key].shape
    if None in shape[:2] and size:
        shape = (*size, shape[2])
        notes.append(f"The images' sizes differ: all are resized to {size[0]}x{size[1]}.")
    if shape[2] == 4:
        notes.append("The images have an alpha channel: they are laid on white.")
    opened = {split: (found, open_records(tfds, name, builder, found)) for split, names in SPLITS.items()
              if (found := next((n for n in names if n in builder.info.splits), None))}
    if isinstance(features[label_key], tfds.features.ClassLabel):
        names, splits, more = _labelled(builder, name, opened, image_key, label_key, shape)
    else:
        names, splits, more = _masked(builder, name, opened, image_key, label_key, shape, size is None)
    notes += more
    if "train" not in splits:
        raise ZooError(f"{name} has no split named train with labels; it has {', '.join(builder.info.splits)}.")
    for split in splits:
        found, records = opened[split]
        notes += _notes_on(f"the {found} split of {name}", features, image_key, records)
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
    sampled = read_records(records, np.array(indices))
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


def _keys(tfds, name, info, masks):
    """Return the keys of the image feature and of the label's or the mask's, and notes on the others."""
    features = dict(info.features)
    keys = *(info.supervised_keys or ()), "image", "label", *sorted(features)  # sorted, for TFDS has no fixed order
    mask = mask_keys(tfds, features, keys)
    image = [key for key in keys if isinstance(features.get(key), tfds.features.Image) and key not in mask]
    label = [key for key in keys if isinstance(features.get(key), tfds.features.ClassLabel)]
    takes_masks = not label if masks is None else masks
    target, what = (mask, "masks") if takes_masks else (label, "labels")
    if not image or not target:
        what = "labels or masks" if masks is None else what
        raise ZooError(f"{name} isn't a set of images with {what}: its features are {', '.join(sorted(features))}.")
    if (kind := np.dtype(features[image[0]].np_dtype).name) not in PIXELS:
        raise ZooError(f"{name} has images of {kind}, not of 8 or 16 bits.")
    others = [key for key in dict.fromkeys(image + target) if key not in (image[0], target[0])]
    notes = [f"Of several images or {what}, {image[0]} and {target[0]} are taken, not {', '.join(others)}."]
    notes = notes if others else []
    if masks is None and label and mask:
        notes.append(f"Its images have a label each, {label[0]}, which is taken, and masks, {mask[0]}, which aren't.")
    return image[0], target[0], notes


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


def _labelled(builder, name, opened, image_key, label_key, shape):
    """Return the class names, the splits of images with labels, and the notes on those that are left out."""
    splits, notes = {}, []
    for split, (found, records) in opened.items():
        labels = _labels(builder, records, label_key)
        if labels.max(initial=-1) < 0:
            notes.append(f"The {found} split of {name} is left out: its labels are secret.")  # stored as -1
        else:
            decode, kept = _decoder(builder, records, image_key, shape)
            splits[split] = StreamedSplit(np.arange(len(records)), labels, kept, decode)
    return builder.info.features[label_key].names, splits, notes


def _masked(builder, name, opened, image_key, mask_key, shape, as_they_are):
    """Return the class names, the splits of images with masks, and the notes on the masks.

    The splits are `OwnSizes` if images are to stay `as_they_are`.
    """
    names, index_of, notes = mask_classes(builder, name, dict(opened.values()), mask_key, image_key)
    read = mask_reader(builder, mask_key, image_key, shape[:2])
    splits = {}
    for split, (_, records) in opened.items():
        decode, kept = _decoder(builder, records, image_key, shape)
        decode_masks = decoder(read, records, index_of)
        streamed = StreamedSplit(np.arange(len(records)), None, kept, decode, decode_masks)
        splits[split] = one_by_one(streamed, mask_sizes(builder, records, mask_key)) if as_they_are else streamed
    return names, splits, notes


def _labels(builder, records, label_key):
    """Return a split's labels (N,) int32; the images aren't decoded."""
    import tensorflow as tf
    from tqdm import tqdm

    indices, labels = np.arange(len(records)), np.empty(len(records), np.int32)
    spec = {label_key: builder.info.features.tf_example_spec[label_key]}
    for chunk in tqdm(list(chunks(indices)), f"{builder.name} labels", delay=2, leave=False, disable=None):
        labels[chunk] = tf.io.parse_example(read_records(records, chunk), spec)[label_key]
    return labels


def _decoder(builder, records, image_key, shape):
    """Return the function indices of records -> images, and the images' (height, width, channels)."""
    import tensorflow as tf

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
                return images(read_records(records, indices)).numpy()
        except (tf.errors.OpError, ValueError) as problem:
            raise ZooError(f"{builder.name} has an image that can't be decoded: {first_line(problem)}") from None

    return decode, kept

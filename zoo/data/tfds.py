"""TensorFlow Datasets: any image-classification set, downloaded or already in the data folder."""

import shutil
from pathlib import Path

import numpy as np

from zoo.data.dataset import Split, make_dataset
from zoo.errors import ZooError, did_you_mean

SPLITS = {"train": ("train",), "validation": ("validation", "val", "valid"), "test": ("test",)}
BATCH = 512  # images decoded at a time


def load_tfds(name, data_dir, size):
    """Read a TFDS name ("cifar10", "cifar10:3.0.2"); what isn't in `data_dir` is downloaded into it.

    Images of differing sizes are resized to `size`, (height, width).

    Raises:
        ZooError: for an unknown name, a set that isn't image classification, or a failed download.
    """
    try:
        import tensorflow_datasets as tfds
    except ImportError:
        raise ZooError("Data sets other than digits, folders and .npz need the package tensorflow-datasets.") from None
    builder = _builder(tfds, name, data_dir)
    image_key, label_key = _keys(tfds, name, builder.info)
    _prepare(name, builder)
    splits, notes = {}, []
    for split, names in SPLITS.items():
        found = next((n for n in names if n in builder.info.splits), None)
        if found:
            read, resized = _read(tfds, builder, found, image_key, label_key, size)
            notes += [f"The images' sizes differ: all are resized to {size[0]}x{size[1]}."] if resized else []
            if read.labels.min(initial=0) >= 0:  # -1 marks a test split whose labels are secret
                splits[split] = read
    if "train" not in splits:
        raise ZooError(f"{name} has no split named train; it has {', '.join(builder.info.splits)}.")
    names = builder.info.features[label_key].names
    return make_dataset(name.split(":")[0].replace("/", "-"), names, splits, dict.fromkeys(notes))


def prepared(data_dir):
    """Return the names of the sets that lie ready in a TFDS data folder."""
    folder = Path(data_dir).expanduser()
    return sorted({info.relative_to(folder).parts[0] for info in folder.glob("*/**/dataset_info.json")})


def available_offline(data_dir):
    """The end of a sentence: what can be had without a download."""
    ready = prepared(data_dir)
    return f"Available offline: digits{', and in ' + str(data_dir) + ' ' + ', '.join(ready) if ready else ''}."


def _builder(tfds, name, data_dir):
    folder = data_dir or tfds.core.constants.DATA_DIR
    try:
        return tfds.builder(name, data_dir=data_dir)
    except (tfds.core.DatasetNotFoundError, tfds.core.registered.DatasetNotFoundError):
        near = did_you_mean(name, [*tfds.list_builders(), *prepared(folder), "digits"])
        raise ZooError(f"There is no data set {name!r}.{near} {available_offline(folder)}") from None
    except (ValueError, AssertionError) as problem:  # a version or configuration that doesn't exist
        raise ZooError(f"The data set {name!r} can't be opened: {str(problem).splitlines()[0]}") from None


def _keys(tfds, name, info):
    """The names of the image feature and the label feature."""
    features = dict(info.features)
    keys = info.supervised_keys or ()
    image = [key for key in (*keys, *features) if isinstance(features.get(key), tfds.features.Image)]
    label = [key for key in (*keys, *features) if isinstance(features.get(key), tfds.features.ClassLabel)]
    if not image or not label:
        raise ZooError(f"{name} isn't a set of labelled images: its features are {', '.join(features)}.")
    return image[0], label[0]


def _prepare(name, builder):
    """Download what isn't there; a download that fails leaves nothing behind."""
    if builder.is_prepared():
        return
    from tensorflow_datasets.core.download import downloader

    downloader.MAX_RETRIES = 3  # its 10, each twice as long as the last, wait three minutes for an absent network
    root = Path(builder._data_dir_root)
    homes = [root / "downloads", *reversed(Path(builder.data_dir).parents), Path(builder.data_dir)]
    missing = [path for path in homes if not path.exists()]
    try:
        builder.download_and_prepare()
    except Exception as problem:  # whatever the network, the mirror or the disk had to say
        for path in missing:
            shutil.rmtree(path, ignore_errors=True)
        reason = (str(problem).strip() or type(problem).__name__).splitlines()[0]
        raise ZooError(
            f"{name} isn't in {root} and couldn't be downloaded ({reason[:200]}). {available_offline(root)}"
        ) from None


def _read(tfds, builder, split, image_key, label_key, size):
    """Return the `Split`, and whether its images had to be resized."""
    import tensorflow as tf
    from tqdm import tqdm

    stream = builder.as_dataset(split=split)
    resized = None in builder.info.features[image_key].shape[:2]

    def pair(example):
        image = example[image_key]
        if resized:
            image = tf.round(tf.image.resize(image, size, antialias=True))
            image = tf.cast(tf.clip_by_value(image, 0, 255), tf.uint8)
        return image, example[label_key]

    count = builder.info.splits[split].num_examples
    batches = stream.map(pair, tf.data.AUTOTUNE).batch(BATCH).prefetch(tf.data.AUTOTUNE)
    progress = tqdm(tfds.as_numpy(batches), f"{builder.name} {split}", -(-count // BATCH), delay=2, leave=False)
    images, labels = zip(*progress)
    return Split(np.concatenate(images), np.concatenate(labels).astype(np.int32)), resized

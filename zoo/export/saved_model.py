"""A trained model -> a SavedModel that takes raw images, checked in a process that doesn't have this package."""

import shutil
import subprocess
import sys
import tempfile
from itertools import product
from pathlib import Path
from typing import Any

import numpy as np

from zoo import names
from zoo.annotations import StrPath
from zoo.data.transparency import on_white
from zoo.errors import ZooError
from zoo.layers.channels import LAST

COLOUR = (None, None, None, 3)
TOLERANCE = 1e-4  # largest difference in a probability between the model and the reloaded one
COARSE_TOLERANCE = 0.05  # for quantized layers: a rounding error can move a value to the next step, of up to 1/8

# Runs in a fresh interpreter where importing this package or Keras fails.
RELOAD = """
import sys
sys.modules["zoo"] = sys.modules["keras"] = None
import numpy, tensorflow
folder, probes, answers = sys.argv[1:]
loaded = tensorflow.saved_model.load(folder)
images = numpy.load(probes)
out = {}
for key in images:
    signature = "serving_default" if images[key].dtype == numpy.uint8 else "serving_float"
    answer = loaded.signatures[signature](images=tensorflow.constant(images[key]))
    out[key] = answer["probabilities"].numpy()
    out[key + "_names"] = numpy.array(answer["class_names"].numpy().tolist(), "S")
numpy.savez(answers, **out)
"""


def export_saved_model(trained: Any, folder: StrPath) -> float:
    """Write a `zoo.inference.trained.Trained` as a SavedModel into `folder`, a version folder for TensorFlow Serving.

    Its signatures take `images`, (N, height, width, channels) of any size with values 0..255: "serving_default" as
    uint8, "serving_float" as float32. Images are grey or colour, whatever the model was trained on, with an alpha
    channel or without: 1 to 4 channels; alpha is composited on white. They return `probabilities`, (N, classes)
    float32, and `class_names`, the same shape of strings (UTF-8), so that every row of an answer explains itself. The
    weights are float32 whatever the training precision was, except those of quantized layers, and BatchNorm is folded
    into the convolutions before it.

    The folder appears only once the SavedModel has been reloaded in a fresh process and returned the model's own
    probabilities (to 1e-4; to 0.05 if layers are quantized); an existing folder is replaced.

    Returns the largest difference seen. Raises `ZooError` if the answers differ or the folder can't be written.
    """
    folder = Path(folder)
    try:
        folder.parent.mkdir(parents=True, exist_ok=True)
        partial = Path(tempfile.mkdtemp(prefix=".export-", dir=folder.parent))
    except OSError as problem:
        raise ZooError(f"Nothing can be written to {folder.parent}: {problem.strerror}.") from None
    work = partial if names.text(str(partial)) == str(partial) else Path(tempfile.mkdtemp())  # TensorFlow needs UTF-8
    try:
        exact = trained.in_float32()
        _write(exact.folded().on_images(), _bytes(trained.class_names), work / "new")
        difference = _reload_and_compare(exact, work)
        if work != partial:
            shutil.move(work / "new", partial / "new")
        if folder.exists():
            folder.rename(partial / "old")
        (partial / "new").rename(folder)
        return difference
    finally:
        for leftover in (partial, work):
            shutil.rmtree(leftover, ignore_errors=True)


def _bytes(class_names):
    return [names.text(name).encode() for name in class_names]


def _write(model, class_names, folder):
    import tensorflow as tf
    from keras.export import ExportArchive

    tf.get_logger().setLevel("ERROR")  # or it would log the temporary folder

    def serve(images):
        probabilities = model(_in_channels(tf.cast(images, tf.float32), model.input_shape[-1]), training=False)
        rows = tf.repeat(tf.constant([class_names]), tf.shape(images)[0], axis=0)
        return {"probabilities": probabilities, "class_names": rows}

    archive = ExportArchive()
    archive.track(model)
    for name, dtype in (("serving_default", tf.uint8), ("serving_float", tf.float32)):
        archive.add_endpoint(name, serve, [tf.TensorSpec((None, None, None, None), dtype, "images")])
    archive.write_out(str(folder), verbose=False)


def _in_channels(images, channels):
    """Convert images (N, height, width, 1 to 4) to 1 or 3 `channels`; alpha is composited on white."""
    import tensorflow as tf

    found = tf.shape(images)[-1]
    message = "Images have 1 channel (grey), 2 (grey and alpha), 3 (colour) or 4 (colour and alpha); got this many:"
    with tf.control_dependencies([tf.debugging.Assert((found >= 1) & (found <= 4), [message, found])]):
        images = tf.identity(images)
    images = tf.cond(found % 2 == 0, lambda: on_white(images), lambda: images)
    is_grey = tf.shape(images)[-1] == 1
    if channels == 1:
        images = tf.cond(is_grey, lambda: images, lambda: _grey(tf.ensure_shape(images, COLOUR)))
    else:
        images = tf.cond(is_grey, lambda: tf.repeat(images, 3, axis=-1), lambda: images)
    return tf.ensure_shape(images, (None, None, None, channels))


def _grey(images):
    from keras import ops

    return ops.image.rgb_to_grayscale(images, LAST)


def _reload_and_compare(trained, work):
    """Run SavedModel and model on images of several sizes, of both types, grey and in colour; return the difference."""
    height, width, _ = trained.front.input_shape
    random = np.random.default_rng(0)
    probes, sizes = {}, [(height, width), (height // 2 + 1, 2 * width), (7, 9)]
    for i, ((rows, columns), channels) in enumerate(product(sizes, (1, 3)), 1):
        probes[f"bytes{i}"] = random.integers(0, 256, (i, rows, columns, channels), dtype=np.uint8)
        probes[f"floats{i}"] = random.uniform(0, 255, (i, rows, columns, channels)).astype("float32")
    np.savez(work / "probes.npz", **probes)
    files = (work / name for name in ("new", "probes.npz", "answers.npz"))
    fresh = subprocess.run([sys.executable, "-I", "-c", RELOAD, *map(str, files)], capture_output=True, text=True)
    if fresh.returncode:
        raise ZooError(f"The SavedModel can't be reloaded: {(fresh.stderr.strip().splitlines() or ['no reason'])[-1]}")
    answers = np.load(work / "answers.npz")
    models = {channels: trained.on_images((None, None, channels)) for channels in (1, 3)}
    differences = [
        np.abs(answers[key] - np.asarray(models[images.shape[-1]](images.astype("float32"), training=False))).max()
        for key, images in probes.items()
    ]
    names_kept = all((answers[f"{key}_names"] == np.array(_bytes(trained.class_names))).all() for key in probes)
    is_coarse = any(getattr(layer, "quantization_mode", None) for layer in trained.model.layers)
    if not max(differences) <= (COARSE_TOLERANCE if is_coarse else TOLERANCE) or not names_kept:
        raise ZooError(f"The reloaded SavedModel's answers differ by {max(differences):.2g}; it isn't kept.")
    return float(max(differences))

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
    if "classes" in answer:
        out[key + "_classes"] = answer["classes"].numpy()
    out[key + "_names"] = numpy.array(answer["class_names"].numpy().tolist(), "S")
numpy.savez(answers, **out)
"""


def export_saved_model(trained: Any, folder: StrPath) -> float:
    """Write a `zoo.inference.trained.Trained` as a SavedModel into `folder`, a version folder for TensorFlow Serving.

    Its signatures take `images`, (N, height, width, channels) of any size with values 0..255: "serving_default" as
    uint8, "serving_float" as float32. Images are grey or colour, whatever the model was trained on, with an alpha
    channel or without: 1 to 4 channels; alpha is composited on white. They return `probabilities`, (N, classes)
    float32, and `class_names`, the same shape of strings (UTF-8), so that every row of an answer explains itself. Of a
    net that labels pixels they return `probabilities`, (N, height, width, classes) at the images' own size, `classes`,
    (N, height, width) uint8, the most probable ones, and `class_names`, (classes,), which these are indices of. The
    weights are float32 whatever the training precision was, except those of quantized layers, and BatchNorm is folded
    into the convolutions before it.

    The folder appears only once the SavedModel has been reloaded in a fresh process and returned the model's own
    probabilities (to 1e-4; to 0.05 if layers are quantized); an existing folder is replaced.

    Returns the largest difference seen. Raises `ZooError` if the answers differ or the folder can't be written, and for
    a net that labels pixels with more than 255 classes.
    """
    trained.check_mask()
    folder = Path(folder)
    try:
        folder.parent.mkdir(parents=True, exist_ok=True)
        partial = Path(tempfile.mkdtemp(prefix=".export-", dir=folder.parent))
    except OSError as problem:
        raise ZooError(f"Nothing can be written to {folder.parent}: {problem.strerror}.") from None
    work = partial if names.text(str(partial)) == str(partial) else Path(tempfile.mkdtemp())  # TensorFlow needs UTF-8
    try:
        exact = trained.in_float32()
        answer = _labels if trained.labels_pixels else _answers
        _write(exact.folded().at_own_size(), answer, _bytes(trained.class_names), work / "new")
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


def _write(model, answer, class_names, folder):
    import tensorflow as tf
    from keras.export import ExportArchive

    tf.get_logger().setLevel("ERROR")  # or it would log the temporary folder

    def serve(images):
        probabilities = model(_in_channels(tf.cast(images, tf.float32), model.input_shape[-1]), training=False)
        return answer(probabilities, class_names)

    archive = ExportArchive()
    archive.track(model)
    for name, dtype in (("serving_default", tf.uint8), ("serving_float", tf.float32)):
        archive.add_endpoint(name, serve, [tf.TensorSpec((None, None, None, None), dtype, "images")])
    archive.write_out(str(folder), verbose=False)


def _answers(probabilities, class_names):
    import tensorflow as tf

    rows = tf.repeat(tf.constant([class_names]), tf.shape(probabilities)[0], axis=0)
    return {"probabilities": probabilities, "class_names": rows}


def _labels(probabilities, class_names):
    import tensorflow as tf

    classes = tf.cast(tf.argmax(probabilities, -1), tf.uint8)
    return {"classes": classes, "probabilities": probabilities, "class_names": tf.constant(class_names)}


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
    probes = _probes(trained)
    np.savez(work / "probes.npz", **probes)
    files = (work / name for name in ("new", "probes.npz", "answers.npz"))
    fresh = subprocess.run([sys.executable, "-I", "-c", RELOAD, *map(str, files)], capture_output=True, text=True)
    if fresh.returncode:
        raise ZooError(f"The SavedModel can't be reloaded: {(fresh.stderr.strip().splitlines() or ['no reason'])[-1]}")
    answers = np.load(work / "answers.npz")
    models = {channels: trained.at_own_size((None, None, channels)) for channels in (1, 3)}
    is_coarse = any(getattr(layer, "quantization_mode", None) for layer in trained.model.layers)
    tolerance, differences, are_kept = COARSE_TOLERANCE if is_coarse else TOLERANCE, [], True
    for key, images in probes.items():
        expected = np.asarray(models[images.shape[-1]](images.astype("float32"), training=False))
        differences.append(np.abs(answers[key] - expected).max())
        are_kept &= (answers[f"{key}_names"] == np.array(_bytes(trained.class_names))).all()
        if trained.labels_pixels:
            are_kept &= _are_best(answers[f"{key}_classes"], expected, tolerance)
    if not max(differences) <= tolerance or not are_kept:
        raise ZooError(f"The reloaded SavedModel's answers differ by {max(differences):.2g}; it isn't kept.")
    return float(max(differences))


def _probes(trained):
    """Return images to compare answers to; fewer for a net that labels pixels, which computes more for each."""
    height, width, _ = trained.front.input_shape
    random = np.random.default_rng(0)
    probes, sizes = {}, [(height, width), (height // 2 + 1, 2 * width), (7, 9)]
    cases = list(enumerate(product(sizes, (1, 3), ("bytes", "floats")), 2))
    most, step = (2, 3) if trained.labels_pixels else (len(cases), 1)  # every third has all sizes, channels and types
    for i, ((rows, columns), channels, kind) in cases[::step]:
        shape = (min(i // 2, most), rows, columns, channels)
        pixels = random.integers(0, 256, shape, dtype=np.uint8) if kind == "bytes" else random.uniform(0, 255, shape)
        probes[f"{kind}{i}"] = pixels if kind == "bytes" else pixels.astype("float32")
    return probes


def _are_best(classes, probabilities, tolerance):
    """Return whether each pixel's class (N, height, width) is the most probable, or as probable to the tolerance."""
    chosen = np.take_along_axis(probabilities, classes[..., None].astype(int), axis=-1)[..., 0]
    return (chosen >= probabilities.max(-1) - 2 * tolerance).all()

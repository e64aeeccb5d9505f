"""A trained model on images: the test split's figures, and the classes of single pictures."""

import time
from pathlib import Path

import numpy as np

from zoo import data
from zoo.data.folder import read_image
from zoo.errors import ZooError
from zoo.training.run import load_trained
from zoo.training.train import Result


def evaluate(subject, dataset=None, data_dir=None, weights=None, batch_size=128):
    """Measure a run, or a model with weights, on a test split; return a `Result` (seconds are the test's own).

    Without `dataset` a run is tested on the data that it was trained for.

    Raises:
        ZooError: if the data's classes aren't the model's, or there is no data to test on.
    """
    import keras

    from zoo.inference import predict_split

    trained = load_trained(subject, weights)
    config = trained.run.config() if trained.run else {}
    if dataset is None:
        if not config:
            raise ZooError(f"{subject} is no run, so say with --dataset what to test it on.")
        source = config["data"] | ({"data_dir": data_dir} if data_dir else {})
    else:
        source = {"dataset": dataset, "data_dir": data_dir}
    split = data.load_source({"size": trained.preprocessing.input_shape[:2]} | source)
    if len(split.class_names) != len(trained.class_names):
        raise ZooError(
            f"{trained.name} knows {len(trained.class_names)} classes, but {split.name} has {len(split.class_names)}."
        )
    probabilities, seconds = _timed(predict_split, trained.on_images(split.image_shape), split.test, batch_size)
    losses = keras.losses.sparse_categorical_crossentropy(split.test.labels, probabilities)
    return Result(
        run=str(subject), model=trained.name, dataset=split.name,
        test_accuracy=round(float(np.mean(probabilities.argmax(-1) == split.test.labels)), 6),
        test_loss=round(float(np.mean(losses)), 6), epochs=config.get("recipe", {}).get("epochs", 0),
        seconds=round(seconds, 3), images_per_second=round(len(split.test) / seconds, 1),
    )  # fmt: skip


def predict(subject, paths, weights=None, top=3):
    """Classify image files; return a dict a file: `image`, and `classes`, the `top` most probable, best first.

    Raises:
        ZooError: if a file is missing or no image; nothing is classified then.
    """
    trained = load_trained(subject, weights)
    mode = "L" if trained.preprocessing.channels == 1 else "RGB"
    pictures = [read_image(Path(path), mode) for path in paths]
    answers = []
    for path, picture in zip(paths, pictures):
        probabilities = trained.probabilities(picture[None], 1)[0]
        best = np.argsort(-probabilities, kind="stable")[:top]
        classes = [{"name": trained.class_names[i], "probability": round(float(probabilities[i]), 6)} for i in best]
        answers.append({"image": str(path), "classes": classes})
    return answers


def _timed(function, *arguments):
    start = time.perf_counter()
    return function(*arguments), time.perf_counter() - start

"""Does every registered model learn as built? Train each on the embedded digits, with nothing but its default recipe.

    python -m benchmarks.trains_as_built                     # all models; an hour or more on two cores
    python -m benchmarks.trains_as_built "vgg*" --seeds 0 1 2
    python -m benchmarks.trains_as_built "resnet*" --zero-init-residual --results FILE    # with another start
    python -m benchmarks.trains_as_built --markdown          # the table of docs/trains_as_built.md, from the results

A classifier goes through `zoo.training.train`, as `python train.py --model NAME --dataset digits` does. A net for dense
prediction labels each pixel of the digits, enlarged, with the digit that its ink belongs to, with the same loss and
optimizer; paper is void, in the loss and in the accuracy. Chance is 10 % either way. Each finished model is appended
to the file of results at once, and one that stands there is not trained again.
"""

import argparse
import os
import tempfile
from collections import defaultdict
from pathlib import Path

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

import numpy as np
from tabulate import tabulate

import zoo
from benchmarks import results
from zoo import data
from zoo.processor import prepare
from zoo.recipes.defaults import recipe_for
from zoo.training.train import train

SIZE = 64  # of the images that dense prediction labels
VOID = 255  # the label of pixels that don't count, as in PASCAL VOC


def width_of(name):
    """A quarter of the paper's channels, or all of them where a net takes no other width, or starts with few.

    Nets whose maps stay large get an eighth, and FCN, whose 100 rings of zeros make the largest, a sixteenth.
    """
    if gives_map(name):
        return 1 / 16 if name.startswith("fcn") else 1 / 8
    try:
        quarter = zoo.info(name, width=0.25)
    except zoo.ZooError:
        return 1.0
    stem = next(layer for layer in quarter.layers if layer["kind"] == "Conv")
    return 0.25 if quarter.params > 120_000 or stem["output_shape"][-1] > 6 else 1.0


def gives_map(name):
    return len(zoo.info(name).output_shape) == 3


def classify(name, width, epochs, seed, **fields):
    import keras

    options = {"width": width} if width < 1 else {}
    with tempfile.TemporaryDirectory() as runs:
        result = train(name, "digits", options=options, runs=runs, verbose=0, log=lambda note: None,
                       epochs=epochs, seed=seed, **fields)
        config = keras.models.load_model(Path(result.run) / "model.keras", compile=False).input_shape
    return config[1:], result.test_accuracy


def label_pixels(name, width, epochs, seed):
    """Train a net that gives a map; return its input shape and its accuracy on the test digits' ink."""
    import keras

    from zoo.training.optimizing import make_optimizer

    digits = data.load("digits")
    recipe = recipe_for(zoo.registry.entry(name), epochs=epochs, seed=seed).for_images(len(digits.train))
    keras.utils.set_random_seed(seed)
    padding = {"padding": "same"} if name == "unet" else {}  # unpadded, it takes no image under 188x188
    net = zoo.create(name, (SIZE, SIZE, 1), classes=10, classifier_activation=None, width=width, **padding)
    steps = -(-len(digits.train) // recipe.batch_size) * epochs
    loss = keras.losses.SparseCategoricalCrossentropy(from_logits=True, ignore_class=VOID)
    net.compile(make_optimizer(recipe, steps), loss)
    net.fit(*_pixels(digits.train), batch_size=recipe.batch_size, epochs=epochs, verbose=0)
    images, labels = _pixels(digits.test)
    guesses = net.predict(images, batch_size=recipe.batch_size, verbose=0).argmax(-1)
    return net.input_shape[1:], float((guesses == labels)[labels != VOID].mean())


def _pixels(split):
    """Enlarged images, and for each pixel of ink its digit."""
    times = SIZE // split.images.shape[1]
    images = split.images.repeat(times, 1).repeat(times, 2).astype("float32") / 127.5 - 1
    return images, np.where(images[..., 0] > 0, split.labels[:, None, None], VOID)


def table(rows):
    """Each model's accuracy over its seeds, in Markdown, in the order of the list of models."""
    runs = defaultdict(list)
    for row in rows:
        runs[row["model"]].append(row)
    lines = []
    for name in filter(runs.get, zoo.list_models()):
        scores = [100 * float(row["accuracy"]) for row in runs[name]]
        spread = f" ({min(scores):.1f} to {max(scores):.1f})" if len(scores) > 1 else ""
        first = runs[name][0]
        lines.append(
            (name, first["width"], first["input"], first["epochs"], f"{np.mean(scores):.1f} %{spread}", len(scores))
        )
    return tabulate(lines, ("model", "width", "input", "epochs", "accuracy", "seeds"), "github", disable_numparse=True)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("patterns", nargs="*")
    parser.add_argument("--epochs", type=int, default=5)
    parser.add_argument("--seeds", type=int, nargs="+", default=[0])
    parser.add_argument("--zero-init-residual", action=argparse.BooleanOptionalAction, help="whatever the recipe says")
    parser.add_argument("--results", type=Path, default=Path("benchmarks/trains_as_built.csv"))
    parser.add_argument(
        "--markdown", action="store_true", help="print the results so far as a table, and train nothing"
    )
    options = parser.parse_args()
    names = zoo.list_models(*options.patterns)
    if not names:
        parser.error(f"no model matches {', '.join(options.patterns)}; `zoo list` shows all.")
    rows = results.read(options.results)
    if options.markdown:
        return print(table(rows))
    prepare()

    import keras

    done = {(row["model"], row["seed"], row["epochs"]) for row in rows}
    for seed in options.seeds:
        for name in names:
            if (name, str(seed), str(options.epochs)) in done:
                continue
            width = width_of(name)
            if gives_map(name):
                shape, accuracy = label_pixels(name, width, options.epochs, seed)
            else:
                given = {"zero_init_residual": options.zero_init_residual}
                shape, accuracy = classify(name, width, options.epochs, seed, **given)
            results.append(options.results, {
                "model": name, "width": width, "input": "x".join(map(str, shape)), "epochs": options.epochs,
                "seed": seed, "accuracy": f"{accuracy:.4f}",
            })
            keras.utils.clear_session()


if __name__ == "__main__":
    main()

"""A loaded run or model: a net, with the preprocessing and the class names to classify raw images."""

import warnings
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import numpy as np

from zoo import registry
from zoo.annotations import ImageShape, StrPath
from zoo.data.preprocessing import Preprocessing, default_preprocessing
from zoo.errors import ZooError, ZooWarning
from zoo.plan import plan
from zoo.runs.folder import Run, find_run, is_run, reading

if TYPE_CHECKING:
    import keras


@dataclass(frozen=True)
class Trained:
    """A model with the preprocessing and the class names to classify raw images. `run` is None for a model by name."""

    model: Any
    preprocessing: Preprocessing
    class_names: tuple
    name: str
    run: Run | None = None

    def on_images(self, image_shape: ImageShape = (None, None, None)) -> "keras.Model":
        """Return the Keras model from raw images (N, height, width, channels), 0..255, to probabilities."""
        import keras

        before = self.preprocessing.model(image_shape)
        return keras.Model(before.input, self.model(before.output), name=f"{self.name}_on_images")

    def in_float32(self) -> "Trained":
        """Return a copy with a model that computes in float32, whatever the precision it was trained in."""
        from zoo.inference.predictor import in_precision

        return replace(self, model=in_precision(self.model, "float32"))

    def folded(self) -> "Trained":
        """Return a copy with a model for inference only, with BatchNorm folded into the layer before it."""
        from zoo.inference.predictor import fold

        return replace(self, model=fold(self.model))

    def classifier(self, image_shape: ImageShape = (None, None, None)) -> Callable[[np.ndarray], np.ndarray]:
        """Return the function from raw images (N, height, width, channels), 0..255, to (N, classes) float32."""
        from zoo.inference.predictor import compiled

        return compiled(self.folded().on_images(image_shape))


def load_trained(subject: StrPath, weights: StrPath | None = None, options: dict[str, Any] | None = None,
                 check: tuple[StrPath, StrPath] | None = None) -> Trained:
    """Load a run's folder, or a model by name with the weights of a file, as a `Trained`.

    `options` are the model's overrides. `check` is a pair of .npy files, the original net's inputs and
    outputs: see `zoo.weights.check_outputs`.

    Raises `ZooError` if `subject` is neither, if a run is given with any other argument, and if the outputs differ.
    """
    if is_run(subject):
        for flag, given, what in (("--weights", weights, "has weights of its own"),
                                  ("--set", options, "keeps the network that it trained"),
                                  ("--check", check, "keeps the weights that it trained")):
            if given:
                raise ZooError(f"{subject} is a run, which {what}; {flag} is for a model by name.")
        return _load_run(find_run(subject))
    if check and not weights:
        raise ZooError("--check compares a model with the net that its weights come from: it needs --weights.")

    from zoo.build import create

    options = options or {}
    entry, planned = registry.entry(str(subject)), plan(str(subject), **options)
    preprocessing = default_preprocessing(entry, planned.trace.input_shape)
    names = tuple(str(i) for i in range(planned.trace.output_shape[-1]))
    model = create(str(subject), weights=weights, **options)
    if weights:
        black, white = entry.pixel_range or (0, 1)
        warnings.warn(
            f"{planned.name} gets images with {black:g} for black and {white:g} for white; weights that were trained "
            "with other values answer worse.",
            ZooWarning, stacklevel=3,
        )
    if check:
        from zoo.weights import check_files

        check_files(model, *check)
    return Trained(model, preprocessing, names, planned.name)


def _load_run(run):
    import keras

    job = run.job()
    with reading(run):
        model = keras.models.load_model(run.model_path, compile=False)
    return Trained(model, job.preprocessing, job.class_names, job.name, run)

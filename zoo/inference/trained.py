"""A loaded run or model: a net, with the preprocessing and the class names to classify raw images, or their pixels.

In Python: `zoo.load` and `zoo.preprocessing`.
"""

import warnings
from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import cached_property
from os import PathLike
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from zoo import registry
from zoo.annotations import ImageShape, Size, StrPath
from zoo.data.dataset import IGNORED
from zoo.data.preprocessing import Preprocessing, default_preprocessing
from zoo.errors import ZooError, ZooWarning
from zoo.inference.maps import at_once, maps_of_images
from zoo.inference.pictures import as_batch, read_pictures
from zoo.layout.rewrite import OVERRIDES
from zoo.plan import plan
from zoo.runs.folder import Run, find_run, is_run, reading

if TYPE_CHECKING:
    import keras


@dataclass(frozen=True)
class Trained:
    """A trained net, ready for raw images: call it with a picture's path, or with images, 0..255.

    Attributes:
        model: the `keras.Model`, from preprocessed images to probabilities.
        front: what is done to raw images before: the `Preprocessing`.
        class_names: the names of the classes, in the order of the model's outputs.
        name: the net's registered name.
        run: the `Run` that it was trained in; None for a model by name.
        corner: where on the net's input its map begins, (top, left), if it labels each pixel; else None.
        colours: the (red, green, blue) of each class in pictures of masks; () where none are known.
    """

    model: Any
    front: Preprocessing
    class_names: tuple
    name: str
    run: Run | None = None
    corner: Any = None
    colours: tuple = ()

    @cached_property
    def preprocessing(self) -> "keras.Model":
        """The Keras model from raw images (N, height, width, channels), 0..255, of any size, to the net's input."""
        return self.front.model()

    @property
    def labels_pixels(self) -> bool:
        """Whether the net gives class scores of each pixel, and not those of an image."""
        return self.corner is not None

    def __call__(self, images: Any) -> dict[str, float] | list[dict[str, float]] | np.ndarray:
        """Classify a raw image: {name of a class: probability}, the most probable first; or label each of its pixels.

        A net that labels pixels answers with the image's mask, (height, width) uint8: for each pixel the index of its
        most probable class in `class_names`.

        Args:
            images: an image file's path; one image (height, width, channels) or (height, width); or several, as
                (N, height, width, channels), for which a list of such dicts is returned, or masks (N, height, width).
                Pixels are 0..255, channels 1 to 4: grey or colour, with alpha or without.

        Raises:
            ZooError: for a file or an array that is no image of that kind, and if the net gives no class scores.
        """
        self.check_answers()
        is_path = isinstance(images, (str, PathLike))
        batch = as_batch(read_pictures([images], self.white)[0] if is_path else images)
        answers: Any = self.masks(batch) if self.labels_pixels else list(map(self._named, self.probabilities(batch)))
        return answers[0] if is_path or len(batch) == 1 and np.ndim(images) < 4 else answers

    def check_answers(self) -> None:
        """Raise `ZooError` if the net gives no class scores, or labels pixels by more classes than a mask can hold."""
        if not self.labels_pixels and len(self.model.output_shape) != 2:
            raise ZooError(f"{self.name} gives no class scores of an image: it doesn't classify images.")
        self.check_mask()

    def check_mask(self) -> None:
        """Raise `ZooError` if the net labels pixels with more classes than a mask can hold."""
        if self.labels_pixels and len(self.class_names) > IGNORED:
            raise ZooError(f"{self.name} has {len(self.class_names)} classes: a mask can tell {IGNORED} apart.")

    def _named(self, probabilities):
        best = np.argsort(-probabilities, kind="stable")
        return {self.class_names[i]: float(probabilities[i]) for i in best}

    def masks(self, images: np.ndarray) -> np.ndarray:
        """Return the most probable class of each pixel, (N, height, width) uint8; images are as for `probabilities`."""
        return np.concatenate([part.argmax(-1).astype(np.uint8) for part in self._in_parts(images)])

    def probabilities(self, images: np.ndarray) -> np.ndarray:
        """Return the float32 probabilities of raw images (N, height, width, 1 or 3), 0..255, of any size.

        They are (N, classes); of a net that labels pixels (N, height, width, classes), at the images' own size.
        """
        return np.concatenate(list(self._in_parts(images)))

    def _in_parts(self, images):
        """Yield the probabilities of images, of so many together as memory holds."""
        channels = images.shape[-1]
        if channels not in self._classifiers:
            self._classifiers[channels] = self.classifier((None, None, channels))
        count = at_once(self.model, images.shape[1:3]) if self.labels_pixels else len(images)
        for start in range(0, len(images), count):
            yield self._classifiers[channels](images[start : start + count])

    @cached_property
    def _classifiers(self):
        return {}

    @property
    def white(self) -> float | None:
        """The pixel value of white in the run's images, where their files don't define it."""
        return self.run.job().source.get("white") if self.run else None

    def mask_model(self, mask_size: Size) -> "keras.Model":
        """Return the Keras model from masks (N, *mask_size) of raw images to those that the net's maps compare with."""
        return self.front.mask_model(mask_size, self.corner, self.model.output_shape[1:3])

    def on_images(self, image_shape: ImageShape = (None, None, None)) -> "keras.Model":
        """Return the Keras model from raw images (N, height, width, channels), 0..255, to the net's probabilities.

        Maps are of the net's own size (`mask_model` gives the masks that they compare with).
        """
        import keras

        before = self.front.model(image_shape)
        return keras.Model(before.input, self.model(before.output), name=f"{self.name}_on_images")

    def at_own_size(self, image_shape: ImageShape = (None, None, None)) -> "keras.Model":
        """Return the Keras model as `on_images` does, but with maps of the images' own size, a value a pixel."""
        if not self.labels_pixels:
            return self.on_images(image_shape)
        return maps_of_images(self.model, self.front, self.corner, image_shape)

    def in_float32(self) -> "Trained":
        """Return a copy with a model that computes in float32, whatever the precision it was trained in."""
        from zoo.inference.predictor import in_precision

        return replace(self, model=in_precision(self.model, "float32"))

    def folded(self) -> "Trained":
        """Return a copy with a model for inference only, with BatchNorm folded into the layer before it."""
        from zoo.inference.predictor import fold

        return replace(self, model=fold(self.model))

    def classifier(self, image_shape: ImageShape = (None, None, None)) -> Callable[[np.ndarray], np.ndarray]:
        """Return the function from raw images (N, height, width, channels), 0..255, to `probabilities`, all at once."""
        from zoo.inference.predictor import compiled

        return compiled(self.folded().at_own_size(image_shape))


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
    from zoo.weights.published import pretrained_class_names

    entry = registry.entry(str(subject))
    model = create(str(subject), weights=weights, **options or {})
    if weights and model.zoo_origin.new:
        new = ", ".join(model.zoo_origin.new)
        raise ZooError(f"{weights} has nothing for {new} of {entry.name}: its answers would be random. `zoo train "
                       "--weights` trains what is new.")
    count = model.outputs[0].shape[-1]
    names = pretrained_class_names(entry, weights) if weights else None
    if not names or len(names) != count:
        names = tuple(map(str, range(count)))
    if check:
        from zoo.weights import check_files

        check_files(model, *check)
    corner = _corner(str(subject), entry, model, options or {}) if len(model.output_shape) == 4 else None
    return Trained(model, _front(entry, weights, model.input_shape[1:]), names, entry.name, corner=corner)


def _corner(subject, entry, model, options):
    """Return `Trained.corner` of a model by name."""
    overrides = {key: value for key, value in options.items() if key in (*OVERRIDES, *entry.options)}
    return plan(subject, model.input_shape[1:], **overrides).corner


def _front(entry, weights, input_shape):
    """Return the preprocessing of a model by name; a `ZooWarning` tells what is assumed of its weights."""
    from zoo.weights.published import is_assumed, publishers_preprocessing

    if None in input_shape:
        raise ZooError(f"{entry.name} takes images of any size here, and raw images are prepared for one: give a fixed "
                       "input_shape.")
    known = publishers_preprocessing(entry, weights, input_shape) if weights else None
    front = known or default_preprocessing(entry, input_shape)
    if weights and not known:
        black, white = entry.pixel_range or (0, 1)
        gets = f"{black:g} for black and {white:g} for white"
        warnings.warn(
            f"{entry.name} gets images with {gets}; weights that were trained with other values answer worse.",
            ZooWarning, stacklevel=4,
        )
    elif weights and is_assumed(entry, weights):
        warnings.warn(
            f"{entry.name} gets images as torchvision prepares them for it, since {Path(weights).name} has the keys of "
            f"such a net; weights that were trained with others answer worse. {front.sentence((None, None, None))}",
            ZooWarning, stacklevel=4,
        )
    return front


def load(subject: StrPath, weights: StrPath | None = None, **options: Any) -> Trained:
    """Load a run, or a net with its weights, for raw images: `zoo.load("vgg16", weights="imagenet")("cat.jpg")`.

    Args:
        subject: a run's folder ("runs/lenet5-mnist-1"), or a registered name.
        weights: for a name, as in `zoo.create`.
        **options: for a name, `input_shape` and the overrides of `zoo.create`.

    Returns:
        A `Trained`: the Keras model, its preprocessing and class names, and a call from images to named probabilities.

    Raises:
        ZooError: as `load_trained`, and for a name without weights.
    """
    if weights is None and not is_run(subject):
        registry.entry(str(subject))  # a wrong name is told first
        raise ZooError(f"{subject} has random weights: give weights=, as for zoo.create.")
    return load_trained(subject, weights, options)


def preprocessing(model: "keras.Model", image_shape: ImageShape = (None, None, None)) -> "keras.Model":
    """Return the Keras model from raw images to the input of a net that `zoo.create` built with weights.

    It takes images (N, height, width, channels) in 0..255, RGB or grey, of any size by default, and prepares them as
    the weights' publisher does. What the weights are is remembered by the model object: it isn't saved with it, nor
    copied by `keras.models.clone_model`; for a trained run, take `zoo.load(RUN).preprocessing`.

    Raises:
        ZooError: for a model that `zoo.create` didn't build with weights, and for a layout of your own.
    """
    origin = getattr(model, "zoo_origin", None)
    if origin is None or origin.entry is None:
        raise ZooError(f"{model.name} wasn't built by zoo.create from a registered name with weights, so it isn't "
                       "known how its images are to be prepared.")
    return _front(origin.entry, origin.weights, model.input_shape[1:]).model(image_shape)


def _load_run(run):
    import keras

    job = run.job()
    with reading(run):
        model = keras.models.load_model(run.model_path, compile=False)
    return Trained(model, job.preprocessing, job.class_names, job.name, run, job.corner, job.colours)

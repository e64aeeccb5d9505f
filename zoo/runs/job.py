"""All that determines a run: made by `zoo.training.request.make_job`, or read from the config.json of its folder."""

import platform
from dataclasses import asdict, dataclass
from functools import cached_property
from typing import Any

from zoo.data.preprocessing import Preprocessing
from zoo.errors import ZooError
from zoo.layout import checks
from zoo.plan import Plan, plan
from zoo.recipes.recipe import Recipe
from zoo.versions import __version__, installed


@dataclass(frozen=True)
class Job:
    """What is trained, on which images, and how. Everything that a run does follows from it.

    Some fields have other keys in config.json: `name` is "model", `model` is "source", `source` is "data", `shards` is
    "parts", and `single_threaded_ops` is "one_core_an_op".

    Attributes:
        model: what was asked for: a registered name, or "/path/my_layout.py:tiny".
        options: the layout's overrides.
        name: the name of the model: "lenet5" where `model` is "lenet".
        layout: the words of a layout of the user's own, as text; None for a registered model.
        params: the parameters of the net; None in runs of versions that didn't count them.
        macs: its multiply-adds for one image; None likewise.
        dataset: the name of the data set.
        source: where its images come from, as `zoo.data.load_source` takes it.
        class_names: the names of the classes, in the order of the net's outputs.
        images: {"train": count, "validation": count, "test": count}.
        preprocessing: from raw images to the net's input.
        recipe: the `Recipe`, with a batch size.
        corner: where on the net's input its map begins, (top, left), if it labels each pixel; else None.
        colours: the (red, green, blue) of each class in pictures of masks, if the data has them.
        weights: the weights that the net starts from, as `zoo.create` takes them; None for random ones.
        trackers: what metrics are also logged to: some of "tensorboard", "mlflow" and "wandb".
        shards: in how many shards a batch is computed, one per core (`zoo.training.shards`).
        single_threaded_ops: whether TensorFlow computes each op on one core. It affects the order of summation, and
            so the last bits of the weights.
        keeps_classes: whether each class, however few its images, has one for training; False for runs of versions
            that split data sets differently.
    """

    model: str
    options: dict
    name: str
    layout: tuple | None
    params: int | None
    macs: int | None
    dataset: str
    source: dict
    class_names: tuple
    images: dict
    preprocessing: Preprocessing
    recipe: Recipe
    corner: tuple | None = None
    colours: tuple = ()
    weights: str | None = None
    trackers: tuple = ()
    shards: int = 1
    single_threaded_ops: bool = False
    keeps_classes: bool = True

    @cached_property
    def plan(self) -> Plan:
        """The `Plan` of the net. Raises `ZooError` if the file of a layout of the user's own isn't there any more."""
        return plan(self.model, self.preprocessing.input_shape, len(self.class_names), **self.options)

    def to_config(self) -> dict[str, Any]:
        """Return what config.json holds: values that JSON can hold, and the versions of the packages."""
        import keras

        versions = installed("keras", "tensorflow", "jax", "numpy")
        return {
            "model": self.name,
            "source": self.model,
            "options": self.options,
            "layout": self.layout,
            "params": self.params,
            "macs": self.macs,
            "dataset": self.dataset,
            "data": self.source,
            "class_names": self.class_names,
            "images": self.images,
            "preprocessing": asdict(self.preprocessing),
            "recipe": asdict(self.recipe),
            "corner": self.corner,
            "colours": self.colours,
            "weights": self.weights,
            "versions": versions | {"python": platform.python_version(), "zoo": __version__}
            | {"backend": keras.backend.backend()},
            "trackers": self.trackers,
            "parts": self.shards,
            "one_core_an_op": self.single_threaded_ops,
            "keeps_classes": self.keeps_classes,
        }

    @classmethod
    def from_config(cls, config: dict[str, Any]) -> "Job":
        """Return the job from what `to_config`, also of an older version, returned.

        Raises:
            KeyError, TypeError: if something is missing, or has the wrong type.
            ZooError: for an invalid value.
        """
        preprocessing, recipe = Preprocessing.from_config(config["preprocessing"]), Recipe(**config["recipe"])
        shards = checks.count("parts", config.get("parts", 1))
        if shards > recipe.batch_size:  # type: ignore[operator]
            raise ZooError(f"parts must be at most {recipe.batch_size}, the images of a batch; got {shards}.")
        return cls(
            model=config["source"], options=config["options"], name=config["model"], layout=_as_tuple(config["layout"]),
            params=config.get("params"), macs=config.get("macs"), dataset=config["dataset"],
            source={key: _as_tuple(value) if key in ("size", "crop", "covered") else value
                    for key, value in config["data"].items()},
            class_names=tuple(config["class_names"]), images=config["images"],
            preprocessing=preprocessing, recipe=recipe, corner=_as_tuple(config.get("corner")),
            colours=tuple(map(tuple, config.get("colours", ()))), weights=config.get("weights"),
            trackers=tuple(config.get("trackers", ())), shards=shards,
            single_threaded_ops=config.get("one_core_an_op", shards > 1),
            keeps_classes=config.get("keeps_classes", False),
        )


def _as_tuple(value):
    """Return a list, as JSON stores tuples, as a tuple; other values as they are."""
    return tuple(value) if isinstance(value, list) else value

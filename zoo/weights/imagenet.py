"""The ImageNet weights of keras.applications, which downloads and caches them, for the nets that both have."""

from collections.abc import Sequence
from typing import TYPE_CHECKING

from zoo import registry
from zoo.annotations import Shape
from zoo.errors import ZooError
from zoo.layers.channels import channels_last
from zoo.weights.account import Account
from zoo.weights.copying import copy_into
from zoo.weights.matching import Target
from zoo.weights.sources import form_of

if TYPE_CHECKING:
    import keras


def reference(name: str, include_top: bool = True, weights: str | None = "imagenet",
              input_shape: Shape | None = None, classes: int = 1000) -> "keras.Model":
    """Return keras.applications' model of a registered name; `input_shape` is (height, width, channels)."""
    import keras

    builder = getattr(keras.applications, registry.entry(name).weights["imagenet"])
    options = {"include_preprocessing": False} if name.startswith("mobilenet_v3") else {}
    with channels_last():
        return builder(include_top=include_top, weights=weights, input_shape=input_shape, classes=classes, **options)


def load_imagenet(model: "keras.Model", name: str | None, include_top: bool, head: Sequence[str] = (),
                  new_head: bool = False) -> Account:
    """Copy keras.applications' ImageNet weights into a model built from the registered `name`; return the account.

    The arguments are those of `zoo.weights.load_weights`. Raises `ZooError` if it has no such net, if the model's
    shapes differ, or if the download fails.
    """
    known = registry.with_weights("imagenet")
    if name not in known:
        raise ZooError(
            f"keras.applications has no weights for {name or model.name}.{form_of(name, known)} It has them for "
            f"{', '.join(known)}."
        )
    try:
        source = reference(name, include_top)
    except Exception as problem:  # whatever type the download raises
        raise ZooError(f"The weights of {name} can't be had from keras.applications: {problem}") from None
    target = Target(model, name, include_top, head=tuple(head), new_head=new_head)
    return copy_into(target, source, "imagenet")

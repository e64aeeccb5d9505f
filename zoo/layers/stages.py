"""The layers of a stage of a net, found by their names: to freeze them by hand, or to look at them."""

from typing import TYPE_CHECKING

from zoo.errors import ZooError, did_you_mean

if TYPE_CHECKING:
    import keras


def layers_of(model: "keras.Model", stage: str) -> list["keras.Layer"]:
    """Return the layers of a stage of a net, or of a block inside one, in the order in which they compute.

        for layer in zoo.layers_of(model, "block1"):
            layer.trainable = False

    They are told by their names alone, so that it works on every net of the zoo: built, loaded, cloned, or part of a
    larger graph. `stage` is a layer's name, or its beginning up to a "_": "block1" gives block1_conv and block1_pool,
    but not block10_conv; "conv3_add2" gives that block of a ResNet. What bears a name of its own in the paper keeps it
    inside a stage: the LeNets' layers are c1, s2, c3, …, each a stage by itself here.

    Raises:
        ZooError: if there is no such layer; the sentence lists the stages, and the layers outside of them.
    """
    found = [layer for layer in model.layers if layer.name == stage or layer.name.startswith(f"{stage}_")]
    if not found:
        known = dict.fromkeys(layer.name.partition("_")[0] for layer in model.layers if layer.weights)
        raise ZooError(
            f"{model.name} has no stage or layer {stage!r}.{did_you_mean(stage, known)} It has {', '.join(known)}."
        )
    return found

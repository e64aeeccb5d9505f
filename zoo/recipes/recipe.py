"""All settings of a training besides model and data: one record, each field with a default and its meaning."""

from dataclasses import dataclass, field, fields, replace
from math import isfinite
from typing import Any

from zoo.errors import ZooError, no_such
from zoo.processor import PRECISIONS

OPTIMIZERS = ("adam", "adamw", "sgd", "rmsprop", "lamb", "lion", "muon")
LABELS = 2**20  # in a batch, at most, if its size isn't given: those of pixels take much memory
LOSSES = ("cross_entropy", "focal", "dice")
SCHEDULES = ("constant", "cosine", "step", "onecycle", "plateau")
AUGMENTATIONS = ("flip", "crop", "jitter", "cutout", "randaugment", "mixup", "cutmix")
INITIALIZATIONS = (
    "he_normal",
    "he_uniform",
    "glorot_normal",
    "glorot_uniform",
    "lecun_normal",
    "orthogonal",
    "gaussian",
    "pytorch",
)


def option(default: Any, meaning: str, **rules: Any) -> Any:
    """Return a field of the recipe and of the command line; `rules` are choices or bounds, checked by `_check`.

    They apply to each item of a tuple, whose type is the rule `kind`, str by default. `of` names another field, and
    its values with which this one has an effect; `needs` names one that must be given for that.
    """
    return field(default=default, metadata={"meaning": meaning, **rules})


@dataclass(frozen=True)
class Recipe:
    """How to train; each field's meaning is beside it, and in `zoo train --help`.

    `augment` names augmentations of the raw images by Keras's layers, applied in the order given:
    "flip" (left and right), "crop" (pad by an eighth, cut out the old size), "jitter" (brightness, contrast,
    saturation, hue), "cutout" (a square of half the sides set to 0), "randaugment", "mixup", "cutmix".

    The learning rate of "cosine" falls to 0 along a half cosine; "step" multiplies it by `drop` at each of the
    `milestones`, by default as He et al. (arXiv:1512.03385, Section 4.2) do; "onecycle" climbs to it from a 25th in the
    warm-up, by default the first three tenths of the steps, and falls to 0 (Smith and Topin, arXiv:1708.07120);
    "plateau" multiplies it by `drop` after 3 epochs without a lower validation loss. `weight_decay` is a part of the
    gradient for "sgd", "rmsprop" and "adam", as the papers have it, and decoupled (Loshchilov and Hutter,
    arXiv:1711.05101) for the others. `initialization` initializes the kernels of convolutions (except `TableConv`) and
    dense layers: by a Keras initializer's name, "gaussian", AlexNet's, of mean 0 and standard deviation 0.01, or
    "pytorch", the default of its layers: uniform, up to the root of 1 / fan-in, a sixth of the variance of "he_normal".
    `zero_init_residual` initializes the scale of the BatchNorm with which a residual branch ends, or the kernel of its
    last convolution, with 0 (Goyal et al., arXiv:1706.02677, Section 5.1; Zhang et al., arXiv:1901.09321, Section 3).
    `loss` is of each image, or of each pixel where nets label these: "focal" is the cross-entropy times (1 - p)^2 / 4
    for the probability p of the true class (Lin et al., arXiv:1708.02002, Section 3.2); "dice" is 1 minus the Dice
    coefficient of each class over the pixels of a batch (Milletari et al., arXiv:1606.04797, Section 3), of masks.
    `label_smoothing` is that of Szegedy et al. (arXiv:1512.00567), `rubbish` the j of LeCun et al. 1998, Equation 9: a
    class of constant logit -j that no image belongs to, for logits that are distances. What is reported as loss is
    without smoothing, rubbish class, weight decay and class weights; what is minimized is reported as objective.

    `freeze` keeps the weights of some layers as they are at the start, as in fine-tuning: of the "body", all but the
    head, or of all layers up to the end of a stage. Their BatchNorm normalizes by its moving statistics, which don't
    change. From the epoch `thaw` on they train too, with a fresh optimizer whose schedule goes on; with
    `thaw_norm=False` all but their BatchNorm. `body_rate` multiplies the body's learning rate, head's layers aside.

    Raises:
        ZooError: for a value that is out of range.
    """

    optimizer: str = option("adam", "How weights are updated", choices=OPTIMIZERS)
    learning_rate: float = option(1e-3, "The largest learning rate", above=0)
    schedule: str = option("cosine", "How the learning rate changes", choices=SCHEDULES)
    milestones: tuple = option((0.5, 0.75), "Shares of the steps after which step lowers the rate", kind=float,
                               above=0, below=1, of=("schedule", "step"))
    drop: float = option(0.1, "By what step and plateau multiply the rate", above=0, below=1,
                         of=("schedule", "step", "plateau"))
    warmup: float = option(0.0, "Epochs in which the learning rate climbs from 0", least=0)
    momentum: float = option(0.9, "Momentum of sgd (Nesterov's) and rmsprop", least=0, below=1,
                             of=("optimizer", "sgd", "rmsprop"))
    weight_decay: float = option(0.0, "Weight decay of kernels", least=0)
    clip: float | None = option(None, "The largest norm of the whole gradient", above=0)
    accumulate: int = option(1, "Steps whose mean gradient makes one update", least=1)
    ema: float | None = option(
        None, "Momentum of a moving average of the weights, which is what is validated and kept", above=0, below=1
    )
    epochs: int = option(20, "Passes over the training images", above=0)
    batch_size: int | None = option(None, "Images a step; 128, or less for sets of under 32 such batches", above=0)
    augment: tuple = option((), "Random changes of the training images, comma-separated", choices=AUGMENTATIONS)
    loss: str = option("cross_entropy", "What is minimized", choices=LOSSES)
    label_smoothing: float = option(0.1, "Share of the target that is spread over all classes", least=0, below=1,
                                    of=("loss", "cross_entropy", "focal"))
    rubbish: float | None = option(None, "Penalty of a class that no image belongs to, for RBF outputs", above=0)
    balance: bool = option(False, "Weigh each class by the inverse of its share of the training images or pixels",
                           of=("loss", "cross_entropy", "focal"))
    patience: int | None = option(None, "Stop after so many epochs without a lower validation loss", least=1)
    initialization: str | None = option(
        None, "How kernels start; by default as suits each layer", choices=INITIALIZATIONS
    )
    zero_init_residual: bool = option(
        False, "Start each residual branch at 0, so that each block starts as its shortcut"
    )
    freeze: str | None = option(None, "Layers that keep their weights: body, or a stage for all up to its end")
    thaw: int | None = option(None, "Epoch, counted from 1, from which frozen layers train too", least=2,
                              needs="freeze")
    thaw_norm: bool = option(True, "Whether BatchNorm thaws too, with its statistics", needs="freeze")
    body_rate: float = option(1.0, "Share of the learning rate with which the body trains, beside the head", above=0)
    precision: str = option("float32", "bfloat16 computes in bfloat16 and keeps weights in float32", choices=PRECISIONS)
    seed: int = option(0, "Fixes initialization, shuffling, augmentation and dropout", least=0, below=2**32)

    def __post_init__(self):
        for item in fields(self):
            values = getattr(self, item.name)
            if item.type is tuple:
                object.__setattr__(self, item.name, tuple(values))  # it is a list where it was read from a file
            for value in values if item.type is tuple else (values,):
                _check(item.name.replace("_", " "), value, item.metadata)

    def for_images(self, count: int, pixels: int = 1) -> "Recipe":
        """Return the recipe with its batch size set, at most `count`, the number of training images.

        `pixels` is the number of labels of each: where it isn't given, large images have small batches.
        """
        if self.batch_size:
            return replace(self, batch_size=min(self.batch_size, count))
        batch = 128
        while batch > 8 and count < 32 * batch:
            batch //= 2
        while batch > 1 and batch * pixels > LABELS:
            batch //= 2
        return replace(self, batch_size=min(batch, count))

    def unused(self, names: tuple[str, ...]) -> list[str]:
        """Return a message for each of the named fields that has no effect with this recipe."""
        rules = {
            item.name: item.metadata["of"] for item in fields(self) if item.name in names and "of" in item.metadata
        }
        needed = {item.name: item.metadata["needs"] for item in fields(self) if "needs" in item.metadata}
        return [
            f"{name} has no effect with the {other} {getattr(self, other)}, only with {' and '.join(users)}."
            for name, (other, *users) in rules.items()
            if getattr(self, other) not in users
        ] + [
            f"{name} has no effect without {other}."
            for name, other in needed.items()
            if name in names and getattr(self, other) is None
        ] + self._without_thaw(names)

    def _without_thaw(self, names):
        """Return a message for each of the named fields that has no effect since frozen layers never thaw."""
        if self.freeze is None or self.thaw is not None and self.thaw <= self.epochs:
            return []
        late = [f"thaw has no effect: there are {self.epochs} epochs."] if "thaw" in names and self.thaw else []
        idle = ["thaw_norm", *["body_rate"] * (self.freeze == "body")]
        return late + [f"{name} has no effect, as the frozen layers never thaw." for name in idle if name in names]


BOUNDS = {
    "above": ("greater than", lambda value, bound: value > bound),
    "least": ("at least", lambda value, bound: value >= bound),
    "below": ("less than", lambda value, bound: value < bound),
}


def _check(name, value, rules):
    """Raise `ZooError` for a value that is none of its field's choices, or out of its bounds."""
    if value is None:
        return
    if "choices" in rules and value not in rules["choices"]:
        raise no_such(name, value, rules["choices"])
    if isinstance(value, float) and not isfinite(value):
        raise ZooError(f"{name} must be a finite number; got {value}.")
    for rule, (words, holds) in BOUNDS.items():
        if rule in rules and not holds(value, rules[rule]):
            raise ZooError(f"{name} must be {words} {rules[rule]}; got {value}.")


def is_over(recipe: Recipe, history: list[dict[str, float]]) -> bool:
    """Return whether a run is over, by its epochs or its patience. `history` holds a dict of metrics per epoch."""
    if len(history) >= recipe.epochs:
        return True
    if not history or recipe.patience is None:
        return False
    best = min(range(len(history)), key=lambda epoch: history[epoch]["val_loss"])
    return len(history) - 1 - best >= recipe.patience

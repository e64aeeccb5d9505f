"""What a training run does besides the model and the data: a few numbers, each with a default."""

from dataclasses import dataclass, replace

from zoo.errors import ZooError, did_you_mean

OPTIMIZERS = ("adam", "adamw", "sgd")
PRECISIONS = ("float32", "bfloat16")


@dataclass(frozen=True)
class Recipe:
    """How to train.

    `optimizer` is "adam", "adamw" (decoupled weight decay 0.01) or "sgd" (Nesterov momentum 0.9); its learning rate
    falls from `learning_rate` to 0 along a half cosine. `batch_size` counts images a step; None means 128, or less
    where a training set has fewer than 32 such batches. `label_smoothing` is the share of the target that is spread
    over all classes (Szegedy et al., arXiv:1512.00567), `rubbish` the j of LeCun et al. 1998, Equation 9: a class
    of constant logit -j that no image belongs to, for logits that are distances. The reported test loss is without
    either. `precision` "bfloat16" computes in bfloat16 and keeps the weights in float32. `seed` fixes
    initialization, shuffling and dropout.
    """

    optimizer: str = "adam"
    learning_rate: float = 1e-3
    epochs: int = 20
    batch_size: int | None = None
    label_smoothing: float = 0.1
    rubbish: float | None = None
    precision: str = "float32"
    seed: int = 0

    def __post_init__(self):
        for name, choices in (("optimizer", OPTIMIZERS), ("precision", PRECISIONS)):
            value = getattr(self, name)
            if value not in choices:
                near = did_you_mean(value, choices)
                raise ZooError(f"There is no {name} {value!r}.{near} It is one of {', '.join(choices)}.")
        if not 0 <= self.label_smoothing < 1:
            raise ZooError(f"label smoothing must be at least 0 and less than 1; got {self.label_smoothing}.")
        if not 0 <= self.seed < 2**32:
            raise ZooError(f"seed must be a whole number from 0 to {2**32 - 1}; got {self.seed}.")
        for name in ("epochs", "learning_rate", "batch_size"):
            value = getattr(self, name)
            if value is not None and not value > 0:
                raise ZooError(f"{name.replace('_', ' ')} must be greater than 0; got {value}.")

    def for_images(self, count):
        """Return the recipe with a batch size settled for a training set of `count` images."""
        if self.batch_size:
            return replace(self, batch_size=min(self.batch_size, count))
        batch = 128
        while batch > 8 and count < 32 * batch:
            batch //= 2
        return replace(self, batch_size=min(batch, count))


def recipe_for(entry, **overrides):
    """Return the entry's own recipe with the overrides that aren't None."""
    given = {key: value for key, value in overrides.items() if value is not None}
    return replace(Recipe(**entry.recipe), **given)


def make_loss(recipe):
    """Return the loss of logits (N, classes) for labels (N,), smoothed as the recipe says."""
    from keras import losses, ops

    def cross_entropy(labels, logits):
        if recipe.rubbish is not None:
            logits = ops.concatenate([logits, ops.full_like(logits[:, :1], -recipe.rubbish)], axis=-1)
        targets = ops.one_hot(ops.reshape(labels, (-1,)), logits.shape[-1], dtype=logits.dtype)
        return losses.categorical_crossentropy(
            targets, logits, from_logits=True, label_smoothing=recipe.label_smoothing
        )

    return cross_entropy


def make_optimizer(recipe, steps):
    """Return the Keras optimizer of a recipe that takes `steps` steps in all."""
    from keras import optimizers

    rate = optimizers.schedules.CosineDecay(recipe.learning_rate, steps)
    match recipe.optimizer:
        case "adam":
            return optimizers.Adam(rate)
        case "adamw":
            return optimizers.AdamW(rate, weight_decay=0.01)
        case "sgd":
            return optimizers.SGD(rate, momentum=0.9, nesterov=True)

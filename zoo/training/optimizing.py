"""A recipe -> its loss, and its Keras optimizer with the learning rate schedule."""

from collections.abc import Callable
from typing import Any

import keras
import numpy as np
from keras import losses, ops, optimizers
from keras.optimizers import schedules

from zoo.data.dataset import IGNORED
from zoo.layers import fast
from zoo.recipes.recipe import Recipe

OPTIMIZER_CLASSES = {
    "adam": fast.Adam, "adamw": fast.AdamW, "sgd": optimizers.SGD, "rmsprop": optimizers.RMSprop,
    "lamb": optimizers.Lamb, "lion": optimizers.Lion, "muon": optimizers.Muon,
}
COUPLED = ("sgd", "rmsprop", "adam")  # their weight decay is a part of the gradient


def make_loss(recipe: Recipe, class_weights: np.ndarray | None = None) -> Callable[[Any, Any], Any]:
    """Return the loss, a function of labels and logits: (N, classes), or of pixels (N, height, width, classes).

    Labels are indices (N,), probabilities (N, classes), or masks (N, height, width), whose `IGNORED` pixels don't
    count. `class_weights` (classes,) multiply the losses of each class's images or pixels. The loss is that of each
    image or pixel, whose mean is minimized; for "dice" that of each class.
    """
    options: dict[str, Any] = {"from_logits": True, "label_smoothing": recipe.label_smoothing}

    def loss(labels, logits):
        targets, weights, counted = labels, 1.0, None
        if len(logits.shape) == 4:
            counted = ops.cast(is_counted(labels), logits.dtype)
            weights = counted / ops.maximum(ops.mean(counted), keras.config.epsilon())  # so the mean is of counted ones
            targets = ops.one_hot(ops.cast(labels, "int32"), logits.shape[-1])
        elif labels.shape[-1] != logits.shape[-1] or len(labels.shape) == 1:
            targets = ops.one_hot(ops.reshape(labels, (-1,)), logits.shape[-1])
        targets = ops.cast(targets, logits.dtype)
        if class_weights is not None:
            weights = weights * ops.matmul(targets, ops.convert_to_tensor(class_weights))
        if recipe.rubbish is not None:
            logits = ops.concatenate([logits, ops.full_like(logits[..., :1], -recipe.rubbish)], axis=-1)
            targets = ops.concatenate([targets, ops.zeros_like(targets[..., :1])], axis=-1)
        match recipe.loss:
            case "dice":
                return _dice(targets, logits, counted)
            case "focal":
                return weights * losses.categorical_focal_crossentropy(targets, logits, **options)
            case _:
                return weights * losses.categorical_crossentropy(targets, logits, **options)

    return loss


def _dice(targets, logits, counted):
    """Return Dice's loss of each class over the pixels of a batch that are `counted`; of a class that it lacks, 0."""
    found = ops.softmax(logits) * counted[..., None]
    is_there = ops.cast(ops.any(targets > 0, axis=(0, 1, 2)), logits.dtype)
    return is_there * losses.dice(targets, found, axis=(0, 1, 2))


def is_counted(masks: Any) -> Any:
    """Return which pixels of masks (N, height, width) count: a tensor of booleans."""
    return ops.not_equal(masks, IGNORED)


def balanced_weights(counts: np.ndarray) -> np.ndarray:
    """Return class weights (classes,): the inverse of the classes' shares of images or pixels, with mean 1 over these.

    `counts` (classes,) are the numbers of their images or pixels.
    """
    return (counts.sum() / np.maximum(counts, 1) / np.count_nonzero(counts)).astype("float32")


def make_optimizer(recipe: Recipe, steps: int, epochs: int = 1, done: int = 0,
                   body: frozenset[str] = frozenset()) -> optimizers.Optimizer:
    """Return the Keras optimizer of a recipe, scheduled for a total of `steps` steps in `epochs` epochs.

    It begins after `done` of the steps. `body` holds the paths of the variables whose rate `body_rate` multiplies.
    """
    options = {"momentum": recipe.momentum} if recipe.optimizer in ("sgd", "rmsprop") else {}
    if recipe.optimizer == "sgd":
        options["nesterov"] = recipe.momentum > 0
    if recipe.optimizer in ("adam", "adamw"):
        options["epsilon"] = 1e-8  # Kingma and Ba's (arXiv:1412.6980, Algorithm 1), and PyTorch's; Keras's is 1e-7
    if recipe.optimizer == "muon":
        options["adam_weight_decay"] = recipe.weight_decay  # of the variables that Keras's Muon leaves to AdamW
    schedule = make_schedule(recipe, steps, epochs)
    kind = OPTIMIZER_CLASSES[recipe.optimizer]
    if recipe.body_rate != 1:
        kind = type(kind.__name__, (SlowerBody, kind), {"body": body, "body_rate": recipe.body_rate})
    optimizer = kind(
        GoingOn(schedule, done) if done and callable(schedule) else schedule, global_clipnorm=recipe.clip,
        weight_decay=None if recipe.optimizer in COUPLED else recipe.weight_decay,
        use_ema=recipe.ema is not None, ema_momentum=recipe.ema or 0.99,
        gradient_accumulation_steps=recipe.accumulate if recipe.accumulate > 1 else None, **options,
    )
    optimizer.exclude_from_weight_decay(var_names=["bias", "gamma", "beta", "coefficient"])
    return optimizer


def decay_in_gradient(recipe: Recipe) -> float:
    """Return the weight decay to be added to the loss, as an L2 penalty: 0 where the optimizer applies it."""
    return recipe.weight_decay if recipe.optimizer in COUPLED else 0.0


def make_schedule(recipe: Recipe, steps: int, epochs: int) -> schedules.LearningRateSchedule | float:
    """Return the learning rate: a Keras schedule by steps, or for "plateau" a number that `Plateau` changes.

    (Keras calls the schedule with the number of steps, not of updates, also when it accumulates gradients.)
    """
    peak, warmup = recipe.learning_rate, round(min(recipe.warmup * steps / epochs, steps))
    match recipe.schedule:
        case "plateau":
            return peak
        case "onecycle":
            climb = max(warmup or round(0.3 * steps), 1)
            return schedules.CosineDecay(peak / 25, max(steps - climb, 1), warmup_target=peak, warmup_steps=climb)
        case "cosine":
            after = schedules.CosineDecay(peak, max(steps - warmup, 1))
        case "step" if recipe.milestones:
            boundaries = [round(share * (steps - warmup)) for share in sorted(recipe.milestones)]
            rates = [peak * recipe.drop**i for i in range(len(boundaries) + 1)]
            after = schedules.PiecewiseConstantDecay(boundaries, rates)
        case _:  # "constant", or "step" without milestones
            after = schedules.PiecewiseConstantDecay([steps], [peak, peak])
    return Warmup(after, warmup) if warmup else after


class SlowerBody:
    """Updates the variables whose paths are in `body` with a learning rate that is multiplied by `body_rate`."""

    body: frozenset[str]
    body_rate: float

    def _backend_update_step(self: Any, grads: list, trainable_variables: list, learning_rate: Any) -> None:
        pairs = list(zip(grads, trainable_variables))
        for in_body, rate in ((True, learning_rate * self.body_rate), (False, learning_rate)):
            group = [pair for pair in pairs if (pair[1].path in self.body) == in_body]
            if group:
                super()._backend_update_step(*map(list, zip(*group)), rate)  # type: ignore[misc]

    def _apply_weight_decay(self: Any, variables: list) -> None:
        decay = self.weight_decay
        for in_body, rate in ((True, self.body_rate), (False, 1)):
            self.weight_decay = decay and decay * rate
            super()._apply_weight_decay(  # type: ignore[misc]
                [variable for variable in variables if (variable.path in self.body) == in_body]
            )
        self.weight_decay = decay


class GoingOn(schedules.LearningRateSchedule):
    """The schedule `whole` from the step `done` on, for an optimizer that begins there."""

    def __init__(self, whole: schedules.LearningRateSchedule, done: int) -> None:
        self.whole, self.done = whole, done

    def __call__(self, step):
        return self.whole(ops.cast(step, "float32") + self.done)

    def get_config(self) -> dict[str, Any]:
        return {"whole": self.whole, "done": self.done}


class Warmup(schedules.LearningRateSchedule):
    """Linear warm-up from 0 in `steps` steps (Goyal et al., arXiv:1706.02677, Section 2.2), then schedule `after`."""

    def __init__(self, after: schedules.LearningRateSchedule, steps: int) -> None:
        self.after, self.steps = after, steps

    def __call__(self, step):
        step = ops.cast(step, "float32")
        climbing = self.after(0) * (step + 1) / self.steps
        return ops.where(step < self.steps, climbing, self.after(ops.maximum(step - self.steps, 0)))

    def get_config(self) -> dict[str, Any]:
        return {"after": self.after, "steps": self.steps}


class Plateau(keras.callbacks.ReduceLROnPlateau):
    """Keras's own, with warm-up by whole epochs; it replays `history`, so a resumed run has the same state."""

    def __init__(self, recipe: Recipe, history: list[dict[str, float]]) -> None:
        super().__init__(factor=recipe.drop, patience=3, min_delta=0)
        self.peak, self.warmup, self.past = recipe.learning_rate, round(recipe.warmup), history

    def on_train_begin(self, logs: Any = None) -> None:
        super().on_train_begin(logs)
        self.model.optimizer.learning_rate = self.peak
        for epoch, figures in enumerate(list(self.past)):
            self.on_epoch_end(epoch, dict(figures))

    def on_epoch_begin(self, epoch: int, logs: Any = None) -> None:
        if epoch <= self.warmup:
            self.model.optimizer.learning_rate = self.peak * (epoch + 1) / (self.warmup + 1)

    def on_epoch_end(self, epoch: int, logs: Any = None) -> None:
        if epoch >= self.warmup:
            super().on_epoch_end(epoch, logs)
        else:
            logs["learning_rate"] = float(ops.convert_to_numpy(self.model.optimizer.learning_rate))

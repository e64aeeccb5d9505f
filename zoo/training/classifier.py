"""The Keras model that is trained: from raw images to logits, many steps per call, on images cached on the device."""

from collections.abc import Iterator
from math import prod
from typing import Any

import keras
import numpy as np
from keras import layers, ops

from zoo.data.stream import example
from zoo.recipes.recipe import Recipe
from zoo.training.augmentation import augment
from zoo.training.distribution import on_every_device, replicas_in_step, replicated_data, sharded
from zoo.training.optimizing import decay_in_gradient, is_counted
from zoo.training.shards import ShardedNet

LOGITS, SHARES, MASKS = "logits", "shares", "masks"
BLOCKS, LONGEST = 10, 50  # the fewest blocks per epoch, and the most steps per block


class Classifier(keras.Model):
    """From raw images (N, height, width, channels), 0..255, to float32 logits: a dict, "logits" (N, classes) first.

    The logits of auxiliary classifiers follow by name. (Logits make the loss numerically exact.) In training the images
    are augmented by the recipe's layers; if these mix images, the output "shares" (N, N) holds the labels' weights (see
    `augment`). A batch is split into `shards`, computed in parallel.

    For images with masks, logits are (N, height, width, classes), and the masks (N, height, width) are a second input,
    which moves with the images; the output "masks" has them in the size of the logits. `IGNORED` pixels don't count.

    "loss" is reported, on any data, as the mean cross-entropy of the net's own logits with the unchanged labels.
    Training also reports "objective", which it minimizes: the compiled loss, with labels mixed as the images are, plus
    that of each auxiliary classifier times its weight, plus `decay` / 2 times the sum of the kernels' squares, whose
    gradient is weight decay. If `reports_plain_loss` is False, "loss" is the objective in training, and elsewhere the
    compiled loss.

    A training step takes a batch of images and labels, as in any Keras model, or a block: indices (batch, steps) into
    the training set cached by `cache_on_device`; a block is one compiled call with that many optimizer steps.
    `sound_steps` counts the steps before the first with a non-finite loss.

    Args:
        net: the Keras net, whose outputs are named scores.
        preprocessing: the Keras model from raw images to the net's input.
        recipe: how it is trained; the `decay` is its weight decay, where the optimizer doesn't apply it.
        auxiliary: a pair for each auxiliary output, its weight last.
        shards: see above.
        entry: the tensor of the net at which it is entered, in the place of its input: for features that are computed
            already, which `preprocessing` then takes and gives.
        frozen: the names of the layers whose weights training doesn't change.
        mask_preprocessing: the Keras model from masks to those that logits are compared with; None for images with one
            label each.
    """

    cached: tuple[Any, ...]
    frozen: tuple[str, ...]
    train_function: Any

    def __init__(self, net: keras.Model, preprocessing: keras.Model, recipe: Recipe,
                 auxiliary: dict[str, tuple[Any, float]], shards: int = 1, entry: keras.KerasTensor | None = None,
                 frozen: tuple[str, ...] = (), mask_preprocessing: keras.Model | None = None) -> None:
        scores = list(net.output) if isinstance(net.output, dict) else net.output_names
        images = keras.Input(preprocessing.input_shape[1:], dtype="float32", name="images")
        masks = mask_preprocessing and keras.Input(mask_preprocessing.input_shape[1:], dtype="float32", name=MASKS)
        changed = augment(images, recipe.augment, recipe.seed, masks)
        logits = {}
        for name, key in zip(scores, [LOGITS, *scores[1:]]):
            exact = layers.Activation("linear", dtype="float32", name=f"{name}_logits")
            logits[key] = exact(net.get_layer(name).input)
        body = keras.Model(net.input if entry is None else entry, logits, name=net.name)
        on_shards = ShardedNet(preprocessing, body, shards) if shards > 1 else None
        outputs = on_shards(changed.images) if on_shards else body(preprocessing(changed.images))
        outputs |= {} if changed.shares is None else {SHARES: changed.shares}
        outputs |= {MASKS: mask_preprocessing(changed.masks)} if mask_preprocessing else {}
        super().__init__(images if masks is None else [images, masks], outputs, name=f"{net.name}_on_images")
        self.outputs_on_images = lambda images: body(preprocessing(images))
        self.auxiliary = {name: weight for name, (_, weight) in auxiliary.items()}
        self.decay, self.frozen = decay_in_gradient(recipe), frozen
        self.cached, self.reports_plain_loss, self.testing = (), True, False
        self.cross_entropy = keras.metrics.SparseCategoricalCrossentropy(from_logits=True, name="cross_entropy")
        self.of_pixels = [
            keras.metrics.SparseCategoricalAccuracy("pixel_accuracy"),
            # JAX's integers would overflow: an epoch can have more than 2^31 pixels of a class
            keras.metrics.MeanIoU(net.output_shape[-1], "mean_iou", dtype="float32", sparse_y_pred=False),
        ] if mask_preprocessing else []
        counter = dict(shape=(), trainable=False, aggregation="only_first_replica")
        self.is_sound = self.add_weight(**counter, dtype="bool", initializer="ones", name="is_sound")
        # "int" is int64 on TensorFlow, which keeps int32 in host memory, out of reach of XLA on a GPU.
        self.sound_steps = self.add_weight(**counter, dtype="int", initializer="zeros", name="sound_steps")

    def make(self, images: np.ndarray, labels: np.ndarray) -> None:
        """Create all variables of training, by a few images and labels: a compiled loop can't create any."""
        self.evaluate(*example(images, labels), verbose=0)
        self.optimizer.build(self.trainable_variables)

    def logits_on_images(self) -> keras.Model:
        """Return the Keras model from raw images to the net's own logits, its only output."""
        images = keras.tree.flatten(self.input)[0]
        return keras.Model(images, self.outputs_on_images(images)[LOGITS])

    def cache_on_device(self, images: np.ndarray, labels: np.ndarray) -> None:
        """Cache the training set, uint8 images and integer labels or masks, on the device, or on each of several."""
        self.cached = on_every_device(images), on_every_device(labels)

    def evaluate(self, *arguments: Any, **options: Any) -> Any:
        self.testing = True
        try:
            with replicated_data():
                return super().evaluate(*arguments, **options)
        finally:
            self.testing = False

    def compute_loss(self, x: Any = None, y: Any = None, y_pred: Any = None, sample_weight: Any = None,
                     training: bool = True) -> Any:
        if training and SHARES in y_pred:
            y = ops.matmul(y_pred[SHARES], ops.one_hot(ops.reshape(y, (-1,)), y_pred[LOGITS].shape[-1]))
        y = y_pred.get(MASKS, y)
        loss = super().compute_loss(x, y, y_pred[LOGITS], sample_weight, training)
        if training:
            loss = loss + self._added_loss(y, y_pred)
            self.is_sound.assign(ops.logical_and(self.is_sound, ops.isfinite(loss)))
            self.sound_steps.assign_add(ops.cast(self.is_sound, self.sound_steps.dtype))
        return loss

    def _added_loss(self, y, y_pred):
        """Return what a training step adds to the loss, divided by the number of replicas whose losses are summed."""
        added = sum(weight * ops.mean(self.loss(y, y_pred[name])) for name, weight in self.auxiliary.items())
        if self.decay:
            kernels = [weight for weight in self.trainable_weights if weight.name == "kernel"]
            added = added + self.decay / 2 * sum(ops.sum(ops.square(kernel)) for kernel in kernels)
        return added / replicas_in_step()

    def compute_metrics(self, x: Any, y: Any, y_pred: dict[str, Any], sample_weight: Any = None) -> dict[str, Any]:
        if MASKS in y_pred:
            counted = is_counted(y_pred[MASKS])
            y, sample_weight = ops.where(counted, y_pred[MASKS], 0), ops.cast(counted, "float32")
            for metric in self.of_pixels:
                metric.update_state(y, y_pred[LOGITS], sample_weight)
        self.cross_entropy.update_state(y, y_pred[LOGITS], sample_weight)
        return super().compute_metrics(x, y, y_pred[LOGITS], sample_weight)

    def get_metrics_result(self) -> dict[str, Any]:
        results = super().get_metrics_result()
        compiled, plain = results.pop("loss"), results.pop("cross_entropy")
        if not self.reports_plain_loss:
            return {"loss": compiled, **results}
        return {"loss": plain, **results} | ({} if self.testing else {"objective": compiled})

    if keras.backend.backend() == "jax":

        @property
        def jit_compile(self) -> bool:
            """True, also for layers for which Keras disables it: TensorFlow's XLA can't compile them, JAX's can."""
            return True

        @jit_compile.setter
        def jit_compile(self, value: bool) -> None:
            pass

        def make_train_function(self, force: bool = False) -> None:
            if self.train_function is None or force:
                super().make_train_function(force)
                step = self.train_function
                self.train_function = lambda state, batches: step(state, ((*batch, *self.cached) for batch in batches))

        def train_step(self, state: Any, data: Any) -> tuple[dict[str, Any], Any]:
            import jax

            if len(data) == 2:
                return super().train_step(state, data)
            indices, images, labels = data

            def step(state, rows):
                logs, state = super(Classifier, self).train_step(state, example(images[rows], labels[rows]))
                return state, logs

            state, logs = jax.lax.scan(step, state, indices.T)
            return {name: values[-1] for name, values in logs.items()}, state

        def test_step(self, state: Any, data: Any) -> tuple[dict[str, Any], Any]:
            return super().test_step(state, sharded(data))

    else:

        def train_step(self, data: Any) -> dict[str, Any]:  # type: ignore[misc]  # it differs by backend
            if len(data) == 2:
                return super().train_step(data)
            (indices,) = data
            images, labels = self.cached

            def step(i):
                rows = indices[:, i]
                super(Classifier, self).train_step(example(ops.take(images, rows, 0), ops.take(labels, rows, 0)))
                return (i + 1,)

            ops.while_loop(lambda i: i < ops.shape(indices)[1], step, (0,))
            return self.get_metrics_result()

    def blocks(self, batch_size: int, seed: int, epoch: int = 0, local: slice = slice(None)) -> Iterator[tuple]:
        """Yield blocks of indices (batch, steps) into the cached training set, endlessly: the training data of `fit`.

        They are reshuffled in each epoch, by seed and epoch only. Images of an incomplete last batch are left out of
        that epoch. `local` is the slice of each batch that this process feeds.
        """
        count = len(self.cached[1])
        steps, number = block_sizes(count, batch_size)
        while True:
            order = np.random.default_rng((seed, epoch)).permutation(count).astype("int32")
            for block in order[: steps * number * batch_size].reshape(number, steps, batch_size):
                yield (block.T[local],)
            epoch += 1


def block_sizes(count: int, batch_size: int) -> tuple[int, int]:
    """Return the steps per block and the blocks per epoch, for a training set of `count` images."""
    batches = count // batch_size
    least = min(max(BLOCKS, -(-batches // LONGEST)), batches)
    number = min(range(least, min(2 * least, batches) + 1), key=lambda n: batches % n)
    return batches // number, number


def steps_per_epoch(count: int, batch_size: int, in_memory: bool) -> int:
    """Return the number of optimizer steps per epoch, for a training set in memory or one that is streamed."""
    return prod(block_sizes(count, batch_size)) if in_memory else count // batch_size


def without_auxiliary(net: keras.Model) -> keras.Model:
    """Return the net with its main output only, without the layers of the auxiliary classifiers."""
    if not isinstance(net.output, dict):
        return net
    return keras.Model(net.input, next(iter(net.output.values())), name=net.name)

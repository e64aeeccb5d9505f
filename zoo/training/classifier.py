"""A net as training sees it: from raw images to logits, many steps a call, on images that stay on the device."""

from collections.abc import Iterator
from math import prod
from typing import Any

import keras
import numpy as np
from keras import layers, ops

from zoo.data.preprocessing import Preprocessing
from zoo.training.augmentation import augment
from zoo.training.distribution import on_every_device, replicas_in_step, replicated_data, sharded
from zoo.training.shards import ShardedNet

LOGITS, SHARES = "logits", "shares"
BLOCKS, LONGEST = 10, 50  # an epoch is at least so many blocks, and a block at most so many steps


class Classifier(keras.Model):
    """From raw images (N, height, width, channels), 0..255, to float32 logits: a dict, "logits" (N, classes) first.

    Auxiliary classifiers follow by name. (Training on logits keeps the softmax exact.) In training the images are
    changed by the layers that `augmentation` names, their randomness from `seed`; where these mix images, the output
    "shares" (N, N) says how. The net computes a batch in so many `shards`, in parallel.

    Reported as "loss" is, of any data, the mean cross-entropy of the net's own logits with the labels as they are.
    Training also reports "objective", which is what it minimizes: the compiled loss, of labels mixed as the images are,
    that of each auxiliary classifier by its weight, and `decay` / 2 times the sum of the kernels' squares, whose
    gradient is weight decay. If `plain` is set to False, "loss" is the objective, on other data the compiled loss.

    A training step takes a batch of images and labels, as in any Keras model, or a block: indices (batch, steps) into
    the training set that `cache_on_device` put there; a block is one compiled call for that many optimizer steps.
    `sound_steps` counts the steps before the first with a non-finite loss.
    """

    cached: tuple[Any, ...]
    train_function: Any

    def __init__(self, net: keras.Model, preprocessing: Preprocessing, image_shape: tuple[int, int, int],
                 auxiliary: dict[str, tuple[Any, float]], decay: float = 0.0, augmentation: tuple[str, ...] = (),
                 seed: int = 0, shards: int = 1) -> None:
        scores = list(net.output) if isinstance(net.output, dict) else net.output_names
        images = keras.Input(image_shape, dtype="float32", name="images")
        changed, shares = augment(images, augmentation, seed)
        preprocess, logits = preprocessing.model(image_shape), {}
        for name, key in zip(scores, [LOGITS, *scores[1:]]):
            exact = layers.Activation("linear", dtype="float32", name=f"{name}_logits")
            logits[key] = exact(net.get_layer(name).input)
        body = keras.Model(net.input, logits, name=net.name)
        outputs = ShardedNet(preprocess, body, shards)(changed) if shards > 1 else body(preprocess(changed))
        outputs |= {} if shares is None else {SHARES: shares}
        super().__init__(images, outputs, name=f"{net.name}_on_images")
        self.auxiliary = {name: weight for name, (_, weight) in auxiliary.items()}
        self.decay = decay
        self.cached, self.plain, self.testing = (), True, False
        self.cross_entropy = keras.metrics.SparseCategoricalCrossentropy(from_logits=True, name="cross_entropy")
        counter = dict(shape=(), trainable=False, aggregation="only_first_replica")
        self.is_sound = self.add_weight(**counter, dtype="bool", initializer="ones", name="is_sound")
        # "int" is int64 on TensorFlow, which keeps int32 in main memory, out of reach of XLA on a graphics card.
        self.sound_steps = self.add_weight(**counter, dtype="int", initializer="zeros", name="sound_steps")

    def make(self, images: np.ndarray, labels: np.ndarray) -> None:
        """Make all variables that training has, from a few images and their labels: a compiled loop can make none."""
        self.evaluate(images, labels, verbose=0)
        self.optimizer.build(self.trainable_variables)

    def on_images(self) -> keras.Model:
        """Return the Keras model from raw images to the net's own logits (N, classes) alone."""
        return keras.Model(self.input, self.output[LOGITS])

    def cache_on_device(self, images: np.ndarray, labels: np.ndarray) -> None:
        """Put the training set, uint8 images and integer labels, on the device, or on each."""
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
        loss = super().compute_loss(x, y, y_pred[LOGITS], sample_weight, training)
        if training:
            loss = loss + self._added_loss(y, y_pred)
            self.is_sound.assign(ops.logical_and(self.is_sound, ops.isfinite(loss)))
            self.sound_steps.assign_add(ops.cast(self.is_sound, self.sound_steps.dtype))
        return loss

    def _added_loss(self, y, y_pred):
        """What a training step adds to the loss; on several devices, TensorFlow's engine adds up what each returns."""
        added = sum(weight * ops.mean(self.loss(y, y_pred[name])) for name, weight in self.auxiliary.items())
        if self.decay:
            kernels = [weight for weight in self.trainable_weights if weight.name == "kernel"]
            added = added + self.decay / 2 * sum(ops.sum(ops.square(kernel)) for kernel in kernels)
        return added / replicas_in_step()

    def compute_metrics(self, x: Any, y: Any, y_pred: dict[str, Any], sample_weight: Any = None) -> dict[str, Any]:
        self.cross_entropy.update_state(y, y_pred[LOGITS])
        return super().compute_metrics(x, y, y_pred[LOGITS], sample_weight)

    def get_metrics_result(self) -> dict[str, Any]:
        results = super().get_metrics_result()
        compiled, plain = results.pop("loss"), results.pop("cross_entropy")
        if not self.plain:
            return {"loss": compiled, **results}
        return {"loss": plain, **results} | ({} if self.testing else {"objective": compiled})

    if keras.backend.backend() == "jax":

        @property
        def jit_compile(self) -> bool:
            """True: what Keras doesn't compile is layers that TensorFlow's XLA can't; JAX's can."""
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
            places, images, labels = data

            def step(state, rows):
                logs, state = super(Classifier, self).train_step(state, (images[rows], labels[rows]))
                return state, logs

            state, logs = jax.lax.scan(step, state, places.T)
            return {name: values[-1] for name, values in logs.items()}, state

        def test_step(self, state: Any, data: Any) -> tuple[dict[str, Any], Any]:
            return super().test_step(state, sharded(data))

    else:

        def train_step(self, data: Any) -> dict[str, Any]:  # type: ignore[misc]  # it differs by backend
            if len(data) == 2:
                return super().train_step(data)
            (places,) = data
            images, labels = self.cached

            def step(i):
                rows = places[:, i]
                super(Classifier, self).train_step((ops.take(images, rows, 0), ops.take(labels, rows, 0)))
                return (i + 1,)

            ops.while_loop(lambda i: i < ops.shape(places)[1], step, (0,))
            return self.get_metrics_result()

    def blocks(self, batch_size: int, seed: int, epoch: int = 0, local: slice = slice(None)) -> Iterator[tuple]:
        """Yield blocks of indices into the training set, without end, reshuffled each epoch: the data of `fit`.

        The order depends on seed and epoch only. Images that don't fill a last batch are left out of that epoch.
        `local` is the slice of each batch that this process feeds.
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
    """Return the net with its last output alone, in which the auxiliary classifiers have no layer."""
    if not isinstance(net.output, dict):
        return net
    return keras.Model(net.input, next(iter(net.output.values())), name=net.name)

"""Keras's own layers and optimizers, faster on TensorFlow; with another backend they do exactly as Keras's.

A saved model contains Keras's layer instead of each, so that it loads without this package.
"""

from math import prod
from typing import Any

import keras
from keras import layers, ops, optimizers


def keeps_its_name(kind: type) -> type:
    """Let Keras save layers of this class as of the class with the same name in `keras.layers`."""
    kind.__module__ = "keras.layers"
    return kind


@keeps_its_name
class BatchNormalization(layers.BatchNormalization):
    """BatchNorm as one fused op on feature maps, which stay in their own precision; statistics are float32.

    Keras's own layer consists of several ops, with float32 feature maps between them.
    """

    def call(self, inputs: Any, training: bool | None = None, mask: Any = None) -> Any:
        learns = bool(training and self.trainable)
        if mask is not None or not self._is_one_op(inputs, learns):
            return super().call(inputs, training, mask)
        if not learns:
            averages = (ops.cast(average, "float32") for average in (self.moving_mean, self.moving_variance))
            return _normalize(inputs, *self._affine(), self.epsilon, *averages)
        outputs, mean, variance, _ = _normalize_by_itself(inputs, *self._affine(), self.epsilon)
        self._move_averages(mean, variance)
        return outputs

    def call_on_shards(self, shards: list, relu: bool = False) -> list:
        """Normalize the shards of a training batch, (N, height, width, channels) each, by the whole batch's statistics.

        Each shard has ops of its own, which can run in parallel; the gradients are exact, too. With `relu`, ReLU is
        applied to the outputs, directly after normalization, so that TensorFlow fuses the two.
        """
        import tensorflow as tf

        shards = [tf.cast(shard, self.compute_dtype) for shard in shards]
        if not (self.trainable and all(self._is_one_op(shard, True) for shard in shards)):
            whole = self(tf.concat(shards, 0), training=True)
            return tf.split(tf.nn.relu(whole) if relu else whole, [tf.shape(shard)[0] for shard in shards])
        sizes = [_values(shard) for shard in shards]
        shares = [size / tf.add_n(sizes) for size in sizes]
        ones, zeros = tf.ones(self.moving_mean.shape), tf.zeros(self.moving_mean.shape)
        own = [_normalize_by_itself(tf.stop_gradient(shard), ones, zeros, self.epsilon) for shard in shards]
        mean = tf.add_n([share * its for share, (_, its, *_) in zip(shares, own)])
        variance = tf.add_n([share * (var + (its - mean) ** 2) for share, (_, its, var, _) in zip(shares, own)])
        self._move_averages(mean, variance)
        return _normalize_jointly(shards, *self._affine(), self.epsilon, own, sizes, mean, variance, relu)

    def _affine(self) -> tuple[Any, Any]:
        """Return scale and offset, float32."""
        shape = self.moving_mean.shape
        scale = ops.cast(self.gamma, "float32") if self.scale else ops.ones(shape)
        return scale, ops.cast(self.beta, "float32") if self.center else ops.zeros(shape)

    def _move_averages(self, mean, variance):
        for average, value in ((self.moving_mean, mean), (self.moving_variance, variance)):
            average.assign(ops.cast(average, "float32") * self.momentum + value * (1 - self.momentum))

    def _is_one_op(self, inputs, learns):
        """Return whether the fused op computes what Keras's layer would, and is faster."""
        faster = ("float32", "bfloat16", "float16") if learns else ("bfloat16", "float16")
        on_maps = len(inputs.shape) == 4 and self.axis in (-1, 3) and inputs.dtype in faster
        return keras.backend.backend() == "tensorflow" and on_maps and not (self.renorm or self.synchronized)


def _normalize(x, scale, offset, epsilon, mean, variance):
    """Normalize feature maps by a given mean and variance, by TensorFlow's fused op."""
    import tensorflow as tf

    return tf.raw_ops.FusedBatchNormV3(
        x=x, scale=scale, offset=offset, mean=mean, variance=variance, epsilon=epsilon, is_training=False
    ).y


def _normalize_by_itself(x, scale, offset, epsilon):
    """Normalize feature maps by their own statistics; return outputs, mean, variance, and what the gradient needs."""
    import tensorflow as tf

    y, mean, variance, *reserved = tf.raw_ops.FusedBatchNormV3(
        x=x, scale=scale, offset=offset, mean=[], variance=[], epsilon=epsilon, is_training=True
    )
    return y, mean, variance * (1 - 1 / _values(x)), reserved[:3]  # the op's variance is the unbiased one


def _values(x):
    """Return the number of values per channel in a batch of feature maps, float32."""
    import tensorflow as tf

    return tf.cast(tf.size(x, tf.int64) / x.shape[-1], "float32")


def _normalize_jointly(shards, scale, offset, epsilon, own, sizes, mean, variance, relu):
    """Return the shards normalized by the whole batch's `mean` and `variance`, with the exact gradient.

    `own` holds what `_normalize_by_itself` returned for each shard, `sizes` the number of values per channel in it.

    Each shard's gradient is FusedBatchNormGrad with its own statistics, plus a correction a + b * y for the whole
    batch's, where y is the shard normalized by its own statistics. FusedBatchNormGrad subtracts the large sums in
    float32; a and b are small, so that bfloat16 is enough for the correction, which oneDNN computes as one op: a 1x1
    convolution with bias, added to a tensor.
    """
    import tensorflow as tf

    size, deviation = tf.add_n(sizes), tf.sqrt(variance + epsilon)
    shifts = [(its - mean) / deviation for _, its, *_ in own]
    ratios = [tf.sqrt(its + epsilon) / deviation for _, _, its, _ in own]

    @tf.custom_gradient
    def normalize(scale, offset, *shards):
        outputs = [_normalize(shard, scale, offset, epsilon, mean, variance) for shard in shards]
        if relu:
            outputs = [tf.nn.relu(output) for output in outputs]

        def gradient(*dys):
            if relu:
                dys = [tf.raw_ops.ReluGrad(gradients=dy, features=output) for dy, output in zip(dys, outputs)]
            dxs, dscales, doffsets = zip(*(
                _gradient_by_itself(shard, dy, scale * ratio, epsilon, reserved)
                for shard, dy, ratio, (*_, reserved) in zip(shards, dys, ratios, own)
            ))
            dscale = tf.add_n([ratio * one + shift * two
                               for ratio, one, shift, two in zip(ratios, dscales, shifts, doffsets)])
            doffset, each, dshards = tf.add_n(doffsets), scale / deviation, []
            for i, (y, *_) in enumerate(own):
                a = each * (doffsets[i] / sizes[i] - (doffset + dscale * shifts[i]) / size)
                b = each * (dscales[i] / sizes[i] - dscale * ratios[i] / size)
                kernel, bias = tf.cast(tf.linalg.diag(b)[None, None], y.dtype), tf.cast(a, y.dtype)
                dshards.append(tf.nn.bias_add(tf.nn.conv2d(y, kernel, 1, "VALID"), bias) + dxs[i])
            return dscale, doffset, *dshards

        return outputs, gradient

    return normalize(scale, offset, *shards)


def _gradient_by_itself(x, dy, scale, epsilon, reserved):
    """Return the gradients of `_normalize_by_itself` for x, scale and offset, by TensorFlow's op for that."""
    import tensorflow as tf

    reserved = {f"reserve_space_{i}": tensor for i, tensor in enumerate(reserved, 1)}
    return tf.raw_ops.FusedBatchNormGradV3(
        y_backprop=dy, x=x, scale=scale, epsilon=epsilon, is_training=True, **reserved
    )[:3]


@keeps_its_name
class Conv2D(layers.Conv2D):
    """Computes the kernel's gradient as one matrix product per kernel position, where that is faster.

    oneDNN's own gradient takes several times as long in bfloat16 if the kernel is large and the map small: 512 channels
    on 4x4 pixels.
    """

    def call(self, inputs: Any) -> Any:
        if not self._kernel_is_large(inputs):
            return super().call(inputs)
        import tensorflow as tf

        options = {"strides": 1, "padding": self.padding.upper()}

        @tf.custom_gradient
        def convolve(x, kernel, *bias):
            def gradient(dy):
                dx = tf.nn.conv2d_transpose(dy, kernel, tf.shape(x), **options)
                sums = [tf.reduce_sum(dy, (0, 1, 2)) for _ in bias]  # BiasAdd's own gradient adds up in bfloat16
                return dx, _gradient_by_products(x, dy, kernel.shape, self.padding), *sums

            y = tf.nn.conv2d(x, kernel, **options)
            return (tf.nn.bias_add(y, *bias) if bias else y), gradient

        weights = [self.kernel, self.bias] if self.use_bias else [self.kernel]
        return self.activation(convolve(inputs, *map(tf.convert_to_tensor, weights)))

    def _kernel_is_large(self, inputs):
        if keras.backend.backend() != "tensorflow" or keras.distribution.list_devices("gpu"):
            return False
        plain = self.strides == self.dilation_rate == (1, 1) and self.groups == 1
        if not plain or self.data_format != "channels_last" or inputs.dtype != "bfloat16" or None in inputs.shape[1:]:
            return False
        return self.kernel_size == (1, 1) or prod(self.kernel.shape) >= 4096 * prod(inputs.shape[1:3])


def _gradient_by_products(x, dy, shape, padding):
    """Return the gradient of a convolution's kernel, (height, width, channels in, channels out), for stride 1."""
    import tensorflow as tf

    height, width, channels, filters = shape
    rows, columns = dy.shape[1:3]
    if padding == "same":
        x = tf.pad(x, [[0, 0], *([(size - 1) // 2, size // 2] for size in (height, width)), [0, 0]])
    dy = tf.reshape(dy, (-1, filters))
    shifted = [x[:, i : i + rows, j : j + columns] for i in range(height) for j in range(width)]
    products = [tf.matmul(tf.reshape(part, (-1, channels)), dy, transpose_a=True) for part in shifted]
    return tf.reshape(tf.stack(products), shape)


class OneOp:
    """Updates a variable by TensorFlow's fused op for Adam, where Keras needs fourteen ops."""

    def update_step(self: Any, gradient: Any, variable: keras.Variable, learning_rate: Any) -> None:
        if keras.backend.backend() != "tensorflow" or self.amsgrad:
            return super().update_step(gradient, variable, learning_rate)  # type: ignore[misc]
        import tensorflow as tf

        if tf.distribute.has_strategy():
            return super().update_step(gradient, variable, learning_rate)  # type: ignore[misc]
        index, kind = self._get_variable_index(variable), variable.dtype
        step = tf.cast(self.iterations + 1, kind)
        tf.raw_ops.ResourceApplyAdam(
            var=variable.handle, m=self._momentums[index].value.handle, v=self._velocities[index].value.handle,
            beta1_power=tf.cast(self.beta_1, kind) ** step, beta2_power=tf.cast(self.beta_2, kind) ** step,
            lr=tf.cast(learning_rate, kind), beta1=tf.cast(self.beta_1, kind), beta2=tf.cast(self.beta_2, kind),
            epsilon=tf.cast(self.epsilon, kind), grad=tf.cast(gradient, kind),
        )


class Adam(OneOp, optimizers.Adam):
    """Keras's Adam."""


class AdamW(OneOp, optimizers.AdamW):
    """Keras's AdamW."""

"""The layers of the papers that Keras doesn't ship. Backend-neutral: everything is `keras.ops`."""

from collections.abc import Iterable
from math import prod
from typing import Any

import keras
from keras import ops

from zoo.layers.channels import LAST

register = keras.saving.register_keras_serializable(package="zoo")


@register
def scaled_tanh(x: Any) -> Any:
    """1.7159 tanh(2/3 x), LeNet-5's squashing function (LeCun et al. 1998, Appendix A)."""
    return 1.7159 * ops.tanh(x * (2 / 3))


@register
class LeCunRange(keras.initializers.Initializer):
    """Uniform between -2.4 / fan-in and 2.4 / fan-in (LeCun et al. 1998, Appendix A).

    By default `fan_in` is computed from the kernel's shape.
    """

    def __init__(self, fan_in: float | None = None) -> None:
        self.fan_in = fan_in
        self.uniform = keras.initializers.RandomUniform(-1.0, 1.0)

    def __call__(self, shape: tuple, dtype: Any = None) -> Any:
        return self.uniform(shape, dtype) * (2.4 / (self.fan_in or prod(shape[:-1])))

    def get_config(self) -> dict[str, Any]:
        return {"fan_in": self.fan_in}


@register
class Bilinear(keras.initializers.Initializer):
    """Initial kernels that make a transposed convolution a bilinear interpolation of each channel by itself.

    (Long et al. 2014, Section 3.3.) The kernel's shape is (height, width, channels out, channels in).
    """

    def __call__(self, shape: tuple, dtype: Any = None) -> Any:
        tents = []
        for size in shape[:2]:
            step = (size + 1) // 2
            distance = ops.abs(ops.arange(size, dtype="float32") - (size - 1) / 2)
            tents.append(1 - distance / step)
        kernel = tents[0][:, None] * tents[1][None, :]
        return ops.cast(kernel[:, :, None, None] * ops.eye(*shape[2:]), dtype or "float32")


@register
class LocalResponseNormalization(keras.layers.Layer):
    """x / (k + alpha * sum of x^2 over `size` neighbouring channels)^beta (Krizhevsky et al. 2012, Section 3.3).

    Unlike Caffe and PyTorch, and like the paper, alpha isn't divided by `size`.
    """

    def __init__(self, size: int = 5, alpha: float = 1e-4, beta: float = 0.75, k: float = 2.0, **options: Any) -> None:
        super().__init__(**options)
        self.size, self.alpha, self.beta, self.k = size, alpha, beta, k
        self.supports_masking = True

    def build(self, input_shape: tuple) -> None:
        channel = ops.arange(input_shape[-1])
        near = ops.abs(channel[:, None] - channel[None, :]) <= self.size // 2
        self.neighbours = ops.convert_to_numpy(near).astype("float32")

    def call(self, x: Any) -> Any:
        exact = ops.cast(x, "float32")  # the sum of squares overflows in half precision
        total = ops.matmul(ops.square(exact), self.neighbours)
        return ops.cast(exact * ops.power(self.k + self.alpha * total, -self.beta), x.dtype)

    def compute_output_shape(self, input_shape: tuple) -> tuple:
        return input_shape

    def get_config(self) -> dict[str, Any]:
        return super().get_config() | {"size": self.size, "alpha": self.alpha, "beta": self.beta, "k": self.k}


@register
class Subsampling(keras.layers.Layer):
    """The sum of each window times a trainable coefficient, plus a trainable bias; both are per channel.

    (LeCun et al. 1998, Section II.B, layers S2 and S4.) The initial coefficient makes it the mean.
    """

    def __init__(self, size: Iterable[int], activation: Any = None, **options: Any) -> None:
        super().__init__(**options)
        self.size = tuple(size)
        self.activation = keras.activations.get(activation)

    def build(self, input_shape: tuple) -> None:
        channels = input_shape[-1:]
        mean = keras.initializers.Constant(1 / (self.size[0] * self.size[1]))
        self.coefficient = self.add_weight(shape=channels, initializer=mean, name="coefficient")
        self.bias = self.add_weight(shape=channels, initializer="zeros", name="bias")

    def call(self, x: Any) -> Any:
        total = ops.average_pool(x, self.size, self.size, "valid", LAST) * (self.size[0] * self.size[1])
        return self.activation(total * self.coefficient + self.bias)

    def get_config(self) -> dict[str, Any]:
        return super().get_config() | {"size": self.size, "activation": keras.activations.serialize(self.activation)}


@register
class CutPooling(keras.layers.Layer):
    """Pooling whose last windows are cut off at the map's lower and right edge, as in Caffe: padding does not count.

    `rings`, ((top, bottom), (left, right)), is how far the windows extend over the edges; `kind` is "max" or "avg".
    """

    def __init__(self, size: Iterable[int], strides: Iterable[int], rings: Iterable, kind: str = "max",
                 **options: Any) -> None:
        super().__init__(**options)
        self.size, self.strides, self.rings, self.kind = tuple(size), tuple(strides), tuple(map(tuple, rings)), kind

    def call(self, x: Any) -> Any:
        windows = self.size, self.strides, "valid", LAST
        if self.kind == "max":
            return ops.max_pool(self._padded(x, float("-inf")), *windows)
        inside = ops.average_pool(self._padded(ops.ones_like(x[:1, :, :, :1]), 0), *windows)
        return ops.average_pool(self._padded(x, 0), *windows) / inside

    def _padded(self, x, value):
        return ops.pad(x, ((0, 0), *self.rings, (0, 0)), constant_values=value)

    def get_config(self) -> dict[str, Any]:
        return super().get_config() | {
            "size": self.size,
            "strides": self.strides,
            "rings": self.rings,
            "kind": self.kind,
        }


@register
class MaxUnpooling(keras.layers.Layer):
    """Put each value where the maximum of its window was, zeros elsewhere (Badrinarayanan et al. 2015, Figure 3).

    It is called on [pooled, map]: (N, h, w, C) values, and the map (N, H, W, C) that was pooled with windows of
    `size`. Of equal maxima the first counts.
    """

    def __init__(self, size: Iterable[int], **options: Any) -> None:
        super().__init__(**options)
        self.size = tuple(size)

    def call(self, inputs: list) -> Any:
        x, before = inputs
        (_, h, w, channels), (_, height, width, _) = ops.shape(x), ops.shape(before)
        down, across = self.size
        # A pool leaves out rows that fill no window ("valid"), or extends over the map's edge ("same").
        over = ((0, 0), (0, _excess(h * down, height, down)), (0, _excess(w * across, width, across)), (0, 0))
        before = ops.pad(before, over, constant_values=-60000.0)[:, : h * down, : w * across]
        cells = ops.reshape(before, (-1, h, down, w, across, channels))
        cells = ops.reshape(ops.transpose(cells, (0, 1, 3, 5, 2, 4)), (-1, h, w, channels, down * across))
        values = ops.one_hot(ops.argmax(cells, axis=-1), down * across, dtype=x.dtype) * x[..., None]
        values = ops.transpose(ops.reshape(values, (-1, h, w, channels, down, across)), (0, 1, 4, 2, 5, 3))
        values = ops.reshape(values, (-1, h * down, w * across, channels))
        under = ((0, 0), (0, _excess(height, h * down, down)), (0, _excess(width, w * across, across)), (0, 0))
        return ops.pad(values, under)[:, :height, :width]

    def compute_output_shape(self, input_shapes: list) -> tuple:
        return (*input_shapes[1][:3], input_shapes[0][3])

    def get_config(self) -> dict[str, Any]:
        return super().get_config() | {"size": self.size}


def _excess(size, other, window):
    """Return by how much a side is longer than another, by less than a window; of unknown ones the most it can be."""
    return max(size - other, 0) if isinstance(size, int) and isinstance(other, int) else window - 1


@register
class TableConv2D(keras.layers.Layer):
    """A convolution whose filter i sees only the input channels table[i] (LeCun et al. 1998, Table I: layer C3).

    The kernel holds the connected pairs alone, (height, width, connections), in the order of the table.
    """

    def __init__(self, table: Iterable, kernel_size: Iterable[int], strides: Iterable[int] = (1, 1),
                 padding: str = "valid", activation: Any = None, kernel_initializer: Any = "glorot_uniform",
                 **options: Any) -> None:
        super().__init__(**options)
        self.table = tuple(map(tuple, table))
        self.kernel_size, self.strides, self.padding = tuple(kernel_size), tuple(strides), padding
        self.activation = keras.activations.get(activation)
        self.kernel_initializer = keras.initializers.get(kernel_initializer)

    def build(self, input_shape: tuple) -> None:
        channels, filters = input_shape[-1], len(self.table)
        cells = [source * filters + target for target, sources in enumerate(self.table) for source in sources]
        self.place = ops.convert_to_numpy(ops.one_hot(cells, channels * filters, dtype="float32"))
        self.full_shape = (*self.kernel_size, channels, filters)
        shape = (*self.kernel_size, len(cells))
        self.kernel = self.add_weight(shape=shape, initializer=self.kernel_initializer, name="kernel")
        self.bias = self.add_weight(shape=(filters,), initializer="zeros", name="bias")

    def call(self, x: Any) -> Any:
        full = ops.reshape(ops.matmul(self.kernel, ops.cast(self.place, self.kernel.dtype)), self.full_shape)
        full = ops.cast(full, x.dtype)
        return self.activation(ops.conv(x, full, self.strides, self.padding, LAST) + ops.cast(self.bias, x.dtype))

    def get_config(self) -> dict[str, Any]:
        return super().get_config() | {
            "table": self.table,
            "kernel_size": self.kernel_size,
            "strides": self.strides,
            "padding": self.padding,
            "activation": keras.activations.serialize(self.activation),
            "kernel_initializer": keras.initializers.serialize(self.kernel_initializer),
        }


@register
class RBF(keras.layers.Layer):
    """Minus the squared distance of the input to each fixed code (LeCun et al. 1998, Equation 7).

    With a softmax its cross-entropy is the paper's Equation 9 without the rubbish class (j to infinity).
    """

    def __init__(self, codes: Iterable, **options: Any) -> None:
        super().__init__(**options)
        self.codes = tuple(map(tuple, codes))

    def build(self, input_shape: tuple) -> None:
        shape = (input_shape[-1], len(self.codes))
        codes = ops.transpose(ops.convert_to_tensor(self.codes, "float32"))
        self.centers = self.add_weight(
            shape=shape, initializer=lambda shape, dtype: ops.cast(codes, dtype), trainable=False, name="centers"
        )

    def call(self, x: Any) -> Any:
        x = ops.cast(x, "float32")[:, :, None]  # distances of about 84 lose precision in bfloat16
        return -ops.sum(ops.square(x - ops.cast(self.centers, "float32")), axis=1)

    def compute_output_spec(self, inputs: keras.KerasTensor) -> keras.KerasTensor:
        return keras.KerasTensor((inputs.shape[0], len(self.codes)), "float32")

    def get_config(self) -> dict[str, Any]:
        return super().get_config() | {"codes": self.codes}

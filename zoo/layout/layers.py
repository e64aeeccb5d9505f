"""What a trace lists: the layers to build, and the signals that flow between them."""

from typing import Any, NamedTuple

from zoo.layout import windows, words
from zoo.layout.windows import Grid, pair, sides


class Signal(NamedTuple):
    """A layer's output: that layer's name (`source`), its shape, and how it lies on the image.

    `shape` is (height, width, channels) of a map, None for a side that is open, or (units,) of a vector; `grid` is None
    for a vector.
    """

    source: str
    shape: tuple
    grid: Grid | None = None

    @property
    def is_map(self) -> bool:
        return len(self.shape) == 3

    @property
    def stride(self) -> tuple | None:
        """Pixels of the image between neighbouring values: (vertical, horizontal); None for a vector."""
        return self.grid and self.grid.stride

    @property
    def receptive_field(self) -> tuple | None:
        """The (height, width), in pixels of the image, that a value depends on; None for a vector: all of it."""
        return self.grid and self.grid.receptive_field


class Layer(NamedTuple):
    """One layer to build: its word, the names of its inputs, its output and its cost; `norm` is a layer of its own.

    `input_shape` is that of the first input. `params` counts what Keras counts, BatchNorm's moving statistics
    included; `macs` are the multiply-adds of convolution and dense layers for one image, None if they depend on sides
    that are open.
    """

    name: str
    word: words.Word
    inputs: tuple
    input_shape: tuple
    output: Signal
    params: int = 0
    trainable_params: int = 0
    macs: int | None = 0

    @property
    def kind(self) -> str:
        """The name of its word's class, such as "Conv"."""
        return type(self.word).__name__

    @property
    def padding(self) -> tuple[str, tuple | None]:
        """The Keras layer's `padding`, and the explicit padding of its input, ((top, bottom), (left, right)), or None.

        Keras's pools leave "same" padding out of the maximum or mean, as "ceil" does; a pool's explicit zeros count.
        """
        padding = getattr(self.word, "padding", "valid")
        if padding in ("same", "valid"):
            return padding, None
        explicit, may_leave_out = self._pad_widths(padding), padding == "ceil" or not isinstance(self.word, words.Pool)
        if may_leave_out and explicit == self._pad_widths("same"):
            return "same", None
        return "valid", explicit if any(map(any, explicit)) else None

    @property
    def pad_widths(self: Any) -> tuple:
        """The pixels that its padding, of any kind, adds to its input's sides: ((top, bottom), (left, right)).

        Along an open side they are None where they depend on it (see `windows.pad_width`).
        """
        return self._pad_widths(self.word.padding)

    @property
    def zeros(self: Any) -> tuple[int, int]:
        """How many channels of zeros a `PadChannels` puts before its input's own and after them."""
        added = self.output.shape[-1] - self.input_shape[-1]
        before = added // 2 if self.word.zeros == "both" else 0
        return before, added - before

    def _pad_widths(self, padding):
        if not isinstance(padding, str):
            return sides(padding)
        window = pair(self.word.size if isinstance(self.word, words.Pool) else self.word.kernel)
        stride = pair(self.word.stride or window)
        dilation = pair(getattr(self.word, "dilation", 1))
        return tuple(map(windows.pad_width, self.input_shape, window, stride, (padding, padding), dilation))


# ---------------------------------------------------------------------------------------- words that only a trace makes


class CropToImage(words.Word):
    """What a trace makes of `Crop("image")` where sides of the image are open: its second input is the image.

    `start` is the (row, column) at which the map reaches the image.
    """

    start: tuple


class CropToOverlap(words.Word):
    """What a trace makes of `crop=True` where sides are open: crop the last input to what all inputs cover.

    `starts` are the (row, column) at which that starts in each of them.
    """

    starts: tuple

"""The arithmetic of sliding windows: output sizes, padding, strides, receptive fields, positions on the image.

`zoo.layout.words` explains the paddings "same", "valid" and "ceil"; `zoo.layout.trace` calls these functions.
"""

from functools import cache
from typing import Any, NamedTuple

from zoo.errors import ZooError


class OutOfPixels(ZooError):
    """A window is larger than the map that it should slide over, or a crop leaves nothing of it."""


class Grid(NamedTuple):
    """How a feature map lies on the image; each field is a (height, width) pair, in pixels of the image.

    Neighbouring values of the map are `stride` pixels apart, each depends on `receptive_field` pixels, and the
    receptive field of the first value is centred at `origin` (0 is the image's first pixel; padding can make it
    negative).
    """

    stride: tuple
    receptive_field: tuple
    origin: tuple


IMAGE = Grid((1, 1), (1, 1), (0, 0))


def pair(value: int | tuple) -> tuple[int, int]:
    """Return an int, or a (height, width) pair, as a pair."""
    return (value, value) if isinstance(value, int) else tuple(value)


def sides(padding: int | tuple) -> tuple[tuple[int, int], tuple[int, int]]:
    """Return explicit padding, in any of the forms that words take, as ((top, bottom), (left, right))."""
    if isinstance(padding, int):
        return (padding, padding), (padding, padding)
    if len(padding) == 2:
        vertical, horizontal = padding
        return (vertical, vertical), (horizontal, horizontal)
    top, bottom, left, right = padding
    return (top, bottom), (left, right)


def out_size(size: int, window: int, stride: int, padding: Any, dilation: int = 1) -> int:
    """Return the output size along one axis; `window` is the kernel's size, `padding` a name or (before, after)."""
    if padding == "same":
        return -(-size // stride)
    if padding == "ceil":
        out = max(-(-(size - dilation * (window - 1) - 1) // stride) + 1, 0)
        return out - ((out - 1) * stride >= size)
    before, after = (0, 0) if padding == "valid" else padding
    return (size + before + after - dilation * (window - 1) - 1) // stride + 1


def pad_width(size: int, window: int, stride: int, padding: Any, dilation: int = 1) -> tuple[int, int]:
    """Return the pixels (before, after) that a padding adds along one axis. Arguments as in `out_size`."""
    if padding == "valid":
        return 0, 0
    if not isinstance(padding, str):
        return padding
    out = out_size(size, window, stride, padding, dilation)
    total = max((out - 1) * stride + dilation * (window - 1) + 1 - size, 0)
    return (total // 2, total - total // 2) if padding == "same" else (0, total)


def slide(name: str, shape: tuple, grid: Grid, window: int | tuple, stride: int | tuple, padding: str | int | tuple,
          dilation: int | tuple = 1) -> tuple[tuple, Grid]:
    """Return a map's (height, width) and `Grid` after a convolution or a pool. Raises `OutOfPixels`."""
    window, stride, dilation = pair(window), pair(stride), pair(dilation)
    if max(stride) > 1 and max(dilation) > 1:
        raise ZooError(f"{name} has a stride and a dilation, and Keras has no layer with both.")
    padding = (padding, padding) if isinstance(padding, str) else sides(padding)
    down, across = map(_along, shape, window, stride, padding, dilation, grid.stride, grid.receptive_field, grid.origin)
    size, *places = zip(down, across)
    if min(size) < 1:
        dilated = " (dilated)" if max(dilation) > 1 else ""
        raise OutOfPixels(
            f"{name} ran out of pixels: its {_by(window)} window{dilated} doesn't fit on a {_by(shape[:2])} map"
        )
    return size, Grid(*places)


@cache
def _along(size, window, stride, padding, dilation, step, seen, origin):
    """Return, along one axis, the output size, and `Grid`'s stride, receptive field and origin at the output."""
    reach = dilation * (window - 1)
    before = pad_width(size, window, stride, padding, dilation)[0]
    return (
        out_size(size, window, stride, padding, dilation),
        step * stride,
        seen + reach * step,
        origin + (reach / 2 - before) * step,
    )


def spread(name: str, shape: tuple, grid: Grid, window: int | tuple, stride: int | tuple,
           padding: str) -> tuple[tuple, Grid]:
    """Return a map's (height, width) and `Grid` after a transposed convolution."""
    window, stride = pair(window), pair(stride)
    if any(w < s for w, s in zip(window, stride)):
        raise ZooError(f"{name} leaves gaps: its {_by(window)} kernel is smaller than its stride.")
    cut = [w - s if padding == "same" else 0 for w, s in zip(window, stride)]
    size = tuple((n - 1) * s + w - c for n, s, w, c in zip(shape, stride, window, cut))
    finer = tuple(_divide(a, b) for a, b in zip(grid.stride, stride))
    sources = [-(-w // s) - 1 for w, s in zip(window, stride)]  # input values that reach one output value, less one
    return size, Grid(
        finer,
        tuple(r + n * s for r, n, s in zip(grid.receptive_field, sources, grid.stride)),
        tuple(o - ((w - 1) / 2 - c // 2) * f for o, w, c, f in zip(grid.origin, window, cut, finer)),
    )


def enlarge(shape: tuple, grid: Grid, times: int | tuple, interpolation: str) -> tuple[tuple, Grid]:
    """Return a map's (height, width) and `Grid` after upsampling by `times`, "nearest" or "bilinear"."""
    times = pair(times)
    finer = tuple(_divide(a, b) for a, b in zip(grid.stride, times))
    seen = grid.receptive_field
    if interpolation == "bilinear":
        seen = tuple(r + s for r, s in zip(seen, grid.stride))
    origin = tuple(o - (k - 1) / 2 * f for o, k, f in zip(grid.origin, times, finer))
    return tuple(n * k for n, k in zip(shape, times)), Grid(finer, seen, origin)


def cut(name: str, shape: tuple, grid: Grid, border: tuple) -> tuple[tuple, Grid]:
    """Return a map's (height, width) and `Grid` after cropping `border`, which is ((top, bottom), (left, right))."""
    size = tuple(n - a - b for n, (a, b) in zip(shape, border))
    if min(size) < 1:
        raise OutOfPixels(f"{name} ran out of pixels: it would cut all of a {_by(shape[:2])} map")
    origin = tuple(o + a * s for o, (a, _), s in zip(grid.origin, border, grid.stride))
    return size, grid._replace(origin=origin)


def borders(shapes: list[tuple], grids: list[Grid]) -> list[tuple]:
    """Return what to crop from each of several maps of one stride, so that all cover the same part of the image.

    Each border is (top, bottom, left, right), as a `Crop` takes it.
    """
    cuts = []
    for axis in (0, 1):
        stride = grids[0].stride[axis]
        first = max(grid.origin[axis] for grid in grids)
        before = [round((first - grid.origin[axis]) / stride) for grid in grids]
        common = min(shape[axis] - b for shape, b in zip(shapes, before))
        cuts.append([(b, shape[axis] - b - common) for shape, b in zip(shapes, before)])
    return [vertical + horizontal for vertical, horizontal in zip(*cuts)]


def outside(name: str, shape: tuple, grid: Grid, image: tuple) -> tuple:
    """Return (top, bottom, left, right), what a map of stride 1 has outside an image of that (height, width)."""
    if grid.stride != (1, 1):
        raise ZooError(f"{name} can't cut a map to the image: its stride is {_by(grid.stride)}, not 1.")
    if any(n < whole for n, whole in zip(shape[:2], image[:2])):
        raise ZooError(f"{name} can't cut a map to the image: {_by(shape[:2])} is smaller than {_by(image[:2])}.")
    before = [min(max(round(-o), 0), n - whole) for o, n, whole in zip(grid.origin, shape, image)]
    return tuple(side for b, n, whole in zip(before, shape, image) for side in (b, n - whole - b))


def _divide(a, b):
    return a // b if a % b == 0 else a / b


def _by(two):
    return f"{two[0]}x{two[1]}"

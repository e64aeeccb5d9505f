"""The arithmetic of sliding windows: output sizes, padding, strides, receptive fields, positions on the image.

`zoo.layout.words` explains the paddings "same", "valid" and "ceil"; `zoo.layout.trace` calls these functions.

A side of the image may be open: None, any size. The sizes of maps are None along it then, strides and receptive fields
are what they always are, and so is an origin unless "same" padding makes it depend on the size.
"""

from functools import cache
from math import prod
from typing import Any, NamedTuple

from zoo.errors import ZooError


class OutOfPixels(ZooError):
    """A window is larger than the map that it should slide over, or a crop leaves nothing of it."""


class OpenSides(ZooError):
    """A layer needs a map's height and width to be known, and they aren't."""


class Grid(NamedTuple):
    """How a feature map lies on the image; each field is a (height, width) pair, in pixels of the image.

    Neighbouring values of the map are `stride` pixels apart, each depends on `receptive_field` pixels, and the
    receptive field of the first value is centred at `origin` (0 is the image's first pixel; padding can make it
    negative; None where it depends on a size that isn't known).
    """

    stride: tuple
    receptive_field: tuple
    origin: tuple


IMAGE = Grid((1, 1), (1, 1), (0, 0))
MOVING = 'where a map starts depends on the sides of the image, by "same" padding'


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


def _runs_out(size):
    return any(n is not None and n < 1 for n in size)


def is_open(shape: tuple) -> bool:
    """Return whether a map's height or width isn't known."""
    return None in shape


def area(shape: tuple) -> int | None:
    """Return the number of positions of a map, (height, width, …); None if a side isn't known."""
    return None if is_open(shape[:2]) else prod(shape[:2])


def out_size(size: int | None, window: int, stride: int, padding: Any, dilation: int = 1) -> int | None:
    """Return the output size along one axis; `window` is the kernel's size, `padding` a name or (before, after)."""
    if size is None:
        return None
    if padding == "same":
        return -(-size // stride)
    if padding == "ceil":
        out = max(-(-(size - dilation * (window - 1) - 1) // stride) + 1, 0)
        return out - ((out - 1) * stride >= size)
    before, after = (0, 0) if padding == "valid" else padding
    return (size + before + after - dilation * (window - 1) - 1) // stride + 1


def pad_width(size: int | None, window: int, stride: int, padding: Any,
              dilation: int = 1) -> tuple[int | None, int | None]:
    """Return the pixels (before, after) that a padding adds along one axis. Arguments as in `out_size`.

    Of an unknown size "same" padding may depend: None then. "ceil" is given as much as any size needs: where it is more
    than this one does, it is less than another step of the window, which leaves it out.
    """
    if padding == "valid":
        return 0, 0
    if not isinstance(padding, str):
        return padding
    reach = dilation * (window - 1)
    if size is None and padding == "ceil":
        return 0, min(stride, reach + 1) - 1
    if size is None:
        before, after = map(set, zip(*(_same(reach + 1 - stride + rest) for rest in range(stride))))
        return before.pop() if len(before) == 1 else None, after.pop() if len(after) == 1 else None
    out: Any = out_size(size, window, stride, padding, dilation)
    total = (out - 1) * stride + reach + 1 - size
    return _same(total) if padding == "same" else (0, max(total, 0))


def _same(total):
    """Return pixels, none if there are less, as "same" padding puts them: an odd one at the end."""
    return max(total, 0) // 2, (max(total, 0) + 1) // 2


def slide(name: str, shape: tuple, grid: Grid, window: int | tuple, stride: int | tuple, padding: str | int | tuple,
          dilation: int | tuple = 1) -> tuple[tuple, Grid]:
    """Return a map's (height, width) and `Grid` after a convolution or a pool. Raises `OutOfPixels`."""
    window, stride, dilation = pair(window), pair(stride), pair(dilation)
    if max(stride) > 1 and max(dilation) > 1:
        raise ZooError(f"{name} has a stride and a dilation, and Keras has no layer with both.")
    padding = (padding, padding) if isinstance(padding, str) else sides(padding)
    down, across = map(_along, shape, window, stride, padding, dilation, grid.stride, grid.receptive_field, grid.origin)
    size, *places = zip(down, across)
    if _runs_out(size):
        dilated = " (dilated)" if max(dilation) > 1 else ""
        raise OutOfPixels(
            f"{name} ran out of pixels: its {by(window)} window{dilated} doesn't fit on a {by(shape[:2])} map"
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
        None if before is None else _moved(origin, (reach / 2 - before) * step),
    )


def _moved(origin, by):
    return None if origin is None else origin + by


def spread(name: str, shape: tuple, grid: Grid, window: int | tuple, stride: int | tuple,
           padding: str) -> tuple[tuple, Grid]:
    """Return a map's (height, width) and `Grid` after a transposed convolution."""
    window, stride = pair(window), pair(stride)
    if any(w < s for w, s in zip(window, stride)):
        raise ZooError(f"{name} leaves gaps: its {by(window)} kernel is smaller than its stride.")
    cut = [w - s if padding == "same" else 0 for w, s in zip(window, stride)]
    size = tuple(n and (n - 1) * s + w - c for n, s, w, c in zip(shape, stride, window, cut))
    finer = tuple(_divide(a, b) for a, b in zip(grid.stride, stride))
    sources = [-(-w // s) - 1 for w, s in zip(window, stride)]  # input values that reach one output value, less one
    return size, Grid(
        finer,
        tuple(r + n * s for r, n, s in zip(grid.receptive_field, sources, grid.stride)),
        tuple(_moved(o, -((w - 1) / 2 - c // 2) * f) for o, w, c, f in zip(grid.origin, window, cut, finer)),
    )


def enlarge(shape: tuple, grid: Grid, times: int | tuple, interpolation: str) -> tuple[tuple, Grid]:
    """Return a map's (height, width) and `Grid` after upsampling by `times`, "nearest" or "bilinear"."""
    times = pair(times)
    finer = tuple(_divide(a, b) for a, b in zip(grid.stride, times))
    seen = grid.receptive_field
    if interpolation == "bilinear":
        seen = tuple(r + s for r, s in zip(seen, grid.stride))
    origin = tuple(_moved(o, -(k - 1) / 2 * f) for o, k, f in zip(grid.origin, times, finer))
    return tuple(n and n * k for n, k in zip(shape, times)), Grid(finer, seen, origin)


def cut(name: str, shape: tuple, grid: Grid, border: tuple) -> tuple[tuple, Grid]:
    """Return a map's (height, width) and `Grid` after cropping `border`, which is ((top, bottom), (left, right))."""
    size = tuple(n and n - a - b for n, (a, b) in zip(shape, border))
    if _runs_out(size):
        raise OutOfPixels(f"{name} ran out of pixels: it would cut all of a {by(shape[:2])} map")
    return size, from_start(grid, tuple(before for before, _ in border))


def from_start(grid: Grid, start: tuple) -> Grid:
    """Return the `Grid` of a map's part from a (row, column) on."""
    return grid._replace(origin=tuple(_moved(o, n * s) for o, n, s in zip(grid.origin, start, grid.stride)))


def overlap(name: str, shapes: list[tuple], grids: list[Grid]) -> tuple[list[tuple], tuple]:
    """Return where the part of the image that several maps of one stride cover starts in each, and its size.

    The starts are (row, column), the size is (height, width), in values of a map. Raises `OpenSides` if sides that
    aren't known move the maps, and `OutOfPixels` if they cover nothing together.
    """
    if any(None in grid.origin for grid in grids):
        raise OpenSides(f"{name} can't crop: {MOVING}")
    firsts = [max(places) for places in zip(*(grid.origin for grid in grids))]
    starts = [tuple(round((first - o) / s) for first, o, s in zip(firsts, grid.origin, grid.stride)) for grid in grids]
    size = tuple(None if None in sides else min(n - start for n, start in zip(sides, begins))
                 for sides, begins in zip(zip(*(shape[:2] for shape in shapes)), zip(*starts)))
    if _runs_out(size):
        raise OutOfPixels(f"{name} ran out of pixels: its maps, {', '.join(map(by, shapes))}, have none in common")
    return starts, size


def borders(shapes: list[tuple], starts: list[tuple], size: tuple) -> list[tuple]:
    """Return what to crop from each of several maps, of known sides, to leave `size` from each one's start on.

    Each border is (top, bottom, left, right), as a `Crop` takes it.
    """
    return [tuple(side for n, start, kept in zip(shape, begins, size) for side in (start, n - start - kept))
            for shape, begins in zip(shapes, starts)]


def outside(name: str, shape: tuple, grid: Grid, image: tuple) -> tuple:
    """Return (top, bottom, left, right), what a map of stride 1 has outside an image of that (height, width)."""
    starts = inside(name, grid)
    if any(n < whole for n, whole in zip(shape[:2], image[:2])):
        raise ZooError(f"{name} can't cut a map to the image: {by(shape[:2])} is smaller than {by(image[:2])}.")
    before = [min(start, n - whole) for start, n, whole in zip(starts, shape, image)]
    return tuple(side for b, n, whole in zip(before, shape, image) for side in (b, n - whole - b))


def covered(shape: tuple, grid: Grid, image: tuple) -> tuple:
    """Return (top, left): where on an image a map of stride 1 begins that is as large as the image, or smaller.

    An origin that isn't known counts as 0.
    """
    starts = [max(round(o or 0), 0) for o in grid.origin]
    return tuple(
        start if None in (n, whole) else min(start, whole - n) for start, n, whole in zip(starts, shape, image)
    )


def inside(name: str, grid: Grid) -> tuple[int, int]:
    """Return the (row, column) at which a map of stride 1 reaches the image."""
    if grid.stride != (1, 1):
        raise ZooError(f"{name} can't cut a map to the image: its stride is {by(grid.stride)}, not 1.")
    if None in grid.origin:
        raise OpenSides(f"{name} can't cut a map to the image: {MOVING}")
    down, across = (max(round(-o), 0) for o in grid.origin)
    return down, across


def by(shape: tuple) -> str:
    """Return a shape for a sentence: "32x48x3", and "?" for a side that isn't known."""
    return "x".join("?" if n is None else str(n) for n in shape)


def _divide(a, b):
    return a // b if a % b == 0 else a / b

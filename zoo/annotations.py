"""The types that signatures of several rooms share."""

from os import PathLike

Shape = tuple[int, int, int]  # height, width, channels
InputShape = tuple[int | None, int | None, int]  # the same, of a net: a side is None where it takes images of any
ImageShape = tuple[int | None, int | None, int | None]  # the same, open where None stands
Size = tuple[int, int]  # height, width
StrPath = str | PathLike[str]

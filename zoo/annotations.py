"""The types that signatures of several rooms share."""

from os import PathLike

Shape = tuple[int, int, int]  # height, width, channels
ImageShape = tuple[int | None, int | None, int | None]  # the same, open where None stands
Size = tuple[int, int]  # height, width
StrPath = str | PathLike[str]

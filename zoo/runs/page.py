"""What pages are made of: figures in light and dark mode, thumbnails, templates; a page needs no other file."""

import io
from base64 import b64encode
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
from jinja2 import Environment, PackageLoader
from matplotlib import rc_context
from matplotlib.figure import Figure
from PIL import Image, ImageOps

from zoo import names
from zoo.runs.sparing import can_do_without

DARK = {"text.color": "#e6e6e6", "axes.labelcolor": "#e6e6e6", "axes.edgecolor": "#8a8a8a", "xtick.color": "#e6e6e6",
        "ytick.color": "#e6e6e6", "axes.facecolor": "#16181d", "figure.facecolor": "#16181d",
        "savefig.facecolor": "#16181d", "grid.color": "#3a3d44"}


def render(template: str, **facts: Any) -> str:
    """Render one of zoo/runs/templates with the facts; return HTML that can be encoded as UTF-8."""
    environment = Environment(loader=PackageLoader("zoo.runs"), autoescape=True)
    return names.text(environment.get_template(template).render(facts))


def png(draw: Callable[[], Figure], style: dict[Any, Any] | None = None) -> bytes:
    """Return the PNG of the figure that `draw()` returns, drawn with the rcParams `style`."""
    buffer = io.BytesIO()
    with rc_context(style or {}):
        draw().savefig(buffer, format="png", dpi=150)
    return buffer.getvalue()


def write_figure(path: Path, draw: Callable[[], Figure]) -> dict[str, str] | None:
    """Write the figure that `draw()` returns as a PNG; return its "light" and "dark" data URIs for the macro `figure`.

    If it can't be drawn or written, issue a `ZooWarning` and return None.
    """
    with can_do_without(path.name):
        light = png(draw)
        path.write_bytes(light)
        return {"light": _inline(light), "dark": _inline(png(draw, DARK))}


def picture(pixels: np.ndarray, side: int, reduced: Image.Resampling = Image.Resampling.BICUBIC) -> str:
    """Return an image (height, width, 1 or 3), uint8, as a data URI of at most side x side pixels.

    A smaller one is enlarged by an integer factor, so that its pixels stay squares; a larger one is reduced so that,
    with `reduced` NEAREST, its colours stay.
    """
    image = Image.fromarray(pixels[..., 0] if pixels.shape[-1] == 1 else pixels)
    image = ImageOps.scale(image, max(1, side // max(image.size)), Image.Resampling.NEAREST)
    image.thumbnail((side, side), reduced)
    buffer = io.BytesIO()
    image.save(buffer, "png")
    return _inline(buffer.getvalue())


def _inline(content):
    return f"data:image/png;base64,{b64encode(content).decode()}"

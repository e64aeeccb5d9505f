"""A traced network -> its maps drawn to scale, left to right, as the papers draw them."""

from math import log2

from matplotlib.figure import Figure
from matplotlib.patches import Rectangle

from zoo.errors import ZooError
from zoo.layout import words
from zoo.layout.trace import Trace

KINDS = {  # colours of Okabe and Ito, which colour-blind readers can tell apart
    "image": ("#999999", ()),
    "convolution": ("#0072b2", (words.Conv, words.DepthwiseConv, words.TableConv)),
    "pooling": ("#e69f00", (words.Pool, words.Subsample, words.GlobalPool)),
    "other": ("#56b4e9", (words.Add, words.Concat, words.Upsample)),
    "dense": ("#009e73", (words.Dense, words.RBF)),
}
INK = "#777777"  # grey that reads on white and on black


def draw_network(traced: Trace, title: str | None = None) -> Figure:
    """Draw a `Trace` as a matplotlib `Figure` with a transparent background.

    A map's box is as high as the map (its square root, so that small maps stay visible), as wide as the logarithm of
    its channels, and labelled height x width x channels; a vector is a bar.
    """
    if None in traced.input_shape:
        raise ZooError("Maps are drawn to scale, so the sides of the image have to be known: give a fixed input shape.")
    drawn = [("image", traced.input_shape, "image")]
    for layer in traced.layers:
        kind = next((kind for kind, (_, classes) in KINDS.items() if isinstance(layer.word, classes)), None)
        if kind:
            drawn.append((layer.name, layer.output.shape, kind))
    many = len(drawn) > 14  # then the labels stand upright
    figure = Figure(figsize=(max(8, 0.75 * len(drawn)), 4.2 if many else 3.4), layout="constrained", facecolor="none")
    axes = figure.subplots()
    axes.set_axis_off()
    tallest = max(_size(shape)[1] for _, shape, _ in drawn)
    left = 0.0
    for name, shape, kind in drawn:
        width, height = _size(shape)
        axes.add_patch(Rectangle((left, -height / 2), width, height, color=KINDS[kind][0], alpha=0.85, linewidth=0))
        centre = left + width / 2
        text: dict = dict(ha="center", color=INK, fontsize=8, rotation=90 if many else 0)
        axes.text(centre, tallest * 0.56, name, va="bottom", **text)
        axes.text(centre, -tallest * 0.56, "x".join(map(str, shape)), va="top", **text)
        left += max(width, 1.0) + 0.9
    axes.set_xlim(-0.5, left)
    axes.set_ylim(*(side * tallest * (0.95 if many else 0.72) for side in (-1, 1)))
    used = {kind for *_, kind in drawn}
    handles = [Rectangle((0, 0), 1, 1, color=colour, label=kind) for kind, (colour, _) in KINDS.items() if kind in used]
    axes.legend(handles=handles, loc="lower center", bbox_to_anchor=(0.5, -0.12), ncols=len(handles), frameon=False,
                labelcolor=INK, fontsize=8)
    if title:
        axes.set_title(title, color=INK)
    return figure


def _size(shape):
    """Return the width and height of the box of a map or vector of that shape."""
    if len(shape) == 1:
        return 0.35, log2(shape[0] + 1) / 2
    return 0.3 + log2(shape[2]) / 4, shape[0] ** 0.5

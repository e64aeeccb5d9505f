"""Which nets of keras.applications, torchvision and timm have the weights of which net of the zoo: docs/weights.md."""

from dataclasses import dataclass, field

from zoo import registry
from zoo.weights.conventions import CONVENTIONS, have_same_shapes, is_ours

LIBRARIES = ("keras.applications", "torchvision", "timm")


@dataclass(frozen=True)
class Source:
    """A library's net: the zoo's net that computes the same with `options`, or None; then `differs` says why."""

    net: str
    here: str | None
    options: dict = field(default_factory=dict)
    differs: str = ""


def sources(name: str) -> dict[str, list[Source]]:
    """Return {library: its nets whose weights have the shapes of the registered net's}, of the same function or not.

    A scale of BatchNorm more or less counts as the same shape. A library without such a net has an empty list.
    """
    found: dict[str, list[Source]] = {library: [] for library in LIBRARIES}
    for other, builder in registry.with_weights("imagenet").items():
        if have_same_shapes(other, name):
            found["keras.applications"].append(Source(builder, other))
    for convention in CONVENTIONS:
        for net in convention.nets:
            if name in net.like or (net.here and have_same_shapes(net.here, name)):
                for library in found.keys() & set(convention.whose):
                    found[library].append(Source(net.name, net.here, net.options, net.differs))
    return found


def form_of(name: str | None, published: dict[str, str]) -> str:
    """Return a sentence that names the net among the `published` that is another form of `name`; "" if none is."""
    form = next((other for other in published if name and is_ours(name) and have_same_shapes(other, name)), None)
    return f" The form of it that has is {form}." if form else ""

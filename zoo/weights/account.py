"""What loading weights took, what it left aside, and what is new."""

from dataclasses import dataclass

FIRST, MANY = 3, 6  # names that are listed of more than so many


@dataclass(frozen=True)
class Account:
    """What became of the layers with weights; `str` gives it in one line.

    Attributes:
        source: where the weights come from: a file's name, "imagenet" or "torchvision".
        body: (taken, all) layers of the net's body; of the whole net, where nothing is known of a head.
        head: (taken, all) layers of its head; (0, 0) without one.
        new: the names of the layers that keep their initial weights, the body's first.
        left: the names of the source's layers that weren't taken.
        classes: the number of classes of a net with a head.
        doubt: why the weights may still belong to another function, as the end of a sentence on the source; "" if the
            source shows that they don't.
        preparation: the layers that prepare the source's images before the net gets them, "" for none.
        change: what was done to the source's layers to make them fit, "" if they were taken as they are.
    """

    source: str
    body: tuple[int, int]
    head: tuple[int, int] = (0, 0)
    new: tuple[str, ...] = ()
    left: tuple[str, ...] = ()
    classes: int | None = None
    doubt: str = ""
    preparation: str = ""
    change: str = ""

    def __str__(self) -> str:
        layers = "body: {} of {} layers".format(*self.body) if self.head[1] or self.left or self.new else (
            "{} of {} layers".format(*self.body))
        source = f"{self.source}, {self.change}" if self.change else self.source
        of_body = self.new[: self.body[1] - self.body[0]]
        new = f"; new: {_listed(of_body)}" if of_body else ""
        if not self.head[1]:
            return f"{layers} from {source}{new}{'; head: left aside' if self.left else ''}"
        if not self.head[0]:
            return f"{layers} from {source}{new}; head: new, {self.classes} classes"
        layers += ", head: {} of {} layers".format(*self.head)
        new = f"; new: {_listed(self.new)} ({self.classes} classes)" if self.new else ""
        return f"{layers} from {source}{new}"


def _listed(names):
    """Return names in a row, of many only the first."""
    return ", ".join(names) if len(names) <= MANY else f"{', '.join(names[:FIRST])} and {len(names) - FIRST} others"

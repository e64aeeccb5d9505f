"""Images that are nearly black by what their files call white: it is said, for a lower value may be white in them."""

from zoo.data.images import read_image
from zoo.data.transparency import spread
from zoo.names import line

LIMITS = {8: 16, 16: 64}  # of 255: what 4 bits in 8 reach at most, and 14 bits in 16


def notes_on(paths, heads):
    """Return a sentence for the image files of 8 bits, and one for those of more, where the brightest is nearly black.

    `heads` are the files' (`zoo.data.images.Head`). Files that don't tell what is white are left to `zoo.data.ranges`.
    At most a hundred of a kind are decoded, and one alone if that is bright.
    """
    notes = []
    for bits, limit in LIMITS.items():
        kind = [path for path, head in zip(paths, heads) if head.white and (head.white == 255) == (bits == 8)]
        brightest = 0
        for path in spread(kind):
            brightest = max(brightest, read_image(path).max())
            if brightest > limit:
                break
        if 0 < brightest <= limit:
            notes.append(
                f"The images of {bits} bits are nearly black, as {line(kind[0])}: of those that were looked at, none "
                f"is above {brightest / 255:.0%} of white. If a lower value is white in them, as 4095 may be in 16 "
                "bits, stretch them to the whole range."
            )
    return notes

"""A note on images that are nearly black relative to their files' white, as masks of 0 and 1 are."""

from collections.abc import Callable, Sequence

EXAMPLES = {8: "1 may in a mask", 16: "4095 may in files of 16 bits"}
LIMITS = {8: 16 / 255, 16: 1 / 4}  # shares of white: allow for 0..16 in 8 bits, 14 bits in 16


def notes_on(peaks: Sequence[float | None], bits: int, name_of: Callable[[int], str]) -> list[str]:
    """Return a list of one note on the images, among those sampled, that are dark; an empty list if none is.

    `peaks` holds the brightest value of each as a share of white, None if unknown; `bits` is the bit depth, 8 or 16;
    `name_of(index)` names an image.
    """
    dark = {index: peak for index, peak in enumerate(peaks) if peak is not None and peak <= LIMITS[bits]}
    if not dark:
        return []
    most, name = max(dark.values()), name_of(min(dark))
    which = f"{len(dark)} of {len(peaks)} images of {bits} bits that were looked at are"
    which = f"{which} nearly black, as {name}" if len(peaks) > 1 else f"{name} is nearly black"
    if not most:
        return [f"{which}: every pixel is 0."]
    return [
        f"{which}: no pixel is above 1/{int(1 / most)} of white. If a lower value means white, as "
        f"{EXAMPLES[bits]}, stretch the values to the whole range."
    ]

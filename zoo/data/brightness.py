"""Images that are nearly black by what their files call white: it is said, for a lower value may be white in them."""

from collections.abc import Callable, Sequence

LIMITS = {8: 16 / 255, 16: 1 / 4}  # of white: what 4 bits in 8 reach at most, and 14 bits in 16


def notes_on(peaks: Sequence[float | None], bits: int, name_of: Callable[[int], str]) -> list[str]:
    """Return the sentence, in a list that is empty if there is none, on those of the images looked at that are dark.

    `peaks` holds the brightest value of each as a share of white, None where it isn't known; `bits` is 8 or 16;
    `name_of(place)` names one of them.
    """
    dark = {place: peak for place, peak in enumerate(peaks) if peak is not None and peak <= LIMITS[bits]}
    if not dark:
        return []
    most = max(dark.values())
    how = f"none has a pixel above 1/{round(1 / most)} of white" if most else "they hold 0 alone"
    return [
        f"{len(dark)} of {len(peaks)} images of {bits} bits that were looked at are nearly black, as "
        f"{name_of(min(dark))}: {how}. If a lower value is white in them, as 4095 may be in 16 bits, stretch them to "
        "the whole range."
    ]

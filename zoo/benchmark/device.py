"""What a library computes on, a graphics card or the processor: its name, and the most memory that was taken of it."""

import platform
import re
import resource
import sys
from pathlib import Path

UNIT = 1 if sys.platform == "darwin" else 1024  # of the peak memory that the system tells


def name(library: str) -> str:
    """Return the device of "tensorflow", "jax" or "torch" as its maker calls it; of another, the processor."""
    card = _card(library)
    if card:
        return card[0]
    cpuinfo = Path("/proc/cpuinfo")
    found = re.search(r"model name\s*: (.+)", cpuinfo.read_text()) if cpuinfo.exists() else None
    return found[1] if found else platform.processor() or platform.machine()


def peak(library: str) -> int:
    """Return the most bytes that this process had of the card's memory so far, or, on the processor, resident.

    Linux's `getrusage` counts what the parent had when it started this process, too; where there is /proc, that is
    asked.
    """
    card = _card(library)
    if card:
        return card[1]()
    status = Path("/proc/self/status")
    found = re.search(r"VmHWM:\s+(\d+) kB", status.read_text()) if status.exists() else None
    return int(found[1]) * 1024 if found else resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * UNIT


def _card(library):
    """Return the name of the graphics card that a library computes on and a function to its peak, or None."""
    match library:
        case "tensorflow":
            import tensorflow as tf

            if cards := tf.config.list_physical_devices("GPU"):
                told = tf.config.experimental.get_device_details(cards[0])
                return told.get("device_name", "GPU"), lambda: tf.config.experimental.get_memory_info("GPU:0")["peak"]
        case "jax":
            import jax

            device = jax.local_devices()[0]
            if device.platform != "cpu":
                return device.device_kind, lambda: (device.memory_stats() or {}).get("peak_bytes_in_use", 0)
        case "torch":
            import torch

            if torch.cuda.is_available():
                return torch.cuda.get_device_name(), torch.cuda.max_memory_allocated
    return None

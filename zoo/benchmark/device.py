"""The device that a library computes on, GPU or CPU: its name, and the peak of memory in use."""

import platform
import re
import resource
import sys
from pathlib import Path

UNIT = 1 if sys.platform == "darwin" else 1024  # bytes in a unit of `ru_maxrss`


def name(library: str) -> str:
    """Return the name of the GPU or CPU that "tensorflow", "jax" or "torch" computes on; for others the CPU's."""
    card = _card(library)
    if card:
        return card[0]
    cpuinfo = Path("/proc/cpuinfo")
    found = re.search(r"model name\s*: (.+)", cpuinfo.read_text()) if cpuinfo.exists() else None
    return found[1] if found else platform.processor() or platform.machine()


def peak(library: str) -> int:
    """Return the peak of GPU memory in use by this process so far, in bytes; on the CPU, of resident memory.

    Linux's `getrusage` includes what the parent had when it started this process; so /proc is read where it exists.
    """
    card = _card(library)
    if card:
        return card[1]()
    status = Path("/proc/self/status")
    found = re.search(r"VmHWM:\s+(\d+) kB", status.read_text()) if status.exists() else None
    return int(found[1]) * 1024 if found else resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * UNIT


def _card(library):
    """Return the name of the GPU that a library computes on and a function to its peak memory, or None."""
    match library:
        case "tensorflow":
            import tensorflow as tf

            if cards := tf.config.list_physical_devices("GPU"):
                known = tf.config.experimental.get_device_details(cards[0])
                return known.get("device_name", "GPU"), lambda: tf.config.experimental.get_memory_info("GPU:0")["peak"]
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

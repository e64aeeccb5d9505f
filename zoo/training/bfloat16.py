"""Does the processor compute in bfloat16, or is it float32 in disguise, and slower?"""

from pathlib import Path

INSTRUCTIONS = {"avx512_bf16", "amx_bf16", "bf16"}  # as Linux calls them, on x86 and on ARM


def slow_bfloat16(device, cpuinfo=Path("/proc/cpuinfo")):
    """Return the sentence that warns of bfloat16 on a device, "cpu:0", or None where it pays, or nobody tells."""
    if not device.startswith("cpu") or not cpuinfo.exists() or INSTRUCTIONS & set(cpuinfo.read_text().split()):
        return None
    return "This processor has no instructions for bfloat16: float32 is faster on it."

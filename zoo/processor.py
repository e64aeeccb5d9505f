"""The processor at hand: what TensorFlow has to be told before it is loaded, and what is slow on it."""

import os
import platform
import sys
import warnings
from pathlib import Path

from zoo.errors import ZooError, ZooWarning

PRECISIONS = ("float32", "bfloat16")
ONEDNN = "TF_ENABLE_ONEDNN_OPTS"  # TensorFlow reads it once, when it is loaded
BFLOAT16 = {"avx512_bf16", "amx_bf16", "bf16"}  # instructions by Linux's names, on x86 and on Arm
CAP, WITHOUT_BFLOAT16 = "ONEDNN_MAX_CPU_ISA", ("SSE41", "AVX", "AVX2", "AVX2_VNNI")
CPUINFO = Path("/proc/cpuinfo")


def prepare() -> None:
    """Let TensorFlow compute with oneDNN on x86-64 Linux, unless `TF_ENABLE_ONEDNN_OPTS` is set already.

    By default TensorFlow uses oneDNN only if the processor has instructions for neural networks (AVX512-VNNI and
    newer). On the others, such as all with AVX2 alone, nets train two to five times as fast with it
    (benchmarks/README.md). On Arm TensorFlow's default stays.

    Warns (`ZooWarning`) if TensorFlow was loaded before, and without it.
    """
    if ONEDNN in os.environ or (sys.platform, platform.machine()) != ("linux", "x86_64"):
        return
    if "tensorflow" not in sys.modules:
        os.environ[ONEDNN] = "1"
    elif not _computes_with_onednn():
        warnings.warn(
            f"TensorFlow was imported without oneDNN, with which it is several times as fast on this processor: set "
            f"{ONEDNN}=1 before Keras or TensorFlow is imported.",
            ZooWarning, stacklevel=3,
        )


def _computes_with_onednn():
    """Return whether the TensorFlow that is loaded uses oneDNN; True, too, if Keras runs on another backend."""
    import keras

    if keras.backend.backend() != "tensorflow":
        return True
    try:
        from tensorflow.python.util._pywrap_util_port import IsMklEnabled
    except ImportError:  # it isn't a public name of TensorFlow
        return True
    return IsMklEnabled()


def slow_bfloat16(device: str, cpuinfo: Path = CPUINFO) -> str | None:
    """Return a warning if bfloat16 is slow on a device, "cpu:0"; None if it is fast, or that isn't known."""
    if not device.startswith("cpu") or not cpuinfo.exists() or BFLOAT16 & _flags(cpuinfo):
        return None
    return "This processor has no instructions for bfloat16: float32 is faster on it."


def check_bfloat16(cpuinfo: Path = CPUINFO) -> None:
    """Raise `ZooError` where bfloat16 would crash TensorFlow, which ignores `ONEDNN_MAX_CPU_ISA`, oneDNN's limit."""
    cap = os.environ.get(CAP, "").upper()
    if cap in WITHOUT_BFLOAT16 and os.environ.get(ONEDNN) != "0" and "avx512f" in _flags(cpuinfo):
        raise ZooError(
            f"{CAP}={cap} keeps oneDNN from computing in bfloat16: take it away, train and infer in float32, or set "
            f"{ONEDNN}=0."
        )


def _flags(cpuinfo):
    return set(cpuinfo.read_text().split()) if cpuinfo.exists() else set()

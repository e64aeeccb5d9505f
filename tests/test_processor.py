"""TensorFlow computes with oneDNN wherever that is the faster, unless the user says otherwise."""

import os
import platform
import subprocess
import sys
import warnings
from contextlib import nullcontext

import pytest

from zoo import ZooError, ZooWarning, processor
from zoo.processor import ONEDNN, check_bfloat16, prepare, slow_bfloat16


@pytest.fixture
def machine(monkeypatch):
    """Set up a machine with or without TensorFlow loaded; what `prepare` sets is undone."""

    def machine(system="linux", processor_="x86_64", loaded=False, given=None):
        monkeypatch.setattr(sys, "platform", system)
        monkeypatch.setattr(processor.platform, "machine", lambda: processor_)
        monkeypatch.setenv(ONEDNN, given or "")
        if given is None:
            monkeypatch.delenv(ONEDNN)
        if loaded:
            monkeypatch.setitem(sys.modules, "tensorflow", None)
        else:
            monkeypatch.delitem(sys.modules, "tensorflow", raising=False)

    return machine


@pytest.mark.parametrize(
    "given, expected",
    [
        ({}, "1"),
        ({"given": "0"}, "0"),
        ({"given": "1"}, "1"),
        ({"processor_": "aarch64"}, None),
        ({"system": "darwin"}, None),
        ({"system": "win32", "processor_": "AMD64"}, None),
    ],
)
def test_onednn_is_asked_for_where_it_was_measured_and_nothing_was_said(machine, given, expected):
    machine(**given)
    prepare()
    assert os.environ.get(ONEDNN) == expected


@pytest.mark.parametrize("computes, given, warned", [(False, None, 1), (True, None, 0), (False, "0", 0)])
def test_a_tensorflow_that_was_loaded_without_it_is_told(machine, monkeypatch, computes, given, warned):
    machine(loaded=True, given=given)
    monkeypatch.setattr(processor, "_computes_with_onednn", lambda: computes)
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        prepare()
    assert [warning.category for warning in caught] == [ZooWarning] * warned
    assert os.environ.get(ONEDNN) == given


ASK = "{}; from tensorflow.python.util._pywrap_util_port import IsMklEnabled as on; print(on())"
ROOMS = ("weights", "layers", "build", "data.stream", "inference.predictor", "training.train", "models")


@pytest.mark.skipif(sys.platform != "linux" or platform.machine() != "x86_64", reason="TensorFlow decides by itself")
@pytest.mark.parametrize("imports, given, expected", [
    ("import zoo; zoo.create", {}, "True"),
    ("import zoo; zoo.create", {ONEDNN: "0"}, "False"),
    *[(f"import zoo.{room}", {}, "True") for room in ROOMS],
])
def test_tensorflow_heeds_it_whatever_is_imported_first(imports, given, expected):
    clean = {key: value for key, value in os.environ.items() if key != ONEDNN}
    command = [sys.executable, "-c", ASK.format(imports)]
    done = subprocess.run(command, env=clean | given, capture_output=True, text=True)
    assert done.stdout.strip() == expected, done.stderr


@pytest.mark.parametrize(
    "cap, onednn, flags, refused",
    [("AVX2", None, "avx512f", True), ("avx2", "1", "avx512f", True), ("AVX2", "0", "avx512f", False),
     ("AVX2", "1", "avx2", False), ("AVX512_CORE_BF16", "1", "avx512f", False), ("", "1", "avx512f", False)],
)
def test_bfloat16_is_refused_where_it_ends_in_an_abort(machine, monkeypatch, tmp_path, cap, onednn, flags, refused):
    """TensorFlow asks the processor, oneDNN its limit: on a processor without AVX-512 both compute without oneDNN."""
    machine(given=onednn)
    monkeypatch.setenv("ONEDNN_MAX_CPU_ISA", cap)
    (tmp_path / "cpuinfo").write_text(f"flags : fpu {flags}")
    with pytest.raises(ZooError, match="keeps oneDNN from computing in bfloat16") if refused else nullcontext():
        check_bfloat16(tmp_path / "cpuinfo")


@pytest.mark.parametrize(
    "device, flags, warns",
    [
        ("cpu:0", "flags : fpu avx512f avx512_vnni", True),
        ("cpu:0", "flags : fpu avx512_bf16 amx_bf16", False),
        ("cpu:0", "Features : fp asimd bf16", False),
        ("cpu:0", None, False),
        ("gpu:0", "flags : fpu", False),
    ],
)
def test_slow_bfloat16_is_warned_of(tmp_path, device, flags, warns):
    if flags:
        (tmp_path / "cpuinfo").write_text(flags)
    assert bool(slow_bfloat16(device, tmp_path / "cpuinfo")) == warns

"""The same nets on another backend: JAX, in a process of its own, gives what TensorFlow gave."""

import os
import subprocess
import sys
from pathlib import Path

import keras
import numpy as np
import pytest
from miniatures import miniature

import zoo
from zoo import registry

FAMILIES = sorted({registry.entry(name).family: name for name in zoo.list_models()}.values())

ON_JAX = """
import sys
import keras, numpy as np
from miniatures import miniature
for name in sys.argv[2:]:
    assert keras.backend.backend() == "jax"
    known = np.load(f"{sys.argv[1]}/{name}.npz")
    model = miniature(name)
    model.set_weights([known[f"w{i}"] for i in range(len(model.weights))])
    output = np.asarray(model(known["x"]))
    assert abs(output - known["y"]).max() <= 1e-3 * abs(known["y"]).max(), name
    keras.config.set_dtype_policy("mixed_bfloat16")
    half = np.asarray(miniature(name)(known["x"]))
    assert half.dtype == np.float32 and np.isfinite(half).all(), name
    keras.config.set_dtype_policy("float32")
    keras.utils.clear_session()
"""


@pytest.mark.parametrize("names", [FAMILIES[0::2], FAMILIES[1::2]], ids=["one half", "the other"])
def test_jax_gives_what_tensorflow_gives(names, tmp_path):
    pytest.importorskip("jax")
    keras.utils.set_random_seed(0)
    for name in names:
        model = miniature(name)
        x = np.random.default_rng(0).standard_normal((2, *model.input_shape[1:]), "float32")
        y = keras.ops.convert_to_numpy(model(x))
        np.savez(tmp_path / f"{name}.npz", x=x, y=y, **{f"w{i}": w for i, w in enumerate(model.get_weights())})
        keras.utils.clear_session()
    here = Path(__file__).parent
    environment = os.environ | {"KERAS_BACKEND": "jax", "PYTHONPATH": f"{here}{os.pathsep}{here.parent}"}
    command = [sys.executable, "-c", ON_JAX, tmp_path, *names]
    done = subprocess.run(command, env=environment, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr[-2000:]

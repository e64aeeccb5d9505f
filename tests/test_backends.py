"""The same nets on another backend: JAX, in a process of its own, gives what TensorFlow gave."""

import os
import subprocess
import sys
from pathlib import Path

import keras
import numpy as np
import pytest
from miniatures import miniature

NAMES = ["lenet5", "nin_cifar", "squeezenet1_1"]  # each word of theirs; deep nets take JAX long to compile

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
    keras.utils.clear_session()
"""


def test_jax_gives_what_tensorflow_gives(tmp_path):
    pytest.importorskip("jax")
    keras.utils.set_random_seed(0)
    for name in NAMES:
        model = miniature(name)
        x = np.random.default_rng(0).standard_normal((2, *model.input_shape[1:]), "float32")
        y = keras.ops.convert_to_numpy(model(x))
        np.savez(tmp_path / f"{name}.npz", x=x, y=y, **{f"w{i}": w for i, w in enumerate(model.get_weights())})
        keras.utils.clear_session()
    here = Path(__file__).parent
    environment = os.environ | {"KERAS_BACKEND": "jax", "PYTHONPATH": f"{here}{os.pathsep}{here.parent}"}
    command = [sys.executable, "-c", ON_JAX, tmp_path, *NAMES]
    done = subprocess.run(command, env=environment, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr[-2000:]

"""Run the miniatures on JAX: `python on_jax.py FOLDER NAME...`, in a process of its own. See test_backends.py.

FOLDER/NAME.npz holds weights w0, w1, …, a batch x and what TensorFlow made of it, y. A line is printed for each
model that gives anything else. Nothing is initialized or run layer by layer, which JAX would compile piece by piece.
"""

import gc
import sys

import jax
import keras
import numpy as np
from miniatures import miniature


def build(name, policy):
    keras.config.set_dtype_policy(policy)
    with keras.StatelessScope(initialize_variables=False):
        return miniature(name)


def call(model, weights):
    """Return the net as a function of a batch and the arguments for it, `weights` in the order of `model.weights`."""
    values = dict(zip(map(id, model.weights), weights))

    def state(variables):
        return [values.get(id(v), np.zeros(v.shape, v.dtype)) for v in variables]  # zeros for a dropout's seed

    state = state(model.trainable_variables), state(model.non_trainable_variables)
    return lambda *state_and_x: model.stateless_call(*state_and_x)[0], state


def complaints(name, known):
    """Yield what JAX does otherwise."""
    weights, x, y = [known[f"w{i}"] for i in range(len(known) - 2)], known["x"], known["y"]
    function, state = call(build(name, "float32"), weights)
    error = abs(np.asarray(jax.jit(function)(*state, x)) - y).max() / abs(y).max()
    if not error <= 1e-3:
        yield f"float32 differs by {error:.1g}"
    low = build(name, "mixed_bfloat16")
    function, state = call(low, weights)
    output = jax.eval_shape(function, *state, x)
    if (low.compute_dtype, output.shape, output.dtype) != ("bfloat16", y.shape, "float32"):
        yield f"gives {output} in {low.compute_dtype}"


if __name__ == "__main__":
    assert keras.backend.backend() == "jax"
    folder, *names = sys.argv[1:]
    gc.freeze()  # see conftest.py
    gc.set_threshold(50_000, 20, 20)
    for name in names:
        for complaint in complaints(name, np.load(f"{folder}/{name}.npz")):
            print(f"{name} {complaint}")
        keras.utils.clear_session(free_memory=False)

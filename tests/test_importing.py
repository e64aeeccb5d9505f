"""Keras loads a saved net after `import zoo` alone, before or after its own import; and most with nothing imported."""

import subprocess
import sys
from pathlib import Path

import keras
import numpy as np
import pytest
from miniatures import images, miniature, stirred

import zoo
from zoo.layout import Conv, GlobalPool, Pool

ROOT = Path(__file__).parents[1]
# The nets with layers, activations or initializers that Keras doesn't ship.
OWN = ["lenet5_1998", "alexnet", "zfnet", "vgg11_lrn", "googlenet", "fcn16s", "fcn8s", "segnet"]
CLASSES = ("Bilinear", "CutPooling", "LeCunRange", "LocalResponseNormalization", "MaxUnpooling", "RBF", "Subsampling",
           "TableConv2D", "scaled_tanh")

LOAD = """
import sys, pathlib, keras
import numpy as np
assert not [name for name in sys.modules if name.startswith("zoo.build")]
for path in sorted(pathlib.Path(sys.argv[1]).glob("*.keras")):
    known = np.load(path.with_suffix(".npz"))
    try:
        y = np.asarray(keras.models.load_model(path)(known["x"]))
    except TypeError as problem:
        print(path.stem, "'zoo>" in str(problem))
    else:
        assert np.allclose(y, known["y"], rtol=1e-4, atol=1e-5 * abs(known["y"]).max()), path
"""


def python(code, *arguments, cwd=ROOT):
    done = subprocess.run([sys.executable, "-c", code, *map(str, arguments)], cwd=cwd, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr[-2000:]
    return done.stdout.split()


def save(model, path):
    """Write a model, a batch and what the model makes of it."""
    x = images(model, 2)
    model.save(path)
    np.savez(path.with_suffix(".npz"), x=x, y=np.asarray(model(x)))


@pytest.mark.parametrize("order", ["import zoo", "import keras, zoo", "import zoo.layers"])
def test_keras_knows_the_papers_layers_whichever_is_imported_first(order, monkeypatch):
    monkeypatch.setenv("KERAS_BACKEND", "numpy")  # the quickest to import
    code = f"""
import sys
{order}
import keras
print(*[name for name in {CLASSES} if keras.saving.get_registered_object("zoo>" + name)])
print(any("zoo" in type(finder).__module__ for finder in sys.meta_path))
"""
    assert python(code) == [*CLASSES, "False"]  # the hook is gone once it has done its work


def test_a_keras_that_fails_to_import_fails_as_without_the_zoo_and_is_met_again(tmp_path, monkeypatch):
    monkeypatch.setenv("KERAS_BACKEND", "numpy")
    (tmp_path / "keras").mkdir()
    (tmp_path / "keras" / "__init__.py").write_text("raise ImportError('no backend')")
    code = f"""
import sys
sys.path.insert(0, {str(tmp_path)!r})
import zoo
try: import keras
except ImportError as problem: print(problem)
del sys.path[0]
import keras
print(keras.saving.get_registered_object("zoo>RBF").__name__)
"""
    assert python(code) == ["no", "backend", "RBF"]


@pytest.fixture(scope="module")
def nets_with_own_layers(tmp_path_factory):
    folder = tmp_path_factory.mktemp("own")
    for name in OWN:
        save(stirred(miniature(name)), folder / f"{name}.keras")
    save(zoo.create([Conv(4, 3), Pool(3, 2, "ceil"), GlobalPool()], (8, 7, 1)), folder / "cut.keras")
    return folder


def test_nets_with_own_layers_load_after_import_zoo_alone(nets_with_own_layers):
    assert python("import zoo" + LOAD, nets_with_own_layers) == []


def test_without_the_zoo_keras_says_what_it_misses(nets_with_own_layers, tmp_path):
    """Keras imports no module that a file names, unless it is one of its own packages: nothing more can be had."""
    told = python(LOAD, nets_with_own_layers, cwd=tmp_path)
    assert told == [word for name in sorted([*OWN, "cut"]) for word in (name, "True")]


@pytest.mark.slow
def test_every_net_loads_after_import_zoo_and_all_others_with_keras_alone(tmp_path):
    for name in zoo.list_models():
        save(stirred(miniature(name)), tmp_path / f"{name}.keras")
        keras.utils.clear_session(free_memory=False)
    assert python("import zoo" + LOAD, tmp_path) == []
    assert python(LOAD, tmp_path, cwd="/")[::2] == sorted(OWN)

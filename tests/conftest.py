import gc
import os

os.environ.setdefault("KERAS_BACKEND", "tensorflow")
os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
if "PYTEST_XDIST_WORKER" in os.environ:  # the workers share the cores
    for threads in ("TF_NUM_INTRAOP_THREADS", "TF_NUM_INTEROP_THREADS", "OMP_NUM_THREADS"):  # the last is PyTorch's
        os.environ.setdefault(threads, "1")

import pytest

from zoo import ZooError
from zoo.processor import check_bfloat16, prepare

prepare()  # before a test module imports Keras: tests compute as users do


def pytest_runtest_setup(item):
    """Skip what computes in bfloat16 where an environment variable keeps TensorFlow from it."""
    if item.get_closest_marker("bfloat16"):
        try:
            check_bfloat16()
        except ZooError as problem:
            pytest.skip(str(problem))


@pytest.fixture
def shell():
    """Build models of any size in no time: inside, weights have shapes and take no memory."""
    import keras

    with keras.StatelessScope(initialize_variables=False):
        yield
    keras.utils.clear_session(free_memory=False)


@pytest.fixture
def own_registry():
    """Whatever a test registers is gone after it."""
    from zoo import registry
    from zoo.entry import ALIASES, ENTRIES

    registry.entries()
    before = [(known, dict(known)) for known in (ENTRIES, ALIASES)]
    yield
    for known, kept in before:
        known.clear()
        known.update(kept)


@pytest.fixture(scope="session")
def tfds_folder(tmp_path_factory):
    """The folder of the sets that `tfds_sets` writes."""
    from tfds_sets import write_sets

    folder = tmp_path_factory.mktemp("tfds")
    write_sets(folder)
    return folder


def pytest_collection_finish():
    """Look for garbage less often: building nets makes a great many objects, and what was imported stays."""
    gc.collect()
    gc.freeze()
    gc.set_threshold(50_000, 20, 20)

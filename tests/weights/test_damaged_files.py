"""Damaged, truncated, empty, pickled and foreign files of Keras: one sentence each, and nothing is half-loaded."""

import json
import pickle
import re
import zipfile

import h5py
import keras
import keras_2_files
import numpy as np
import pytest

import zoo
from zoo import ZooError
from zoo.layout import Conv, Dense, GlobalPool, Layout
from zoo.weights import load_weights

SHAPE = (8, 8, 3)
LAYOUT = Layout([Conv(4, 3, norm="batch"), Conv(5, 3)], [GlobalPool(), Dense(3)])
OTHER = Layout([Conv(4, 3, norm="batch"), Conv(6, 3)], [GlobalPool(), Dense(3)])
HEAD = ("pool", "fc")
KINDS = ("x.keras", "x.h5", "x.weights.h5", "old.h5", "alone.h5")


def write(layout, path):
    model = zoo.create(layout, SHAPE)
    if path.name == "old.h5":
        keras_2_files.save_model(model, path)
    elif path.name == "alone.h5":
        keras_2_files.save_weights(model, path)
    elif path.name == "x.weights.h5":
        model.save_weights(path)
    else:
        model.save(path)
    return path


def refused(path, match=""):
    """Assert that a file is refused in one sentence, and leaves the model as it was."""
    model = zoo.create(LAYOUT, SHAPE)
    before = model.get_weights()
    with pytest.raises(ZooError, match=match) as error:
        load_weights(model, path)
    assert "\n" not in str(error.value) and str(path) in str(error.value)
    for old, new in zip(before, model.get_weights(), strict=True):
        np.testing.assert_array_equal(old, new)


@pytest.mark.parametrize("name", ["x.keras", "x.h5", "x.weights.h5", "x.hdf5"])
@pytest.mark.parametrize("content, sentence", [
    (b"", "it is empty"),
    (pickle.dumps({"conv1": [1]}), "it is pickled, which is code, and code from a file isn't run"),
    (b"version https://git-lfs.github.com/spec/v1\n", "it is a pointer of Git LFS"),
    (b"<!DOCTYPE html><html>", "it is a web page"),
    (b"\x1f\x8b\x08", "it is compressed"),
    (b"\x00\x01\x02\x03", "Keras didn't write it, or it is damaged"),
    (b"PK\x03\x04 and so on", "it is cut off or damaged"),
    (b"\x89HDF\r\n\x1a\n and so on", ""),
])
def test_what_is_none_is_refused(name, content, sentence, tmp_path):
    (tmp_path / name).write_bytes(content)
    refused(tmp_path / name, f"doesn't fit layout: {sentence}")


@pytest.mark.parametrize("name", KINDS)
@pytest.mark.parametrize("share", [0.1, 0.5, 0.9, 0.99])
def test_a_truncated_file_is_refused(name, share, tmp_path):
    path = write(LAYOUT, tmp_path / name)
    content = path.read_bytes()
    path.write_bytes(content[: int(share * len(content))])
    refused(path)


@pytest.mark.parametrize("name", KINDS)
def test_a_net_of_other_shapes_is_refused(name, tmp_path):
    refused(write(OTHER, tmp_path / name), r"has weights of shapes \[\(3, 3, 4, 6\)")


@pytest.mark.parametrize("name", KINDS)
@pytest.mark.parametrize("layout", [LAYOUT.body + (Conv(5, 3),) + LAYOUT.head, LAYOUT.body[:1] + LAYOUT.head])
def test_a_net_of_more_or_fewer_layers_is_refused(name, layout, tmp_path):
    refused(write(list(layout), tmp_path / name))


@pytest.mark.parametrize("name", KINDS)
@pytest.mark.parametrize("value", [np.nan, np.inf])
def test_values_that_are_no_numbers_are_refused(name, value, tmp_path):
    model = zoo.create(LAYOUT, SHAPE)
    model.layers[-2].bias.assign([0, value, 0])
    path = tmp_path / name
    {"old.h5": keras_2_files.save_model, "alone.h5": keras_2_files.save_weights}.get(
        name, lambda model, path: model.save_weights(path) if "weights" in name else model.save(path))(model, path)
    refused(path, "fc holds values that aren't finite numbers")


def _outside_heaps(name, content):
    """The places of bytes to damage: HDF5's own library waits for ever on some damaged heaps of texts ("GCOL")."""
    is_heap = np.zeros(len(content), bool)
    for found in re.finditer(b"GCOL", content.tobytes() if name.endswith("h5") else b""):
        is_heap[found.start() : found.start() + 4096] = True
    return np.flatnonzero(~is_heap)


def test_random_bytes_in_a_file_end_in_a_sentence_or_an_account(tmp_path):
    random = np.random.default_rng(0)
    for name in KINDS:
        path = write(LAYOUT, tmp_path / name)
        content = np.frombuffer(path.read_bytes(), "uint8")
        model = zoo.create(LAYOUT, SHAPE)
        for _ in range(20):
            damaged = content.copy()
            damaged[random.choice(_outside_heaps(path.name, content), size=8)] = random.integers(256, size=8)
            path.write_bytes(damaged.tobytes())
            try:
                load_weights(model, path)
            except ZooError as problem:
                assert "\n" not in str(problem)


@pytest.mark.parametrize("config", ["", "{}", "[]", "3", '{"class_name": "Functional"}',
                                    '{"class_name": "Functional", "config": {"layers": [3]}}',
                                    '{"class_name": "Functional", "config": {"layers": [{"class_name": "Dense"}]}}'])
@pytest.mark.parametrize("name", ["old.h5", "x.h5"])
def test_a_config_that_is_none_is_refused(name, config, tmp_path):
    path = write(LAYOUT, tmp_path / name)
    with h5py.File(path, "a") as file:
        file.attrs["model_config"] = config
    refused(path, "its config.json isn't that of a Keras model")


def test_a_config_of_a_circle_is_refused(tmp_path):
    path = write(LAYOUT, tmp_path / "old.h5")
    with h5py.File(path, "a") as file:
        config = json.loads(file.attrs["model_config"])
        config["config"]["layers"][1]["inbound_nodes"] = [[["fc", 0, 0, {}]]]
        file.attrs["model_config"] = json.dumps(config)
    refused(path, "its config.json isn't that of a Keras model")


def test_a_zip_of_something_else_is_refused(tmp_path):
    with zipfile.ZipFile(tmp_path / "x.keras", "w") as archive:
        archive.writestr("data.txt", "x")
    refused(tmp_path / "x.keras", "it is a ZIP archive that Keras didn't write")


@pytest.mark.parametrize("link", [h5py.SoftLink("/other"), h5py.ExternalLink("other.h5", "/x")])
def test_links_in_a_file_are_not_followed(link, tmp_path):
    path = write(LAYOUT, tmp_path / "old.h5")
    with h5py.File(path, "a") as file:
        del file["model_weights/fc/fc/kernel:0"]
        file["model_weights/fc/fc/kernel:0"] = link
    refused(path, "is a link to something else, which isn't followed")


def test_arrays_made_to_fill_the_memory_are_refused(tmp_path):
    path = write(LAYOUT, tmp_path / "old.h5")
    with h5py.File(path, "a") as file:
        del file["model_weights/fc/fc/kernel:0"]
        file.create_dataset("model_weights/fc/fc/kernel:0", (2**20, 2**20), "float32", chunks=(1, 1))
    refused(path, "is larger than 4 GiB")


@pytest.mark.parametrize("name", ["x.pth", "x.safetensors"])
def test_a_file_of_keras_under_anothers_suffix_is_refused(name, tmp_path):
    write(LAYOUT, tmp_path / "x.h5").rename(tmp_path / name)
    refused(tmp_path / name, "is no checkpoint: it is an HDF5 file; Keras's weights must be named .h5")


def test_what_a_file_is_counts_not_its_suffix(tmp_path):
    """Keras 2 wrote HDF5 under any name."""
    write(LAYOUT, tmp_path / "old.h5").rename(tmp_path / "x.keras")
    account = load_weights(zoo.create(LAYOUT, SHAPE), tmp_path / "x.keras")
    assert str(account) == "4 of 4 layers from x.keras"
    keras.utils.clear_session()

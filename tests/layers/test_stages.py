"""A stage's layers, told by their names alone."""

from types import SimpleNamespace

import keras
import pytest
from miniatures import miniature

import zoo
from zoo import ZooError
from zoo.layout import Conv, Dense, GlobalPool, Stage
from zoo.plan import plan

# Layers with weights between two stages' ends that aren't named after the later one: LeCun's own names, and U-Net's
# steps up, which lie between its stages.
OF_THEIR_OWN = {
    "lenet1": {"c1", "c3"}, "lenet4": {"c1", "c3"}, "lenet5": {"c1", "c3"},
    "lenet5_1998": {"c1", "s2", "c3", "s4", "c5"}, "unet": {f"join{i}_branch2_upconv" for i in (1, 2, 3, 4)},
}


def names(layers):
    return [layer.name for layer in layers]


@pytest.mark.parametrize("name", zoo.list_models())
def test_names_tell_the_stages_of_the_layout(name):
    traced, before, left = plan(name).trace, set(), set()
    model = SimpleNamespace(name=name, layers=[SimpleNamespace(name=layer.name, weights=[]) for layer in traced.layers])
    weighted = {layer.name for layer in traced.layers if layer.params}
    for stage, so_far in traced.stages.items():
        inside, before = set(so_far) - before, set(so_far)
        found = set() if name.startswith("lenet") else set(names(zoo.layers_of(model, stage)))
        assert found <= inside
        left |= (inside - found) & weighted
    assert left == OF_THEIR_OWN.get(name, set())


def test_block1_is_not_block10_and_a_block_is_a_part_too():
    model = zoo.create([Stage(f"block{i}", Conv(2, 1, norm="batch"), Conv(2, 1)) for i in range(1, 12)], (4, 4, 1))
    assert names(zoo.layers_of(model, "block1")) == ["block1_conv1", "block1_conv1_bn", "block1_conv1_relu",
                                                     "block1_conv2"]
    assert names(zoo.layers_of(model, "block1_conv1")) == ["block1_conv1", "block1_conv1_bn", "block1_conv1_relu"]
    assert names(zoo.layers_of(zoo.create("lenet5"), "c3")) == ["c3"]


def test_a_frozen_stage_stays_as_it_is_and_the_rest_learns():
    net = [Stage("block1", Conv(4, 3, norm="batch")), Stage("block2", Conv(4, 3, norm="batch")), GlobalPool(), Dense(2)]
    keras.utils.set_random_seed(0)
    model = zoo.create(net, (8, 8, 1))
    for layer in zoo.layers_of(model, "block1"):
        layer.trainable = False
    model.compile("sgd", "sparse_categorical_crossentropy")
    before = {layer.name: layer.get_weights() for layer in model.layers}
    model.fit(keras.random.normal((8, 8, 8, 1)), keras.ops.arange(8) % 2, epochs=1, verbose=0)
    changed = {layer.name for layer in model.layers
               if any((a != b).any() for a, b in zip(before[layer.name], layer.get_weights()))}
    assert changed == {"block2_conv", "block2_conv_bn", "fc"}


def test_the_stages_of_a_loaded_and_a_cloned_net_are_the_same(tmp_path):
    model = miniature("resnet20")
    model.save(tmp_path / "model.keras")
    for other in (keras.models.load_model(tmp_path / "model.keras"), keras.models.clone_model(model)):
        assert names(zoo.layers_of(other, "conv3")) == names(zoo.layers_of(model, "conv3")) != []


@pytest.mark.parametrize("stage", ["blok3", "block", "block3_conv1_", "", None, 3])
def test_an_unknown_stage_ends_in_a_sentence_that_lists_them(stage):
    model = zoo.create("vgg11", (32, 32, 3), width=0.05)
    with pytest.raises(ZooError) as error:
        zoo.layers_of(model, stage)
    told = str(error.value)
    assert told.startswith(f"vgg11 has no stage or layer {stage!r}.")
    assert told.endswith("It has block1, block2, block3, block4, block5, fc1, fc2, predictions.")
    assert ("Did you mean block" in told) == (stage in ("blok3", "block", "block3_conv1_"))

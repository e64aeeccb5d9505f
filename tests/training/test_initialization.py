"""The weights that training starts from."""

import keras
import numpy as np
import pytest
import torch
from miniatures import images, miniature, smallest

import zoo
from zoo import Conv, Dense, DepthwiseConv, GlobalPool, registry
from zoo.plan import plan
from zoo.recipes.recipe import INITIALIZATIONS, Recipe
from zoo.training import train as training
from zoo.training.initialization import ends_of_residuals, initialize


@pytest.mark.parametrize("name", INITIALIZATIONS)
def test_kernels_start_as_the_recipe_says_and_the_rest_as_built(name):
    layout = [Conv(64, 3, norm="batch"), Conv(64, 3), GlobalPool(), Dense(64)]
    net, traced, seed = zoo.create(layout, (8, 8, 16)), plan(layout, (8, 8, 16)).trace, 3
    before = [np.array(weight) for weight in net.weights]
    initialize(net, traced, Recipe(initialization=name, seed=seed))
    he = (2 / (9 * 64)) ** 0.5
    deviation = {"he": he, "glorot": he / 2**0.5, "lecun": he / 2**0.5, "orthogonal": 1 / 24, "gaussian": 0.01}
    deviation["pytorch"] = he / 6**0.5
    kernel = net.get_layer("conv2").kernel
    assert np.std(kernel) == pytest.approx(deviation[name.split("_")[0]], rel=0.05)
    for weight, old in zip(net.weights, before):
        assert (weight.name == "kernel") != np.array_equal(weight, old)
    again = zoo.create(layout, (8, 8, 16))
    initialize(again, traced, Recipe(initialization=name, seed=seed))
    np.testing.assert_array_equal(kernel, again.get_layer("conv2").kernel)


@pytest.mark.parametrize("word, channels", [(Conv(48, 3), 16), (DepthwiseConv(3, multiplier=3), 16), (Dense(48), 160)])
def test_pytorchs_start_is_pytorchs(word, channels):
    """In range and deviation, whatever counts as fan-in."""
    dense = isinstance(word, Dense)
    layout, groups = [GlobalPool(), word] if dense else [word], channels if isinstance(word, DepthwiseConv) else 1
    net, traced = zoo.create(layout, (8, 8, channels)), plan(layout, (8, 8, channels)).trace
    initialize(net, traced, Recipe(initialization="pytorch"))
    kernel = np.array(net.weights[0])
    torch.manual_seed(0)
    theirs = torch.nn.Linear(channels, 48) if dense else torch.nn.Conv2d(channels, 48, 3, groups=groups)
    wanted = theirs.weight.detach().numpy()
    assert kernel.size == wanted.size
    assert np.abs(kernel).max() == pytest.approx(np.abs(wanted).max(), rel=0.02)
    assert kernel.std() == pytest.approx(wanted.std(), rel=0.05)


@pytest.mark.parametrize(
    "name, scale", [("vgg11", 2), ("vgg11_bn", 1 / 3), ("densenet_bc_100_12", 1 / 3), ("lenet5", 2)]
)
def test_kernels_of_nets_with_batchnorm_start_as_pytorchs_and_others_as_hes(name, scale):
    """The variance of a kernel is so many times 1 / fan-in (He et al. 2015; torch.nn.Conv2d.reset_parameters)."""
    net = zoo.create(name, include_top=False)
    convs = [layer for layer in net.layers if isinstance(layer, keras.layers.Conv2D)][1:]
    for kernel in (np.array(layer.kernel) for layer in convs if layer.kernel.shape[2] > 5):
        assert kernel.var() * np.prod(kernel.shape[:3]) == pytest.approx(scale, rel=0.15)


def test_a_kernel_by_a_table_starts_by_the_inputs_that_it_has():
    """LeNet-5's C3: 60 pairs of maps, of which a filter has 3, 4 or 6, not one."""
    net = zoo.create("lenet5_1998", activation="relu", norm="batch")
    kernel = np.array(next(layer.kernel for layer in net.layers if type(layer).__name__ == "TableConv2D"))
    assert np.abs(kernel).max() == pytest.approx((25 * 60 / 16) ** -0.5, rel=0.02)


@pytest.mark.parametrize("name", [name for name, one in registry.entries().items() if one.paper_recipe])
def test_papers_recipes_say_how_kernels_start(name):
    """Springenberg et al. don't tell, the others do: it isn't what a net with BatchNorm starts from here."""
    given = registry.entry(name).paper_recipe.get("initialization")
    assert given in INITIALIZATIONS or name.startswith("allcnn")


RESIDUAL = [
    "resnet18", "resnet20", "resnet50v2", "se_resnet50", "mobilenet_v2", "efficientnet_b0", "inception_resnet_v2",
    "xception",
]


def sums(model):
    """What comes out of each sum of a net, beside what its shortcut carries."""
    sums = [layer for layer in model.layers if isinstance(layer, keras.layers.Add)]
    pairs = [[layer.output, layer.input[-1]] for layer in sums]
    return keras.Model(model.input, pairs)(images(model, 1))


@pytest.mark.parametrize("name", RESIDUAL)
def test_residual_blocks_start_as_their_shortcuts_if_they_are_to(name):
    """(Goyal et al. 2017, Section 5.1.) What the shortcut carries comes out of the sum."""
    layout, options = smallest(name)
    keras.utils.set_random_seed(0)
    traced, model = plan(layout, name=name, **options).trace, miniature(name)
    assert not all(np.array_equal(*map(keras.ops.convert_to_numpy, both)) for both in sums(model))
    initialize(model, traced, Recipe(zero_init_residual=True))
    for both in sums(model):
        np.testing.assert_array_equal(*map(keras.ops.convert_to_numpy, both))


def test_recipes_start_branches_at_zero_where_there_are_some():
    found = {name for name, entry in registry.entries().items() if entry.recipe.get("zero_init_residual")}
    assert {"resnet50", "resnet152_v1", "resnet101v2", "resnext101_32x8d", "se_resnet50"} <= found
    assert not found & {"resnet20", "resnet110", "preact_resnet164", "wrn_28_10", "resnet18"}
    assert all(ends_of_residuals(plan(name).trace) for name in found)


def test_a_net_without_residual_branches_has_none_to_start_at_zero(tmp_path):
    assert ends_of_residuals(plan("densenet121", (32, 32, 3), 10).trace) == []
    said = []
    training.train("lenet1", limit=40, epochs=1, zero_init_residual=True, runs=tmp_path, verbose=0, log=said.append)
    assert "zero_init_residual has no effect on lenet1, which has no residual branches." in said

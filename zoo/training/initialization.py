"""Initial weights, where the recipe asks for others than the layers' initializers give."""

from keras import Model, initializers, layers, ops

from zoo.layout import words
from zoo.layout.trace import INPUT, Trace
from zoo.plan import Plan
from zoo.recipes.recipe import Recipe

# Words that may follow the end of a residual branch, before the sum: they map zeros to zeros.
PASSING = (words.Multiply, words.DropPath, words.Dropout, words.Scale, words.Pool)


def initialize(net: Model, traced: Trace, recipe: Recipe) -> None:
    """Initialize a Keras net, built from a `Trace`, by the recipe's `initialization` and `zero_init_residual`."""
    if recipe.initialization is not None:
        _draw_kernels(net, recipe)
    if recipe.zero_init_residual:
        for name in ends_of_residuals(traced):
            layer = net.get_layer(name)
            scale = layer.gamma if hasattr(layer, "gamma") else layer.kernel
            scale.assign(ops.zeros_like(scale))


def _draw_kernels(net, recipe):
    kinds = layers.Conv2D, layers.Conv2DTranspose, layers.DepthwiseConv2D, layers.Dense
    for i, layer in enumerate(layer for layer in net.layers if isinstance(layer, kinds)):
        shape = layer.kernel.shape
        if isinstance(layer, layers.DepthwiseConv2D):  # as a grouped convolution: one input channel per filter
            shape = *shape[:2], 1, shape[2] * shape[3]
        drawn = _initializer(recipe.initialization, recipe.seed + i)(shape)
        layer.kernel.assign(ops.reshape(drawn, layer.kernel.shape))


def _initializer(name, seed):
    if name == "gaussian":
        return initializers.RandomNormal(stddev=0.01, seed=seed)
    if name == "pytorch":
        return initializers.VarianceScaling(1 / 3, "fan_in", "uniform", seed=seed)
    return initializers.get({"class_name": name, "config": {"seed": seed}})


def ends_of_residuals(traced: Trace) -> list[str]:
    """Return the names of the norms and convolutions with which residual branches end."""
    layers_by_name, found = {layer.name: layer for layer in traced.layers}, []
    for layer in traced.layers:
        for end in layer.inputs[:-1] if isinstance(layer.word, words.Add) else ():
            while end != INPUT and isinstance(layers_by_name[end].word, PASSING):
                end = layers_by_name[end].inputs[-1]
            if end != INPUT and _can_start_at_zero(layers_by_name[end].word):
                found.append(end)
    return found


def without_residuals(planned: Plan, recipe: Recipe) -> str:
    """Return a message if the recipe sets `zero_init_residual` but the net has no residual branches, else ""."""
    if not recipe.zero_init_residual or ends_of_residuals(planned.trace):
        return ""
    return f"zero_init_residual has no effect on {planned.name}, which has no residual branches."


def _can_start_at_zero(word):
    """Return whether a word's layer outputs zeros if its scale, or its kernel, is set to zeros."""
    if isinstance(word, words.Norm):
        return word.kind != "lrn" and word.scale
    return isinstance(word, words.Conv) and word.activation is None

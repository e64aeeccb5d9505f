"""A traced layout -> keras.Model: the one place where words become Keras layers, on any backend."""

import logging
from math import gcd, prod
from typing import Any

import keras
from keras import layers

from zoo.annotations import InputShape, StrPath
from zoo.errors import ZooError
from zoo.layers import fast, open_sides, papers
from zoo.layers.channels import channels_last
from zoo.layers.tensors import check_shape, image_shape, model_from_sources
from zoo.layout import Classes, Layout, norm_kinds, pair, sides, words
from zoo.layout import layers as made
from zoo.layout.trace import INPUT, SCORES, Trace
from zoo.layout.words import Words
from zoo.plan import plan
from zoo.pretrained import find_stored
from zoo.weights import load_weights
from zoo.weights.published import Origin


def create(model: str | Layout | Words, input_shape: InputShape | None = None, classes: int | None = None,
           include_top: bool = True, pooling: str | None = None, classifier_activation: str | None = "softmax",
           weights: StrPath | None = None, features: bool = False, name: str | None = None,
           input_tensor: keras.KerasTensor | None = None, **overrides: Any) -> keras.Model:
    """Build a registered model, or a layout of your own, as a `keras.Model`.

    Args:
        model: a registered name ("vgg16"), or a layout: a list of words, or a `Layout`.
        input_shape: (height, width, channels); that of `input_tensor`, or the paper's, by default. A height or width of
            None is open: the net takes images of any, as far as they are large enough. Its head has to allow that.
        classes: the number of classes; the paper's by default.
        include_top: whether to build the head. Without it the output is the last map, NHWC.
        pooling: without top, "avg" or "max" for a vector (N, channels) instead of the map.
        classifier_activation: "softmax", any Keras activation, or None for logits. Always computed in float32.
        weights: None for random weights, "imagenet" (keras.applications' weights), "torchvision" (PyTorch's), a
            set whose weights come with the package ("mnist": then the input, the classes and the overrides are by
            default those of the stored net), or a path: `.keras` or `.h5` of the same net, of a whole model or of
            weights alone, a PyTorch checkpoint, a public net's or your own, or a run's folder (see docs/weights.md).
            Nets of dense prediction take the weights of the net that they start from, as "fcn8s" those of "vgg16".
            Without top, or for features, the head of the weights is left aside; if `classes` is given, one that doesn't
            fit stays new. What was taken is told at level INFO of the logger "zoo".
        features: if true, the outputs are the feature maps of the named stages: a dict, finest first.
        name: the Keras model's name.
        input_tensor: a Keras tensor (N, height, width, channels) to build the net on: a `keras.Input`, or what layers
            or another model made of one. The result is the model from the inputs that it was computed from, with all
            layers on the way (see docs/keras.md); `weights` are those of the net alone.
        **overrides: `padding`, `stride`, `pool`, `norm`, `activation`, `dropout`, `width`, `output_stride`, `head`
            (see `zoo.layout.rewrite`), and the model's own options.

    Raises:
        ZooError: for an unknown model, option or value, for an input that is too small, for open sides where a layer
            needs to know them, and for an `input_tensor` of another shape, of an unknown number of channels, or behind
            layers that bear the names of the net's.
    """
    stored = find_stored(model, weights)
    own_classes = None
    if input_tensor is not None and input_shape is None:
        input_shape = image_shape(input_tensor)
    if stored:  # the net of the record, but for what is asked for otherwise
        input_shape, own_classes = input_shape or stored.input_shape, len(stored.class_names)
        overrides = stored.options | overrides
    planned = plan(
        model, input_shape, own_classes if classes is None else classes, include_top and not features, pooling, name,
        **overrides,
    )
    if input_tensor is not None:
        check_shape(input_tensor, planned.name, planned.trace.input_shape)
    top = include_top and not features and bool(planned.layout.head)
    activation = classifier_activation if top else False

    def of(trace):
        return build(trace, planned.name, activation, features)

    built: Any = of(planned.trace) if input_tensor is None or weights is not None else None
    if weights is not None:
        account = load_weights(
            built, weights, planned.registered, top, overrides, lambda shape: of(plan(planned.layout, shape).trace),
            planned.trace.ends if top else (), new_head=classes is not None, build=build,
        )
        logging.getLogger("zoo").info(account)
    if input_tensor is not None:
        outputs = outputs_on(input_tensor, planned.trace, planned.name, activation, features)
        built = model_from_sources(input_tensor, outputs, planned.name, built)
    if weights is not None:
        built.zoo_origin = Origin(planned.entry, weights, account.new)
    return built


def build(traced: Trace, name: str = "layout", classifier_activation: str | bool | None = False,
          features: bool = False) -> keras.Model:
    """Return the net of a `Trace`; `classifier_activation=False` adds no activation layer, not even a linear one."""
    image = keras.Input(traced.input_shape, name=INPUT)
    return keras.Model(image, outputs_on(image, traced, name, classifier_activation, features), name=name)


@channels_last()
def outputs_on(image: keras.KerasTensor, traced: Trace, name: str, classifier_activation: str | bool | None = False,
               features: bool = False) -> Any:
    """Return what the net of a `Trace` makes of a Keras tensor of its input shape: a tensor, or a dict of them."""
    tensors = {INPUT: image}
    has_batchnorm = "batch" in norm_kinds([layer.word for layer in traced.layers])
    initializer = _normalized_initializer if has_batchnorm else _initializer
    for layer in traced.layers:
        tensors[layer.name] = _apply(layer, [tensors[source] for source in layer.inputs], initializer)
    if features:
        if not traced.features:
            raise ZooError(f"{name} has no named stages to take features from.")
        return {key: tensors[signal.source] for key, signal in traced.features.items()}
    output = tensors[traced.output.source]
    if classifier_activation is not False:
        last = SCORES[classifier_activation != "softmax"]
        output = _scores(output, classifier_activation, last)
        if traced.auxiliary:
            output = {last: output}
            for key, (signal, _) in traced.auxiliary.items():
                output[key] = _scores(tensors[signal.source], classifier_activation, key)
    return output


def _scores(x, activation, name):
    return layers.Activation(_activation(activation), dtype="float32", name=name)(x)


def _apply(layer, inputs, initializer):
    word, name = layer.word, layer.name
    match word:
        case words.Add():
            return layers.Add(name=name)(inputs)
        case words.Concat():
            return layers.Concatenate(name=name)(inputs)
        case words.Multiply():
            if any(len(x.shape) == 4 for x in inputs):
                inputs = [_as_map(x, f"{name}_gate{i}") for i, x in enumerate(inputs, 1)]
            return layers.Multiply(name=name)(inputs)
        case words.Unpool():
            return papers.MaxUnpooling(pair(word.size), name=name)(inputs)
        case made.CropToOverlap():
            return open_sides.CropToOverlap(word.starts, name=name)(inputs)
        case made.CropToImage():
            return open_sides.CropToImage(word.start, name=name)(inputs)
        case words.Shuffle() if None in layer.input_shape:
            return open_sides.ChannelShuffle(word.groups, name=name)(*inputs)
        case words.Shuffle():
            height, width, channels = layer.input_shape
            x = layers.Reshape((height, width, word.groups, channels // word.groups), name=f"{name}_hands")(*inputs)
            x = layers.Permute((1, 2, 4, 3), name=f"{name}_deal")(x)
            return layers.Reshape(layer.input_shape, name=name)(x)
    (x,) = inputs
    padding, explicit = layer.padding
    if explicit and isinstance(word, words.Pool) and word.padding == "ceil":
        return papers.CutPooling(pair(word.size), pair(word.stride or word.size), explicit, word.kind, name=name)(x)
    if explicit:
        x = layers.ZeroPadding2D(explicit, name=f"{name}_pad")(x)
    return _layer(word, name, layer, padding, initializer)(x)


def _as_map(x, name):
    """Return a gate, one value per channel, in the shape that multiplies a feature map."""
    return x if len(x.shape) == 4 else layers.Reshape((1, 1, x.shape[-1]), name=name)(x)


def _layer(word, name, layer, padding, initializer):
    """Return the Keras layer of a word with one input; `initializer(word)` is that of its kernel."""
    channels = layer.input_shape[-1]
    match word:
        case words.Conv():
            return fast.Conv2D(
                layer.output.shape[-1], pair(word.kernel), pair(word.stride), padding,
                dilation_rate=pair(word.dilation), groups=word.groups, use_bias=word.bias,
                activation=_activation(word.activation), kernel_initializer=initializer(word),
                bias_initializer="ones" if _rectified_scores(word) else "zeros", name=name,
            )
        case words.DepthwiseConv():
            return layers.DepthwiseConv2D(
                pair(word.kernel), pair(word.stride), padding, word.multiplier, dilation_rate=pair(word.dilation),
                use_bias=word.bias, activation=_activation(word.activation),
                depthwise_initializer=initializer(word), name=name,
            )
        case words.TableConv():
            fan_in = prod(pair(word.kernel)) * sum(map(len, word.table)) / len(word.table)
            return papers.TableConv2D(
                word.table, pair(word.kernel), pair(word.stride), padding, _activation(word.activation),
                initializer(word, fan_in), name=name,
            )
        case words.Pool():
            kind = layers.MaxPooling2D if word.kind == "max" else layers.AveragePooling2D
            return kind(pair(word.size), pair(word.stride or word.size), padding, name=name)
        case words.Subsample():
            return papers.Subsampling(pair(word.size), _activation(word.activation), name=name)
        case words.ConvTranspose():
            return layers.Conv2DTranspose(
                layer.output.shape[-1], pair(word.kernel), pair(word.stride), padding, use_bias=word.bias,
                activation=_activation(word.activation),
                kernel_initializer=papers.Bilinear() if word.bilinear else initializer(word), name=name,
            )
        case words.Crop():
            return layers.Cropping2D(sides(word.border), name=name)
        case words.Upsample(interpolation="bilinear") if None in layer.input_shape:
            return open_sides.BilinearUpsampling(pair(word.size), name=name)
        case words.Upsample():
            return layers.UpSampling2D(pair(word.size), interpolation=word.interpolation, name=name)
        case words.Norm(kind="batch"):  # the momentum is PyTorch's
            return fast.BatchNormalization(momentum=0.9, epsilon=word.epsilon, scale=word.scale, name=name)
        case words.Norm(kind="group"):
            return layers.GroupNormalization(gcd(channels, 32), epsilon=word.epsilon, scale=word.scale, name=name)
        case words.Norm(kind="lrn"):
            return papers.LocalResponseNormalization(name=name)
        case words.Activation():
            return layers.Activation(_activation(word.kind), name=name)
        case words.Dropout():
            return layers.Dropout(word.rate, name=name)
        case words.DropPath():
            return layers.Dropout(word.rate, noise_shape=(None, 1, 1, 1), name=name)
        case words.Scale():
            return layers.Rescaling(word.factor, name=name)
        case words.Split():  # "channels_first" crops the last two axes, in NHWC width and channels
            size = channels // word.parts
            border = ((0, 0), (word.part * size, channels - (word.part + 1) * size))
            return layers.Cropping2D(border, data_format="channels_first", name=name)
        case words.PadChannels():
            return layers.ZeroPadding2D(((0, 0), layer.zeros), data_format="channels_first", name=name)
        case words.Flatten():
            return layers.Flatten(name=name)
        case words.GlobalPool():
            kind = layers.GlobalAveragePooling2D if word.kind == "avg" else layers.GlobalMaxPooling2D
            return kind(name=name)
        case words.Dense():
            return layers.Dense(
                word.units, _activation(word.activation), kernel_initializer=initializer(word), name=name
            )
        case words.RBF():
            return papers.RBF(word.codes, name=name)
    raise ZooError(f"{word!r} is no word that can be built.")


def _activation(name):
    if name == "scaled_tanh":
        return papers.scaled_tanh
    try:
        return keras.activations.get(name)
    except ValueError:
        raise ZooError(f"Keras has no activation {name!r}.") from None


def _initializer(word, fan_in=None):
    """Return He's normal initializer, with which deep ReLU nets train (arXiv:1502.01852), with exceptions:

    LeCun's for the scaled tanh, Glorot's for other saturating activations and for class scores, and a tenth of He's
    variance for scores after a ReLU, all of which would otherwise go to 0 in wide nets, for good.
    """
    if word.activation == "scaled_tanh":
        return papers.LeCunRange(fan_in)
    if _rectified_scores(word):
        return keras.initializers.VarianceScaling(0.2, "fan_in")
    if isinstance(word, words.DepthwiseConv):  # Keras would count the other channels into the fan-in
        return keras.initializers.TruncatedNormal(stddev=(2 / prod(pair(word.kernel))) ** 0.5)
    linear = isinstance(word, words.Dense) and word.activation is None
    return (
        "glorot_uniform" if word.activation in ("tanh", "sigmoid") or linear or _scores_classes(word) else "he_normal"
    )


def _normalized_initializer(word, fan_in=None):
    """Return PyTorch's, uniform up to the root of 1 / fan-in, for nets with BatchNorm, which undoes the kernels' scale.

    The smaller kernels are at first, the more a step changes them, and such nets learn far faster than from He's
    initializer, of six times the variance (docs/trains_as_built.md).
    """
    if word.activation == "scaled_tanh" or _rectified_scores(word):
        return _initializer(word, fan_in)
    if fan_in or isinstance(word, words.DepthwiseConv):  # kernels whose shape doesn't show the fan-in
        limit = (fan_in or prod(pair(word.kernel))) ** -0.5
        return keras.initializers.RandomUniform(-limit, limit)
    return keras.initializers.VarianceScaling(1 / 3, "fan_in", "uniform")


def _scores_classes(word):
    return isinstance(getattr(word, "filters", None), Classes)


def _rectified_scores(word):
    """Return whether a word gives class scores through a ReLU: biases start at 1, as a class at 0 would never learn."""
    return word.activation == "relu" and _scores_classes(word)

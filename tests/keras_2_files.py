"""HDF5 files as Keras 2 wrote them, and as keras.applications' downloads are."""

import json

import h5py
import numpy as np


def save_weights(model, path, names=lambda layer: layer.name):
    """Write a model's weights alone: names of layers and weights in attributes, trainable weights first."""
    with h5py.File(path, "w") as file:
        _write(file, model, names)


def save_model(model, path, change=lambda config: config):
    """Write a whole model, its config in Keras 2's form; `change` may still change that."""
    with h5py.File(path, "w") as file:
        config = change({"class_name": type(model).__name__, "config": old(model.get_config())})
        file.attrs["model_config"] = json.dumps(config).encode()
        file.attrs["keras_version"], file.attrs["backend"] = b"2.11.0", b"tensorflow"
        _write(file.create_group("model_weights"), model)


def _write(group, model, names=lambda layer: layer.name):
    group.attrs["layer_names"] = [names(layer).encode() for layer in model.layers]
    group.attrs["keras_version"], group.attrs["backend"] = b"2.11.0", b"tensorflow"
    for layer in model.layers:
        own = group.create_group(names(layer))
        weights = [*layer.trainable_weights, *layer.non_trainable_weights]
        texts = [f"{_owner(layer, weight, names)}/{weight.name}:0" for weight in weights]
        own.attrs["weight_names"] = [text.encode() for text in texts]
        for text, weight in zip(texts, weights):
            own[text] = np.asarray(weight)


def _owner(layer, weight, names):
    """The name of the layer, perhaps a nested one, that a weight belongs to."""
    inner = [one for one in getattr(layer, "_flatten_layers", lambda **_: [layer])(include_self=False)
             if not hasattr(one, "layers") and any(weight is its for its in one.weights)] if hasattr(
                 layer, "layers") else []
    return names(inner[0] if inner else layer)


def old(config):
    """A model's config of Keras 3 in Keras 2's form."""
    layers = []
    for entry in config["layers"]:
        own = entry["config"]
        if "layers" in own:
            settings = old(own)
        else:
            settings = {key: value for key, value in own.items() if key not in ("quantization_config", "optional")}
            settings["dtype"] = "float32"
            if "batch_shape" in settings:
                settings["batch_input_shape"] = settings.pop("batch_shape")
            if entry["class_name"] == "DepthwiseConv2D":
                settings["groups"] = 1
        changed = {"class_name": entry["class_name"], "config": settings}
        if "inbound_nodes" in entry:
            changed |= {"name": own["name"], "inbound_nodes": [_call(call) for call in entry["inbound_nodes"]]}
        layers.append(changed)
    kept = {"name": config["name"], "layers": layers}
    for key in ("input_layers", "output_layers"):
        if key in config:
            kept[key] = config[key] if isinstance(config[key][0], list) else [config[key]]
    return kept


def _call(call):
    """A call: [[name of an input, number of its call, its output, keywords], …]."""
    found = []

    def look(value):
        if isinstance(value, dict) and value.get("class_name") == "__keras_tensor__":
            found.append([*value["config"]["keras_history"]])
        elif isinstance(value, dict):
            for one in value.values():
                look(one)
        elif isinstance(value, (list, tuple)):
            for one in value:
                look(one)

    look(call["args"])
    keywords = {key: value for key, value in call["kwargs"].items() if key == "training"}
    return [[*one, keywords if i == 0 else {}] for i, one in enumerate(found)]

"""A net as training sees it: from raw images to logits, with the losses of its auxiliary classifiers."""

import keras
from keras import layers, ops

LOGITS = "logits"


class Classifier(keras.Model):
    """From raw images (N, height, width, channels), 0..255, to float32 logits: a dict, "logits" (N, classes) first.

    Auxiliary classifiers follow by name. Their losses count in training, each by its weight; what is reported on
    other data is the net's own. (Training on logits keeps the softmax exact.)
    """

    def __init__(self, net, preprocessing, image_shape, auxiliary):
        scores = list(net.output) if isinstance(net.output, dict) else net.output_names
        images = preprocessing.model(image_shape)
        logits = [layers.Activation("linear", dtype="float32", name=LOGITS)(net.get_layer(scores[0]).input)]
        logits += [layers.Activation("linear", dtype="float32", name=f"{name}_logits")(net.get_layer(name).input)
                   for name in scores[1:]]  # fmt: skip
        on_images = keras.Model(net.input, logits, name=net.name)(images.output)
        super().__init__(images.input, dict(zip([LOGITS, *scores[1:]], on_images)), name=f"{net.name}_on_images")
        self.auxiliary = {name: weight for name, (_, weight) in auxiliary.items()}

    def compute_loss(self, x=None, y=None, y_pred=None, sample_weight=None, training=True):
        loss = super().compute_loss(x, y, y_pred[LOGITS], sample_weight, training)
        if training:
            for name, weight in self.auxiliary.items():
                loss = loss + weight * ops.mean(self.loss(y, y_pred[name]))
        return loss

    def compute_metrics(self, x, y, y_pred, sample_weight=None):
        return super().compute_metrics(x, y, y_pred[LOGITS], sample_weight)


def without_auxiliary(net):
    """Return the net with its last output alone, in which the auxiliary classifiers have no layer."""
    if not isinstance(net.output, dict):
        return net
    return keras.Model(net.input, next(iter(net.output.values())), name=net.name)

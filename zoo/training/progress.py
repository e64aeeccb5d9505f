"""What a running epoch shows beside Keras's own figures."""

import time

import keras


class Throughput(keras.callbacks.Callback):
    """Add "images/s" to the figures of the bar, of the epoch and of metrics.csv; validation isn't in it.

    `images` are those of an epoch's training steps.
    """

    def __init__(self, images):
        super().__init__()
        self.images = images

    def on_epoch_begin(self, epoch, logs=None):
        self.start = time.perf_counter()

    def on_train_batch_end(self, batch, logs=None):
        done = self.images * (batch + 1) / self.params["steps"]
        self.rate = logs["images/s"] = round(done / (time.perf_counter() - self.start), 1)

    def on_epoch_end(self, epoch, logs=None):
        logs["images/s"] = self.rate

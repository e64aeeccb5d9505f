"""The embedded data set: the UCI handwritten digits, as scikit-learn ships them."""

import numpy as np

from zoo.data.dataset import Dataset, Split, make_dataset
from zoo.data.splitting import split_off


def load_digits() -> Dataset:
    """Load 1,797 digits of 8x8x1 in a fixed stratified split: 60 % training, 20 % validation, 20 % test."""
    from sklearn import datasets

    images, labels = datasets.load_digits(return_X_y=True)
    grey = np.round(images.reshape(-1, 8, 8, 1) * (255 / 16)).astype(np.uint8)
    rest, test = split_off("digits", Split(grey, labels.astype(np.int32)), 0.2)
    train, validation = split_off("digits", rest, 0.25)
    return make_dataset("digits", map(str, range(10)), {"train": train, "validation": validation, "test": test})

"""The one shape that every source of images ends in."""

from dataclasses import dataclass, replace

import numpy as np

from zoo.errors import ZooError

SEED = 0  # splits are carved with this seed, whatever the training's, so that every run sees the same test images


@dataclass(frozen=True)
class Split:
    """`images` (N, height, width, channels) uint8, and `labels` (N,) int32."""

    images: np.ndarray
    labels: np.ndarray

    def __len__(self):
        return len(self.labels)

    def take(self, indices):
        return Split(self.images[indices], self.labels[indices])


@dataclass(frozen=True)
class Dataset:
    """Images of one size in three splits; label i is the class `class_names[i]`. `notes` are sentences to print."""

    name: str
    class_names: tuple
    train: Split
    validation: Split
    test: Split
    notes: tuple = ()

    @property
    def image_shape(self):
        """(height, width, channels)."""
        return self.train.images.shape[1:]


def make_dataset(name, class_names, splits, notes=()):
    """Return the `Dataset` of a dict of splits: "train", and "validation" and "test" where the source has them.

    A missing test split is carved from the training images (20 %), then a missing validation split (10 % of what
    is left); both are stratified and always the same. The notes say so.

    Raises:
        ZooError: if there are fewer than two classes, labels out of their range, or too few images to split.
    """
    class_names, splits, notes = tuple(class_names), dict(splits), list(notes)
    if len(class_names) < 2:
        raise ZooError(f"{name} has one class only ({', '.join(class_names)}); there is nothing to tell apart.")
    for split, images in splits.items():
        if not len(images):
            raise ZooError(f"{name} has no images in its {split} split.")
        if images.labels.min() < 0 or images.labels.max() >= len(class_names):
            raise ZooError(f"{name} has labels outside 0..{len(class_names) - 1} in its {split} split.")
        splits[split] = replace(images, images=_channels(name, images.images))
    for split, share, what in (("test", 0.2, "Test"), ("validation", 0.1, "Validation")):
        if split not in splits:
            splits["train"], splits[split] = carve(name, splits["train"], share)
            notes.append(f"{what}: {share:.0%} of the training images, for {name} has no {split} split of its own.")
    return Dataset(name, class_names, splits["train"], splits["validation"], splits["test"], tuple(notes))


def carve(name, split, share):
    """Return (the rest, the carved `share`) of a split, each class in proportion.

    A class of a single image can't be in both; then the share is drawn without regard to classes.
    """
    from sklearn.model_selection import train_test_split

    if len(split) < 3:
        raise ZooError(f"{name} has {len(split)} training images, too few to hold any back for testing.")
    count = max(1, round(share * len(split)))
    present, sizes = np.unique(split.labels, return_counts=True)
    stratified = sizes.min() > 1 and len(present) <= min(count, len(split) - count)
    rest, carved = train_test_split(
        np.arange(len(split)), test_size=count, random_state=SEED, stratify=split.labels if stratified else None
    )
    return split.take(rest), split.take(carved)


def _channels(name, images):
    """Drop an alpha channel; anything else than grey or colour is refused."""
    if images.shape[-1] == 4:
        return images[..., :3]
    if images.shape[-1] not in (1, 3):
        raise ZooError(f"{name} has images of {images.shape[-1]} channels; 1 (grey) or 3 (colour) are understood.")
    return images

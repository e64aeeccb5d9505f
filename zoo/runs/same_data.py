"""Check that a run's data, loaded again, is what the run was trained on."""

import numpy as np

from zoo import registry
from zoo.data.dataset import Dataset
from zoo.data.preprocessing import normalization
from zoo.errors import ZooError
from zoo.runs.job import Job

FEW = 4  # up to so many images of a class, all could be split off for testing by versions without `keeps_classes`


def changed(job: Job, dataset: Dataset) -> str | None:
    """Return how the data differs from what a run's job records, a message without its full stop, or None."""
    if {split: len(getattr(dataset, split)) for split in job.images} != job.images:
        return f"{dataset.name} isn't what it was when the run began"
    if not set(dataset.class_names) <= set(job.class_names):
        return f"{dataset.name} has other classes than when the run began"
    if "white" not in job.source and not _has_its_normalization(job, dataset):
        return f"The images of {dataset.name} are read otherwise than by the older version that began the run"
    return None


def _has_its_normalization(job, dataset):
    """Return whether the pixels still have the mean and standard deviation that an older version recorded."""
    recorded = job.preprocessing
    try:
        if registry.entry(job.model).pixel_range:  # then scale and offset are the paper's, whatever the pixels
            return True
    except ZooError:  # the user's layout file is gone: a trained net doesn't need it any more
        return True
    found = normalization(dataset.train, recorded.channels)
    return np.allclose(found, (recorded.scale, recorded.offset), rtol=0.01, atol=0.01)


def doubts(job: Job, dataset: Dataset) -> list[str]:
    """Return messages on what may have changed without being noticed.

    Versions whose runs don't say `keeps_classes` could leave a class without training images.
    """
    if job.keeps_classes:
        return []
    labels = np.concatenate([split.labels for split in (dataset.train, dataset.validation, dataset.test)])
    if np.unique(labels, return_counts=True)[1].min() > FEW:
        return []
    return [
        f"{dataset.name} has classes of few images, and may be split otherwise than by the older version that began "
        "the run: it may have been trained on images that it is tested on now."
    ]

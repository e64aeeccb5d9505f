"""Is a run's data, loaded again, what the run was trained on?"""

import numpy as np

from zoo import registry
from zoo.data.dataset import Dataset
from zoo.data.preprocessing import normalization
from zoo.errors import ZooError
from zoo.runs.job import Job

FEW = 4  # so many images of a class could all be drawn for testing, by versions that didn't keep one in training


def changed(job: Job, dataset: Dataset) -> str | None:
    """Return why the data isn't what a run's job says, a sentence without its point; None if nothing shows it."""
    if {split: len(getattr(dataset, split)) for split in job.images} != job.images:
        return f"{dataset.name} isn't what it was when the run began"
    if not set(dataset.class_names) <= set(job.class_names):
        return f"{dataset.name} has other classes than when the run began"
    if "white" not in job.source and not _has_its_normalization(job, dataset):
        return f"The images of {dataset.name} are read otherwise than by the older version that began the run"
    return None


def _has_its_normalization(job, dataset):
    """Whether the pixels of a run that an older version began still have the mean and deviation that they had."""
    recorded = job.preprocessing
    try:
        if registry.entry(job.model).pixel_range:  # then these are the paper's, whatever the pixels
            return True
    except ZooError:  # the file of the user's own layout isn't where it was: a trained net needs it no more
        return True
    found = normalization(dataset.train, recorded.channels)
    return np.allclose(found, (recorded.scale, recorded.offset), rtol=0.01, atol=0.01)


def doubts(job: Job, dataset: Dataset) -> list[str]:
    """Return the sentences on what may have changed and can't be seen.

    Versions whose runs don't say `keeps_classes` could leave a class without training images.
    """
    labels = np.concatenate([split.labels for split in (dataset.train, dataset.validation, dataset.test)])
    if job.keeps_classes or np.unique(labels, return_counts=True)[1].min() > FEW:
        return []
    return [
        f"{dataset.name} has classes of few images, and may be split otherwise than by the older version that began "
        "the run: it may have been trained on images that it is tested on now."
    ]

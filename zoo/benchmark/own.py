"""The zoo's own contender: what `zoo train` runs on images in memory, and what `zoo evaluate` runs."""

from zoo.data.dataset import Dataset, Split
from zoo.inference import predict
from zoo.training.building import build, create_net
from zoo.training.run import Trained


def prepare(workload):
    """Return a function that trains or infers so many batches of a `Workload`; in training, whole blocks of them."""
    return {"training": _training, "inference": _inference}[workload.mode](workload)


def _training(workload):
    front, recipe = workload.front, workload.recipe
    images, labels = workload.images((*front.size, front.channels))
    split = Split(images, labels)
    dataset = Dataset("random images", _class_names(workload), train=split, validation=split, test=split)
    _, classifier = build(workload.model, workload.options, front, dataset, recipe)
    classifier.hold(images, labels)
    blocks = classifier.blocks(recipe.batch_size, recipe.seed)
    in_block = workload.steps_in_block
    return lambda steps: classifier.fit(blocks, steps_per_epoch=steps // in_block, shuffle=False, verbose=0)


def _inference(workload):
    front, batch_size = workload.front, workload.batch_size
    images, _ = workload.images((*front.size, front.channels))
    net = create_net(workload.model, workload.input_shape, workload.classes, workload.options, workload.recipe)
    on_images = Trained(net, front, _class_names(workload), net.name).on_images(images.shape[1:])
    return lambda steps: predict(on_images, images[: steps * batch_size], batch_size)


def _class_names(workload):
    return tuple(map(str, range(workload.classes)))

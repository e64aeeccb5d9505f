"""A recipe of the zoo in a plain PyTorch loop, as its tutorials teach it: what `benchmarks.parity` compares with.

The net is the layout's translation, with PyTorch's own initialization; images, splits, normalization, batch size,
number of steps and learning rates are those of `zoo.train`, and so is the choice of the epoch. All else is PyTorch's
own.

    python -m benchmarks.torch_training '{"model": "lenet5", "dataset": "digits"}'    # the arguments of `train`
"""

import json
import sys
from contextlib import nullcontext

import torch
from torch.nn import functional

from benchmarks.torch_augmentation import augmented
from zoo import data
from zoo.benchmark.torch_net import TorchNet
from zoo.training.classifier import steps_per_epoch
from zoo.training.optimizing import make_schedule
from zoo.training.request import make_job, read_request


def train(model, dataset, data_dir=None, options=None, limit=None, **fields):
    """Train by a recipe with Adam or SGD; return a dict: `test_accuracy` and `curve` (validation, by epoch).

    The arguments are those of `zoo.train`. The accuracy is that of the epoch with the least validation loss.
    """
    asked = read_request(model, dataset, data_dir, None, options, limit, **fields)
    images = data.load_source(asked.source)
    job = make_job(asked, images)
    recipe, front = job.recipe, job.preprocessing
    torch.manual_seed(recipe.seed)
    net = TorchNet(job.plan.trace).to(memory_format=torch.channels_last)
    train, validation, test = (as_tensors(split) for split in (images.train, images.validation, images.test))
    logits, steps = on_images(net, front, recipe.precision), steps_per_epoch(len(train[1]), recipe.batch_size, True)
    optimizer, schedule = make_optimizer(net, recipe, steps)
    curve, losses, accuracies = [], [], []
    for _ in range(recipe.epochs):
        net.train()
        places = torch.randperm(len(train[1]))[: steps * recipe.batch_size]
        for rows in places.split(recipe.batch_size):
            scores = logits(augmented(train[0][rows], recipe.augment))
            loss = functional.cross_entropy(scores, train[1][rows], label_smoothing=recipe.label_smoothing)
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
            schedule.step()
        accuracy, loss = evaluate(net, logits, *validation)
        curve.append(accuracy)
        losses.append(loss)
        accuracies.append(evaluate(net, logits, *test)[0])
    best = min(range(recipe.epochs), key=losses.__getitem__)
    return {"test_accuracy": accuracies[best], "curve": curve}


def as_tensors(split):
    return torch.from_numpy(split.images).permute(0, 3, 1, 2), torch.from_numpy(split.labels).long()


def on_images(net, front, precision):
    """Return the function from raw images (N, channels, height, width) to the net's logits (N, classes) float32."""
    scale, offset = (torch.tensor(values).reshape(-1, 1, 1) for values in (front.scale, front.offset))
    low = precision == "bfloat16"

    def logits(images):
        x = images.float()
        if tuple(x.shape[2:]) != tuple(front.size):
            x = functional.interpolate(x, front.size, mode="bilinear", antialias=True)
        x = functional.pad(x, (front.margin,) * 4).expand(-1, front.channels, -1, -1)
        x = (x * scale + offset).contiguous(memory_format=torch.channels_last)
        with torch.autocast("cpu", torch.bfloat16) if low else nullcontext():
            return net(x).float()

    return logits


def make_optimizer(net, recipe, steps):
    """Return PyTorch's optimizer, and its schedule of the recipe's learning rates, one a step."""
    decay = recipe.weight_decay
    if recipe.optimizer == "sgd":
        nesterov = recipe.momentum > 0
        optimizer = torch.optim.SGD(net.parameters(), recipe.learning_rate, recipe.momentum, 0, decay, nesterov)
    else:
        optimizer = torch.optim.Adam(net.parameters(), recipe.learning_rate, weight_decay=decay)
    rates = make_schedule(recipe, steps * recipe.epochs, recipe.epochs)
    return optimizer, torch.optim.lr_scheduler.LambdaLR(
        optimizer, lambda step: float(rates(step)) / recipe.learning_rate
    )


@torch.inference_mode()
def evaluate(net, logits, images, labels):
    """Return the accuracy and the cross-entropy of the net, as it is after an epoch."""
    net.eval()
    scores = torch.cat([logits(batch) for batch in images.split(128)])
    return (scores.argmax(1) == labels).double().mean().item(), functional.cross_entropy(scores, labels).item()


if __name__ == "__main__":
    print(json.dumps(train(**json.loads(sys.argv[1]))))

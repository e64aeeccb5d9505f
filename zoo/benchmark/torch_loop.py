"""The contenders "pytorch": the plain loop of PyTorch's tutorials, on images that stay on the device."""

from collections.abc import Callable
from contextlib import nullcontext
from typing import Any

import torch
from torch.nn import functional

from zoo.benchmark.torch_net import TorchNet
from zoo.benchmark.workload import Workload

LIBRARY = "torch"
DEVICE = "cuda" if torch.cuda.is_available() else "cpu"


def prepare(workload: Workload, channels_last: bool = False, compiled: bool = False) -> Callable[[int], Any]:
    """Return a function of n that trains or infers n batches of a `Workload`.

    In bfloat16 it trains with PyTorch's autocast. It infers with bfloat16 weights, since autocast would cast float32
    ones for each batch again.

    Args:
        workload: the `Workload`.
        channels_last: whether feature maps and kernels are stored as NHWC; this also fuses the optimizer.
        compiled: whether the net is compiled by `torch.compile`; in inference this freezes the weights as constants.

    Raises:
        ZooError: for a net that `TorchNet` can't translate.
    """
    torch.set_float32_matmul_precision("high")  # TensorFloat-32 on a GPU, as TensorFlow and JAX have it
    torch.backends.cudnn.benchmark = True
    order = torch.channels_last if channels_last else torch.contiguous_format
    trains, low = workload.mode == "training", workload.precision == "bfloat16"
    kind = torch.bfloat16 if low and not trains else torch.float32
    net = TorchNet(workload.plan.trace).to(DEVICE, kind, memory_format=order).train(trains)  # type: ignore[call-overload]
    pixels, classes = workload.images(workload.input_shape)
    images, labels = (torch.from_numpy(array).to(DEVICE) for array in (pixels, workload.targets(classes)))
    images = images.permute(0, 3, 1, 2).contiguous(memory_format=order)
    scale, offset = (torch.tensor(values, device=DEVICE).reshape(-1, 1, 1)
                     for values in (workload.preprocessing.scale, workload.preprocessing.offset))
    called = torch.compile(net, options=None if trains else {"freezing": True}) if compiled else net

    def logits(some):
        x = (some.float() * scale + offset).to(kind, memory_format=order)
        with torch.autocast(DEVICE, torch.bfloat16) if low and trains else nullcontext():
            return called(x).float()

    if trains:
        return _finished(_trainer(net, logits, images, labels.long(), workload, channels_last))
    return _finished(_classifier(logits, images, workload.batch_size))


def _trainer(net, logits, images, labels, workload, fused):
    recipe = workload.recipe
    optimizer = torch.optim.Adam(net.parameters(), recipe.learning_rate, fused=fused)

    def run(steps):
        indices = torch.randperm(len(images), device=DEVICE)
        for rows in indices[: steps * recipe.batch_size].split(recipe.batch_size):
            loss = functional.cross_entropy(logits(images[rows]), labels[rows], label_smoothing=recipe.label_smoothing)
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()

    return run


def _classifier(logits, images, batch_size):
    @torch.inference_mode()
    def run(steps):
        batches = images[: steps * batch_size].split(batch_size)
        return torch.cat([logits(batch).softmax(1) for batch in batches]).cpu().numpy()

    return run


def _finished(run):
    """Return a function that calls `run` and then waits until a GPU is done."""

    def finished(steps):
        result = run(steps)
        if DEVICE == "cuda":
            torch.cuda.synchronize()
        return result

    return finished

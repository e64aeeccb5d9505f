"""In which of TensorFlow's ops does a step spend its time?

    python -m benchmarks.ops resnet20 --precision bfloat16
    python -m benchmarks.ops lenet5 --batch-size 512 --rows 12
    python -m benchmarks.ops vgg11_bn --input 32x32 --classes 10 --set head=gap
    python -m benchmarks.ops vgg16 --mode inference

Milliseconds a step, summed over the op's calls; ops that run at the same time, on several cores, count in full. The
first row is the step as the clock has it. What is profiled is what `zoo benchmark` measures: what `zoo train` runs, or
`zoo.predictor`.
"""

import os
import tempfile
import time
from collections import Counter
from pathlib import Path

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

import click
from tabulate import tabulate

from zoo import ZooError
from zoo.cli.frame import Command
from zoo.cli.options import Size, set_option, with_channels
from zoo.processor import prepare

WARM_UP, PROFILED = 3, 4  # blocks of steps


def profile(run, steps):
    """Run so many steps under TensorFlow's profiler; return the ops' milliseconds and calls, two Counters."""
    import tensorflow as tf
    from tensorflow.tsl.profiler.protobuf.xplane_pb2 import XSpace

    with tempfile.TemporaryDirectory() as folder:
        with tf.profiler.experimental.Profile(folder):
            run(steps)
        space = XSpace.FromString(next(Path(folder).rglob("*.xplane.pb")).read_bytes())
    milliseconds, calls = Counter(), Counter()
    for plane in (plane for plane in space.planes if "CPU" in plane.name):
        for event in (event for line in plane.lines for event in line.events):
            name, _, kind = plane.event_metadata[event.metadata_id].name.rpartition(":")
            is_op = name and not name.endswith(":") and "__inference" not in kind  # "layer/Conv2D:Conv2D"
            if is_op:
                milliseconds[kind] += event.duration_ps / 1e9
                calls[kind] += 1
    return milliseconds, calls


@click.command(cls=Command)
@click.argument("model")
@click.option("--mode", default="training", show_default=True, metavar="training|inference")
@click.option("--precision", default="float32", show_default=True, metavar="float32|bfloat16")
@click.option("--batch-size", type=int)
@click.option("--input", "input_shape", type=Size(), help="Another input: HxW or HxWxC.")
@click.option("--classes", type=int)
@set_option
@click.option("--rows", default=16, show_default=True, type=click.IntRange(1),
              help="How many ops to show, those that take longest.")
def main(model, mode, precision, batch_size, input_shape, classes, options, rows):
    """Show the ops of TensorFlow's that a step of MODEL spends its time in."""
    prepare()

    import keras

    from zoo.benchmark import own
    from zoo.benchmark.workload import make_workload

    if keras.backend.backend() != "tensorflow":
        raise ZooError(f"These are ops of TensorFlow's, but KERAS_BACKEND is {keras.backend.backend()}.")
    shape = with_channels(input_shape, model)
    workload = make_workload(model, mode, precision, batch_size, shape, classes, **options)
    run, block = own.prepare(workload), workload.steps_in_block
    run(WARM_UP * block)
    steps = PROFILED * block
    start = time.perf_counter()
    run(steps)
    table = [("the whole step", f"{(time.perf_counter() - start) / steps * 1000:.2f}", "")]
    milliseconds, calls = profile(run, steps)
    for kind, spent in milliseconds.most_common(rows):
        table.append((kind, f"{spent / steps:.2f}", f"{calls[kind] / steps:.0f}"))
    print(f"{workload.title}: TensorFlow's ops")
    print(tabulate(table, ("op", "ms a step", "calls"), "github", disable_numparse=True, colglobalalign="right"))


if __name__ == "__main__":
    main()

"""In which of TensorFlow's ops does a step spend its time?

    python -m benchmarks.ops resnet20 --precision bfloat16
    python -m benchmarks.ops lenet5 --batch-size 512 --rows 12
    python -m benchmarks.ops vgg16 --mode inference

Milliseconds a step, summed over the op's calls; ops that run at the same time, on several cores, count in full. The
first row is the step as the clock has it. What is profiled is what `zoo benchmark` measures: what `zoo train` runs, or
`zoo.predictor`.
"""

import argparse
import os
import tempfile
import time
from collections import Counter
from pathlib import Path

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

from tabulate import tabulate

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


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("model")
    parser.add_argument("--mode", default="training")
    parser.add_argument("--precision", default="float32")
    parser.add_argument("--batch-size", type=int)
    parser.add_argument("--rows", type=int, default=16, help="how many ops to show, those that take longest")
    options = parser.parse_args()

    from zoo.benchmark import own
    from zoo.benchmark.workload import make_workload

    workload = make_workload(options.model, options.mode, options.precision, options.batch_size)
    run, block = own.prepare(workload), workload.steps_in_block
    run(WARM_UP * block)
    steps = PROFILED * block
    start = time.perf_counter()
    run(steps)
    rows = [("the whole step", f"{(time.perf_counter() - start) / steps * 1000:.2f}", "")]
    milliseconds, calls = profile(run, steps)
    for kind, spent in milliseconds.most_common(options.rows):
        rows.append((kind, f"{spent / steps:.2f}", f"{calls[kind] / steps:.0f}"))
    print(f"{workload.title}: TensorFlow's ops")
    print(tabulate(rows, ("op", "ms a step", "calls"), "github", disable_numparse=True, colglobalalign="right"))


if __name__ == "__main__":
    main()

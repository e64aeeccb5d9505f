"""The benchmark of accuracy leaves the devices to the runs, which are processes of their own."""

import subprocess
import sys

MACHINE = """
import tensorflow
from benchmarks.accuracy import machine
assert machine()
tensorflow.config.threading.set_intra_op_parallelism_threads(1)  # refused once TensorFlow has begun
"""


def test_asking_for_the_machine_takes_no_device():
    subprocess.run([sys.executable, "-c", MACHINE], check=True)

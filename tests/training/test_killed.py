"""A run that is killed, more than once, at moments that nobody chose, ends as one that never was."""

import numpy as np
import pytest

from benchmarks.killed import TRAININGS, broken, same, unbroken


@pytest.mark.slow
@pytest.mark.parametrize("what", TRAININGS)
def test_a_killed_run_ends_with_the_weights_of_an_unbroken_one(tmp_path, what):
    whole, begun, ended = unbroken(tmp_path / "whole", what)
    moments = np.random.default_rng().uniform(begun, ended, 2)
    weights, _ = broken(tmp_path / "killed", moments, what)
    assert same(weights, whole), moments

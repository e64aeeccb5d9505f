"""An epoch: its blocks of steps, and the order of the images."""

import numpy as np
import pytest

from zoo.recipes.recipe import Recipe
from zoo.training.classifier import block_sizes
from zoo.training.optimizing import make_loss, make_optimizer


@pytest.mark.parametrize("count, batch", [(1078, 32), (60_000, 128), (10, 8), (8, 8), (50_000, 128), (1_281_167, 256)])
def test_an_epoch_is_cut_into_even_blocks(count, batch):
    steps, blocks = block_sizes(count, batch)
    assert 1 <= steps <= 50 and steps * blocks <= count // batch
    assert steps * blocks > 0.98 * (count // batch)


def test_each_image_is_seen_at_most_once_an_epoch_and_the_order_changes(two_headed):
    recipe = Recipe(batch_size=4)
    two_headed.compile(make_optimizer(recipe, 1), make_loss(recipe), metrics=["accuracy"])
    two_headed.cache_on_device(np.zeros((42, 8, 8, 1), np.uint8), np.zeros(42, np.int32))
    steps, blocks = block_sizes(42, 4)

    def epoch(first, seed=0):
        places = two_headed.blocks(4, seed, first)
        return np.concatenate([next(places)[0].ravel() for _ in range(blocks)]).tolist()

    assert len(epoch(0)) == len(set(epoch(0))) == 40 and epoch(0) == epoch(0)
    assert epoch(0) != epoch(1) and epoch(0) != epoch(0, seed=1)

"""Pictures of noise, in folders."""

import numpy as np
from PIL import Image


def noise(*shape, seed=0):
    return np.random.default_rng(seed).integers(0, 256, shape, dtype=np.uint8)


def pictures(folder, count, shape=(9, 7, 3), suffix=".png"):
    folder.mkdir(parents=True, exist_ok=True)
    for i in range(count):
        Image.fromarray(noise(*shape, seed=i).squeeze()).save(folder / f"{i}{suffix}")


def classes(root, count=5, **options):
    for name in ("cat", "dog"):
        pictures(root / name, count, **options)
    return root

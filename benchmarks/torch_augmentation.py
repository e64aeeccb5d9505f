"""Random changes of a batch of images in PyTorch, each image by itself, as torchvision's transforms make them."""

import torch
from torch.nn import functional


def augmented(images, names):
    """Return images (N, channels, height, width) uint8 changed by the recipe's "flip" and "crop", in that order."""
    for name in names:
        images = {"flip": flipped, "crop": cropped}[name](images)
    return images


def flipped(images):
    """Mirror each image, or don't."""
    return torch.where(torch.rand(len(images), 1, 1, 1) < 0.5, images.flip(3), images)


def cropped(images):
    """Pad each image by an eighth of its size with black, and cut out its size anywhere."""
    count, _, height, width = images.shape
    rings = height // 8
    padded = functional.pad(images, (rings,) * 4)
    down, across = torch.randint(0, 2 * rings + 1, (2, count, 1))
    rows, columns = down + torch.arange(height), across + torch.arange(width)
    each = torch.arange(count)[:, None, None]
    return padded[each, :, rows[:, :, None], columns[:, None, :]].permute(0, 3, 1, 2)

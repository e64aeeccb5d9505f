"""Load a folder of the folders images and masks: a label for each pixel, in a file beside each image.

A mask is an image file of its image's size: an indexed PNG, whose numbers are the classes and whose palette gives their
colours, a grey one, whose levels are the classes' numbers, or one in colours, which classes.txt or classes.json names
(`zoo.data.mask_classes`). 255 marks pixels that don't count (`zoo.data.mask_numbers`).
"""

from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np

from zoo.annotations import Size
from zoo.data.dataset import Dataset, StreamedSplit, make_dataset
from zoo.data.folder import common_channels, common_shape, common_white_and_notes, read_heads, read_images, threads
from zoo.data.images import read_image
from zoo.data.mask_classes import read_classes
from zoo.data.mask_codes import Codes, codes_of
from zoo.data.mask_files import check_head, read_mask
from zoo.data.mask_numbers import occurring
from zoo.data.mask_pairs import find_pairs
from zoo.data.own_sizes import OwnSizes
from zoo.names import line

LOOKED_AT = 2_000  # masks that are read at once where their classes are named; the others are checked when read


def load_mask_folder(path: Path, size: Size | None, white: float | None = None) -> Dataset:
    """Load the images of a folder, and a mask for each.

    Images are read as those of `zoo.data.folder`. Where their sizes differ they are resized to `size`, (height, width),
    and the masks to the nearest pixel; without a `size` all keep theirs (`OwnSizes`). Both stay in their files. Where
    the classes are named, up to `LOOKED_AT` masks, evenly spread, are read at once, to see what they hold; else all.

    Raises:
        ZooError: for an image or a mask that is missing or can't be read, sizes that don't match, and numbers or
            colours that are no class; each with the file's name.
    """
    pairs, left_out = find_pairs(path)
    images, masks = zip(*(pair for of_split in pairs.values() for pair in of_split))
    heads, mask_heads = read_heads(images), read_heads(masks)
    for image, head, mask, mask_head in zip(images, heads, masks, mask_heads):
        check_head(mask, mask_head, image, head)
    named = read_classes(path)
    count = min(len(masks), LOOKED_AT) if named else len(masks)
    looked_at = [str(masks[i]) for i in np.linspace(0, len(masks) - 1, count).round().astype(int)]
    names, colours, codes, on_classes = codes_of(path, named, _what_they_hold(looked_at))
    shape: Any
    shape, notes = common_shape(heads, size) if size else ((None, None, common_channels(heads)), [])
    white, more = common_white_and_notes(images, heads, white)
    notes += more + _on_turned(images, heads, mask_heads) + left_out + on_classes
    mask_of = {str(image): str(mask) for image, mask in zip(images, masks)}
    size_of = {str(image): (head.height, head.width) for image, head in zip(images, heads)}
    splits = {}
    for split, of_split in pairs.items():
        files = np.array([str(image) for image, _ in of_split], object)
        if size:
            decode_masks = partial(_read_masks, shape[:2], codes, mask_of)
            splits[split] = StreamedSplit(files, None, shape, partial(read_images, shape, white), decode_masks)
        else:
            decode = partial(_images_as_they_are, shape[2], white), partial(_masks_as_they_are, codes, mask_of)
            splits[split] = OwnSizes(files, None, shape, *decode, sizes=np.array([size_of[file] for file in files]))
    return replace(make_dataset(path.resolve().name, names, splits, notes), white=white, colours=colours)


def _what_they_hold(paths):
    """Return {path: the mask with each of its numbers or colours once}."""
    from tqdm import tqdm

    def look(path):
        mask = read_mask(path)
        return path, replace(mask, pixels=occurring(mask.pixels))

    return dict(tqdm(threads().map(look, paths), "masks", len(paths), delay=2, leave=False, disable=None))


def _on_turned(images, heads, mask_heads):
    """Return a list of one note on images that their files say are to be turned, unlike their masks'; or none."""
    turned = [path for path, head, mask in zip(images, heads, mask_heads) if head.is_turned and not mask.is_turned]
    return [
        f"{len(turned):,} of the images are turned upright, as their EXIF data says, as {line(turned[0])}; their masks "
        "are taken to be upright."
    ] if turned else []


def _images_as_they_are(channels, white, images):
    return [read_image(path, channels, white=white) for path in images]


def _masks_as_they_are(codes: Codes, mask_of, images):
    return [codes.classes(mask_of[image], read_mask(mask_of[image])) for image in images]


def _read_masks(size, codes: Codes, mask_of, images):
    """Return the masks of these images, (len(images), *size) uint8."""
    from PIL import Image

    def read(image):
        mask = Image.fromarray(*_masks_as_they_are(codes, mask_of, [image]))
        return np.asarray(mask.resize((size[1], size[0]), Image.Resampling.NEAREST))

    masks = np.empty((len(images), *size), np.uint8)
    for i, mask in enumerate(threads().map(read, images)):
        masks[i] = mask
    return masks

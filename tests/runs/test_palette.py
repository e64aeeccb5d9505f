"""The colours of classes: all different, the data's own where it has them, and none that means something else."""

from itertools import combinations

import pytest

from zoo.runs.palette import GREY, class_colours, rgb


def luminance(colour):
    """The relative luminance that WCAG 2 defines."""
    shares = [value / 255 for value in colour]
    light = [share / 12.92 if share <= 0.04045 else ((share + 0.055) / 1.055) ** 2.4 for share in shares]
    return 0.2126 * light[0] + 0.7152 * light[1] + 0.0722 * light[2]


@pytest.mark.parametrize("count", [1, 2, 8, 9, 21, 151, 255])
def test_each_class_has_a_colour_of_its_own_and_none_is_the_grey_of_what_does_not_count(count):
    colours = class_colours(count)
    assert len(colours) == count and len({*colours, rgb(GREY)}) == count + 1
    assert all(0 <= value <= 255 for colour in colours for value in colour)


def test_colours_of_more_classes_begin_with_those_of_fewer():
    assert class_colours(8) == class_colours(255)[:8] == class_colours(8, [(1, 2, 3)])
    assert class_colours(3) == ((0, 0, 0), (0, 114, 178), (213, 94, 0))


def test_objects_stand_out_from_the_background():
    """By a contrast of 3, which WCAG 2 asks of graphics."""
    background, *objects = class_colours(8)
    assert all((luminance(one) + 0.05) / (luminance(background) + 0.05) >= 3 for one in objects)


def test_colours_of_twenty_classes_are_far_apart():
    apart = [max(abs(a - b) for a, b in zip(*pair)) for pair in combinations(class_colours(21), 2)]
    assert min(apart) >= 48


def test_the_datas_own_colours_are_kept():
    own = [[255, 255, 255], [214, 39, 40]]
    assert class_colours(2, own) == ((255, 255, 255), (214, 39, 40))

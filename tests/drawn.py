"""Digits drawn by strokes, as a hand draws them: dark on light or light on dark, of any size, anywhere."""

import numpy as np
from PIL import Image, ImageDraw

DIGITS = {  # lines through points of a box of 100x100
    "0": [[(50, 5), (20, 20), (12, 50), (20, 80), (50, 95), (80, 80), (88, 50), (80, 20), (50, 5)]],
    "1": [[(35, 25), (55, 5), (55, 95)]],
    "2": [[(18, 25), (35, 6), (65, 6), (82, 25), (75, 48), (15, 95), (88, 95)]],
    "3": [[(18, 12), (50, 5), (80, 20), (72, 42), (42, 48), (75, 55), (85, 75), (60, 95), (15, 88)]],
    "4": [[(60, 5), (12, 65), (90, 65)], [(65, 35), (62, 97)]],
    "5": [[(82, 6), (28, 6), (22, 45), (60, 42), (85, 65), (70, 92), (18, 92)]],
    "6": [[(65, 5), (30, 35), (18, 70), (40, 95), (72, 88), (78, 65), (55, 52), (22, 65)]],
    "7": [[(12, 8), (88, 8), (45, 96)]],
    "8": [[(50, 48), (22, 28), (35, 6), (65, 6), (78, 28), (50, 48), (20, 72), (35, 95), (65, 95), (80, 72), (50, 48)]],
    "9": [[(80, 25), (55, 6), (25, 18), (22, 40), (45, 52), (78, 38), (80, 25), (74, 60), (60, 96)]],
}


def drawn(digit, size=(100, 100), box=(20, 20, 60, 60), width=6, ink=0, paper=255):
    """A picture (height, width) uint8 of a digit; `size` is (width, height), `box` (left, top, width, height)."""
    image = Image.new("L", size, paper)
    draw, (left, top, across, down) = ImageDraw.Draw(image), box
    for line in DIGITS[digit]:
        points = [(left + x * across / 100, top + y * down / 100) for x, y in line]
        draw.line(points, fill=ink, width=width, joint="curve")
        for x, y in points:
            draw.ellipse((x - width / 2, y - width / 2, x + width / 2, y + width / 2), fill=ink)
    return np.asarray(image)

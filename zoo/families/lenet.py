"""LeNet: LeCun, Bottou, Bengio and Haffner 1998, Sections II.B and III.C, and the form that is common today.

| model       | maps                    | parameters | what it is                                             |
|-------------|-------------------------|------------|--------------------------------------------------------|
| lenet1      | 4, 12, output 10        | 3,246      | modern form: all maps connected, ReLU, max pooling     |
| lenet4      | 4, 16, 120, output 10   | 51,050     | modern form; the paper's has 17,000, partly connected  |
| lenet5      | 6, 16, 120, 84, output  | 61,706     | modern form                                            |
| lenet5_1998 | 6, 16, 120, 84, codes   | 60,000     | the paper's own (and 840 fixed values in the codes)    |

The paper's digits are 28x28, centred in 32x32 pixels; LeNet-1's input is 28x28 in all.
"""

from zoo.entry import Cited, Paper, register
from zoo.layout import RBF, Conv, Dense, Flatten, Layout, Pool, Stage, Subsample, TableConv

PAPER = Paper("Gradient-Based Learning Applied to Document Recognition", "LeCun, Bottou, Bengio and Haffner", 1998,
              "Proceedings of the IEEE 86(11)")


def modern(classes: int, maps1: int, maps2: int, *hidden: int) -> Layout:
    """The form common today: ReLU, max pooling, all maps connected, a dense softmax output."""
    return Layout(
        body=[
            Stage("block1", Conv(maps1, 5, padding="valid", name="c1"), Pool(2, name="s2")),
            Stage("block2", Conv(maps2, 5, padding="valid", name="c3"), Pool(2, name="s4")),
        ],
        head=[Flatten(), *(Dense(units, "relu") for units in hidden), Dense(classes, name="predictions")],
    )


# The modern forms have no paper. They are initialized as in PyTorch's tutorial, and learn better so (docs/parity.md).
RECIPE = {"learning_rate": 3e-3, "initialization": "pytorch"}


@register(paper=PAPER, year=1990, input_shape=(28, 28, 1), classes=10, summary="The first LeNet, modern form",
          recipe=RECIPE, published={"mnist_error": Cited(1.7, "Figure 9, of the original form")})
def lenet1(classes: int = 10) -> Layout:
    return modern(classes, 4, 12)


@register(paper=PAPER, year=1995, input_shape=(32, 32, 1), margin=2, classes=10, summary="LeNet-4, modern form",
          recipe=RECIPE, published={"mnist_error": Cited(1.1, "Figure 9, of the original form")})
def lenet4(classes: int = 10) -> Layout:
    return modern(classes, 4, 16, 120)


@register(paper=PAPER, input_shape=(32, 32, 1), margin=2, classes=10, aliases=("lenet",),
          summary="LeNet-5 as everybody runs it today: ReLU, max pools, softmax",
          recipe=RECIPE,
          published={"trainable_params": Cited(61_706, "the net of PyTorch's neural networks tutorial")})
def lenet5(classes: int = 10) -> Layout:
    return modern(classes, 6, 16, 120, 84)


C3 = (  # Table I: which of S2's maps each of C3's 16 maps is connected to
    (0, 1, 2), (1, 2, 3), (2, 3, 4), (3, 4, 5), (0, 4, 5), (0, 1, 5),
    (0, 1, 2, 3), (1, 2, 3, 4), (2, 3, 4, 5), (0, 3, 4, 5), (0, 1, 4, 5), (0, 1, 2, 5),
    (0, 1, 3, 4), (1, 2, 4, 5), (0, 2, 3, 5), (0, 1, 2, 3, 4, 5),
)

# Figure 3's 7x12 bitmaps of the ten digits, as other implementations of the net have them; # is +1, . is -1.
DIGITS = """
.#####. ...##.. .#####. ####### .#####. .#####. ..####. ####### .#####. .#####.
....... ..###.. ....... .....## ....... ....... .##.... .....## ##...## ##..###
..###.. .####.. .#####. ....##. ....... ####### ##..... .....## ##...## ##...##
.##.##. ...##.. ##...## ...##.. .##..## ##..... ##..... ....##. ##...## ##...##
##...## ...##.. #....## ..####. .##..## ##..... ######. ...##.. .#####. ##..###
##...## ...##.. ....##. .....## ###..## .####.. ###..## ...##.. ##...## .######
##...## ...##.. ..###.. .....## ##...## ..####. ##...## ..##... ##...## .....##
##...## ...##.. .##.... .....## ##...## .....## ##...## ..##... ##...## .....##
.##.##. ...##.. ##..... ##...## ##..### ##...## ###..## ..##... ##...## ....##.
..###.. .###### ####### .#####. .###### .#####. .#####. ..##... .#####. .####..
....... ....... ....... ....... .....## ....... ....... ....... ....... .......
....... ....... ....... ....... .....## ....... ....... ....... ....... .......
"""
CODES = tuple(
    tuple(1 if cell == "#" else -1 for cell in "".join(rows)) for rows in zip(*map(str.split, DIGITS.split("\n")[1:-1]))
)


@register(paper=PAPER, input_shape=(32, 32, 1), margin=2, pixel_range=(-0.1, 1.175), classes=10,
          summary="LeNet-5 as published: trainable pooling, C3's table, scaled tanh, RBF output",
          recipe={"learning_rate": 4e-3, "label_smoothing": 0.0, "rubbish": 10.0},
          published={"trainable_params": Cited(60_000, "Section II.B, the layers' sum"),
                     "mnist_error": Cited(0.95, "Figure 9")})
def lenet5_1998() -> Layout:
    squash = "scaled_tanh"
    return Layout(
        body=[
            Stage("block1", Conv(6, 5, padding="valid", activation=squash, name="c1"), Subsample(2, squash, name="s2")),
            Stage("block2", TableConv(C3, 5, padding="valid", activation=squash, name="c3"),
                  Subsample(2, squash, name="s4")),
            Stage("block3", Conv(120, 5, padding="valid", activation=squash, name="c5")),
        ],
        head=[Flatten(), Dense(84, squash, name="f6"), RBF(CODES, name="predictions")],
    )

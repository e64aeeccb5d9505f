"""MobileNetV3: Tables 1 (Large) and 2 (Small) of Howard et al. 2019.

| model                          | params (keras.applications) | trainable | padding    |
|--------------------------------|-----------------------------|-----------|------------|
| mobilenet_v3_large             | 5,507,432                   | 5,483,032 | TensorFlow's, as the authors |
| mobilenet_v3_small             | 2,554,968                   | 2,542,856 | the same   |
| mobilenet_v3_large_torchvision |                             | 5,483,032 | PyTorch's  |
| mobilenet_v3_small_torchvision |                             | 2,542,856 | PyTorch's  |

`epsilon=1e-5` gives the last two the epsilon of timm's mobilenetv3_large_100 and mobilenetv3_small_100.
"""

from collections.abc import Callable
from functools import partial

from zoo.entry import SIGNED, TORCHVISION, Cited, Paper, register
from zoo.layout import Add, Conv, Dense, DepthwiseConv, Dropout, GlobalPool, Layout, Multiply, Norm, Stage

PAPER = Paper("Searching for MobileNetV3", "Howard, Sandler, Chu, Chen, Chen, Tan, Wang, Zhu, Pang, Vasudevan, Le "
              "and Adam", 2019, "arXiv:1905.02244")

RE, HS = "relu", "hard_swish"
LARGE = (  # Table 1: kernel, expansion, out, SE, nonlinearity, stride
    (3, 16, 16, False, RE, 1), (3, 64, 24, False, RE, 2), (3, 72, 24, False, RE, 1),
    (5, 72, 40, True, RE, 2), (5, 120, 40, True, RE, 1), (5, 120, 40, True, RE, 1),
    (3, 240, 80, False, HS, 2), (3, 200, 80, False, HS, 1), (3, 184, 80, False, HS, 1), (3, 184, 80, False, HS, 1),
    (3, 480, 112, True, HS, 1), (3, 672, 112, True, HS, 1),
    (5, 672, 160, True, HS, 2), (5, 960, 160, True, HS, 1), (5, 960, 160, True, HS, 1),
)
SMALL = (  # Table 2
    (3, 16, 16, True, RE, 2), (3, 72, 24, False, RE, 2), (3, 88, 24, False, RE, 1),
    (5, 96, 40, True, HS, 2), (5, 240, 40, True, HS, 1), (5, 240, 40, True, HS, 1),
    (5, 120, 48, True, HS, 1), (5, 144, 48, True, HS, 1),
    (5, 288, 96, True, HS, 2), (5, 576, 96, True, HS, 1), (5, 576, 96, True, HS, 1),
)

conv, depthwise = partial(Conv, bias=False), partial(DepthwiseConv, bias=False)


def by_8(channels: float) -> int:
    """The nearest multiple of 8, or the next one if that is less than nine tenths of `channels`."""
    rounded = int(channels + 4) // 8 * 8
    return rounded if rounded >= 0.9 * channels else rounded + 8


def squeeze_and_excite(channels: int) -> Multiply:  # Section 5.3: a quarter of the expansion, a hard sigmoid
    return Multiply([GlobalPool("avg"), Dense(by_8(channels / 4), "relu"), Dense(channels, "hard_sigmoid")])


def bneck(inputs: int, kernel: int, expansion: int, out: int, se: bool, act: str, stride: int,
          pad: Callable[[int], int | str], norm: Norm) -> Add | list:
    rows: list = [
        conv(expansion, 1, norm=norm, activation=act) if expansion != inputs else [],
        depthwise(kernel, stride=stride, padding=pad(kernel), norm=norm, activation=act),
        squeeze_and_excite(expansion) if se else [],
        conv(out, 1, norm=norm, activation=None),
    ]
    return Add(rows) if stride == 1 and inputs == out else rows


def mobilenet_v3(table: tuple[tuple, ...], hidden: int, classes: int, pad: Callable[[int], int | str],
                 epsilon: float = 1e-3) -> Layout:
    norm, inputs = Norm(epsilon=epsilon), 16
    stages: list[list] = [[conv(16, 3, stride=2, padding=pad(3), norm=norm, activation=HS)]]
    for kernel, expansion, out, se, act, stride in table:
        if stride == 2:
            stages.append([])
        stages[-1].append(bneck(inputs, kernel, expansion, out, se, act, stride, pad, norm))
        inputs = out
    stages[-1].append(conv(6 * inputs, 1, norm=norm, activation=HS))
    body = [Stage(f"block{i}", rows) for i, rows in enumerate(stages, 1)]
    return Layout(body, [GlobalPool("avg"), Dense(hidden, HS), Dropout(0.2), Dense(classes, name="predictions")])


FILES = {"large": "mobilenet_v3_large-8738ca79", "small": "mobilenet_v3_small-047dcff4"}  # torchvision's


def register_net(size: str, table: tuple[tuple, ...], hidden: int, params: float, trainable: float, macs: float,
                 top1: float) -> None:
    def keras(classes=1000):
        return mobilenet_v3(table, hidden, classes, lambda kernel: "same")

    def torchvision(classes=1000, epsilon=1e-3):
        return mobilenet_v3(table, hidden, classes, lambda kernel: kernel // 2, epsilon)

    def add(suffix, function, summary, weights, **published):
        register(
            function, name=f"mobilenet_v3_{size}{suffix}", family="mobilenet_v3", paper=PAPER,
            input_shape=(224, 224, 3), classes=1000, summary=summary, pixel_range=None if suffix else (-1, 1),
            published=published, weights=weights, expects={} if suffix else {"imagenet": SIGNED},
        )

    add("", keras, f"Searched blocks with hard swish and squeeze-and-excitation: {size}",
        {"imagenet": f"MobileNetV3{size.title()}"},
        params=Cited(params, "keras.applications"), imagenet_top1_error=Cited(top1, "Table 3"))
    add("_torchvision", torchvision, f"MobileNetV3 {size} with PyTorch's padding; torchvision's mobilenet_v3_{size}",
        {"torchvision": FILES[size]}, trainable_params=Cited(trainable, TORCHVISION),
        macs=Cited(macs, TORCHVISION))


register_net("large", LARGE, 1280, 5_507_432, 5_483_032, 217e6, 24.8)
register_net("small", SMALL, 1024, 2_554_968, 2_542_856, 57e6, 32.6)

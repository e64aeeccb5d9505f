"""ResNet: Table 1 of He et al. 2015, column by column, for ImageNet.

| model                     | blocks        | block      | stride in     | trainable  |
|---------------------------|---------------|------------|---------------|------------|
| resnet18, resnet34        | 2222, 3463    | basic      | first 3x3     | 11,689,512; 21,797,672 |
| resnet50, 101, 152        | see COLUMNS   | bottleneck | 3x3           | 25,557,032; 44,549,160; 60,192,808 |
| resnet50_v1, 101_v1, 152_v1 | the same    | bottleneck | first 1x1     | the same   |

The `_v1` nets have the stride where the paper has it, as in keras.applications; the others where Facebook's Torch code
has it, as in torchvision. The shortcuts are option B: a 1x1 convolution where the shape changes.
"""

from collections.abc import Callable
from functools import partial
from typing import Any

from zoo.entry import CAFFE, SGD, TORCHVISION, Cited, Paper, register
from zoo.layout import Activation, Add, Conv, Dense, GlobalPool, Layout, Pool, Stage, Word

PAPER = Paper("Deep Residual Learning for Image Recognition", "He, Zhang, Ren and Sun", 2015, "arXiv:1512.03385")
COLUMNS = {18: (2, 2, 2, 2), 34: (3, 4, 6, 3), 50: (3, 4, 6, 3), 101: (3, 4, 23, 3), 152: (3, 8, 36, 3)}
FROM_ZERO = {"zero_init_residual": True}  # deep bottleneck nets reach far more in few epochs: docs/trains_as_built.md
# He's initialization is that of arXiv:1502.01852, which this paper and its successors use.
PAPER_RECIPE = SGD | {"batch_size": 256, "learning_rate": 0.1, "schedule": "plateau", "weight_decay": 1e-4,
                      "epochs": 120, "initialization": "he_normal"}  # Section 3.4: 600,000 steps

conv = partial(Conv, bias=False, norm="batch")


def conv3(width: int, stride: int = 1, **options: Any) -> Conv:
    return conv(width, 3, stride=stride, padding=1, **options)


def residual(rows: list, out: int, stride: int, project: bool) -> list[Word]:
    """The sum of `rows` and the input, or its projection to `out` channels by a 1x1 convolution; then ReLU."""
    return [Add(rows, shortcut=[conv(out, 1, stride=stride, activation=None)] if project else []), Activation("relu")]


def basic(width: int, stride: int, project: bool) -> list[Word]:  # Figure 5, left
    rows = [conv3(width, stride), conv3(width, activation=None)]
    return residual(rows, width, stride, project and (stride > 1 or width != 64))


def bottleneck(width: int, stride: int, project: bool) -> list[Word]:  # Figure 5, right
    rows = [conv(width, 1), conv3(width, stride), conv(4 * width, 1, activation=None)]
    return residual(rows, 4 * width, stride, project)


def bottleneck_v1(width: int, stride: int, project: bool) -> list[Word]:
    rows = [conv(width, 1, stride=stride), conv3(width), conv(4 * width, 1, activation=None)]
    return residual(rows, 4 * width, stride, project)


def blocks(block: Callable[[int, int, bool], list[Word]], width: int, count: int, stride: int) -> list:
    """`count` blocks; the first has the stride and, where the shape changes, a projection."""
    return [block(width, stride, True), [block(width, 1, False) for _ in range(count - 1)]]


def resnet(block: Callable[[int, int, bool], list[Word]], counts: tuple[int, ...], classes: int) -> Layout:
    first, *others = counts
    return Layout(
        body=[
            Stage("conv1", conv(64, 7, stride=2, padding=3)),
            Stage("conv2", Pool(3, stride=2, padding=1), blocks(block, 64, first, 1)),
            *(Stage(f"conv{i}", blocks(block, 64 * 2 ** (i - 2), count, 2)) for i, count in enumerate(others, 3)),
        ],
        head=[GlobalPool("avg"), Dense(classes, name="predictions")],
    )


PUBLISHED = {
    18: {"trainable_params": Cited(11_689_512, TORCHVISION), "macs": Cited(1.814e9, TORCHVISION)},
    34: {"trainable_params": Cited(21_797_672, TORCHVISION), "macs": Cited(3.664e9, TORCHVISION)},
    50: {"trainable_params": Cited(25_557_032, TORCHVISION), "macs": Cited(4.089e9, TORCHVISION)},
    101: {"trainable_params": Cited(44_549_160, TORCHVISION), "macs": Cited(7.801e9, TORCHVISION)},
    152: {"trainable_params": Cited(60_192_808, TORCHVISION), "macs": Cited(11.514e9, TORCHVISION)},
}
FILES = {18: "resnet18-f37072fd", 34: "resnet34-b627a593", 50: "resnet50-0676ba61", 101: "resnet101-63fe2227",
         152: "resnet152-394f9c45"}  # torchvision's
TOP5 = {34: 5.71, 50: 5.25, 101: 4.60, 152: 4.49}  # Table 4, single model, for the paper's own stride


def register_depth(depth: int, name: str, block: Callable[[int, int, bool], list[Word]], summary: str,
                   published: dict[str, Cited], weights: dict[str, str]) -> None:
    def layout(classes=1000):
        return resnet(block, COLUMNS[depth], classes)

    register(layout, name=name, family="resnet", paper=PAPER, input_shape=(224, 224, 3), classes=1000,
             summary=summary, published=published, recipe={} if block is basic else FROM_ZERO,
             paper_recipe=PAPER_RECIPE, weights=weights, expects={"imagenet": CAFFE})


for _depth in COLUMNS:
    _kind = basic if _depth < 50 else bottleneck
    _top5 = {"imagenet_top5_error": Cited(TOP5[_depth], "Table 4, single model")} if _depth in TOP5 else {}
    register_depth(_depth, f"resnet{_depth}", _kind,
                   f"Table 1, {_depth} layers: blocks learn what to add to their input",
                   PUBLISHED[_depth] | (_top5 if _depth == 34 else {}), {"torchvision": FILES[_depth]})
    if _depth >= 50:
        _params = {"trainable_params": PUBLISHED[_depth]["trainable_params"]}
        register_depth(_depth, f"resnet{_depth}_v1", bottleneck_v1,
                       f"Table 1, {_depth} layers, with the paper's stride; keras.applications' ResNet{_depth}",
                       _params | _top5, {"imagenet": f"ResNet{_depth}"})

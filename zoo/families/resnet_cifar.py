"""ResNet for CIFAR-10: Section 4.2 of He et al. 2015. 6n + 2 layers, three map sizes, option A shortcuts.

| model     | n  | parameters (trainable) | the paper says | error (Table 6) |
|-----------|----|------------------------|----------------|-----------------|
| resnet20  | 3  | 269,722                | 0.27 million   | 8.75            |
| resnet32  | 5  | 464,154                | 0.46 million   | 7.51            |
| resnet44  | 7  | 658,586                | 0.66 million   | 7.17            |
| resnet56  | 9  | 853,018                | 0.85 million   | 6.97            |
| resnet110 | 18 | 1,727,962              | 1.7 million    | 6.43            |

Option A: where the shape changes the shortcut takes every second pixel and pads channels of zeros; it has no weights.
The paper doesn't say on which side: `zeros="after"` puts them after the channels that are there, `zeros="both"` half of
them before, as the best known PyTorch implementation does (akamaster/pytorch_resnet_cifar10), whose weights need it.
"""

from zoo.entry import Cited, register
from zoo.families.resnet import PAPER, PAPER_RECIPE, conv, conv3
from zoo.layout import Activation, Add, Dense, GlobalPool, Layout, PadChannels, Pool, Stage, Word, checks

TABLE6 = {20: (0.27e6, 8.75), 32: (0.46e6, 7.51), 44: (0.66e6, 7.17), 56: (0.85e6, 6.97), 110: (1.7e6, 6.43)}
# Section 4.2: 64,000 steps; 110 layers need 400 steps of warm-up.
CIFAR_RECIPE = PAPER_RECIPE | {"batch_size": 128, "schedule": "step", "epochs": 182}
WARMED_UP = CIFAR_RECIPE | {"warmup": 1.1}


def block(width: int, zeros: str, stride: int = 1) -> list[Word]:
    shortcut = [Pool(1, stride=2), PadChannels(width, zeros)] if stride == 2 else []
    return [Add([conv3(width, stride), conv3(width, activation=None)], shortcut=shortcut), Activation("relu")]


def stage(name: str, width: int, count: int, zeros: str, stride: int) -> Stage:
    return Stage(name, block(width, zeros, stride), [block(width, zeros) for _ in range(count - 1)])


def resnet(n: int, classes: int, zeros: str) -> Layout:
    return Layout(
        body=[
            Stage("conv1", conv(16, 3)),
            stage("conv2", 16, n, zeros, stride=1),
            stage("conv3", 32, n, zeros, stride=2),
            stage("conv4", 64, n, zeros, stride=2),
        ],
        head=[GlobalPool("avg"), Dense(classes, name="predictions")],
    )


def register_depth(depth: int) -> None:
    def layout(classes=10, zeros="after"):
        return resnet((depth - 2) // 6, classes, checks.one_of("after", "both")("zeros", zeros))

    params, error = TABLE6[depth]
    register(
        layout, name=f"resnet{depth}", family="resnet_cifar", paper=PAPER, input_shape=(32, 32, 3), classes=10,
        summary=f"ResNet for CIFAR, {depth} layers, shortcuts without weights",
        published={"trainable_params": Cited(params, "Table 6"), "cifar10_error": Cited(error, "Table 6")},
        paper_recipe=WARMED_UP if depth == 110 else CIFAR_RECIPE,
    )


for _depth in TABLE6:
    register_depth(_depth)

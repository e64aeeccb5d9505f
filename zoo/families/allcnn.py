"""All-CNN: Tables 1 and 2 of Springenberg et al. 2014. Each pool becomes a convolution of the same stride.

| model    | block of the base net   | parameters |
|----------|-------------------------|------------|
| allcnn_a | 5x5                     | 1,254,250  |
| allcnn_b | 5x5, 1x1                | 1,300,618  |
| allcnn_c | 3x3, 3x3                | 1,369,738  |

The paper's sums for A and B (1.28 and 1.35 million) are a little above those of its layers.
"""

from zoo.entry import SGD, Cited, Paper, register
from zoo.layout import Conv, Dropout, GlobalPool, Layout, Stage

BASES = {"a": (5,), "b": (5, 1), "c": (3, 3)}  # Table 1: the kernels of a block
SUMMARIES = {
    "a": "No pooling at all: strided convolutions shrink the map; base net A",
    "b": "All-CNN on base net B, with 1x1 convolutions in its blocks",
    "c": "All-CNN on base net C, with two 3x3 convolutions in each block",
}
PUBLISHED = {  # Table 3, without augmentation
    "a": {"cifar10_error": Cited(10.30, "Table 3, ALL-CNN-A")},
    "b": {"cifar10_error": Cited(9.10, "Table 3, ALL-CNN-B")},
    "c": {"cifar10_error": Cited(9.08, "Table 3, ALL-CNN-C"), "trainable_params": Cited(1.4e6, "Table 3, ALL-CNN-C")},
}
# Section 3.1; the learning rate is one of the four that it tried, the batch size isn't given.
PAPER_RECIPE = SGD | {"batch_size": 128, "learning_rate": 0.05, "schedule": "step", "weight_decay": 1e-3,
                      "epochs": 350, "milestones": (200 / 350, 250 / 350, 300 / 350)}


def allcnn(kernels: tuple[int, ...], classes: int) -> Layout:
    return Layout(
        body=[
            Dropout(0.2),
            Stage("block1", [Conv(96, kernel) for kernel in kernels], Conv(96, 3, stride=2), Dropout(0.5)),
            Stage("block2", [Conv(192, kernel) for kernel in kernels], Conv(192, 3, stride=2), Dropout(0.5)),
            Stage("block3", Conv(192, 3, padding="valid"), Conv(192, 1)),
        ],
        head=[Conv(classes, 1, name="predictions"), GlobalPool("avg")],
    )


def register_base(base: str) -> None:
    def layout(classes=10):
        return allcnn(BASES[base], classes)

    register(
        layout, name=f"allcnn_{base}", family="allcnn", input_shape=(32, 32, 3), classes=10,
        paper=Paper("Striving for Simplicity: The All Convolutional Net",
                    "Springenberg, Dosovitskiy, Brox and Riedmiller", 2014, "arXiv:1412.6806"),
        summary=SUMMARIES[base], published=PUBLISHED[base], paper_recipe=PAPER_RECIPE,
    )


for _base in BASES:
    register_base(_base)

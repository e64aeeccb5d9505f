"""VGG: Table 1 of Simonyan & Zisserman 2014, column by column.

| model     | column | layers | parameters  | the paper says |
|-----------|--------|--------|-------------|----------------|
| vgg11     | A      | 11     | 132,863,336 | 133 million    |
| vgg11_lrn | A-LRN  | 11     | 132,863,336 | 133 million    |
| vgg13     | B      | 13     | 133,047,848 | 133 million    |
| vgg16c    | C      | 16     | 133,638,952 | 134 million    |
| vgg16     | D      | 16     | 138,357,544 | 138 million    |
| vgg19     | E      | 19     | 143,667,240 | 144 million    |

The `_bn` nets have BatchNorm after each convolution; they come from Torch's re-implementations, not from the paper.
"""

from zoo.entry import CAFFE, SGD, TORCHVISION, Cited, Paper, register
from zoo.layout import Conv, Dense, Dropout, Flatten, Layout, Pool, Stage

PAPER = Paper(
    "Very Deep Convolutional Networks for Large-Scale Image Recognition", "Simonyan and Zisserman", 2014,
    "arXiv:1409.1556",
)

CONFIGURATIONS = {
    "A": "64 | 128 | 256 256 | 512 512 | 512 512",
    "A-LRN": "64-LRN | 128 | 256 256 | 512 512 | 512 512",
    "B": "64 64 | 128 128 | 256 256 | 512 512 | 512 512",
    "C": "64 64 | 128 128 | 256 256 256/1 | 512 512 512/1 | 512 512 512/1",
    "D": "64 64 | 128 128 | 256 256 256 | 512 512 512 | 512 512 512",
    "E": "64 64 | 128 128 | 256 256 256 256 | 512 512 512 512 | 512 512 512 512",
}


def conv(cell: str, norm: str | None) -> Conv:
    """A cell of the table: "256" is conv3-256, "256/1" is conv1-256, "64-LRN" has LRN, whatever `norm` is."""
    filters, _, lrn = cell.partition("-")
    filters, _, kernel = filters.partition("/")
    return Conv(int(filters), int(kernel or 3), norm="lrn" if lrn else norm)


def vgg(column: str, classes: int, norm: str | None = None) -> Layout:
    blocks = CONFIGURATIONS[column].split("|")
    return Layout(
        body=[
            Stage(f"block{i}", [conv(cell, norm) for cell in block.split()], Pool(2))
            for i, block in enumerate(blocks, 1)
        ],
        head=[
            Flatten(),
            Dense(4096, "relu"), Dropout(0.5),
            Dense(4096, "relu"), Dropout(0.5),
            Dense(classes, name="predictions"),
        ],
    )


PARAMETERS = {  # trainable, each with its source
    "vgg11": Cited(132_863_336, TORCHVISION), "vgg11_bn": Cited(132_868_840, TORCHVISION),
    "vgg11_lrn": Cited(133e6, "Table 2"),
    "vgg13": Cited(133_047_848, TORCHVISION), "vgg13_bn": Cited(133_053_736, TORCHVISION),
    "vgg16c": Cited(134e6, "Table 2"),
    "vgg16": Cited(138_357_544, TORCHVISION), "vgg16_bn": Cited(138_365_992, TORCHVISION),
    "vgg19": Cited(143_667_240, TORCHVISION), "vgg19_bn": Cited(143_678_248, TORCHVISION),
}
PAPER_RECIPE = SGD | {"batch_size": 256, "learning_rate": 0.01, "schedule": "plateau", "weight_decay": 5e-4,
                      "epochs": 74, "initialization": "glorot_uniform"}  # Section 3.1
TOP5 = {"vgg11": 10.4, "vgg11_lrn": 10.5, "vgg13": 9.9, "vgg16c": 9.4, "vgg16": 8.8, "vgg19": 9.0}
FILES = {  # torchvision's
    "vgg11": "vgg11-8a719046", "vgg11_bn": "vgg11_bn-6002323d", "vgg13": "vgg13-19584684",
    "vgg13_bn": "vgg13_bn-abd245e5", "vgg16": "vgg16-397923af", "vgg16_bn": "vgg16_bn-6c64b313",
    "vgg19": "vgg19-dcbb9e9d", "vgg19_bn": "vgg19_bn-c79401a0",
}
COLUMNS = {"vgg11": "A", "vgg11_lrn": "A-LRN", "vgg13": "B", "vgg16c": "C", "vgg16": "D", "vgg19": "E"}


def register_column(name: str, column: str, norm: str | None = None) -> None:
    def layout(classes=1000):
        return vgg(column, classes, norm)

    published = {"trainable_params": PARAMETERS[name]}
    if name in TOP5:
        published["imagenet_top5_error"] = Cited(TOP5[name], "Table 3, S = Q = 256")
    weights = {"torchvision": FILES[name]} if name in FILES else {}
    if name in ("vgg16", "vgg19"):
        weights["imagenet"] = name.upper()
    register(
        layout, name=name, family="vgg", paper=PAPER, input_shape=(224, 224, 3), classes=1000, published=published,
        summary=f"Table 1, column {column}" + (", BatchNorm after each convolution" if norm else ""),
        recipe={} if norm else {"learning_rate": 3e-4},  # without BatchNorm so many layers take no larger steps
        paper_recipe=PAPER_RECIPE, weights=weights, expects={"imagenet": CAFFE},
    )


for _name, _column in COLUMNS.items():
    register_column(_name, _column)
    if _column in "ABDE":
        register_column(f"{_name}_bn", _column, norm="batch")

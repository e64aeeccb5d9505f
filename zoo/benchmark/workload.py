"""What is measured: a net, training or inference, a precision, a batch size; and how many steps make a block."""

from dataclasses import dataclass, field
from typing import Any

import numpy as np

from zoo.data.preprocessing import SMALL, Preprocessing, default_preprocessing
from zoo.errors import ZooError
from zoo.layout import checks
from zoo.plan import Plan, plan
from zoo.processor import PRECISIONS
from zoo.recipes.defaults import recipe_for
from zoo.recipes.recipe import Recipe
from zoo.registry import entry

MODES = ("training", "inference")
LONGEST, BLOCKS = 50, 10  # the most steps of a block, and the number of blocks that there are images for
WORK, MOMENT = 1e11, 0.25  # floating-point operations of a block, or seconds at the ceiling's speed if that is more


@dataclass(frozen=True)
class Workload:
    """One net in one mode, precision and batch size: the same for all contenders.

    `model` is a registered name or "my_layout.py:tiny", `options` are overrides of its layout. `input_shape` is the
    net's, (height, width, channels). A block is the steps that the zoo trains in one compiled call, about `work`
    floating-point operations, but at least one step.
    """

    model: str
    mode: str
    precision: str
    batch_size: int
    input_shape: tuple
    classes: int
    options: dict = field(default_factory=dict)
    work: float = WORK

    @property
    def plan(self) -> Plan:
        return plan(self.model, self.input_shape, self.classes, **self.options)

    @property
    def title(self) -> str:
        return f"{self.plan.name}, {self.mode}, {self.precision}, batch {self.batch_size}"

    @property
    def preprocessing(self) -> Preprocessing:
        """The `Preprocessing` of the model for images of unknown mean and standard deviation."""
        return default_preprocessing(entry(self.model), self.input_shape)

    @property
    def recipe(self) -> Recipe:
        """The model's own `Recipe`, as `zoo train` uses it for data sets without settings of their own."""
        return recipe_for(entry(self.model), precision=self.precision, batch_size=self.batch_size)

    @property
    def flops_per_image(self) -> int:
        """Two operations per multiply-add; three times as many in training: forward pass and two gradients."""
        macs: Any = self.plan.trace.macs  # a number, since the input shape is known
        return macs * (6 if self.mode == "training" else 2)

    @property
    def steps_in_block(self) -> int:
        """The number of steps in a block: the more a step computes, the fewer."""
        return int(np.clip(self.work / (self.flops_per_image * self.batch_size), 1, LONGEST))

    @property
    def steps(self) -> int:
        """The number of steps that there are images for."""
        return BLOCKS * self.steps_in_block

    def images(self, shape: tuple[int, ...]) -> tuple[np.ndarray, np.ndarray]:
        """Return random images, (N, *shape) uint8, and labels (N,) int32; always the same.

        For a net that labels pixels the labels are masks, (N, height, width) uint8.
        """
        random, count = np.random.default_rng(0), self.steps * self.batch_size
        masks: Any = {"size": (count, *shape[:2]), "dtype": np.uint8}
        labels: Any = {"size": count, "dtype": np.int32}
        return (
            random.integers(0, 256, (count, *shape), dtype=np.uint8),
            random.integers(0, self.classes, **masks if self.plan.corner else labels),
        )

    def targets(self, labels: np.ndarray) -> np.ndarray:
        """Return the labels of images of the net's input shape as its outputs compare with: masks of its maps' size."""
        if not self.plan.corner:
            return labels
        (top, left), (height, width, _) = self.plan.corner, self.plan.trace.output_shape
        return labels[:, top : top + height, left : left + width]


def make_workload(model: str, mode: str, precision: str, batch_size: int | None = None,
                  input_shape: tuple[int, int, int] | None = None, classes: int | None = None,
                  **options: Any) -> Workload:
    """Return the `Workload` of a model; `options` are overrides of its layout, arguments that are None its own values.

    The batch size is 128 by default; 32 for inputs of more than 64 pixels, 4 if pixels are labelled.

    Raises:
        ZooError: for a model that can't be built so, one that gives no class scores, and an invalid value.
    """
    checks.one_of(*MODES)("mode", mode)
    checks.one_of(*PRECISIONS)("precision", precision)
    planned = plan(model, input_shape, classes, **options)
    traced = planned.trace
    if None in traced.input_shape:
        raise ZooError(f"{planned.name} is measured on images of one size: give a fixed input_shape.")
    if not planned.corner and (len(traced.output_shape) != 1 or not planned.layout.head):
        raise ZooError(f"{planned.name} has no head that gives class scores, of an image or of its pixels: only nets "
                       "that classify are measured.")
    if batch_size is None:
        batch_size = 128 if max(traced.input_shape[:2]) <= SMALL else 4 if planned.corner else 32
    batch_size = checks.count("batch size", batch_size)
    return Workload(model, mode, precision, batch_size, traced.input_shape, traced.output_shape[-1], options)

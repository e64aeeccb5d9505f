"""Nets of other families as PyTorch's libraries have them: padding alike on both sides, and PyTorch's epsilon.

| model                    | differs from | in                                                  | trainable  |
|--------------------------|--------------|-----------------------------------------------------|------------|
| inception_v3_torchvision | inception_v3 | BatchNorm's scale; mean pools that count the zeros  | 23,834,568 |
| xception_timm            | xception     | the padding of its pools; an epsilon of 1e-5        | 22,855,952 |
| mobilenet_timm           | mobilenet    | the padding; an epsilon of 1e-5                     | 4,231,976  |
"""

from collections.abc import Callable
from dataclasses import replace
from typing import Any

from zoo.entry import ENTRIES, SIGNED, Cited, register
from zoo.families.inception import inception_v3
from zoo.families.mobilenet import mobilenet
from zoo.families.xception import xception
from zoo.layout import Conv, DepthwiseConv, Layout, Norm, Pool, Word, map_words


def inception_v3s(word: Word) -> Word:
    if isinstance(word, Pool) and word.kind == "avg":
        return replace(word, padding=1)
    return replace(word, norm=Norm(epsilon=1e-3)) if isinstance(word, Conv) else word


def xceptions(word: Word) -> Word | list[Word]:
    if isinstance(word, Pool):  # PyTorch's centres are every second pixel, from the first on
        return [replace(word, stride=1), Pool(1, stride=word.stride)]
    return replace(word, norm="batch") if isinstance(word, Conv) else word


def mobilenets(word: Word) -> Word:
    if isinstance(word, Conv | DepthwiseConv):
        return replace(word, padding=1 if word.kernel == 3 else 0, norm="batch")
    return word


def register_form(name: str, function: Callable[..., Layout], change: Callable[[Word], Word | list[Word]],
                  summary: str, params: Cited, **about: Any) -> None:
    """Register the net of a layout function with every word of its body changed; `about` are more fields of `Entry`."""
    own = ENTRIES[function.__name__]

    def layout(classes=own.classes):
        net = function(classes)
        return replace(net, body=map_words(change, net.body))

    register(
        layout, name=name, family=own.family, paper=own.paper, input_shape=own.input_shape, classes=own.classes,
        pixel_range=own.pixel_range, summary=summary, published={"trainable_params": params}, **about,
    )


register_form("inception_v3_torchvision", inception_v3, inception_v3s,
              "Inception-v3 with BatchNorm's scale, and means that count zeros; torchvision's inception_v3",
              Cited(23_834_568, "timm, results table, 23.83 million"),
              weights={"torchvision": "inception_v3_google-0cc3c7bd"},
              expects={"torchvision": replace(SIGNED, shorter=342)})
register_form("xception_timm", xception, xceptions,
              "Xception with PyTorch's padding and epsilon; timm's legacy_xception",
              Cited(22_855_952, "timm, results table, 22.86 million"))
register_form("mobilenet_timm", mobilenet, mobilenets,
              "MobileNet with PyTorch's padding and epsilon; timm's mobilenetv1_100",
              Cited(4_231_976, "timm, results table, 4.23 million"))

"""Which public net a file is by its publisher's word: its name as published, or the config.json beside it."""

import json
import re
from collections.abc import Iterable
from pathlib import Path

HASHED = re.compile(r".+-[0-9a-f]{8}")  # how timm and torchvision name the files that they publish


def told_name(path: Path, names: Iterable[str]) -> str | None:
    """Return which of the `names` of public nets a file has: tf_efficientnet_b0_ns-c0e6a31c.pth that of
    tf_efficientnet_b0, and model.safetensors from Hugging Face the architecture in its config.json. None if neither.
    """
    try:
        told = json.loads((path.parent / "config.json").read_text(encoding="utf-8"))["architecture"]
    except (OSError, ValueError, KeyError, TypeError, RecursionError):
        told = path.stem if HASHED.fullmatch(path.stem) else ""
    return next((name for name in names if re.fullmatch(rf"{re.escape(name)}([._-].*)?", str(told))), None)

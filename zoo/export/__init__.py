"""A run or a model -> a file that other programs load, compared with the model before it is called done."""

from zoo.export.saved_model import export_saved_model

__all__ = ["export_saved_model"]

"""LeNet."""
from zoo.layout import *

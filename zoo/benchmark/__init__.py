"""How fast a net trains and classifies here, beside the same net in other hands."""

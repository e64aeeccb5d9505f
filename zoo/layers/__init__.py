"""Keras layers: those of the papers that Keras does not ship, faster forms of its own, and copies of a layer."""

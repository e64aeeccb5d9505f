"""How to train: the record of a recipe, and where its defaults come from."""

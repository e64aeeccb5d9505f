"""A trained net at work: raw images to named probabilities, measured on a test split."""

"""A trained net at work: raw images to named probabilities or masks, measured on a test split."""

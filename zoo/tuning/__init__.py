"""The search for a better recipe or layout: the space, the trials, the search itself."""

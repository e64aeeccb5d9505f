"""The folder of a run and its pages: what lies where, figures, reports, comparisons, other trackers."""

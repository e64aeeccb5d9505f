"""Recipe -> run: a net trained on a data set, epoch by epoch."""

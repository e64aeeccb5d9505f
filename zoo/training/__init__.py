"""Recipe -> run, and a run's trained model back."""

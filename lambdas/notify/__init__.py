"""The run's one final mail, and what a failed run leaves behind."""

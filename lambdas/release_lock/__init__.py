"""Give the project's lock back."""

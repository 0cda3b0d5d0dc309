"""One run at a time per project."""

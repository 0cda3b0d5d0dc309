"""What people read of a run: the report, the model card, and the page about a file's data."""

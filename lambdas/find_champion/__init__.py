"""Which model is in production."""

"""What must be done so that the project's endpoint serves a model."""

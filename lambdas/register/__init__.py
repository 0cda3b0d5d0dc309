"""The challenger enters the model registry, whatever the verdict."""

"""The product's own code, each measured thing as one process."""

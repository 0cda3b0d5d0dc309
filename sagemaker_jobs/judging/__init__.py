"""Figures of a model on rows it has not seen, and what people read of them."""

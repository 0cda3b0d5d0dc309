"""LightGBM's own library for prediction, without the import of its Python package."""

"""The one feature pipeline: fitted once into JSON, the same kernels for one row or a million."""

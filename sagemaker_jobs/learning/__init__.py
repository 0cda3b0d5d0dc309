"""Search, threshold and calibration: everything that looks at labels to make a model."""

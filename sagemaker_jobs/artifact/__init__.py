"""The model artifact: plain files, no pickle, immutable once registered."""

"""Profiles: what a period's rows look like, in a form that can be merged without reading them."""

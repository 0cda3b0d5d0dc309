"""The endpoint's server: raw ASGI, no web framework, the batch scorer's own kernels."""

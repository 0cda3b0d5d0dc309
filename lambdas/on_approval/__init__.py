"""A person approved a model in the registry."""

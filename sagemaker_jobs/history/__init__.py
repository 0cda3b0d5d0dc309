"""The Delta tables: a project's history and its predictions, a partition a period."""

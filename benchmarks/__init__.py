"""What the product costs, beside a baseline: `make bench-data`, `make bench-serving`.

docs/performance.md says what is measured and how.
"""

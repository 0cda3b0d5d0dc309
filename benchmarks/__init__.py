"""What the product costs, measured beside a baseline. `make bench-data`; docs/performance.md."""

"""The servers that the endpoint is measured beside, each of them as people write it."""

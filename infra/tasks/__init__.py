"""One construct a kind of task: its arguments, its timeout and retries, and its permissions."""

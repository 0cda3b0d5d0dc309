"""A dropped file once it is read: its kind, its faults, its place in the history."""

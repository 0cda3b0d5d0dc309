"""Dropforge: a file dropped into a bucket becomes a judged, deployed model.

This package is the domain that every room shares. Its modules are pure; what talks to AWS stands
in `dropforge.aws`, what talks to a person in `dropforge.cli`.
"""

__version__ = "0.1.0"

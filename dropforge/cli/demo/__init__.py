"""`demo`: the main job from end to end on this machine, with real data."""

from dropforge.cli.demo.command import demo

__all__ = ["demo"]

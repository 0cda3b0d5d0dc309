"""Tests of the synthesized template."""

"""Runs that ended in a way that their own Catch could not see."""

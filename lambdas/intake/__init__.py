"""Intake: a notification becomes a claimed drop and one run, or an explanation."""

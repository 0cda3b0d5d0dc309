"""Dropped files as tables of text, whatever their format, with the line of everything refused."""

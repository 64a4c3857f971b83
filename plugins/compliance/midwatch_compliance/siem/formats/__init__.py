"""Formats: an event as one line of text that no text of a stranger can break in two."""

"""Wording: what a message says, in plain words; clean, masked and cut, before a channel escapes it in its own way."""

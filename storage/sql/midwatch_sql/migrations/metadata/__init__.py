"""Revisions of the metadata."""

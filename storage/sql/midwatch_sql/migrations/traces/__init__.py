"""Revisions of the traces."""

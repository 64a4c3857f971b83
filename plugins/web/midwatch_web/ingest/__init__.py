"""Ingest: calls that no proxy saw, and texts to scan, as JSON; behind it are `Host.intake` and `Host.scanner`."""

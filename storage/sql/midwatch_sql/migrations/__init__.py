"""Migrations: one line of revisions for traces, one for metadata."""

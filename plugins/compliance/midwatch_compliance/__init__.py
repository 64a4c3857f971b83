"""Compliance reports and SIEM export for Midwatch."""

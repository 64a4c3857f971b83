"""Compliance reports and SIEM export for Midwatch: evidence for frameworks, and findings for other systems."""

from midwatch_compliance.plugin import Compliance

__all__ = ["Compliance"]

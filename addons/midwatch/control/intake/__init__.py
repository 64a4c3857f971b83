"""What control takes besides the proxy's calls: those that are told, and texts to scan. Faces are their callers."""

from midwatch.control.intake.room import METRICS, IntakeRoom

__all__ = ["METRICS", "IntakeRoom"]

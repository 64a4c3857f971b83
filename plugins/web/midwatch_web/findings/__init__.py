"""Findings: what detectors saw in calls, narrowed down, looked at one by one, and judged."""

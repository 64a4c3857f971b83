"""A simulated month of traffic with planted events, and what the plugin `anomaly` finds of it: `python -m` runs it."""

"""Measures Midwatch against stock mitmdump on this machine, in one run: `python -m benchmarks`."""

"""Calibrating: weights and thresholds from labelled texts. Counterpart: `fusion`, which uses them."""

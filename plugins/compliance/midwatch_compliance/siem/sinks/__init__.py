"""Sinks: where events go. Each takes a batch whole, or says why not and whether trying again can help."""

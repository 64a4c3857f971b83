"""Channels: one module a kind. `channel` has what all of them are asked."""

"""WebSockets to models: each call on one is read, ruled on and kept like any other."""

"""The console alone: a process that shows what the stores keep, and keeps nothing of its own; `midwatch web`."""

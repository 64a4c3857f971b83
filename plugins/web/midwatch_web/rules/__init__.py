"""Rules and plugins: what looks for what, how it does, and a text tried on all of it."""

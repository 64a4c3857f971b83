"""Domain, wire formats and plugin contracts of Midwatch."""

"""Console, REST and metrics pages of Midwatch."""

"""Redis and Valkey: the shared cache of Midwatch."""

"""YAML rule packs, providers catalogue and policies of Midwatch."""

"""Frameworks: what a standard asks for, control by control, as YAML; `judging` holds evidence against it."""

"""Models: the machine-learned detectors, how each of their processes stands, and whether its scores have moved."""

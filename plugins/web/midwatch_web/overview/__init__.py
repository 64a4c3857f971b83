"""Overview: how the installation does over a window of time; sums alone, so that it opens fast whatever is kept."""

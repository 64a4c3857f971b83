"""Protocol buffers' package `midwatch`."""

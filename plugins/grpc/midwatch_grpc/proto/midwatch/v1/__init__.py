"""Protocol buffers' package `midwatch.v1`. Fields may come, none changes its number or its meaning."""

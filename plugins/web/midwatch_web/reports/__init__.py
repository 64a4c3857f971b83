"""Reports: what can be reported on, orders and how far they are, a report to read, and files to take away."""

"""The command `midwatch ensemble`."""

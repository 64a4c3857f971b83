"""The commands `midwatch alerts …`. They read the settings and the outbox's file; control need not be running."""

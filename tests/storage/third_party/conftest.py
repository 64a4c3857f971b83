"""The store in here is a project of its own: its tests run where it is installed, not among ours."""

collect_ignore = ["acme_store"]

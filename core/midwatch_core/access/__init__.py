"""Who may do what: keys, callers and roles, and whose a call is; the counterpart is the metadata repository."""

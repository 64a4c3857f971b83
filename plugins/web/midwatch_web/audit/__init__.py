"""The audit log: who did what to what, and whether the log was changed; the counterpart is `Host.administration`."""

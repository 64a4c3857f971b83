"""What the journal raises: only when it is opened; once open, errors are counted and shown as a state."""


class JournalError(Exception):
    """The journal's folder cannot be used; the message names the path and the system's reason."""


class JournalLockedError(JournalError):
    """Another process holds the lock this one asked for (a second reader, or a writer id used twice)."""

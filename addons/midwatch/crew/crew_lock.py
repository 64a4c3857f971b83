"""Whether a supervisor of a home lives: it holds a lock for as long as its process does, however that ends.

A number of a process would not tell: in a container, or for a command beside one, it may be another's. The lock is
shared, for a home may have more than one supervisor.
"""

import fcntl
import os

from midwatch.home import Home


def hold(home: Home) -> int:
    """Say that this process supervises the home, until the descriptor is closed; no child has it. Raises OSError."""
    descriptor = os.open(home.crew_lock, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_SH)  # who looks holds it for a moment at most
    except OSError:
        os.close(descriptor)
        raise
    return descriptor


def is_held(home: Home) -> bool:
    """Whether there is a supervisor; also where that can't be known."""
    try:
        descriptor = os.open(home.crew_lock, os.O_RDWR | os.O_CLOEXEC)
    except FileNotFoundError:
        return False
    except OSError:
        return True
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        return True
    else:
        return False
    finally:
        os.close(descriptor)

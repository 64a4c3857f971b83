"""SIGHUP asks for a reload. It waits for as long as nobody is there to reload: by itself it would end the process."""

import signal


def hold_reloads() -> None:
    """From now on SIGHUP waits, in this process and in what it starts; called before anything large is imported."""
    signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGHUP})


def heed_reloads() -> None:
    """From now on it is heard, the one that waited first: once there is a handler, and before there are children."""
    signal.pthread_sigmask(signal.SIG_UNBLOCK, {signal.SIGHUP})

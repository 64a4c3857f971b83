"""How a model's process stands."""

from enum import StrEnum


class ModelState(StrEnum):
    """From nothing started yet to closed. A model that failed is not tried again for a while; its problem says why."""

    ABSENT = "absent"
    LOADING = "loading"
    READY = "ready"
    RESTARTING = "restarting"
    FAILED = "failed"
    CLOSED = "closed"

"""The catalogue of patches, in the order in which they are applied; each row of the benchmark adds one."""

from __future__ import annotations

from collections.abc import Iterable

from midwatch.lean.body_bounds import BODY_BOUNDS
from midwatch.lean.cut_streams import CUT_STREAMS
from midwatch.lean.direct_hooks import DIRECT_HOOKS
from midwatch.lean.dispatch import HOOK_DISPATCH
from midwatch.lean.head_bounds import HEAD_BOUNDS
from midwatch.lean.header_lookup import HEADER_LOOKUP
from midwatch.lean.held_reading import HELD_READING
from midwatch.lean.hello_bounds import HELLO_BOUNDS
from midwatch.lean.http2_bounds import HTTP2_BOUNDS
from midwatch.lean.http2_windows import HTTP2_WINDOWS
from midwatch.lean.inline_hooks import INLINE_HOOKS
from midwatch.lean.joined_records import JOINED_RECORDS
from midwatch.lean.joined_writes import JOINED_WRITES
from midwatch.lean.message_check import MESSAGE_CHECK
from midwatch.lean.patch import Patch
from midwatch.lean.socket_asides import SOCKET_ASIDES
from midwatch.lean.socket_bounds import SOCKET_BOUNDS
from midwatch.lean.sockets import HANDED_SOCKETS
from midwatch.lean.trailers import TRAILERS

ALL_PATCHES: tuple[Patch, ...] = (
    HANDED_SOCKETS,
    HOOK_DISPATCH,
    MESSAGE_CHECK,
    INLINE_HOOKS,
    DIRECT_HOOKS,
    JOINED_WRITES,
    JOINED_RECORDS,
    HEADER_LOOKUP,
    CUT_STREAMS,
    SOCKET_ASIDES,
    SOCKET_BOUNDS,
    TRAILERS,
    HEAD_BOUNDS,
    BODY_BOUNDS,
    HELLO_BOUNDS,
    HTTP2_BOUNDS,
    HTTP2_WINDOWS,
    HELD_READING,
)


def patches_named(names: Iterable[str]) -> tuple[Patch, ...]:
    """The patches of these names, in catalogue order. Raises KeyError for a name that is none."""
    wanted = set(names)
    if unknown := wanted - {patch.name for patch in ALL_PATCHES}:
        raise KeyError(f"no such patch: {', '.join(sorted(unknown))}")
    return tuple(patch for patch in ALL_PATCHES if patch.name in wanted)

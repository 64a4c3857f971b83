"""The lean host: mitmproxy in our own process, with only what a proxy needs and its hot paths made cheap.

Its counterpart is `mitmdump -s run.py`, where the same addons run on stock code, `socket_asides` apart. Everything that
touches mitmproxy's private parts is a guarded, revertible patch (`patches`), and nothing depends on one being applied.
"""

from midwatch.lean.drain import Drained, drain, take_leave
from midwatch.lean.master import LeanMaster, StartError, make_master, plain_master
from midwatch.lean.patch import Patch, PatchReport, PatchSet
from midwatch.lean.patches import ALL_PATCHES, patches_named
from midwatch.lean.sockets import Listening, bind

__all__ = [
    "ALL_PATCHES",
    "Drained",
    "LeanMaster",
    "Listening",
    "Patch",
    "PatchReport",
    "PatchSet",
    "StartError",
    "bind",
    "drain",
    "make_master",
    "patches_named",
    "plain_master",
    "take_leave",
]

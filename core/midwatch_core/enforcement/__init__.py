"""Enforcement: what policy says of a call is done to its bytes. Sans-I/O; the proxy's addons are its counterpart."""

from midwatch_core.enforcement.enforcer import Enforcer
from midwatch_core.enforcement.guard import CallGuard
from midwatch_core.enforcement.outcome import Ruled
from midwatch_core.enforcement.socket import SocketGuard

__all__ = ["CallGuard", "Enforcer", "Ruled", "SocketGuard"]

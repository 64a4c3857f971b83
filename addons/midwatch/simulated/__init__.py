"""Simulated LLM providers on loopback: for the demo, end-to-end tests and benchmarks; counterparts are real SDKs."""

from .call import Answer, Call
from .received import Ledger, Progress, Received
from .script import Script, ScriptError
from .server import SimulatedProviders
from .tls import PROVIDER_NAMES, SimulatedCA

__all__ = [
    "PROVIDER_NAMES",
    "Answer",
    "Call",
    "Ledger",
    "Progress",
    "Received",
    "Script",
    "ScriptError",
    "SimulatedCA",
    "SimulatedProviders",
]

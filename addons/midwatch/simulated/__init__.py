"""Simulated LLM providers on loopback: for the demo, end-to-end tests and benchmarks; counterparts are real SDKs."""

from midwatch.simulated.call import Answer, Call
from midwatch.simulated.received import Ledger, Progress, Received
from midwatch.simulated.script import Script, ScriptError
from midwatch.simulated.server import SimulatedProviders
from midwatch.simulated.transport.tls import PROVIDER_NAMES, SimulatedCA

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

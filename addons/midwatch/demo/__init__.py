"""The demo: the whole walk on one machine, no key, no network: real clients, real proxy, simulated providers."""

from midwatch.demo.show import run_demo

__all__ = ["run_demo"]

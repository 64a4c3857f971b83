"""A server of simulated providers, and the real clients pointed at it without a proxy."""

import ssl
from collections.abc import AsyncIterator
from pathlib import Path

import httpx
import pytest

from midwatch.simulated import SimulatedProviders


@pytest.fixture
async def sim(tmp_path: Path) -> AsyncIterator[SimulatedProviders]:
    async with SimulatedProviders(folder=tmp_path) as running:
        yield running


@pytest.fixture
async def web(sim: SimulatedProviders) -> AsyncIterator[httpx.AsyncClient]:
    """Plain HTTP/1.1."""
    async with httpx.AsyncClient(base_url=f"http://127.0.0.1:{sim.http_port}", timeout=60) as client:
        yield client


@pytest.fixture
async def web2(sim: SimulatedProviders) -> AsyncIterator[httpx.AsyncClient]:
    """HTTP/2 over TLS."""
    context = ssl.create_default_context(cafile=str(sim.ca_file))
    async with httpx.AsyncClient(
        base_url=f"https://127.0.0.1:{sim.tls_port}", http2=True, verify=context, timeout=60
    ) as client:
        yield client

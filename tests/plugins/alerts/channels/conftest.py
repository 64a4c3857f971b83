"""A receiver on loopback, and opening of channels, for every test of a channel."""

from collections.abc import AsyncIterator, Callable

import pytest

from midwatch_alerts.channels.channel import Channel
from tests.plugins.alerts.channels.receiver import Receiver, receiving
from tests.plugins.alerts.channels.told_messages import opener


@pytest.fixture
async def receiver() -> AsyncIterator[Receiver]:
    async with receiving() as running:
        yield running


@pytest.fixture
def opened(monkeypatch: pytest.MonkeyPatch) -> Callable[..., Channel]:
    return opener(monkeypatch)

"""Versions of policies: kept when a policy comes into use with another text, whenever the store takes it."""

import asyncio
import logging
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import datetime
from typing import Any

import pytest

from midwatch.control import policy_versions as module
from midwatch.control.policy_versions import PolicyVersions, policy_versions
from midwatch_core.clock import SystemClock
from midwatch_core.errors import StorageError, StorageUnavailableError
from midwatch_core.hosting import Plugins
from midwatch_core.model.document import PolicyVersion
from midwatch_core.policy import Policy
from midwatch_memory.metadata import MemoryMetadata
from tests.addons.control.conftest import Control, until

OWN = "policy: {{id: own}}\nlines: [{{id: all, then: {}}}]\n"


def own(action: str = "flag", name: str = "/etc/own.yaml") -> Policy:
    return Policy.load(OWN.format(action).encode(), name)


@asynccontextmanager
async def at_work(metadata: MemoryMetadata) -> AsyncIterator[PolicyVersions]:
    plugins = Plugins()
    plugins.discover(allow=["rules-data"])
    plugins.activate({})
    versions = PolicyVersions(metadata, plugins, SystemClock())
    job = asyncio.create_task(versions.run())
    yield versions
    job.cancel()
    await asyncio.gather(job, return_exceptions=True)


async def settled(versions: PolicyVersions) -> None:
    """All that was noted is kept, or refused."""
    await until(lambda: not versions._waiting and not versions._news.is_set())
    for _ in range(100):
        await asyncio.sleep(0)  # what was begun, ends in some of the loop's rounds


@pytest.fixture
async def metadata() -> MemoryMetadata:
    made = MemoryMetadata()
    await made.start()
    return made


async def kept(metadata: MemoryMetadata, name: str = "own") -> list[tuple[int, str, str]]:
    found = await metadata.policy_versions(name, limit=10)
    return [(version.version, version.author, version.text) for version in found]


async def test_a_policy_is_kept_when_it_has_another_text(metadata: MemoryMetadata) -> None:
    async with at_work(metadata) as versions:
        for action in ("flag", "flag", "block", "block", "flag"):
            versions.note(own(action))
        await settled(versions)
    assert await kept(metadata) == [
        (3, "file", OWN.format("flag")),
        (2, "file", OWN.format("block")),
        (1, "file", OWN.format("flag")),
    ]


async def test_the_same_text_after_a_restart_is_no_new_version(metadata: MemoryMetadata) -> None:
    for _ in range(2):
        async with at_work(metadata) as versions:
            versions.note(own())
            await settled(versions)
    assert len(await kept(metadata)) == 1


@pytest.mark.parametrize(
    ("name", "author"),
    [
        ("balanced", "shipped"),
        ("observe", "shipped"),
        ("balanced.yaml", "file"),
        ("/b", "file"),
        ("published", "published"),
    ],
)
async def test_whose_it_is(metadata: MemoryMetadata, name: str, author: str) -> None:
    async with at_work(metadata) as versions:
        versions.note(own(name=name))
        await settled(versions)
    assert [who for _, who, _ in await kept(metadata)] == [author]


class AwayMetadata(MemoryMetadata):
    """A store that is away for the first tries."""

    tries = 0

    async def keep_policy(self, name: str, text: str, *, author: str, at: datetime) -> PolicyVersion:
        self.tries += 1
        if self.tries < 4:
            raise StorageUnavailableError("the store is away")
        return await super().keep_policy(name, text, author=author, at=at)


async def test_a_store_that_is_away_is_waited_for_and_said_once(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(module, "_RETRY_S", 0.001)
    metadata = AwayMetadata()
    await metadata.start()
    async with at_work(metadata) as versions:
        versions.note(own("flag"))
        versions.note(own("block"))
        await until(lambda: metadata.tries == 5)
        await settled(versions)
    assert [number for number, _, _ in await kept(metadata)] == [2, 1]
    assert caplog.text.count("waits to be kept: the store is away") == 1


class RefusingMetadata(MemoryMetadata):
    """A store that never keeps what is flagged."""

    async def keep_policy(self, name: str, text: str, *, author: str, at: datetime) -> PolicyVersion:
        if "flag" in text:
            raise StorageError("not this one")
        return await super().keep_policy(name, text, author=author, at=at)


async def test_what_the_store_refuses_holds_up_nothing(caplog: pytest.LogCaptureFixture) -> None:
    metadata = RefusingMetadata()
    await metadata.start()
    with caplog.at_level(logging.ERROR):
        async with at_work(metadata) as versions:
            versions.note(own("flag"))
            versions.note(own("block"))
            await settled(versions)
    assert await kept(metadata) == [(1, "file", OWN.format("block"))]
    assert "policy own could not be kept: not this one" in caplog.text


async def test_versions_are_listed_newest_first_of_the_one_in_use_if_none_is_named(metadata: MemoryMetadata) -> None:
    async with at_work(metadata) as versions:
        versions.note(own("flag"))
        versions.note(own("block"))
        await settled(versions)
        rows = (await versions.answer({"op": "policy_versions"}))["rows"]
        assert [(row["name"], row["version"], row["author"], row["text"]) for row in rows] == [
            ("own", 2, "file", OWN.format("block")),
            ("own", 1, "file", OWN.format("flag")),
        ]
        assert (await versions.answer({"name": "own", "limit": 1}))["rows"] == rows[:1]
        assert (await versions.answer({"name": "nosuch"}))["rows"] == []


@pytest.mark.parametrize("limit", [0, "many", [], 1e400])
async def test_what_is_wrong_with_a_message_is_said(metadata: MemoryMetadata, limit: Any) -> None:
    assert list(await policy_versions(metadata, {"limit": limit}, in_use="own")) == ["error"]


async def test_the_door_lists_them(control: Control) -> None:
    await control.metadata.keep_policy("observe", "text", author="shipped", at=SystemClock().now())
    (row,) = (await control.client.ask({"op": "policy_versions", "name": None}))["rows"]
    assert (row["name"], row["version"], row["author"], row["text"]) == ("observe", 1, "shipped", "text")

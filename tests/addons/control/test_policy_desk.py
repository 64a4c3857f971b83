"""The policy desk: published policies are kept, told, written and used; who may do that; what is refused."""

import asyncio
import stat
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from midwatch.control.policy_desk.alone import desk_alone
from midwatch.control.policy_desk.desk import MAX_TEXT_BYTES
from midwatch.control.policy_desk.messages import changed_policy
from midwatch.control.policy_desk.publishing import SETTING
from midwatch.published_file import read_published
from midwatch.settings import policy_in_use, policy_of
from midwatch_core.access.caller import LOCAL, Caller
from midwatch_core.access.errors import AccessDeniedError
from midwatch_core.errors import ConfigError, StorageUnavailableError
from midwatch_core.model.apikey import AccessRole
from midwatch_core.model.finding import Action, Finding, Severity, Verdict
from midwatch_core.policy_desk import PolicyDeskError
from midwatch_core.ports import MetadataRepository, Scope
from midwatch_core.testing.factories import make_exchange
from midwatch_core.triaging import MAX_NOTE
from midwatch_memory.metadata import MemoryMetadata
from midwatch_sql import open_metadata
from tests.addons.control.policy_rooms import OPERATOR, VIEWER, Node, node_in, own

BOMB = "a: &a [x,x,x,x,x,x,x,x,x]\n" + "".join(
    f"{name}: &{name} [{','.join([f'*{before}'] * 9)}]\n" for before, name in zip("abcdefgh", "bcdefghi", strict=True)
)
EPOCH = datetime(2020, 1, 1, tzinfo=UTC)
HOSTILE = {
    "nothing": "",
    "no mapping": "[]",
    "an alias bomb": BOMB + "policy: {id: *i}\nlines: []\n",
    "a policy that holds itself": "policy: &a [*a]\nlines: []\n",
    "a tag": "policy: !!python/object/apply:os.system ['true']\nlines: []\n",
    "too many bytes": own() + "#" * MAX_TEXT_BYTES,
    "too many lines": "policy: {id: a}\nlines:\n"
    + "".join(f"- {{id: l{number}, then: flag}}\n" for number in range(1001)),
    "nested too deeply": "[" * 5000,
    "half a character": own() + "# \ud800",
    "a number without end": f"policy: {{id: 0x{'f' * 9000}}}\nlines: []",
    "control characters": own() + "# \x00",
}


@pytest.fixture(params=["memory", "sqlite"])
async def metadata(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[MetadataRepository]:
    made = MemoryMetadata() if request.param == "memory" else open_metadata(f"sqlite:///{tmp_path}/metadata.db")
    assert made is not None
    await made.start()
    yield made
    await made.close()


@pytest.fixture
async def node(tmp_path: Path, metadata: MetadataRepository) -> Node:
    return await node_in(tmp_path / "home", metadata)


async def audited(metadata: MetadataRepository) -> list[tuple[str, str, str, dict[str, str]]]:
    entries = await metadata.audit(Scope(), limit=100)
    records = [entry.record for entry in reversed(entries)]
    return [(item.actor, item.action, item.subject, dict(item.details)) for item in records]


async def test_what_is_published_is_in_use_kept_recorded_and_private_to_the_owner(node: Node) -> None:
    made = await node.room.desk.publish(OPERATOR, own(), note="because")
    standing = await node.room.desk.standing(VIEWER)
    assert (standing.id, standing.text, standing.source, standing.version) == ("own", own(), "published", 1)
    assert (made.version, made.author, node.reloads) == (1, OPERATOR.name, 1)
    assert stat.S_IMODE(node.home.published_policy.stat().st_mode) == 0o600
    assert await audited(node.metadata) == [
        (OPERATOR.name, "policy.publish", "own", {"version": "1", "note": "because"})
    ]


async def test_it_holds_after_a_restart_without_a_store(node: Node, tmp_path: Path) -> None:
    await node.room.desk.publish(OPERATOR, own())
    empty = MemoryMetadata()
    await empty.start()
    again = await node_in(tmp_path / "home", empty)
    await again.room.look()
    assert (again.in_use.text, again.reloads) == (own(), 0)


async def test_that_the_configurations_is_not_in_use_is_said_once(node: Node, caplog: pytest.LogCaptureFixture) -> None:
    await node.room.desk.publish(OPERATOR, own())
    await node.reload()
    assert caplog.text.count("the published policy own is in use, not observe of the configuration") == 1


async def test_rolling_back_publishes_an_earlier_text_again(node: Node) -> None:
    for action in ("flag", "block"):
        await node.room.desk.publish(OPERATOR, own(action))
    made = await node.room.desk.roll_back(OPERATOR, 1)
    assert (made.version, made.text, node.in_use.text) == (3, own("flag"), own("flag"))
    assert [item.version for item in await node.room.desk.versions(VIEWER)] == [3, 2, 1]
    assert (await audited(node.metadata))[-1][1:] == (
        "policy.roll_back",
        "own",
        {"version": "3", "note": "to version 1"},
    )


@pytest.mark.parametrize("version", [0, -1, 3, 10**30])
async def test_a_version_that_is_not_there_is_said(node: Node, version: int) -> None:
    await node.room.desk.publish(OPERATOR, own())
    with pytest.raises(PolicyDeskError, match="has no version"):
        await node.room.desk.roll_back(OPERATOR, version)
    assert node.in_use.text == own()


async def test_withdrawing_goes_back_to_what_the_configuration_names(node: Node) -> None:
    await node.room.desk.publish(OPERATOR, own())
    await node.room.desk.withdraw(OPERATOR)
    standing = await node.room.desk.standing(VIEWER)
    assert (standing.id, standing.source, node.home.published_policy.exists()) == ("observe", "shipped", False)
    assert (await audited(node.metadata))[-1][1:3] == ("policy.withdraw", "own")
    with pytest.raises(PolicyDeskError, match="no policy is published"):
        await node.room.desk.withdraw(OPERATOR)


async def test_the_same_text_again_is_no_new_version(node: Node) -> None:
    await node.room.desk.publish(OPERATOR, own())
    with pytest.raises(PolicyDeskError, match="published already, as version 1"):
        await node.room.desk.publish(OPERATOR, own())
    assert len(await audited(node.metadata)) == 1


async def test_of_many_that_are_published_at_once_the_last_version_is_in_use(node: Node) -> None:
    texts = [own() + f"# {number}\n" for number in range(8)]
    made = await asyncio.gather(*(node.room.desk.publish(OPERATOR, text) for text in texts))
    assert sorted(item.version for item in made) == list(range(1, 9))
    assert node.in_use.text == max(made, key=lambda item: item.version).text
    standing = await node.room.desk.standing(VIEWER)
    assert standing.version == 8


async def test_nodes_of_one_store_follow(node: Node, tmp_path: Path) -> None:
    other = await node_in(tmp_path / "other", node.metadata)
    await other.room.look()
    await node.room.desk.publish(OPERATOR, own())
    await other.room.look()
    assert (other.in_use.text, other.reloads) == (own(), 1)
    await other.room.look()
    await node.room.look()
    assert (other.reloads, node.reloads) == (1, 1)
    await other.room.desk.withdraw(OPERATOR)
    await node.room.look()
    assert (node.in_use.id, node.home.published_policy.exists()) == ("observe", False)


async def test_a_node_that_was_away_takes_the_newest_when_it_starts(node: Node, tmp_path: Path) -> None:
    for action in ("flag", "block"):
        await node.room.desk.publish(OPERATOR, own(action))
    late = await node_in(tmp_path / "late", node.metadata)
    await late.room.look()
    assert late.in_use.text == own("block")


async def test_where_the_configuration_names_a_file_nothing_is_published(node: Node, tmp_path: Path) -> None:
    file = tmp_path / "mine.yaml"
    file.write_text(own("flag", "mine"))
    fixed = await node_in(tmp_path / "fixed", node.metadata, str(file))
    standing = await fixed.room.desk.standing(VIEWER)
    assert (standing.source, str(file) in (standing.read_only or "")) == ("file", True)
    for change in (fixed.room.desk.publish(OPERATOR, own()), fixed.room.desk.withdraw(OPERATOR)):
        with pytest.raises(PolicyDeskError, match="names a file"):
            await change
    await node.room.desk.publish(OPERATOR, own())
    await fixed.room.look()
    assert (fixed.in_use.id, fixed.home.published_policy.exists()) == ("mine", False)


async def test_a_published_policy_that_can_t_be_read_weakens_nothing(node: Node) -> None:
    await node.room.desk.publish(OPERATOR, own())
    for damage in (b"", b"{}", b'{"id": 1', node.home.published_policy.read_bytes().replace(b"block", b"bless")):
        node.home.published_policy.write_bytes(damage)
        with pytest.raises(ConfigError, match=r"policy\.published\.json: .*`policy withdraw`"):
            policy_of(node.settings)
    await node.reload()
    assert node.in_use.text == own()
    await node.room.desk.withdraw(OPERATOR)
    assert policy_of(node.settings).id == "observe"


async def test_a_damaged_one_is_replaced_by_what_the_store_has(node: Node) -> None:
    await node.room.desk.publish(OPERATOR, own())
    node.home.published_policy.write_bytes(b"?")
    await node.room.look()
    assert policy_of(node.settings).text == own()


@pytest.mark.parametrize("text", HOSTILE.values(), ids=HOSTILE.keys())
async def test_what_is_no_policy_changes_nothing(node: Node, text: str) -> None:
    told = await node.room.desk.check(VIEWER, text)
    assert (told.sound, len(told.problems), "\n" in told.problems[0]) == (False, 1, False)
    for refused in (
        node.room.desk.publish(OPERATOR, text),
        node.room.desk.simulate(VIEWER, text, since=EPOCH),
    ):
        with pytest.raises(PolicyDeskError):
            await refused
    assert (await audited(node.metadata), await node.metadata.setting(SETTING)) == ([], None)
    assert policy_in_use(node.settings) == "observe"


async def test_doubts_are_told_of_a_sound_one(node: Node) -> None:
    told = await node.room.desk.check(VIEWER, own() + "  - {id: late, when: {category: no_such}, then: flag}\n")
    assert told.sound
    assert any("never reached" in doubt for doubt in told.doubts)
    assert any("no_such" in doubt for doubt in told.doubts)


async def test_a_note_has_an_end(node: Node) -> None:
    with pytest.raises(PolicyDeskError, match="a note has at most"):
        await node.room.desk.publish(OPERATOR, own(), note="x" * (MAX_NOTE + 1))


type Asked = Callable[[Node, Caller], Awaitable[Any]]
READING: dict[str, Asked] = {
    "standing": lambda node, caller: node.room.desk.standing(caller),
    "shipped": lambda node, caller: node.room.desk.shipped(caller),
    "versions": lambda node, caller: node.room.desk.versions(caller),
    "check": lambda node, caller: node.room.desk.check(caller, own()),
}
CHANGING: dict[str, Asked] = {
    "publish": lambda node, caller: node.room.desk.publish(caller, own()),
    "roll_back": lambda node, caller: node.room.desk.roll_back(caller, 1),
    "withdraw": lambda node, caller: node.room.desk.withdraw(caller),
}


@pytest.mark.parametrize("asked", [*READING, *CHANGING])
async def test_a_key_of_one_tenant_neither_reads_nor_changes(node: Node, asked: str) -> None:
    for role in AccessRole:
        with pytest.raises(AccessDeniedError):
            await (READING | CHANGING)[asked](node, Caller(name="k", role=role, tenant="acme"))


@pytest.mark.parametrize("asked", CHANGING)
async def test_who_does_not_operate_changes_nothing(node: Node, asked: str) -> None:
    for role in (AccessRole.CLIENT, AccessRole.VIEWER):
        with pytest.raises(AccessDeniedError):
            await CHANGING[asked](node, Caller(name="k", role=role))
    assert await audited(node.metadata) == []


class AwayMetadata(MemoryMetadata):
    """A store that is away."""

    async def keep_setting(self, key: str, value: str) -> None:
        raise StorageUnavailableError("the store is away")


async def test_with_the_store_away_nothing_is_published_by_half(tmp_path: Path) -> None:
    metadata = AwayMetadata()
    await metadata.start()
    node = await node_in(tmp_path, metadata)
    with pytest.raises(StorageUnavailableError):
        await node.room.desk.publish(OPERATOR, own())
    assert (read_published(node.home), node.reloads, node.in_use.id) == (None, 0, "observe")


async def test_a_setting_that_says_nothing_readable_is_passed_over(node: Node) -> None:
    for said in ("", "{}", "[1]", '{"stamp": 1, "id": "x", "version": "many"}'):
        await node.metadata.keep_setting(SETTING, said)
        await node.room.look()
    assert node.reloads == 0


async def test_a_version_that_is_gone_is_said_once(node: Node, caplog: pytest.LogCaptureFixture) -> None:
    await node.metadata.keep_setting(SETTING, '{"stamp": "s", "id": "own", "version": 7}')
    for _ in range(3):
        await node.room.look()
    assert caplog.text.count("has no version 7") == 1


async def test_messages_change_the_policy_and_say_what_can_t_be_done(node: Node) -> None:
    desk = node.room.desk
    assert (await changed_policy(desk, {"op": "policy_publish", "text": own(), "note": None}))["row"]["version"] == 1
    assert "has no version 9" in (await changed_policy(desk, {"op": "policy_roll_back", "version": 9}))["error"]
    assert (await changed_policy(desk, {"op": "policy_withdraw"})) == {"withdrawn": True}
    for wrong in (
        {"op": "policy_publish"},
        {"op": "policy_roll_back", "version": []},
        {"op": "policy_roll_back", "version": float("inf")},
        {"op": "policy_publish", "text": "["},
        {"op": "policy_nosuch"},
    ):
        assert list(await changed_policy(desk, wrong)) == ["error"]


async def test_a_command_alone_publishes_for_the_next_start(node: Node) -> None:
    desk = desk_alone(node.settings, node.metadata, node.traces)
    assert (await desk.publish(LOCAL, own())).version == 1
    assert policy_of(node.settings).text == own()


async def test_another_configuration_may_make_it_read_only(node: Node, tmp_path: Path) -> None:
    await node.room.desk.publish(OPERATOR, own())
    file = tmp_path / "mine.yaml"
    file.write_text(own("flag", "mine"))
    config = node.settings.config.model_copy(update={"policy": str(file)})
    node.settings = replace(node.settings, config=config)
    await node.reload()
    assert (node.in_use.id, node.room.read_only() is not None) == ("mine", True)


def findings_of(*ids: str) -> tuple[Finding, ...]:
    return tuple(
        Finding(
            id=name,
            rule="acme/words/one",
            category="secret",
            severity=Severity.HIGH,
            confidence=0.9,
            message="A word",
            plugin="rules",
        )
        for name in ids
    )


async def test_a_policy_is_tried_on_stored_findings_in_the_callers_scope(node: Node) -> None:
    exchanges = [
        make_exchange(
            tenant=tenant,
            findings=findings_of(f"{tenant}-{number}-a", f"{tenant}-{number}-b"),
            verdicts=(Verdict(action=Action.FLAG, findings=(f"{tenant}-{number}-a",), policy_line="all", policy="p"),),
        )
        for tenant in ("acme", "lab")
        for number in range(3)
    ]
    await node.traces.put([*exchanges, make_exchange()])
    desk, since = node.room.desk, exchanges[0].started_at
    told = await desk.simulate(VIEWER, own(), since=since)
    assert (told.looked_at, told.changed, told.changes, told.cut) == (6, 6, {"flag → block": 6}, False)
    assert [row["id"] for row in told.rows] == [item.id for item in reversed(exchanges)]
    one = await desk.simulate(Caller(name="k", role=AccessRole.VIEWER, tenant="lab"), own(), since=since)
    assert {row["tenant"] for row in one.rows} == {"lab"}
    cut = await desk.simulate(VIEWER, own(), since=since, limit=2)
    assert (cut.looked_at, cut.cut) == (2, True)
    newest = exchanges[-1].started_at
    assert (await desk.simulate(VIEWER, own(), since=newest)).looked_at == 1
    assert (await desk.simulate(VIEWER, own(), since=since, until=newest)).looked_at == 5
    assert (await desk.simulate(VIEWER, own("flag"), since=since)).rows == ()
    with pytest.raises(AccessDeniedError):
        await desk.simulate(Caller(name="k", role=AccessRole.CLIENT), own(), since=since)

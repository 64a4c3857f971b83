"""`policy versions`: alone and through a control that lives; and whose a policy is."""

import asyncio
from datetime import UTC, datetime
from pathlib import Path

import pytest

from midwatch.cli import main
from midwatch.home import Home
from midwatch.settings import resolve
from midwatch_core.ports import MetadataRepository
from midwatch_core.storage import open_storage, storage_profile
from tests.addons.cli.administered import living_control, rows, rows_of_control

AT = datetime(2026, 3, 1, 9, 0, tzinfo=UTC)


async def _keep(metadata: MetadataRepository) -> None:
    for text in ("one\ntwo\n", "three"):
        await metadata.keep_policy("observe", text, author="shipped", at=AT)
    await metadata.keep_policy("own", "mine", author="file", at=AT)


@pytest.fixture
def kept(home: Home) -> Home:
    """A home with two versions of the policy in use, and one of another."""

    async def keep() -> None:
        settings = resolve(home, config_file=None, flags={})
        metadata = open_storage(settings.plugins, storage_profile(settings.config, home.root)).metadata
        await metadata.start()
        await _keep(metadata)
        await metadata.close()

    asyncio.run(keep())
    return home


def test_versions_of_the_policy_in_use_or_of_one_by_name(kept: Home, capsys: pytest.CaptureFixture[str]) -> None:
    listed = rows(capsys, "policy", "versions")
    assert [(row["name"], row["version"], row["text"]) for row in listed] == [
        ("observe", 2, "three"),
        ("observe", 1, "one\ntwo\n"),
    ]
    assert rows(capsys, "policy", "versions", "--limit", "1") == listed[:1]
    assert rows(capsys, "policy", "versions", "own") == [
        {"name": "own", "version": 1, "author": "file", "created_at": AT.isoformat(), "text": "mine"}
    ]


def test_versions_for_people(kept: Home, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["policy", "versions"]) == 0
    out = capsys.readouterr().out
    assert "2026-03-01T09:00:00" in out
    assert "shipped" in out
    assert "three" not in out


def test_a_policy_that_never_was_in_use_has_none(home: Home, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["policy", "versions", "nosuch"]) == 0
    told = capsys.readouterr()
    assert (told.out, "No version was kept" in told.err) == ("", True)
    assert not (home.root / "midwatch.db").exists()


async def test_a_control_that_lives_is_asked(home: Home, capsys: pytest.CaptureFixture[str]) -> None:
    async with living_control(home) as control:
        await _keep(control.metadata)
        listed = await rows_of_control(capsys, "policy", "versions")
        assert [row["version"] for row in listed] == [2, 1]
    assert not (home.root / "midwatch.db").exists()


def test_a_file_named_by_its_whole_path_is_no_shipped_policy(
    home: Home, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file = tmp_path / "own.yaml"
    file.write_text("policy: {id: own}\nlines: [{id: all, then: flag}]\n")
    home.config_file.write_text(f"policy: {file}\n")
    sources = {row["name"]: row["source"] for row in rows(capsys, "policy", "list")}
    assert sources == {"balanced": "shipped", "observe": "shipped", "strict": "shipped", str(file): str(file)}

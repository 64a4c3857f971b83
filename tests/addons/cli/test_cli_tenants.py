"""`tenants`: over a store that no control serves, and through one that lives."""

import io
from pathlib import Path

import pytest

from midwatch.cli import main
from midwatch.home import Home
from midwatch_core.access.fingerprint import fingerprint
from tests.addons.cli.administered import living_control, rows, rows_of_control

CONFIG = """
tenants:
  acme: {title: Acme, networks: [10.0.0.0/8]}
"""


def test_where_nothing_was_kept_the_configurations_tenants_are_listed_and_nothing_is_made(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file = tmp_path / "config.yaml"
    file.write_text(CONFIG)
    listed = rows(capsys, "tenants", "list", "--config", str(file))
    assert [(row["name"], row["configured"], row["created_at"]) for row in listed] == [
        ("acme", True, None),
        ("default", True, None),
    ]
    assert rows(capsys, "tenants", "--config", str(file)) == listed
    assert not (tmp_path / "home").exists()


def test_a_tenants_life(home: Home, capsys: pytest.CaptureFixture[str]) -> None:
    words = ("--network", "10.0.0.0/8", "--network", "::1", "--certificate", "CN=a", "--retention-days", "7")
    (added,) = rows(capsys, "tenants", "add", "acme", "--title", "Acme", "--provider-key", "0123456789abcdef", *words)
    assert added == {
        "name": "acme",
        "title": "Acme",
        "networks": ["10.0.0.0/8", "::1"],
        "provider_keys": ["0123456789abcdef"],
        "certificates": ["CN=a"],
        "retention_days": 7,
        "configured": False,
        "created_at": added["created_at"],
    }
    (changed,) = rows(capsys, "tenants", "set", "acme", "--network", "", "--retention-days", "0")
    assert changed == added | {"networks": [], "retention_days": None}
    assert rows(capsys, "tenants", "list")[1:] == [changed]
    rows(capsys, "keys", "create", "--tenant", "acme")
    assert rows(capsys, "tenants", "remove", "acme") == [{"name": "acme", "revoked_keys": 1}]
    assert [row["name"] for row in rows(capsys, "tenants")] == ["default"]


def test_a_home_that_is_named_before_the_command_is_the_command_s(
    home: Home, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    there = str(tmp_path / "there")
    assert main(["tenants", "--home", there, "add", "acme"]) == 0
    capsys.readouterr()
    assert [row["name"] for row in rows(capsys, "tenants", "--home", there, "list")] == ["default", "acme"]
    assert [row["name"] for row in rows(capsys, "tenants", "list", "--home", str(home.root))] == ["default"]


def test_a_table_and_sentences_for_people(home: Home, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["tenants", "add", "acme", "--certificate", "CN=\x1b[31mred", "--network", "10.0.0.0/8"]) == 0
    out = capsys.readouterr().out
    assert "10.0.0.0/8" in out
    assert "\x1b" not in out
    assert main(["tenants", "remove", "acme"]) == 0
    assert "acme is no tenant any more" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("words", "code", "said"),
    [
        (["add", "a b"], 1, "a tenant's name is"),
        (["add", "default"], 1, "is there already"),
        (["add", "acme", "--network", "10.0.0.1/8"], 1, "has host bits set"),
        (["add", "acme", "--provider-key", "sk-proj-1"], 1, "a fingerprint is 16 hex digits"),
        (["set", "nosuch"], 1, "there is no tenant nosuch"),
        (["set", "default", "--title", "x"], 1, "stands in the configuration"),
        (["remove", "nosuch"], 1, "there is no tenant nosuch"),
        (["add"], 2, "Missing argument"),
        (["add", "acme", "--retention-days", "-1"], 2, "--retention-days"),
        (["nosuch"], 2, "No such command"),
    ],
)
def test_what_cannot_be_done_is_said(
    home: Home, capsys: pytest.CaptureFixture[str], words: list[str], code: int, said: str
) -> None:
    assert main(["tenants", *words]) == code
    told = capsys.readouterr()
    assert said in told.err
    assert "sk-proj-1" not in told.err
    assert told.out == ""


async def test_a_control_that_lives_does_it(home: Home, capsys: pytest.CaptureFixture[str]) -> None:
    async with living_control(home) as control:
        await rows_of_control(capsys, "tenants", "add", "acme")
        assert [tenant.name for tenant in await control.metadata.tenants()] == ["acme"]
        assert [row["name"] for row in await rows_of_control(capsys, "tenants")] == ["acme"]
    assert not (home.root / "midwatch.db").exists()


def test_the_fingerprint_of_a_key_on_standard_input(
    home: Home, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    made = fingerprint(home.hash_key(), "sk-secret")
    monkeypatch.setattr("sys.stdin", io.StringIO("sk-secret\n"))
    assert rows(capsys, "tenants", "fingerprint") == [{"fingerprint": made}]
    monkeypatch.setattr("sys.stdin", io.StringIO(" sk-secret"))
    assert main(["tenants", "fingerprint"]) == 0
    assert capsys.readouterr().out == f"{made}\n"
    monkeypatch.setattr("sys.stdin", io.StringIO("\n"))
    assert main(["tenants", "fingerprint"]) == 2
    assert rows(capsys, "tenants", "add", "acme", "--provider-key", made)[0]["provider_keys"] == [made]

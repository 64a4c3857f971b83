"""Production as it is meant: PostgreSQL, a password from a file, schemas that wait for `migrate up`."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from midwatch.cli import main
from midwatch.home import Home
from tests.storage.sql.postgres_server import PostgresServer


@pytest.fixture(scope="module")
def server() -> Iterator[PostgresServer]:
    made = PostgresServer()
    yield made
    made.remove()


@pytest.fixture
def password(server: PostgresServer, home: Home, tmp_path: Path) -> Iterator[str]:
    """The server's password; the configuration names the file it is in."""
    secret = tmp_path / "secret"
    secret.touch(mode=0o600)
    secret.write_text(server.password + "\n")
    with server.database() as url:
        lines = {
            "profile": "production",
            "traces": f"sqlite:///{home.root}/traces.db",
            "metadata": url.replace(server.password, f"${{file:{secret}}}"),
            "cache": "memory://",
        }
        home.config_file.write_text(json.dumps({"storage": lines, "listen": "127.0.0.1:0", "console": "127.0.0.1:0"}))
        yield server.password


def rows(said: str) -> dict[str, dict[str, Any]]:
    return {row["store"]: row for row in map(json.loads, said.splitlines())}


def test_from_nothing_to_the_newest_schema_back_to_the_first_and_up_again(
    password: str, capsys: pytest.CaptureFixture[str]
) -> None:
    heard = []

    def said(*words: str) -> tuple[int, str]:
        code = main([*words])
        captured = capsys.readouterr()
        heard.append(captured.out + captured.err)
        return code, captured.out

    assert said("migrate", "check")[0] == 1
    assert said("start")[0] == 2
    assert "run: midwatch migrate up" in heard[-1]
    assert said("doctor")[0] == 1
    code, out = said("migrate", "up", "--json")
    assert code == 0
    first = rows(out)["metadata"]["done"][0]
    assert said("migrate", "check")[0] == 0
    for store, revision in (("metadata", first), ("traces", rows(out)["traces"]["done"][0])):
        code, back = said("migrate", "down", "--only", store, "--to", revision, "--yes", "--json")
        assert (code, rows(back)[store]["current"]) == (0, revision)
        assert said("start")[0] == 2
        assert said("migrate", "up")[0] == 0
    assert said("migrate", "down", "--to", "nothing", "--yes")[0] == 0
    assert said("migrate", "check")[0] == 1
    assert "postgresql://midwatch:***@127.0.0.1" in "".join(heard)
    assert password not in "".join(heard)


def test_a_wrong_password_is_refused_at_start_and_not_told(
    password: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["migrate", "up"]) == 0
    (tmp_path / "secret").write_text("wrong-and-secret")
    capsys.readouterr()
    assert main(["start"]) == 2
    said = capsys.readouterr()
    assert "storage.metadata: postgresql://midwatch:***@127.0.0.1" in said.err
    assert "wrong-and-secret" not in said.out + said.err

"""Secrets in settings: references are filled in at opening, and no message, dump or repr ever has a secret."""

import re
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from midwatch_core.config import Config, load_config, merged_sources
from midwatch_core.errors import ConfigError
from midwatch_core.secret_text import has_secret, masked, resolve_secrets, without_secrets

SECRET = "pLanted-9f1c"
ENVIRON = {"PW": "p@/:x", "PORT": "5432", "URL": "redis://:p@/:x@h", "EMPTY": ""}


@pytest.mark.parametrize(
    ("text", "means"),
    [
        ("memory://", "memory://"),
        ("postgresql://u:${PW}@h:${PORT}/db", "postgresql://u:p%40%2F%3Ax@h:5432/db"),
        ("acme://h/db?password=${PW}&port=${PORT}", "acme://h/db?password=p%40%2F%3Ax&port=5432"),
        ("acme://h/${PW}", "acme://h/p@/:x"),
        ("${URL}", "redis://:p@/:x@h"),
        ("a bare ${PW} word", "a bare p@/:x word"),
        ("$PW {PW} $$", "$PW {PW} $$"),
    ],
)
def test_references_are_filled_in_encoded_where_they_stand(text: str, means: str) -> None:
    assert resolve_secrets(text, key="k", environ=ENVIRON) == means


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("${ABSENT}", "k: the variable ABSENT is not set, or empty"),
        ("a://u:${EMPTY}@h", "k: the variable EMPTY is not set, or empty"),
        ("${}", "k: ${…} holds the name of a variable, or file:PATH"),
        ("${A-B}", "k: ${…} holds the name of a variable"),
        ("${file:relative}", "k: ${file:relative}: give the whole path"),
        ("${file:/absent/of/all}", "k: /absent/of/all: No such file"),
        ("${file:/}", "k: /: Is a directory"),
    ],
)
def test_what_cannot_be_filled_in_names_setting_and_reference(text: str, says: str) -> None:
    with pytest.raises(ConfigError, match=re.escape(says)):
        resolve_secrets(text, key="k", environ=ENVIRON)


@pytest.fixture
def secret_file(tmp_path: Path) -> Path:
    file = tmp_path / "password"
    file.touch(mode=0o600)
    file.write_text(f"{SECRET}\r\n")
    return file


def test_a_file_gives_what_it_holds_without_the_end_of_the_line(
    secret_file: Path, caplog: pytest.LogCaptureFixture
) -> None:
    assert resolve_secrets(f"a://u:${{file:{secret_file}}}@h", key="k") == f"a://u:{SECRET}@h"
    assert caplog.text == ""


def test_a_file_that_others_can_read_is_warned_of(secret_file: Path, caplog: pytest.LogCaptureFixture) -> None:
    secret_file.chmod(0o640)
    assert resolve_secrets(f"${{file:{secret_file}}}", key="storage.cache") == SECRET
    assert f"storage.cache: {secret_file} can be read by others" in caplog.text
    assert SECRET not in caplog.text


def test_where_an_orchestrator_mounts_secrets_their_modes_are_its_own(
    secret_file: Path, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("midwatch_core.secret_text._MOUNTED", secret_file.parent)
    secret_file.chmod(0o444)
    assert resolve_secrets(f"${{file:{secret_file}}}", key="storage.cache") == SECRET
    assert caplog.text == ""


@pytest.mark.parametrize(
    ("data", "says"), [(b"", "is empty"), (b"\n", "is empty"), (b"\xff", "not text"), (b"x" * 70_000, "longer")]
)
def test_a_file_that_holds_no_secret_is_an_error(secret_file: Path, data: bytes, says: str) -> None:
    secret_file.write_bytes(data)
    with pytest.raises(ConfigError, match=says):
        resolve_secrets(f"${{file:{secret_file}}}", key="k")


@pytest.mark.parametrize(
    ("url", "shown", "is_secret"),
    [
        ("memory://", "memory://", False),
        ("sqlite:////tmp/a:b@c", "sqlite:////tmp/a:b@c", False),
        ("redis://h:6379/0", "redis://h:6379/0", False),
        ("clickhouse://h:8123/db?user=a@b", "clickhouse://h:8123/db?user=a@b", False),
        ("http://[::1]:80/x", "http://[::1]:80/x", False),
        ("postgresql://u:p@h/db", "postgresql://u:***@h/db", True),
        ("postgresql://u:p@ss/w@h:5432/db?x=1", "postgresql://u:***@h:5432/db?x=1", True),
        ("a://u:my pass'\"@h", "a://u:***@h", True),
        ("a://u:123@h", "a://u:***@h", True),
        ("a://u:12;x@h", "a://u:***@h", True),
        ("a://u:123/x@h", "a://u:***@h", True),
        ("a://h:123/x?to=a@b", "a://h:123/x?to=a@b", False),
        ("a://h:123?to=a@b", "a://h:123?to=a@b", False),
        ("redis://:pw", "redis://:***", True),
        ("a://h/?password=s&x=1", "a://h/?password=***&x=1", True),
        ("a://h/?x=1&access_token=s", "a://h/?x=1&access_token=***", True),
        ("a://h/?password=${X}", "a://h/?password=${X}", False),
        ("a://h/?proxy=http%3A%2F%2Fu%3Ap%40p%3A3128", "a://h/?proxy=***", True),
        ("a://h/?proxy=${X}", "a://h/?proxy=${X}", False),
        ("a://u:${PG}@h", "a://u:${PG}@h", False),
        ("a://u:${file:/run/p@w}@h/${DB}", "a://u:${file:/run/p@w}@h/${DB}", False),
        ("a://u:x${PG}@h", "a://u:***@h", True),
        ("clickhouse://h:${PORT}/db", "clickhouse://h:${PORT}/db", False),
        ("${WHOLE}", "${WHOLE}", False),
    ],
)
def test_a_url_is_shown_with_its_user_and_without_its_password(url: str, shown: str, is_secret: bool) -> None:
    assert (masked(url), has_secret(url)) == (shown, is_secret)


@given(st.text(st.characters(codec="utf-8"), min_size=1))
def test_no_password_is_ever_shown(password: str) -> None:
    planted = f"{SECRET}{password}{SECRET}"
    url = f"scheme://user:{planted}@host/database"
    assert SECRET not in masked(url)
    assert has_secret(url)
    assert SECRET not in without_secrets(f"can't open {url!r}, {url}, {planted}", url)


def load(folder: Path, text: str = "", *, env: dict[str, str] | None = None, **flags: object) -> Config:
    file = folder / "config.yaml"
    file.write_text(text)
    return load_config(file=file, flags=flags, environ=env or {})


@pytest.mark.parametrize(
    ("text", "says"),
    [
        (f"storage: {{traces: 'a://u:{SECRET}@h'}}", "storage.traces: a password is not written here"),
        (f"storage: {{cache: 'redis://:{SECRET}@h'}}", "give the whole URL in the variable MIDWATCH_STORAGE__CACHE"),
        (f"storage: {{metadata: 'a://h?password={SECRET}'}}", "storage.metadata: a password is not written here"),
        (f"storage: {{encryption: {{key: {SECRET}}}}}", "storage.encryption.key: a secret is not written here"),
        (f"access: {{admin_key: {SECRET}}}", "access.admin_key: a secret is not written here"),
        (f"access: {SECRET}", "access: Input should be a valid dictionary"),
        (f"access: {{admin_key: [{SECRET}]}}", "access.admin_key: "),
        (f"storage: {{traces: ['a://u:{SECRET}@h']}}", "storage.traces: "),
        (f"storage: 'a://u:{SECRET}@h'", "storage.profile: "),
        (f"storage: {{profile: 'a://u:{SECRET}@h'}}", "storage.profile: "),
        (f"storage: {{encryption: {SECRET}}}", "storage.encryption: "),
        (f"storage: ['a://u:{SECRET}@h']", "storage: "),
        (f"listen: 'a://u:{SECRET}@h'", "listen: "),
        (f"tenants: {{acme: {{provider_keys: [{SECRET}]}}}}", "tenants.acme.provider_keys: a fingerprint is 16 hex"),
        (f"storage:\n  traces: a://u:{SECRET}@h\n wrong", "not YAML: "),
        (f"access: {{admin_key: '{SECRET}", "not YAML: "),
    ],
)
def test_a_secret_in_the_file_is_refused_and_not_repeated(tmp_path: Path, text: str, says: str) -> None:
    with pytest.raises(ConfigError, match=re.escape(says)) as caught:
        load(tmp_path, text)
    assert SECRET not in str(caught.value)


def test_a_secret_in_a_flag_is_refused_too(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=r"flags: storage\.traces: ") as caught:
        load(tmp_path, storage={"traces": f"a://u:{SECRET}@h"})
    assert SECRET not in str(caught.value)


def test_a_variable_may_hold_a_secret_and_the_configuration_does_not() -> None:
    env = {
        "MIDWATCH_STORAGE": "production",
        "MIDWATCH_STORAGE__TRACES": f"a://u:{SECRET}@h",
        "MIDWATCH_STORAGE__METADATA": "postgresql://u:${PW}@h",
        "MIDWATCH_STORAGE__CACHE": "redis://h",
        "MIDWATCH_STORAGE__ENCRYPTION__KEY": SECRET,
        "MIDWATCH_ACCESS__ADMIN_KEY": SECRET,
    }
    config = load_config(file=None, flags={}, environ=env)
    assert config.storage.profile == "production"
    assert config.storage.traces == "${MIDWATCH_STORAGE__TRACES}"
    assert (config.storage.metadata, config.storage.cache) == ("postgresql://u:${PW}@h", "redis://h")
    assert config.storage.encryption.key == "${MIDWATCH_STORAGE__ENCRYPTION__KEY}"
    assert config.access.admin_key == "${MIDWATCH_ACCESS__ADMIN_KEY}"
    assert SECRET not in repr(config) + config.model_dump_json() + repr(
        merged_sources(file=None, flags={}, environ=env)
    )
    assert resolve_secrets(config.storage.traces, key="k", environ=env) == f"a://u:{SECRET}@h"


@pytest.mark.parametrize(
    "env",
    [
        {"MIDWATCH_STORAGE": f"{{traces: 'a://u:{SECRET}@h'}}"},
        {"MIDWATCH_ACCESS": f"{{admin_key: {SECRET}}}"},
        {"MIDWATCH_STORAGE__TRACES": f"a://u:{SECRET}${{MORE}}@h"},
        {"MIDWATCH_STORAGE__PROFILE": f"a://u:{SECRET}@h"},
        {"MIDWATCH_ACCESS__ADMIN": SECRET},
    ],
)
def test_a_secret_in_another_variable_is_refused_and_not_repeated(env: dict[str, str]) -> None:
    with pytest.raises(ConfigError) as caught:
        load_config(file=None, flags={}, environ=env)
    assert SECRET not in str(caught.value)

"""The configuration: file, then environment, then flags; and errors of one line that name source, key and remedy."""

from pathlib import Path
from typing import Any

import pytest
from pydantic import BaseModel, ValidationError

from midwatch_core.config import Config, Section, StorageSettings, default_home, load_config, read_yaml, split_address
from midwatch_core.errors import ConfigError


class Pricing(Section):
    overrides: str = "prices.yaml"
    reload_s: float = 60.0


SECTIONS: dict[str, type[BaseModel]] = {"pricing": Pricing}


def load(folder: Path, text: str = "", *, env: dict[str, str] | None = None, **flags: Any) -> Config:
    file = folder / "config.yaml"
    file.write_text(text)
    return load_config(file=file, flags=flags, environ=env or {}, sections=SECTIONS)


def test_defaults_are_what_the_documents_say() -> None:
    config = load_config(file=None, flags={}, environ={})
    assert (config.listen, config.console, config.mode) == ("127.0.0.1:8080", "127.0.0.1:8082", ("regular",))
    assert (config.storage, config.workers, config.intercept) == (StorageSettings(), 1, "catalogue")
    assert config.storage.profile == "lite"


def test_flags_win_over_environment_over_file(tmp_path: Path) -> None:
    text = "listen: 127.0.0.1:1\nconsole: 127.0.0.1:2\nworkers: 3\n"
    env = {"MIDWATCH_CONSOLE": "127.0.0.1:20", "MIDWATCH_WORKERS": "30", "OTHER": "x"}
    config = load(tmp_path, text, env=env, workers=5)
    assert (config.listen, config.console, config.workers) == ("127.0.0.1:1", "127.0.0.1:20", 5)


def test_sections_merge_key_by_key(tmp_path: Path) -> None:
    config: Any = load(
        tmp_path,
        "journal: {max_bytes: 1000, when_full: refuse}\npricing: {overrides: mine.yaml}\n",
        env={"MIDWATCH_JOURNAL__MAX_BYTES": "2000", "MIDWATCH_PRICING__RELOAD_S": "1.5"},
        journal={"segment_bytes": 10},
    )
    assert (config.journal.max_bytes, config.journal.segment_bytes, config.journal.when_full) == (2000, 10, "refuse")
    assert (config.pricing.overrides, config.pricing.reload_s) == ("mine.yaml", 1.5)


def test_a_section_that_nobody_wrote_has_its_defaults(tmp_path: Path) -> None:
    config: Any = load(tmp_path)
    assert config.pricing == Pricing()


@pytest.mark.parametrize(
    ("name", "value", "field", "means"),
    [
        ("MIDWATCH_MODE", "[regular, 'reverse:http://x@9000']", "mode", ("regular", "reverse:http://x@9000")),
        ("MIDWATCH_CONNECT_TO", "{api.openai.com: '127.0.0.1:9'}", "connect_to", {"api.openai.com": "127.0.0.1:9"}),
        ("MIDWATCH_INTERCEPT", "all", "intercept", "all"),
        ("MIDWATCH_INTERCEPT", "[a.example]", "intercept", ("a.example",)),
        ("MIDWATCH_RETENTION_DAYS", "null", "retention_days", None),
        ("MIDWATCH_RETENTION_DAYS", "7", "retention_days", 7.0),
        ("MIDWATCH_TENANT", "123", "tenant", "123"),
        ("MIDWATCH_UPSTREAM_CA", "", "upstream_ca", None),
        ("MIDWATCH_STORAGE", "memory", "storage", StorageSettings(profile="memory")),
        ("MIDWATCH_STORAGE", "{cache: 'redis://h'}", "storage", StorageSettings(cache="redis://h")),
    ],
)
def test_variables_are_read(tmp_path: Path, name: str, value: str, field: str, means: object) -> None:
    assert getattr(load(tmp_path, env={name: value}), field) == means


def test_storage_by_variables() -> None:
    env = {"MIDWATCH_STORAGE__TRACES": "sqlite:///t", "MIDWATCH_STORAGE__METADATA": "memory://"}
    config = load_config(file=None, flags={}, environ=env)
    assert config.storage == StorageSettings(traces="sqlite:///t", metadata="memory://")


@pytest.mark.parametrize("env", [{"MIDWATCH_STORAGE": "memory"}, {"MIDWATCH_STORAGE__PROFILE": "memory"}])
def test_a_word_for_the_profile_and_urls_from_elsewhere_go_together(tmp_path: Path, env: dict[str, str]) -> None:
    urls = {"MIDWATCH_STORAGE__TRACES": "sqlite:///t"}
    wanted = StorageSettings(profile="memory", traces="sqlite:///t")
    assert load(tmp_path, "storage: memory", env=urls).storage == wanted
    assert load(tmp_path, "storage: lite", env=env | urls).storage == wanted
    assert load(tmp_path, "storage: {traces: 'sqlite:///t'}", env=env).storage == wanted
    assert load(tmp_path, "storage: {traces: 'sqlite:///t'}", storage="memory").storage == wanted


def test_variables_that_are_no_settings_are_left_alone(tmp_path: Path) -> None:
    env = {"MIDWATCH_HOME": "/h", "MIDWATCH_DATA": "/d", "MIDWATCH_LOG": "json", "MIDWATCH_LOG_LEVEL": "DEBUG"}
    assert load(tmp_path, env=env).model_dump() == load(tmp_path).model_dump()


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("lisen: 127.0.0.1:1", "{file}: lisen: no such setting; did you mean 'listen'?"),
        ("zzz: 1", "{file}: zzz: no such setting; there are listen, console, mode"),
        ("listen: localhost", "{file}: listen: an address is HOST:PORT, such as 127.0.0.1:8080 (found 'localhost')"),
        ("workers: 0", "{file}: workers: Input should be greater than or equal to 1 (found 0)"),
        ("workers: many", "{file}: workers: Input should be a valid integer"),
        ("journal: {max_byte: 1}", "{file}: journal.max_byte: no such setting; did you mean 'max_bytes'?"),
        ("pricing: {override: x}", "{file}: pricing.override: no such setting; did you mean 'overrides'?"),
        ("journal: {when_full: panic}", "{file}: journal.when_full: Input should be 'pass' or 'refuse'"),
        ("connect_to: {a: b}", "{file}: connect_to: an address is HOST:PORT"),
        ("storage: lit", "{file}: storage.profile: Input should be 'lite', 'memory' or 'production' (found 'lit')"),
        ("storage: {trace: 'memory://'}", "{file}: storage.trace: no such setting; did you mean 'traces'?"),
        ("storage: 5", "{file}: storage: Input should be a valid dictionary"),
        ("limits: [{id: a, tokens: 1}, {id: a, usd: 1}]", "{file}: limits: two limits or budgets have the id 'a'"),
        ("budgets: [{id: requests, usd: 1}]", "{file}: budgets: two limits or budgets have the id 'requests'"),
        ("budgets: [{id: a, usd: 1}, {id: a, usd: 2}]", "{file}: budgets: two limits or budgets have the id 'a'"),
        ("limits: [{id: a}]", "{file}: limits.0: a limit has exactly one of requests_per_s, tokens, usd, concurrent"),
        ("tenants: {a: {networks: [10.0.0.1/8]}}", "{file}: tenants.a.networks: 10.0.0.1/8 has host bits set"),
        ("tenants: {a: {networks: [here]}}", "{file}: tenants.a.networks: 'here' does not appear to be an IPv4"),
        (
            "tenants: {a: {certificates: ['']}}",
            "{file}: tenants.a.certificates: a certificate's subject can't be empty",
        ),
        (
            "tenants: {a: {networks: [10.0.0.0/8]}, b: {networks: ['::/0', 10.0.0.0/255.0.0.0]}}",
            "{file}: tenants: 'a' and 'b' both have network 10.0.0.0/8",
        ),
        (
            "tenants: {a: {provider_keys: [0123456789abcdef]}, b: {provider_keys: [0123456789abcdef]}}",
            "{file}: tenants: 'a' and 'b' both have provider key 0123456789abcdef",
        ),
        ("intercept: some", "{file}: intercept: Input should be 'catalogue' or 'all' (found 'some')"),
        ("providers: [{hosts: [a]}]", "{file}: providers.0.name: Field required"),
        ("- a list", "{file}: expected keys and values at the top, found list"),
        ("just text", "{file}: expected keys and values at the top, found str"),
        ("a: [", "{file}: not YAML: "),
    ],
)
def test_an_error_is_one_line_with_file_key_and_remedy(tmp_path: Path, text: str, says: str) -> None:
    with pytest.raises(ConfigError) as caught:
        load(tmp_path, text)
    message = str(caught.value)
    assert message.startswith(says.replace("{file}", str(tmp_path / "config.yaml")))
    assert "\n" not in message
    assert len(message) < 400


@pytest.mark.parametrize(
    ("env", "flags", "says"),
    [
        ({"MIDWATCH_WORKERS": "x"}, {}, "MIDWATCH_WORKERS: workers: "),
        ({"MIDWATCH_JOURNAL__MAX_BYTES": "-1"}, {}, "MIDWATCH_JOURNAL__MAX_BYTES: journal.max_bytes: "),
        ({"MIDWATCH_JURNAL__MAX_BYTES": "1"}, {}, "MIDWATCH_JURNAL: jurnal: no such setting; did you mean 'journal'?"),
        ({"MIDWATCH_WORKERS": "2"}, {"workers": 99}, "--workers: workers: "),
        ({}, {"listen": "8080"}, "--listen: listen: an address is HOST:PORT"),
        ({"MIDWATCH_JOURNAL": "x"}, {}, "MIDWATCH_JOURNAL: journal: "),
        ({"MIDWATCH_STORAGE": "x"}, {}, "MIDWATCH_STORAGE: storage.profile: "),
        ({"MIDWATCH_STORAGE__PROFILE": "x"}, {}, "MIDWATCH_STORAGE__PROFILE: storage.profile: "),
    ],
)
def test_an_error_names_the_variable_or_the_flag(
    tmp_path: Path, env: dict[str, str], flags: dict[str, Any], says: str
) -> None:
    with pytest.raises(ConfigError) as caught:
        load(tmp_path, "console: 127.0.0.1:5", env=env, **flags)
    assert str(caught.value).startswith(says)


@pytest.mark.parametrize("name", ["absent.yaml", "folder"])
def test_a_file_that_cannot_be_read_is_named(tmp_path: Path, name: str) -> None:
    (tmp_path / "folder").mkdir()
    with pytest.raises(ConfigError, match=name):
        read_yaml(tmp_path / name)


@pytest.mark.parametrize("data", [b"\xff\xfe\x00", b"a: " + b"[" * 20_000, b"a: !!python/object:os.system {}", b"\x00"])
def test_bytes_that_are_no_yaml_are_an_error_and_run_nothing(tmp_path: Path, data: bytes) -> None:
    file = tmp_path / "config.yaml"
    file.write_bytes(data)
    with pytest.raises(ConfigError, match="not YAML"):
        read_yaml(file)


def test_networks_within_each_other_are_two_tenants(tmp_path: Path) -> None:
    config = load(tmp_path, "tenants: {a: {networks: [10.0.0.0/8]}, b: {networks: [10.1.0.0/16]}}")
    assert list(config.tenants) == ["a", "b"]


def test_an_empty_file_is_no_settings(tmp_path: Path) -> None:
    file = tmp_path / "config.yaml"
    file.write_text("# nothing yet\n")
    assert read_yaml(file) == {}


@pytest.mark.parametrize(
    ("text", "address"),
    [("127.0.0.1:0", ("127.0.0.1", 0)), ("[::1]:80", ("::1", 80)), ("localhost:65535", ("localhost", 65535))],
)
def test_addresses(text: str, address: tuple[str, int]) -> None:
    assert split_address(text) == address


@pytest.mark.parametrize("text", ["", ":", ":80", "host", "host:", "host:x", "host:65536", "host:-1", "host:²"])
def test_what_is_no_address(text: str) -> None:
    with pytest.raises(ValueError, match="HOST:PORT"):
        split_address(text)


def test_a_configuration_does_not_change() -> None:
    with pytest.raises(ValidationError):
        Config().workers = 2  # type: ignore[misc]


def test_the_home(tmp_path: Path) -> None:
    assert default_home({"MIDWATCH_HOME": str(tmp_path)}) == tmp_path
    assert default_home({}) == default_home({"MIDWATCH_HOME": ""}) == Path.home() / ".midwatch"

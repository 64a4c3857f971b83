import subprocess
import sys

import pytest

from midwatch_clickhouse import open_traces
from midwatch_clickhouse.address import Address, parse_url
from midwatch_clickhouse.traces import ClickHouseTraces
from midwatch_core.errors import ConfigError


@pytest.mark.parametrize(
    ("url", "address"),
    [
        ("clickhouse://h/d", Address(host="h", port=8123, database="d")),
        ("clickhouses://h/d", Address(host="h", port=8443, database="d", tls=True)),
        (
            "clickhouse://u%40x:p%2F%3Aw@h:9/a%20b",
            Address(host="h", port=9, database="a b", user="u@x", password="p/:w"),
        ),
        ("clickhouse://[::1]:8124/d", Address(host="::1", port=8124, database="d")),
        ("clickhouse://h/d?cluster=c", Address(host="h", port=8123, database="d", cluster="c", replicated=True)),
        ("clickhouse://h/d?cluster=c&replicated=0", Address(host="h", port=8123, database="d", cluster="c")),
        (
            "clickhouses://h/d?proxy=http%3A%2F%2Fu%3Ahunter2%40p%3A3128",
            Address(host="h", port=8443, database="d", tls=True, proxy="http://u:hunter2@p:3128"),
        ),
        (
            "clickhouses://h/d?verify=0&ca=/etc/ca.pem&ttl_days=90&timeout_s=5&connect_timeout_s=0.5",
            Address(
                host="h",
                port=8443,
                database="d",
                tls=True,
                verify=False,
                ca="/etc/ca.pem",
                ttl_days=90,
                timeout_s=5,
                connect_timeout_s=0.5,
            ),
        ),
    ],
)
def test_urls(url: str, address: Address) -> None:
    assert parse_url(url) == address


@pytest.mark.parametrize(
    ("url", "message"),
    [
        ("clickhouse://", "names a host and a database"),
        ("clickhouse://u:hunter2@h", "names a host and a database"),
        ("clickhouse://u:hunter2@/d", "names a host and a database"),
        ("clickhouse://u:hunter2@h/d/e", "names a host and a database"),
        ("clickhouse://u:hunter2@h:port/d", "no ClickHouse URL"),
        ("clickhouse://u:hunter2@[h/d", "no ClickHouse URL"),
        ("clickhouse://u:hunter2@h/d?clusters=c", "'clusters' is no setting .* known are ca, cluster"),
        ("clickhouse://u:hunter2@h/d?replicated=yes", "write replicated=1 or replicated=0"),
        ("clickhouse://u:hunter2@h/d?ttl_days=0", "write a number of days"),
        ("clickhouse://u:hunter2@h/d?ttl_days=soon", "write a number of days"),
        ("clickhouses://h/d?proxy=hunter2:3128", "of http://HOST:PORT"),
        ("clickhouses://h/d?proxy=http://u:hunter2@", "of http://HOST:PORT"),
        ("clickhouses://h/d?proxy=http://u:hunter2@p:port", "of http://HOST:PORT"),
        ("clickhouse://h/d?proxy=http://u:hunter2@p:3128", "only with clickhouses://"),
        ("clickhouse://u:hunter2@h/d?timeout_s=-1", "write seconds"),
        ("clickhouse://u:hunter2@h/d?timeout_s=nan", "write seconds"),
    ],
)
def test_refuses_other_urls_and_keeps_the_password_to_itself(url: str, message: str) -> None:
    with pytest.raises(ConfigError, match=message) as raised:
        open_traces(url)
    assert "hunter2" not in str(raised.value)
    assert "\n" not in str(raised.value)


@pytest.mark.parametrize("url", ["sqlite:///x", "memory://", "clickhous://h/d", ""])
def test_leaves_other_schemes(url: str) -> None:
    assert open_traces(url) is None


def test_the_password_is_never_shown() -> None:
    address = parse_url("clickhouse://u:hunter2@h/d")
    assert "hunter2" not in address.shown + repr(address) + repr(ClickHouseTraces(address))


def test_an_absent_driver_names_the_extra() -> None:
    code = (
        "import sys; sys.modules['clickhouse_connect'] = None\n"
        "from midwatch_clickhouse import open_traces\n"
        "from midwatch_core import ConfigError\n"
        "try:\n    open_traces('clickhouse://h/d')\n"
        "except ConfigError as error:\n    print(error)\n"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=60, check=False)
    assert "install midwatch[clickhouse]" in done.stdout, done.stderr


def test_the_module_is_light() -> None:
    code = "import sys, midwatch_clickhouse; print([name for name in sys.modules if 'clickhouse_connect' in name])"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=60, check=False)
    assert done.stdout.strip() == "[]", done.stderr

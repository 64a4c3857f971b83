"""Sinks, against real files, a real HTTP server and real sockets."""

import asyncio
import json
import threading
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest
from pydantic import ValidationError

from midwatch_compliance.siem.formats.lines import Lines
from midwatch_compliance.siem.settings import SinkSettings, check_apart
from midwatch_compliance.siem.sinks.file import FileSink
from midwatch_compliance.siem.sinks.http import HttpSink, retry_after_s
from midwatch_compliance.siem.sinks.making import make_sink
from midwatch_compliance.siem.sinks.sink import SinkError
from midwatch_compliance.siem.sinks.syslog import SyslogSink
from midwatch_core import ConfigError
from tests.plugins.compliance.test_siem_formats import EVENT

EVENTS = [replace(EVENT, id=f"f-{number}") for number in range(3)]


def lines(form: str = "ocsf") -> Lines:
    return Lines(format=form, version="0.1.0", hostname="node-1")


async def test_a_file_has_a_line_an_event_and_is_its_owners_alone(tmp_path: Path) -> None:
    sink = FileSink("file", tmp_path / "out" / "siem.jsonl", lines(), max_bytes=1_000_000, keep=2)
    await sink.send(EVENTS)
    await sink.send(EVENTS[:1])
    file = tmp_path / "out" / "siem.jsonl"
    assert [json.loads(line)["metadata"]["uid"] for line in file.read_text().splitlines()] == [
        "f-0",
        "f-1",
        "f-2",
        "f-0",
    ]
    assert file.stat().st_mode & 0o777 == 0o600


async def test_a_file_is_begun_anew_at_its_size_and_so_many_are_kept(tmp_path: Path) -> None:
    sink = FileSink("file", tmp_path / "siem.log", lines("cef"), max_bytes=700, keep=2)
    for number in range(8):
        await sink.send([replace(EVENT, id=f"f-{number}")])
    names = sorted(file.name for file in tmp_path.iterdir())
    assert names == ["siem.log", "siem.log.1", "siem.log.2"]
    newest_first = [(tmp_path / name).read_text() for name in names]
    assert ["f-7" in newest_first[0], "f-6" in newest_first[1], "f-5" in newest_first[2]] == [True] * 3


async def test_after_half_a_line_the_next_begins_on_its_own(tmp_path: Path) -> None:
    file = tmp_path / "siem.log"
    file.write_bytes(b"half")
    await FileSink("file", file, lines("cef"), max_bytes=10_000, keep=1).send(EVENTS[:1])
    first, second = file.read_text().splitlines()
    assert (first, second[:6]) == ("half", "CEF:0|")


async def test_a_file_that_can_not_be_written_is_an_error(tmp_path: Path) -> None:
    (tmp_path / "link").symlink_to(tmp_path / "elsewhere")
    for path in (tmp_path, tmp_path / "link"):
        with pytest.raises(SinkError):
            await FileSink("file", path, lines(), max_bytes=10_000, keep=1).send(EVENTS)


class Receiver:
    """An HTTP server that answers as it is told, and remembers what it was sent."""

    def __init__(self) -> None:
        self.answers: list[tuple[int, dict[str, str]]] = []
        self.bodies: list[bytes] = []
        self.headers: list[dict[str, str]] = []
        receiver = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                receiver.bodies.append(self.rfile.read(int(self.headers["content-length"])))
                receiver.headers.append({name.lower(): value for name, value in self.headers.items()})
                status, headers = receiver.answers.pop(0) if receiver.answers else (204, {})
                self.send_response(status)
                for name, value in headers.items():
                    self.send_header(name, value)
                self.send_header("content-length", "0")
                self.end_headers()

            def log_message(self, *_: object) -> None:
                pass

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self.server.server_address[1]}/in"


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    made = Receiver()
    thread = threading.Thread(target=made.server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    yield made
    made.server.shutdown()
    thread.join()
    made.server.server_close()


async def test_http_posts_a_batch_with_its_headers(
    receiver: Receiver, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SIEM_TOKEN", "s3cret")
    settings = SinkSettings(kind="http", url=receiver.url, headers={"Authorization": "Bearer ${SIEM_TOKEN}"})
    sink = make_sink(settings, tmp_path, version="0.1.0", hostname="node-1", house=dict)
    await sink.send(EVENTS)
    await sink.close()
    assert [json.loads(line)["metadata"]["uid"] for line in receiver.bodies[0].splitlines()] == ["f-0", "f-1", "f-2"]
    assert receiver.headers[0]["authorization"] == "Bearer s3cret"
    assert receiver.headers[0]["content-type"] == "application/x-ndjson"


async def test_http_posts_one_array_where_that_is_asked_for(receiver: Receiver) -> None:
    sink = HttpSink("http", receiver.url, lines(), headers={}, array=True)
    await sink.send(EVENTS)
    await sink.close()
    assert [item["metadata"]["uid"] for item in json.loads(receiver.bodies[0])] == ["f-0", "f-1", "f-2"]


@pytest.mark.parametrize(
    ("status", "headers", "refused", "wait_s"),
    [
        (503, {"Retry-After": "7"}, False, 7.0),
        (429, {}, False, None),
        (401, {}, False, None),
        (302, {"Location": "http://127.0.0.1:9/"}, False, None),
        (400, {}, True, None),
        (413, {}, True, None),
    ],
)
async def test_http_answers_are_told_apart(
    receiver: Receiver, status: int, headers: dict[str, str], refused: bool, wait_s: float | None
) -> None:
    receiver.answers = [(status, headers)]
    sink = HttpSink("http", receiver.url, lines(), headers={}, array=False)
    with pytest.raises(SinkError, match=f"answers {status}") as caught:
        await sink.send(EVENTS)
    await sink.close()
    assert (caught.value.refused, caught.value.wait_s) == (refused, wait_s)
    assert len(receiver.bodies) == 1, "no redirect is followed"


async def test_http_without_a_server_is_an_error_that_may_pass() -> None:
    sink = HttpSink("http", "http://127.0.0.1:1/", lines(), headers={}, array=False)
    with pytest.raises(SinkError) as caught:
        await sink.send(EVENTS)
    await sink.close()
    assert not caught.value.refused


def test_retry_after_is_seconds_or_a_date() -> None:
    now = datetime(2026, 11, 23, 12, 0, tzinfo=UTC)
    assert retry_after_s("Mon, 23 Nov 2026 12:00:30 GMT", now) == 30.0
    assert retry_after_s("Mon, 23 Nov 2020 12:00:30 GMT", now) == 0.0
    assert [retry_after_s(text, now) for text in (None, "", "soon", "-1")] == [None] * 4


def octet_counted(data: bytes) -> list[str]:
    """Messages of a stream, by RFC 6587, section 3.4.1."""
    found = []
    while data:
        length, _, rest = data.partition(b" ")
        found.append(rest[: int(length)].decode())
        data = rest[int(length) :]
    return found


async def test_syslog_over_tcp_counts_its_octets_and_comes_back_after_a_break() -> None:
    heard: list[bytes] = []
    ended = asyncio.Event()

    async def hear(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        heard.append(await reader.read(1 << 20))
        writer.close()
        ended.set()

    server = await asyncio.start_server(hear, "127.0.0.1", 0)
    port = server.sockets[0].getsockname()[1]
    sink = SyslogSink("syslog", "127.0.0.1", port, lines("rfc5424"), transport="tcp")
    umlaut = replace(EVENT, title="größer\nals")
    await sink.send([umlaut, *EVENTS[:1]])
    async with asyncio.timeout(60):
        await ended.wait()
        ended.clear()
        while not (sink._streams and sink._streams[0].at_eof()):
            await asyncio.sleep(0.005)
        await sink.send(EVENTS[1:2])
        await ended.wait()
    await sink.close()
    server.close()
    first = octet_counted(heard[0])
    assert [message.startswith("<107>1 2026-11-23T01:45:00.123Z node-1 midwatch - finding [") for message in first] == [
        True,
        True,
    ]
    assert first[0].endswith("\ufeffgrößer als")
    assert 'id="f-1"' in octet_counted(heard[1])[0]


async def test_syslog_over_udp_sends_a_message_a_datagram() -> None:
    heard: asyncio.Queue[bytes] = asyncio.Queue()

    class Ear(asyncio.DatagramProtocol):
        def datagram_received(self, data: bytes, addr: object) -> None:
            heard.put_nowait(data)

    transport, _ = await asyncio.get_running_loop().create_datagram_endpoint(Ear, ("127.0.0.1", 0))
    port = transport.get_extra_info("sockname")[1]
    sink = SyslogSink("syslog", "127.0.0.1", port, lines("cef"), transport="udp")
    await sink.send(EVENTS[:2])
    async with asyncio.timeout(60):
        told = [(await heard.get()).decode() for _ in range(2)]
    transport.close()
    assert [message.partition(" - CEF:0|")[1] != "" for message in told] == [True, True]
    assert ["externalId=f-0" in told[0], "externalId=f-1" in told[1]] == [True, True]


async def test_syslog_over_tls_trusts_nobody_it_does_not_know() -> None:
    async def hear(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.close()

    server = await asyncio.start_server(hear, "127.0.0.1", 0)
    port = server.sockets[0].getsockname()[1]
    sink = SyslogSink("syslog", "127.0.0.1", port, lines(), transport="tls")
    with pytest.raises(SinkError):
        await sink.send(EVENTS)
    server.close()


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ({"kind": "file"}, "needs `path`"),
        ({"kind": "http"}, "needs `url`"),
        ({"kind": "syslog"}, "needs `address`"),
        ({"kind": "syslog", "address": "somewhere"}, "HOST:PORT"),
        ({"kind": "http", "url": "ftp://x/"}, "https://HOST/PATH"),
        ({"kind": "http", "url": "https://user:word@x/"}, "has no place in the URL"),
        ({"kind": "http", "url": "https://x/", "headers": {"Authorization": "Bearer abc"}}, "as ${VARIABLE}"),
        ({"kind": "file", "path": "x", "url": "https://x/"}, "`url` goes with the kind http"),
        ({"kind": "http", "url": "https://x/", "body": "array", "format": "cef"}, "goes with `format: ocsf`"),
    ],
)
def test_settings_that_can_not_be_meant_are_refused(given: dict[str, object], said: str) -> None:
    with pytest.raises(ValidationError) as caught:
        SinkSettings.model_validate(given)
    assert said in str(caught.value)


def test_two_sinks_of_one_name_are_refused() -> None:
    one = SinkSettings(kind="file", path=Path("a"))
    check_apart([one, SinkSettings(kind="file", name="other", path=Path("b"))])
    with pytest.raises(ValueError, match="two sinks are called 'file'"):
        check_apart([one, one])


@pytest.mark.parametrize("secret", ["", "two\nlines", "größer"])
def test_a_secret_that_is_missing_or_no_header_is_an_error_of_the_settings(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, secret: str
) -> None:
    monkeypatch.setenv("SIEM_TOKEN", secret)
    settings = SinkSettings(kind="http", url="https://x/", headers={"Authorization": "${SIEM_TOKEN}"})
    with pytest.raises(ConfigError, match=r"compliance\.siem: http: headers: Authorization"):
        make_sink(settings, tmp_path, version="", hostname="", house=dict)

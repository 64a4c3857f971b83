"""Posting over HTTP: what is tried once, what is not known, and where nothing is led to."""

import asyncio
import contextlib
import logging
import ssl
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

import httpx
import pytest

from midwatch_alerts.channels.answers import Response, problem, retry_after_s, seconds
from midwatch_alerts.channels.channel import Channel, ChannelError
from midwatch_alerts.channels.post import Poster
from midwatch_core import ConfigError
from tests.plugins.alerts.channels.receiver import Receiver, receiving
from tests.plugins.alerts.channels.told_messages import BEGAN
from tests.plugins.grpc.certificate import self_signed

Opened = Callable[..., Channel]
NOW = datetime(2026, 11, 26, 10, 0, tzinfo=UTC)


def poster(**changes: float) -> Poster:
    return Poster(tls=httpx.create_ssl_context(trust_env=False), **changes)  # type: ignore[arg-type]


async def test_a_receiver_that_never_answers_may_have_taken_it() -> None:
    async with receiving(hang=True) as receiver:
        posting = poster(longest_s=0.5)
        with pytest.raises(ChannelError) as caught:
            await posting.post_json(f"{receiver.url}/secret-path", {"a": 1})
        await posting.close()
    assert (caught.value.unknown, caught.value.refused, len(receiver.taken)) == (True, False, 1)
    assert "secret-path" not in str(caught.value)


async def test_a_receiver_that_hangs_up_after_it_has_read_may_have_taken_it() -> None:
    async with receiving(drop=True) as receiver:
        posting = poster()
        with pytest.raises(ChannelError) as caught:
            await posting.post_json(receiver.url, {"a": 1})
        await posting.close()
    assert (caught.value.unknown, len(receiver.taken)) == (True, 1)


async def test_a_receiver_that_is_not_there_took_nothing(opened: Opened) -> None:
    async with receiving() as receiver:
        port = receiver.port
    channel = opened({}, kind="webhook", url=f"http://127.0.0.1:{port}/")
    with pytest.raises(ChannelError, match="can't be reached") as caught:
        await channel.send(BEGAN)
    await channel.close()
    assert (caught.value.unknown, caught.value.refused, caught.value.wait_s) == (False, False, None)


async def test_the_log_has_no_url_of_a_webhook_at_any_level(
    receiver: Receiver, opened: Opened, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    channel = opened({"HOOK": f"{receiver.url}/secret-path"}, kind="slack", webhook_url="${HOOK}")
    await channel.send(BEGAN)
    await channel.close()
    assert receiver.taken[0].target == "/secret-path"
    assert "secret-path" not in caplog.text


@pytest.mark.parametrize(
    ("url", "echo"),
    [
        ("{0}/services/T00000000/B00000000/wherenobodylooks", "/services/T00000000/B00000000/wherenobodylooks"),
        ("{0}/workflows?sig=wherenobodylooks", "sig=wherenobodylooks"),
        ("{0}/in/where%20nobody%20looks", "where%20nobody%20looks"),
    ],
    ids=["path", "query", "quoted"],
)
async def test_an_answer_that_repeats_a_piece_of_the_url_shows_nothing_of_it(
    receiver: Receiver, opened: Opened, url: str, echo: str
) -> None:
    receiver.answer(404, f"The requested URL {echo} was not found on this server".encode())
    channel = opened({"HOOK": url.format(receiver.url)}, kind="slack", webhook_url="${HOOK}")
    with pytest.raises(ChannelError, match=r"answers 404: The requested URL .*\*\*\* was not found") as caught:
        await channel.send(BEGAN)
    await channel.close()
    assert "looks" not in str(caught.value)
    assert "B00000000" not in str(caught.value)


async def test_an_answer_that_repeats_a_token_without_its_scheme_shows_nothing_of_it(
    receiver: Receiver, opened: Opened
) -> None:
    receiver.answer(403, b"token wherenobodylooks is not known, nor is it at 127.0.0.1")
    headers = {"Authorization": "Bearer ${TOKEN}"}
    channel = opened({"TOKEN": "wherenobodylooks"}, kind="webhook", url=f"{receiver.url}/in", headers=headers)
    with pytest.raises(ChannelError) as caught:
        await channel.send(BEGAN)
    await channel.close()
    assert str(caught.value) == "answers 403: token *** is not known, nor is it at 127.0.0.1"


async def test_an_answer_that_only_drips_is_not_waited_for() -> None:
    """Each piece comes in time, and the whole never does."""

    async def drip(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.write(b"HTTP/1.1 200 Fine\r\ncontent-length: 10000\r\n\r\n")
        with contextlib.suppress(ConnectionError):
            while not writer.is_closing():
                writer.write(b"x")
                await writer.drain()
                await asyncio.sleep(0.05)

    server = await asyncio.start_server(drip, "127.0.0.1", 0)
    posting = poster(longest_s=0.5)
    with pytest.raises(ChannelError, match="no answer: TimeoutError") as caught:
        await posting.post_json(f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}/", {})
    await posting.close()
    server.close()
    assert caught.value.unknown


async def test_an_answer_without_end_is_read_no_further_than_its_beginning(receiver: Receiver) -> None:
    receiver.answer(200, b"x" * 3_000_000)
    posting = poster()
    response = await posting.post_json(receiver.url, {})
    await posting.close()
    assert len(response.text) == 16 * 1024


async def test_a_redirect_is_not_followed(receiver: Receiver, opened: Opened) -> None:
    async with receiving() as elsewhere:
        receiver.answer(307, location=elsewhere.url)
        channel = opened({}, kind="webhook", url=receiver.url)
        with pytest.raises(ChannelError, match="answers 307"):
            await channel.send(BEGAN)
        await channel.close()
        assert elsewhere.taken == []


async def test_the_environments_proxy_is_not_gone_through_and_ones_own_is(
    receiver: Receiver, opened: Opened, monkeypatch: pytest.MonkeyPatch
) -> None:
    receiver.answer(204)
    async with receiving() as proxy:
        proxy.answer(204)
        for name in ("HTTP_PROXY", "http_proxy", "ALL_PROXY"):
            monkeypatch.setenv(name, proxy.url)
        direct = opened({}, kind="webhook", url=f"{receiver.url}/in")
        await direct.send(BEGAN)
        await direct.close()
        assert (len(receiver.taken), len(proxy.taken)) == (1, 0)
        led = opened({"PROXY": proxy.url}, kind="webhook", url=f"{receiver.url}/in", proxy="${PROXY}")
        await led.send(BEGAN)
        await led.close()
        assert [taken.target for taken in proxy.taken] == [f"{receiver.url}/in"]
        assert len(receiver.taken) == 1


async def test_a_house_with_its_own_authority_names_it(tmp_path: Path, opened: Opened) -> None:
    certificate, key = self_signed(tmp_path)
    serving = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    serving.load_cert_chain(certificate, key)
    async with receiving(tls=serving) as receiver:
        receiver.answer(204)
        url = f"https://localhost:{receiver.port}/"
        stranger = opened({}, kind="webhook", url=url)
        with pytest.raises(ChannelError, match="can't be reached: ConnectError"):
            await stranger.send(BEGAN)
        await stranger.close()
        friend = opened({}, kind="webhook", url=url, ca_file=str(certificate))
        await friend.send(BEGAN)
        await friend.close()
    assert len(receiver.taken) == 1


def test_a_ca_file_that_is_none_is_an_error_of_configuration(tmp_path: Path, opened: Opened) -> None:
    (tmp_path / "no.pem").write_text("none")
    for name in ("no.pem", "absent.pem"):
        with pytest.raises(ConfigError, match=r"alerts\.channels: ops: ca_file"):
            opened({}, kind="webhook", url="http://127.0.0.1:1/", ca_file=str(tmp_path / name))


def test_a_secret_that_is_missing_or_no_url_is_an_error_of_configuration(opened: Opened) -> None:
    with pytest.raises(ConfigError, match=r"alerts\.channels: ops: webhook_url: the variable NOT_SET_ANYWHERE"):
        opened({}, kind="slack", webhook_url="${NOT_SET_ANYWHERE}")
    for wrong in ("ftp://h/T0/B0/xyz", "no url xyz", "http://a\nb/xyz", "http:///xyz"):
        with pytest.raises(ConfigError, match=r"alerts\.channels: ops: webhook_url") as caught:
            opened({"HOOK": wrong}, kind="slack", webhook_url="${HOOK}")
        assert "xyz" not in str(caught.value)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("120", 120.0),
        ("0", 0.0),
        ("1.5", 1.5),
        ("Thu, 26 Nov 2026 10:00:30 GMT", 30.0),
        ("Thu, 26 Nov 2026 09:00:00 GMT", 0.0),
        ("99999999999999999999", 86_400.0),
        ("inf", None),
        ("-5", None),
        ("soon", None),
        ("", None),
        ("٣٠", None),
        (None, None),
    ],
)
def test_retry_after_is_seconds_or_a_date_and_never_nonsense(text: str | None, expected: float | None) -> None:
    assert retry_after_s(text, NOW) == expected


def test_a_wait_in_a_document_is_a_number_that_makes_sense() -> None:
    values: list[object] = [2, 2.5, "3", True, None, float("nan"), -1, [], 10**400]
    assert [seconds(value) for value in values] == [
        2.0,
        2.5,
        3.0,
        None,
        None,
        None,
        None,
        None,
        None,
    ]


def test_what_an_answer_says_is_shown_in_one_short_line() -> None:
    response = Response(500, {}, "\x1b[31mboom\r\n\u202e" + "x" * 5000)
    error = problem(response, NOW)
    assert str(error).startswith("answers 500: [31mboom x")
    assert len(str(error)) < 250


def test_a_document_that_is_no_object_has_nothing_in_it() -> None:
    for text in ("", "[1]", "3", "{", "\x00", '"a"'):
        assert Response(200, {}, text).document() == {}

"""E-mail, to a real SMTP server."""

import asyncio
import email
import email.policy
import ssl
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from email.message import EmailMessage
from pathlib import Path
from typing import Any

import pytest
from aiosmtpd.smtp import SMTP, AuthResult, Envelope, LoginPassword, Session

from midwatch_alerts.channels import mail as mail_channel
from midwatch_alerts.channels.channel import Channel, ChannelError
from midwatch_alerts.message import MessageKind
from tests.plugins.alerts.channels.receiver import receiving
from tests.plugins.alerts.channels.told_messages import BEGAN, COST, SUBJECT, hostile, huge, of_kind
from tests.plugins.grpc.certificate import self_signed

Opened = Callable[..., Channel]
PASSWORD = "correct horse"


@dataclass(slots=True)
class Mailbox:
    """What the server took, and what it answers to a receiver's address or to the mail itself."""

    mails: list[tuple[Envelope, EmailMessage]] = field(default_factory=list)
    logged_in: list[bytes] = field(default_factory=list)
    encrypted: list[bool] = field(default_factory=list)
    to_receiver: dict[str, str] = field(default_factory=dict)
    to_mail: str = "250 taken"
    hang_up: bool = False
    port: int = 0

    async def handle_RCPT(self, server: SMTP, session: Session, envelope: Envelope, address: str, options: Any) -> str:  # noqa: N802
        answer = self.to_receiver.get(address, "250 fine")
        if answer.startswith("250"):
            envelope.rcpt_tos.append(address)
        return answer

    async def handle_DATA(self, server: SMTP, session: Session, envelope: Envelope) -> str:  # noqa: N802
        assert isinstance(envelope.content, bytes)
        parsed = email.message_from_bytes(envelope.content, policy=email.policy.default)
        assert isinstance(parsed, EmailMessage)
        self.mails.append((envelope, parsed))
        self.encrypted.append(session.ssl is not None)
        if self.hang_up:
            assert isinstance(server.transport, asyncio.Transport)
            server.transport.abort()
        return self.to_mail

    def login(self, server: SMTP, session: Session, envelope: Envelope, mechanism: str, data: Any) -> AuthResult:
        assert isinstance(data, LoginPassword)
        self.logged_in.append(data.login)
        return AuthResult(success=data.password.decode() == PASSWORD, handled=False)


@asynccontextmanager
async def mailing(
    mailbox: Mailbox, *, tls: ssl.SSLContext | None = None, wrapped: bool = False
) -> AsyncIterator[Mailbox]:
    """A server with this mailbox: STARTTLS where there is a certificate, TLS from the beginning where `wrapped`."""
    loop = asyncio.get_running_loop()
    options: dict[str, Any] = {"tls_context": tls, "require_starttls": True} if tls is not None and not wrapped else {}
    authenticator = mailbox.login if tls is not None else None

    def protocol() -> SMTP:
        return SMTP(
            mailbox,
            hostname="localhost",
            loop=loop,
            authenticator=authenticator,
            auth_require_tls=not wrapped,
            **options,
        )

    server = await loop.create_server(protocol, "127.0.0.1", 0, ssl=tls if wrapped else None)
    mailbox.port = server.sockets[0].getsockname()[1]
    try:
        yield mailbox
    finally:
        server.close()


def settings(mailbox: Mailbox, **changes: Any) -> dict[str, Any]:
    given = {"host": "localhost", "port": mailbox.port, "security": "plain", "sender": "watch@house.example"}
    return {"kind": "email", **given, "to": ["ops@house.example", "boss@house.example"], **changes}


async def test_a_mail_is_text_and_html_of_the_same(opened: Opened) -> None:
    async with mailing(Mailbox()) as mailbox:
        channel = opened({}, **settings(mailbox))
        await channel.send(BEGAN)
        await channel.close()
    ((envelope, mail),) = mailbox.mails
    assert (envelope.mail_from, envelope.rcpt_tos) == (
        "watch@house.example",
        ["ops@house.example", "boss@house.example"],
    )
    assert (mail["Subject"], mail["From"]) == (SUBJECT, "Midwatch <watch@house.example>")
    assert mail["To"] == "ops@house.example, boss@house.example"
    assert mail["Date"] == "Thu, 26 Nov 2026 10:30:00 +0000"
    assert (mail["Message-ID"], mail["Auto-Submitted"]) == ("<msg-1@house.example>", "auto-generated")
    assert mail["References"] == "<trouble.midwatch-0a1b2c@house.example>"
    assert mail.get_content_type() == "multipart/alternative"
    text, html = mail.iter_parts()
    assert isinstance(text, EmailMessage)
    assert isinstance(html, EmailMessage)
    assert (text.get_content_type(), html.get_content_type()) == ("text/plain", "text/html")
    lines = text.get_content().splitlines()
    assert (lines[0], "  baseline: 3.10 USD" in lines) == ("This began.", True)
    assert lines[-2:] == [f"See it: {COST.page}", f"Acknowledge it: {COST.acknowledge}"]
    assert f'<a href="{COST.acknowledge}">Acknowledge it</a>' in html.get_content()
    assert ">3.10 USD</td>" in html.get_content()


async def test_beginning_and_end_are_one_thread_of_two_mails(opened: Opened) -> None:
    async with mailing(Mailbox()) as mailbox:
        channel = opened({}, **settings(mailbox))
        await channel.send(BEGAN)
        await channel.send(of_kind(MessageKind.RESOLVED))
        await channel.close()
    first, second = (mail for _, mail in mailbox.mails)
    assert first["References"] == second["References"]
    assert first["Message-ID"] != second["Message-ID"]


async def test_starttls_comes_before_the_password_and_needs_a_certificate_that_is_trusted(
    tmp_path: Path, opened: Opened
) -> None:
    certificate, key = self_signed(tmp_path)
    tls = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    tls.load_cert_chain(certificate, key)
    async with mailing(Mailbox(), tls=tls) as mailbox:
        login = {"security": "starttls", "username": "watch", "password": "${PASSWORD}"}
        stranger = opened({"PASSWORD": PASSWORD}, **settings(mailbox, **login))
        with pytest.raises(ChannelError) as caught:
            await stranger.send(BEGAN)
        assert (caught.value.unknown, mailbox.mails, mailbox.logged_in) == (False, [], [])
        friend = opened({"PASSWORD": PASSWORD}, **settings(mailbox, **login, ca_file=str(certificate)))
        await friend.send(BEGAN)
        assert (mailbox.encrypted, mailbox.logged_in) == ([True], [b"watch"])
        wrong = opened({"PASSWORD": "wrong"}, **settings(mailbox, **login, ca_file=str(certificate)))
        with pytest.raises(ChannelError, match="answers 535") as caught:
            await wrong.send(BEGAN)
        assert (caught.value.refused, len(mailbox.mails)) == (True, 1)
        for channel in (stranger, friend, wrong):
            await channel.close()


async def test_tls_from_the_beginning(tmp_path: Path, opened: Opened) -> None:
    certificate, key = self_signed(tmp_path)
    tls = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    tls.load_cert_chain(certificate, key)
    async with mailing(Mailbox(), tls=tls, wrapped=True) as mailbox:
        channel = opened({}, **settings(mailbox, security="tls", ca_file=str(certificate)))
        await channel.send(BEGAN)
        await channel.close()
    assert len(mailbox.mails) == 1


async def test_a_server_without_starttls_gets_nothing(opened: Opened) -> None:
    async with mailing(Mailbox()) as mailbox:
        channel = opened({}, **settings(mailbox, security="starttls"))
        with pytest.raises(ChannelError) as caught:
            await channel.send(BEGAN)
        await channel.close()
    assert (caught.value.unknown, mailbox.mails) == (False, [])


async def test_no_text_of_an_alert_begins_a_header_or_a_tag(opened: Opened) -> None:
    async with mailing(Mailbox()) as mailbox:
        channel = opened({}, **settings(mailbox))
        await channel.send(hostile())
        await channel.send(huge())
        await channel.close()
    for envelope, mail in mailbox.mails:
        assert envelope.rcpt_tos == ["ops@house.example", "boss@house.example"]
        assert sorted(mail.keys()) == sorted(
            [
                "Subject",
                "From",
                "To",
                "Date",
                "Message-ID",
                "References",
                "Auto-Submitted",
                "MIME-Version",
                "Content-Type",
            ]
        )
        assert len(" ".join(mail["Subject"].split())) <= 250
        _, html = mail.iter_parts()
        assert isinstance(html, EmailMessage)
        content = html.get_content()
        assert all(tag not in content for tag in ("<script", "<b ", "<at>", "\u202e"))
        assert "https://evil.example" not in mail.as_string()  # programs make links of addresses by themselves
        assert "https://evil.example" not in content
        assert len(content) < 300_000


@pytest.mark.parametrize(
    ("changes", "refused"),
    [
        ({"to_mail": "451 try later"}, False),
        ({"to_mail": "554 no such mail here"}, True),
        ({"to_receiver": {"ops@house.example": "550 unknown", "boss@house.example": "550 unknown"}}, True),
        ({"to_receiver": {"ops@house.example": "550 unknown", "boss@house.example": "450 busy"}}, False),
    ],
    ids=["later", "never", "nobody", "nobody-now"],
)
async def test_5xx_is_for_good_and_4xx_for_now(changes: dict[str, Any], refused: bool, opened: Opened) -> None:
    async with mailing(Mailbox(**changes)) as mailbox:
        channel = opened({}, **settings(mailbox))
        with pytest.raises(ChannelError) as caught:
            await channel.send(BEGAN)
        await channel.close()
    assert (caught.value.refused, caught.value.unknown) == (refused, False)


async def test_a_mail_that_some_got_is_not_sent_again(opened: Opened, caplog: pytest.LogCaptureFixture) -> None:
    async with mailing(Mailbox(to_receiver={"boss@house.example": "550 unknown"})) as mailbox:
        channel = opened({}, **settings(mailbox))
        await channel.send(BEGAN)
        await channel.close()
    assert [envelope.rcpt_tos for envelope, _ in mailbox.mails] == [["ops@house.example"]]
    assert "refused 1 of 2 receivers" in caplog.text


async def test_a_server_that_hangs_up_on_the_whole_mail_may_have_taken_it(opened: Opened) -> None:
    async with mailing(Mailbox(hang_up=True)) as mailbox:
        channel = opened({}, **settings(mailbox))
        with pytest.raises(ChannelError) as caught:
            await channel.send(BEGAN)
        await channel.close()
    assert (caught.value.unknown, len(mailbox.mails)) == (True, 1)


async def test_a_server_that_says_nothing_is_not_waited_for_and_took_nothing(
    opened: Opened, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(mail_channel, "LONGEST_S", 0.3)
    async with receiving(hang=True) as silent:
        channel = opened({}, **settings(Mailbox(port=silent.port)))
        with pytest.raises(ChannelError, match="no answer") as caught:
            await channel.send(BEGAN)
        await channel.close()
    assert (caught.value.unknown, caught.value.refused) == (False, False)


async def test_a_server_that_is_not_there_took_nothing(opened: Opened) -> None:
    async with receiving() as receiver:
        port = receiver.port
    channel = opened({}, **settings(Mailbox(port=port)))
    with pytest.raises(ChannelError) as caught:
        await channel.send(BEGAN)
    await channel.close()
    assert (caught.value.unknown, caught.value.refused) == (False, False)

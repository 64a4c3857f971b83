"""E-mail by SMTP (RFC 5321): plain text and HTML of the same (RFC 2046, multipart/alternative).

A mail has one Message-ID however often it is sent, and refers to its trouble's: programs show beginning and end in one
thread (RFC 5322, section 3.6.4).
"""

import asyncio
import logging
import ssl
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from email.headerregistry import Address
from email.message import EmailMessage
from email.policy import SMTP as SMTP_POLICY
from functools import cache

import aiosmtplib
from jinja2 import Environment, PackageLoader, StrictUndefined, Template

from midwatch_alerts.channels.channel import ChannelError
from midwatch_alerts.channels.keys import service_key
from midwatch_alerts.channels.post import LONGEST_S
from midwatch_alerts.channels.settings import EmailSettings
from midwatch_alerts.message import Message, MessageKind
from midwatch_alerts.wording.plain import one_line
from midwatch_alerts.wording.words import Words, text_of
from midwatch_alerts.wording.writing import Writer
from midwatch_core import Severity

logger = logging.getLogger(__name__)

# Any server takes 7 bits (RFC 5321, section 2.4); the rest is encoded.
_POLICY = SMTP_POLICY.clone(cte_type="7bit")
_SUBJECT = 250
_COLOURS = {Severity.CRITICAL: "#b3261e", Severity.HIGH: "#d9480f", Severity.MEDIUM: "#e6a700"}
_OVER, _MILD = "#2e7d32", "#6b7280"


class Mail:
    """Some people's mailboxes, through one server. Each mail has a connection of its own."""

    kind = "email"

    def __init__(self, settings: EmailSettings, password: str | None, tls: ssl.SSLContext, writer: Writer) -> None:
        self._settings = settings
        self._password = password
        self._tls = tls
        self._writer = writer

    async def send(self, message: Message) -> None:
        """Hand it to the server. Raises ChannelError; where some of those it is for are refused, it is logged."""
        mail = mail_of(self._writer.words(message), message, self._settings)
        begun = False
        try:
            async with asyncio.timeout(LONGEST_S), self._connected() as client:
                begun = True
                refused = await _handed_over(client, mail)
        except TimeoutError:
            raise ChannelError("no answer: TimeoutError", unknown=begun) from None
        if refused:
            logger.warning("alerts: the mail server refused %d of %d receivers", refused, len(self._settings.to))

    async def close(self) -> None:
        """Nothing is held open between mails."""

    @asynccontextmanager
    async def _connected(self) -> AsyncIterator[aiosmtplib.SMTP]:
        """A client that is logged in. Raises ChannelError: nothing was sent yet."""
        client = self._client()
        try:
            await client.connect()
        except aiosmtplib.SMTPException as error:
            raise _refusal(error) from None
        except OSError as error:  # ssl's errors are OSErrors
            raise ChannelError(f"can't be reached: {type(error).__name__}") from None
        try:
            yield client
        finally:
            client.close()  # without a QUIT: the server's 250 has taken the mail, and waiting for more could only fail

    def _client(self) -> aiosmtplib.SMTP:
        settings = self._settings
        return aiosmtplib.SMTP(
            hostname=settings.host,
            port=settings.port,
            username=settings.username,
            password=self._password,
            use_tls=settings.security == "tls",
            start_tls=settings.security == "starttls",
            tls_context=None if settings.security == "plain" else self._tls,
            timeout=LONGEST_S,
        )


async def _handed_over(client: aiosmtplib.SMTP, mail: EmailMessage) -> int:
    """How many receivers the server refused, of several. Raises ChannelError."""
    try:
        refused, _ = await client.send_message(mail)
    except aiosmtplib.SMTPException as error:
        raise _refusal(error, sending=True) from None
    except OSError as error:
        raise ChannelError(f"the connection broke: {type(error).__name__}", unknown=True) from None
    return len(refused)


def _refusal(error: aiosmtplib.SMTPException, *, sending: bool = False) -> ChannelError:
    """What an error of SMTP means: 5xx is for good, 4xx for now (RFC 5321, section 4.2.1)."""
    if isinstance(error, aiosmtplib.SMTPRecipientsRefused):
        final = all(one.code >= 500 for one in error.recipients)
        return ChannelError("all receivers are refused", refused=final)
    if isinstance(error, aiosmtplib.SMTPResponseException):
        return ChannelError(f"answers {error.code}: {one_line(error.message, 200)}", refused=error.code >= 500)
    if isinstance(error, aiosmtplib.SMTPServerDisconnected | aiosmtplib.SMTPReadTimeoutError):
        return ChannelError(f"no answer: {type(error).__name__}", unknown=sending)
    return ChannelError(one_line(str(error), 200) or type(error).__name__)


def mail_of(words: Words, message: Message, settings: EmailSettings) -> EmailMessage:
    """The mail. No text of an alert can begin a header: each is one line, and the policy would refuse it too."""
    host = settings.sender.rpartition("@")[2]
    mail = EmailMessage(policy=_POLICY)
    mail["Subject"] = one_line(words.subject, _SUBJECT)
    mail["From"] = Address(display_name="Midwatch", addr_spec=settings.sender)
    mail["To"] = ", ".join(settings.to)
    mail["Date"] = message.made_at
    mail["Message-ID"] = f"<{service_key(message.id)}@{host}>"
    mail["References"] = f"<trouble.{service_key(message.key, 60)}@{host}>"
    mail["Auto-Submitted"] = "auto-generated"  # RFC 3834: nobody's holiday answers it
    mail.set_content(text_of(words) + "\n")
    mail.add_alternative(_page().render(words=words, colour=_colour(message)), subtype="html")
    return mail


def _colour(message: Message) -> str:
    return _OVER if message.kind is MessageKind.RESOLVED else _COLOURS.get(message.severity, _MILD)


@cache
def _page() -> Template:
    environment = Environment(
        loader=PackageLoader("midwatch_alerts", "wording"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    return environment.get_template("mail.html")

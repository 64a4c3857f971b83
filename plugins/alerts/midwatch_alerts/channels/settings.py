"""Settings of channels: one model a kind. Every secret stands as a reference, and is filled in when a channel opens."""

import re
from collections import Counter
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Annotated, ClassVar, Literal, Self
from urllib.parse import urlsplit

from pydantic import AfterValidator, Field, field_validator, model_validator

from midwatch_core import Section, has_secret

_WHOLE = re.compile(r"\$\{[^{}]+\}")
# One address, of printable ASCII: nothing in it can end a header.
_ADDRESS = re.compile(r"[A-Za-z0-9.!#$%&'*+/=?^_`{|}~-]{1,64}@[A-Za-z0-9](?:[A-Za-z0-9.-]{0,251}[A-Za-z0-9])?")
_TOKEN = re.compile(r"[A-Za-z0-9!#$%&'*+.^_`|~-]+")
# They are ours to write: a setting must not take a signature's or the body's own place.
_OUR_HEADERS = frozenset({"content-type", "content-length", "host", "transfer-encoding"})


def _reference(value: str) -> str:
    if _WHOLE.fullmatch(value) is None:
        raise ValueError("a secret is not written here; write ${VARIABLE} or ${file:PATH}")
    return value


def _url_with_reference(value: str) -> str:
    if _WHOLE.search(value) is None:
        raise ValueError("this URL is a secret; write ${VARIABLE} or ${file:PATH} for it, or for what is secret in it")
    return value


def _plain_url(value: str) -> str:
    parts = urlsplit(value)
    plain = value.isascii() and value.isprintable() and " " not in value
    if _WHOLE.fullmatch(value) is None and not (plain and parts.scheme in ("http", "https") and parts.netloc):
        raise ValueError("a URL is https://HOST/PATH, of printable ASCII")
    if has_secret(value):
        raise ValueError("a secret is not written here; write ${VARIABLE} or ${file:PATH} in its place")
    return value


def _mail_address(value: str) -> str:
    if _ADDRESS.fullmatch(value) is None:
        raise ValueError("an address is NAME@HOST, in ASCII")
    return value


SecretText = Annotated[str, AfterValidator(_reference)]
SecretUrl = Annotated[str, AfterValidator(_url_with_reference)]
PlainUrl = Annotated[str, AfterValidator(_plain_url)]
MailAddress = Annotated[str, AfterValidator(_mail_address)]


class NamedChannel(Section):
    """What every channel has. `keyed`: the service keeps count of troubles itself, by a message's key."""

    keyed: ClassVar[bool] = False

    name: str = Field(pattern=r"^[a-z0-9][a-z0-9_-]{0,31}$", description="What routes and metrics call it.")
    template: str | None = Field(
        None, max_length=10_000, description="A Jinja2 template for the text, in place of the usual wording."
    )

    @field_validator("template")
    @classmethod
    def _sound_template(cls, value: str | None) -> str | None:
        if value is not None:
            from midwatch_alerts.wording.templates import check_template  # Jinja2 stays out of processes without one

            check_template(value)
        return value


class HttpChannel(NamedChannel):
    """What every channel over HTTP has."""

    proxy: PlainUrl | None = Field(
        None, description="A proxy to go through, in place of `upstream.proxy`. HTTPS_PROXY is not heeded."
    )
    ca_file: Path | None = Field(None, description="PEM file of certificates to trust as well: your own CA's.")


class SlackSettings(HttpChannel):
    """An incoming webhook of Slack, or of what speaks like it (Mattermost, Rocket.Chat)."""

    kind: Literal["slack"] = "slack"
    webhook_url: SecretUrl = Field(description="The webhook's URL, as ${VARIABLE} or ${file:PATH}.")


class TeamsSettings(HttpChannel):
    """A webhook of the app Workflows in Microsoft Teams."""

    kind: Literal["teams"] = "teams"
    webhook_url: SecretUrl = Field(description="The workflow's URL, as ${VARIABLE} or ${file:PATH}.")


class DiscordSettings(HttpChannel):
    """A webhook of a channel in Discord."""

    kind: Literal["discord"] = "discord"
    webhook_url: SecretUrl = Field(description="The webhook's URL, as ${VARIABLE} or ${file:PATH}.")


class PagerDutySettings(HttpChannel):
    """An integration of the kind Events API v2."""

    keyed: ClassVar[bool] = True

    kind: Literal["pagerduty"] = "pagerduty"
    routing_key: SecretText = Field(description="The integration key, as ${VARIABLE} or ${file:PATH}.")
    base_url: PlainUrl = Field(
        "https://events.pagerduty.com", description="The API; https://events.eu.pagerduty.com in the EU."
    )


class OpsgenieSettings(HttpChannel):
    """An API integration of Opsgenie, or of Jira Service Management's alerts."""

    keyed: ClassVar[bool] = True

    kind: Literal["opsgenie"] = "opsgenie"
    api_key: SecretText = Field(description="The integration's key, as ${VARIABLE} or ${file:PATH}.")
    base_url: PlainUrl = Field(
        "https://api.opsgenie.com", description="The API; https://api.eu.opsgenie.com in the EU."
    )


class TelegramSettings(HttpChannel):
    """A bot of Telegram that writes into one chat."""

    kind: Literal["telegram"] = "telegram"
    bot_token: SecretText = Field(description="The bot's token, as ${VARIABLE} or ${file:PATH}.")
    chat_id: str = Field(pattern=r"^(-?\d{1,20}|@[A-Za-z0-9_]{1,64})$", description="The chat: its number, or @NAME.")
    base_url: PlainUrl = Field("https://api.telegram.org", description="The API; a Bot API server of your own.")


class EmailSettings(NamedChannel):
    """Mail through one SMTP server."""

    kind: Literal["email"] = "email"
    host: str = Field(pattern=r"^[A-Za-z0-9.:_-]{1,253}$", description="The SMTP server.")
    port: int = Field(587, ge=1, le=65535, description="Its port: 587 with starttls, 465 with tls, 25 in the house.")
    security: Literal["starttls", "tls", "plain"] = Field("starttls", description="How the connection is kept private.")
    username: str | None = Field(None, pattern=r"^[ -~]{1,256}$", description="Whom to log in as.")
    password: SecretText | None = Field(None, description="The password, as ${VARIABLE} or ${file:PATH}.")
    ca_file: Path | None = Field(None, description="PEM file of certificates to trust as well: your own CA's.")
    sender: MailAddress = Field(description="The address that mail comes from.")
    to: tuple[MailAddress, ...] = Field(min_length=1, max_length=50, description="Who gets it.")

    @model_validator(mode="after")
    def _fits(self) -> Self:
        if (self.username is None) != (self.password is None):
            raise ValueError("`username` and `password` go together")
        if self.password is not None and self.security == "plain":
            raise ValueError("a password needs `security: starttls` or `tls`")
        return self


class WebhookSettings(HttpChannel):
    """A JSON document to a URL of your own, signed as the Standard Webhooks specification says."""

    kind: Literal["webhook"] = "webhook"
    url: PlainUrl = Field(description="Where to: https://HOST/PATH, or ${VARIABLE} where the URL is a secret.")
    secret: SecretText | None = Field(
        None, description="The key to sign with, of 24 bytes at least, as ${VARIABLE}; whsec_… in base64, or as it is."
    )
    headers: Mapping[str, str] = Field(
        default_factory=dict, description="Further headers: {Authorization: 'Bearer ${TOKEN}'}."
    )

    @field_validator("headers")
    @classmethod
    def _sound_headers(cls, value: Mapping[str, str]) -> Mapping[str, str]:
        for name, text in value.items():
            if _TOKEN.fullmatch(name) is None or name.lower() in _OUR_HEADERS or name.lower().startswith("webhook-"):
                raise ValueError("this is no header to be set here")
            if _WHOLE.search(text) is None:
                raise ValueError(f"{name}: give its value as ${{VARIABLE}} or ${{file:PATH}}, with a word before it")
        return value


class AppriseSettings(NamedChannel):
    """Anything that the library apprise has a URL for. It goes by the environment's proxies."""

    kind: Literal["apprise"] = "apprise"
    secret_url: SecretUrl = Field(description="The apprise URL, as ${VARIABLE} or ${file:PATH}.")


ChannelSettings = Annotated[
    SlackSettings
    | TeamsSettings
    | DiscordSettings
    | PagerDutySettings
    | OpsgenieSettings
    | TelegramSettings
    | EmailSettings
    | WebhookSettings
    | AppriseSettings,
    Field(discriminator="kind"),
]


def check_names(channels: Sequence[ChannelSettings]) -> None:
    """Raises ValueError where two channels have one name: a route would mean either."""
    twice = [name for name, count in Counter(channel.name for channel in channels).items() if count > 1]
    if twice:
        raise ValueError(f"two channels are called {twice[0]!r}")

"""Opening channels: settings become a Channel. Secrets are filled in here; a kind is imported when it is used."""

import ssl
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from urllib.parse import urlsplit

import httpx

from midwatch_alerts.channels.channel import Channel
from midwatch_alerts.channels.post import Poster
from midwatch_alerts.channels.settings import (
    AppriseSettings,
    ChannelSettings,
    DiscordSettings,
    EmailSettings,
    HttpChannel,
    NamedChannel,
    OpsgenieSettings,
    PagerDutySettings,
    SlackSettings,
    TeamsSettings,
    TelegramSettings,
    WebhookSettings,
)
from midwatch_alerts.wording.plain import disarmed, unlinked
from midwatch_alerts.wording.writing import Writer
from midwatch_core import ConfigError, led_by, resolve_secrets, way_to


@dataclass(frozen=True, slots=True, kw_only=True)
class House:
    """What a channel is told of the house: its version, and the settings by which requests of its own go."""

    version: str = ""
    settings: Mapping[str, object] = field(default_factory=dict)


def open_channel(settings: ChannelSettings, house: House) -> Channel:
    """The channel, to be closed by whoever opens it. It connects when it first sends.

    Raises ConfigError where a secret is missing or is not what it should be, or a package is not installed.
    """
    return _OPENERS[type(settings)](settings, house)


def _slack(settings: SlackSettings, house: House) -> Channel:
    from midwatch_alerts.channels.slack import Slack

    url = _url(settings.webhook_url, settings, "webhook_url")
    return Slack(url, _poster(settings, house, url, url), Writer(settings.template))


def _teams(settings: TeamsSettings, house: House) -> Channel:
    from midwatch_alerts.channels.teams import Teams

    url = _url(settings.webhook_url, settings, "webhook_url")
    return Teams(url, _poster(settings, house, url, url), Writer(settings.template))


def _discord(settings: DiscordSettings, house: House) -> Channel:
    from midwatch_alerts.channels.discord import Discord

    url = _url(settings.webhook_url, settings, "webhook_url")
    return Discord(url, _poster(settings, house, url, url), Writer(settings.template))


def _pagerduty(settings: PagerDutySettings, house: House) -> Channel:
    from midwatch_alerts.channels.pagerduty import PagerDuty

    key = _secret(settings.routing_key, settings, "routing_key")
    base = _url(settings.base_url, settings, "base_url")
    return PagerDuty(base, key, _poster(settings, house, base, key), Writer(settings.template, tame=unlinked))


def _opsgenie(settings: OpsgenieSettings, house: House) -> Channel:
    from midwatch_alerts.channels.opsgenie import Opsgenie

    key = _secret(settings.api_key, settings, "api_key")
    base = _url(settings.base_url, settings, "base_url")
    return Opsgenie(base, key, _poster(settings, house, base, key), Writer(settings.template, tame=unlinked))


def _telegram(settings: TelegramSettings, house: House) -> Channel:
    from midwatch_alerts.channels.telegram import Telegram

    token = _secret(settings.bot_token, settings, "bot_token")
    if not token.replace(":", "").replace("-", "").replace("_", "").isalnum():
        raise ConfigError(f"{_key(settings, 'bot_token')}: a token is NUMBER:LETTERS")
    base = _url(settings.base_url, settings, "base_url")
    return Telegram(base, token, settings.chat_id, _poster(settings, house, base, token), Writer(settings.template))


def _email(settings: EmailSettings, house: House) -> Channel:
    from midwatch_alerts.channels.mail import Mail

    password = None if settings.password is None else _secret(settings.password, settings, "password")
    return Mail(settings, password, _trust(settings.ca_file, settings), Writer(settings.template, tame=unlinked))


def _webhook(settings: WebhookSettings, house: House) -> Channel:
    from midwatch_alerts.channels.webhook import Webhook, signing_key

    url = _url(settings.url, settings, "url")
    headers = {name: _secret(text, settings, f"headers.{name}") for name, text in settings.headers.items()}
    key, secret = None, ""
    if settings.secret is not None:
        secret = _secret(settings.secret, settings, "secret")
        try:
            key = signing_key(secret)
        except ValueError as error:
            raise ConfigError(f"{_key(settings, 'secret')}: {error}") from None
    hidden = [text for text in (url if settings.url.startswith("$") else "", secret, *headers.values()) if text]
    return Webhook(url, key, headers, _poster(settings, house, url, *hidden), Writer(settings.template))


def _apprise(settings: AppriseSettings, house: House) -> Channel:
    from midwatch_alerts.channels.by_apprise import ByApprise

    key = _key(settings, "secret_url")
    url = resolve_secrets(settings.secret_url, key=key)
    return ByApprise(url, key, Writer(settings.template, tame=disarmed), led_by(house.settings))


_OPENERS: dict[type, Callable[..., Channel]] = {
    SlackSettings: _slack,
    TeamsSettings: _teams,
    DiscordSettings: _discord,
    PagerDutySettings: _pagerduty,
    OpsgenieSettings: _opsgenie,
    TelegramSettings: _telegram,
    EmailSettings: _email,
    WebhookSettings: _webhook,
    AppriseSettings: _apprise,
}


def _poster(settings: HttpChannel, house: House, url: str, *secrets: str) -> Poster:
    """One that posts to the host of `url`: by the channel's own proxy, else as the house's own requests go."""
    way = way_to(url, house.settings)
    if settings.ca_file is None and way.ca_file is None:
        tls = _usual_trust()
    else:
        tls = way.trusting(_trust(settings.ca_file, settings))
    return Poster(
        tls=tls,
        proxy=way.proxy if settings.proxy is None else _url(settings.proxy, settings, "proxy"),
        agent=f"midwatch/{house.version or '0'}",
        secrets=secrets,
    )


@cache
def _usual_trust() -> ssl.SSLContext:
    """One for all channels over HTTP: reading all authorities takes a while, and their names are kept."""
    return httpx.create_ssl_context(trust_env=False)


def _trust(ca_file: Path | None, settings: NamedChannel) -> ssl.SSLContext:
    """The usual authorities, and the house's own."""
    context = httpx.create_ssl_context(trust_env=False)
    if ca_file is not None:
        try:
            context.load_verify_locations(cafile=ca_file.expanduser())
        except OSError as error:  # ssl's errors are OSErrors
            raise ConfigError(f"{_key(settings, 'ca_file')}: {ca_file}: {error.strerror or error}") from error
    return context


def _url(text: str, settings: NamedChannel, field: str) -> str:
    """A URL with its secrets. Raises ConfigError, without the URL, where it is none."""
    url = _secret(text, settings, field)
    try:
        sound = urlsplit(url).scheme in ("http", "https") and bool(httpx.URL(url).host)
    except (ValueError, httpx.InvalidURL):
        sound = False
    if not sound or " " in url:
        raise ConfigError(f"{_key(settings, field)}: a URL is https://HOST/PATH")
    return url


def _secret(text: str, settings: NamedChannel, field: str) -> str:
    """A secret, of one line of printable ASCII: nothing in it can end a header. Raises ConfigError."""
    key = _key(settings, field)
    value = resolve_secrets(text, key=key)
    if not (value.isascii() and value.isprintable()):
        raise ConfigError(f"{key}: this holds printable ASCII in one line")
    return value


def _key(settings: NamedChannel, field: str) -> str:
    return f"alerts.channels: {settings.name}: {field}"

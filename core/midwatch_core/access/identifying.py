"""Whose a call is: what it shows, asked in the operator's order. Agents and users are labels, and open nothing."""

from collections.abc import Mapping
from datetime import datetime

from midwatch_core.access.directory import Directory
from midwatch_core.access.settings import IdentitySettings, Source
from midwatch_core.access.shown import Denial, Denied, Shown
from midwatch_core.model.apikey import ApiKey
from midwatch_core.model.identity import Identity
from midwatch_core.user_agent import application

_MAX_LABEL = 200


class Identifier:
    """Identifies calls by a directory. `default` is the tenant of calls that nobody claims.

    A key that is shown and not good is always a refusal: it never falls through to what else the call shows, be the
    place it stands in asked or not. Make a new one when directory or settings change.
    """

    __slots__ = ("_default", "_order", "_required", "directory")

    def __init__(self, directory: Directory, settings: IdentitySettings, *, default: str) -> None:
        self.directory = directory
        self._order = settings.order
        self._required = settings.required
        self._default = default

    def identify(self, shown: Shown, at: datetime) -> Identity | Denied:
        """The identity of a call, or why it is not let in. `at` is the moment of the call, with a time zone."""
        keys: dict[Source, ApiKey] = {}
        places: tuple[tuple[Source, str | None], ...] = (("proxy", shown.proxy_password), ("header", shown.header_key))
        for place, text in places:
            if text:
                found = self.directory.holder(text, at)
                if isinstance(found, Denied):
                    return found
                keys[place] = found
        tenant, source = self._claimed(shown, keys)
        if tenant is None:
            if self._required:
                return Denied(why=Denial.UNKNOWN)
            tenant = self._default
        return self._identity(shown, tenant, source, keys)

    def _claimed(self, shown: Shown, keys: Mapping[Source, ApiKey]) -> tuple[str | None, Source | None]:
        """The tenant by the first source that tells, and which that is."""
        for source in self._order:
            tenant: str | None = None
            if source == "proxy" or source == "header":
                if source in keys:
                    tenant = self._tenant_of(keys[source])
            elif source == "network":
                tenant = self.directory.by_network(shown.client) if shown.client else None
            elif source == "provider_key":
                tenant = self.directory.by_provider_key(shown.provider_key) if shown.provider_key else None
            elif shown.certificate:
                tenant = self.directory.by_certificate(shown.certificate)
            if tenant is not None:
                return tenant, source
        return None, None

    def _tenant_of(self, key: ApiKey) -> str:
        return self._default if key.tenant is None else key.tenant

    def _identity(self, shown: Shown, tenant: str, source: Source | None, keys: Mapping[Source, ApiKey]) -> Identity:
        learned: dict[str, str] = {"tenant": source or "default"}
        key = self._key(tenant, keys, learned)
        agent = _agent(shown, key, learned)
        user = label(shown.user)
        if user:
            learned["user"] = "header"
        user_agent = (shown.user_agent or "")[:_MAX_LABEL] or None
        app = _app(shown, user_agent, learned)
        if shown.client:
            learned["client"] = "connection"
        return Identity(
            tenant=tenant,
            key_id=None if key is None else key.id,
            agent=agent,
            app=app,
            user=user,
            client=shown.client,
            user_agent=user_agent,
            learned_from=learned,
        )

    def _key(self, tenant: str, keys: Mapping[Source, ApiKey], learned: dict[str, str]) -> ApiKey | None:
        """The key the call counts on: the first in order that is the tenant's own, also where a network told first."""
        for source in self._order:
            key = keys.get(source)
            if key is not None and self._tenant_of(key) == tenant:
                learned["key_id"] = source
                return key
        return None


def label(text: str | None) -> str | None:
    """A name that a stranger gave, fit to be shown: its printable characters, at most 200; None where none is left."""
    if not text:
        return None
    if len(text) > _MAX_LABEL or not text.isprintable():
        text = "".join(char for char in text[: 2 * _MAX_LABEL] if char.isprintable())[:_MAX_LABEL]
    return text.strip() or None


def _agent(shown: Shown, key: ApiKey | None, learned: dict[str, str]) -> str | None:
    """A key that names its agent knows better than a header."""
    if key is not None and key.agent:
        learned["agent"] = "key"
        return key.agent
    agent = label(shown.agent)
    if agent:
        learned["agent"] = "header"
    return agent


def _app(shown: Shown, user_agent: str | None, learned: dict[str, str]) -> str | None:
    """The application: as `exec` names it, or the proxy's user beside a key, or by its User-Agent."""
    if app := label(shown.app):
        learned["app"] = "exec"
        return app
    if shown.proxy_password and (app := label(shown.proxy_user)) and app != "-":
        learned["app"] = "proxy-user"
        return app
    if user_agent and (app := application(user_agent)):
        learned["app"] = "user-agent"
        return app
    return None

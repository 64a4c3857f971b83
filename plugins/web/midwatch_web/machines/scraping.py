"""Who scrapes: a token that opens /metrics alone, and what of the metrics a caller may see."""

import hmac
from collections.abc import Iterable, Mapping
from dataclasses import replace

from midwatch_core import AccessRole, Caller, Host, MetricSpec, Permission, Sample, key_shown, resolve_secrets, summed
from midwatch_web.settings import WebSettings

PATH = "/metrics"
SCRAPER = Caller(name="scraper", role=AccessRole.OPERATOR)
"""Who shows the scrape token: at PATH an operator of all tenants, elsewhere nobody."""
_TENANT = "tenant"


class ScrapeToken:
    """The token that the settings name, if they name one. Raises ConfigError where it can't be had."""

    def __init__(self, host: Host) -> None:
        settings = host.settings.get("web")
        named = settings.scrape_token if isinstance(settings, WebSettings) else None
        self._token = resolve_secrets(named, key="web.scrape_token").encode() if named else None

    def shown_by(self, path: str, authorization: str | None) -> bool:
        """Whether a request for this path shows the token. Takes constant time."""
        if self._token is None or path != PATH:
            return False
        return hmac.compare_digest(key_shown(authorization, None).encode(errors="replace"), self._token)


def visible(
    caller: Caller, specs: Mapping[str, MetricSpec], samples: Iterable[Sample]
) -> tuple[Mapping[str, MetricSpec], Iterable[Sample]]:
    """The metrics as a caller may see them: who does not operate sees what all tenants come to, and no tenant."""
    if caller.may(Permission.OPERATE):
        return specs, samples
    shown = {name: replace(spec, labels=_without(spec, spec.labels)) for name, spec in specs.items()}
    told = (
        replace(sample, labels=_without(spec, sample.labels))
        for sample in samples
        if (spec := specs.get(sample.name)) is not None and len(sample.labels) == len(spec.labels)
    )
    return shown, summed([told], specs)


def _without(spec: MetricSpec, values: tuple[str, ...]) -> tuple[str, ...]:
    return tuple(value for label, value in zip(spec.labels, values, strict=True) if label != _TENANT)

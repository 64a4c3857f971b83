"""The addon that minds who tries keys: after too many wrong ones an address must wait. After `admitting`."""

from mitmproxy import http

from midwatch.proxy.admission.admitting import DENIED
from midwatch.proxy.admission.identifying import Identifying
from midwatch.proxy.edges.attempts import Attempts
from midwatch.proxy.edges.refusing import REFUSED, Refusing, address_of
from midwatch_core.access.shown import Denial, Denied
from midwatch_core.clock import Clock
from midwatch_core.connection_settings import ConnectionSettings

WAITING = "midwatch_addresses_waiting"
_EDGE = "wrong_keys"


class Knocking:
    """One idea: while an address waits, keys from there are answered alike, right or wrong, but for those known good.

    RFC 6585, section 4: 429 with Retry-After. What shows no key is no try: proxies are asked without one first.
    """

    name = "midwatch_knocking"

    def __init__(
        self, identifying: Identifying, settings: ConnectionSettings, refusing: Refusing, clock: Clock
    ) -> None:
        self._identifying = identifying
        self._refusing = refusing
        self._clock = clock
        self._attempts = Attempts(settings.wrong_keys, settings.wrong_keys_wait_s)

    def follow(self, settings: ConnectionSettings) -> None:
        """From now on, go by these."""
        self._attempts.limit, self._attempts.wait_s = settings.wrong_keys, settings.wrong_keys_wait_s

    def report(self) -> None:
        """Set the gauge."""
        self._refusing.metrics.set(WAITING, self._attempts.waiting(self._clock.monotonic()))

    def http_connect(self, flow: http.HTTPFlow) -> None:
        """A tunnel was asked for, and `admitting` has said who may have one."""
        key_id = self._identifying.key_of(flow.client_conn) if flow.response is None else None
        if wait_s := self._wait(flow, key_id):
            flow.response = self._refusing.answer(_words(wait_s), 429, retry_after=_seconds(wait_s))

    def requestheaders(self, flow: http.HTTPFlow) -> None:
        """A request began, and `admitting` has said who may make it."""
        wait_s = self._wait(flow, None if DENIED in flow.metadata else self._identifying.key_shown(flow))
        if wait_s and flow.error is None:
            self._refusing.deny(flow, _words(wait_s), 429, retry_after=_seconds(wait_s))

    def _wait(self, flow: http.HTTPFlow, key_id: str | None) -> float:
        """Seconds to wait still, for who showed a key: 0 for who may go on. `key_id` is of a key that is good."""
        address, now_s = address_of(flow.client_conn), self._clock.monotonic()
        denied = flow.metadata.get(DENIED)
        if isinstance(denied, Denied) and denied.why is Denial.WRONG_KEY:
            if self._attempts.failed(address, now_s):
                self._refusing.telling.say(_EDGE, address, "tried too many wrong keys, and must wait")
        elif key_id is None:
            return 0.0
        wait_s = self._attempts.wait_of(address, now_s, key_id)
        if wait_s:
            self._refusing.metrics.add(REFUSED, labels=(_EDGE,))
        elif key_id is not None:
            self._attempts.passed(address, key_id)
        return wait_s


def _words(wait_s: float) -> str:
    return f"Too many wrong keys came from this address. Try again in {_seconds(wait_s)} s."


def _seconds(wait_s: float) -> str:
    return str(int(wait_s) + 1)

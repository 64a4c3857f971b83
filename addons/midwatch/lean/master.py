"""Makes mitmproxy's Master inside our own process and loop, with the addons a proxy needs and no others."""

from __future__ import annotations

import logging
from collections.abc import Iterable, Mapping, Sequence
from contextlib import ExitStack

from mitmproxy import options as moptions
from mitmproxy.addons import (
    core,
    disable_h2c,
    dns_resolver,
    next_layer,
    proxyauth,
    proxyserver,
    tlsconfig,
    upstream_auth,
)
from mitmproxy.master import Master

from midwatch.lean.in_flight import InFlight
from midwatch.lean.patch import Patch, PatchSet
from midwatch.lean.patches import ALL_PATCHES
from midwatch.lean.sockets import Listening
from midwatch.lean.start_check import StartCheck, StartError

__all__ = ["LeanMaster", "StartError", "make_master", "needed_addons", "plain_master"]


class LeanMaster(Master):
    """A Master without terminal log and legacy log events; its patches live as long as it runs."""

    def __init__(
        self, opts: moptions.Options, *, patches: Iterable[Patch] = ALL_PATCHES, listening: Listening | None = None
    ) -> None:
        self.patches = PatchSet(patches)
        self.patches.apply()
        self.listening = listening or Listening()
        super().__init__(opts, with_termlog=False)
        # Formats every log record for a hook (`add_log`) that has been deprecated since mitmproxy 9.
        self._legacy_log_events.uninstall()
        self._is_done = False

    async def run(self) -> None:
        """Serve until `shutdown()`. Raises StartError when mitmproxy could not start."""
        try:
            await super().run()
        finally:
            if not self._is_done:  # a start that failed early: stock would leave without telling the addons
                await self.done()
            self.patches.revert()

    async def done(self) -> None:
        """Tell the addons that it is over, once."""
        self._is_done = True
        await super().done()


def needed_addons(own: Sequence[object] = (), tls: tlsconfig.TlsConfig | None = None) -> list[object]:
    """The addons of a lean host in mitmdump's order, `own` where mitmdump puts its scripts, `tls` for its `tlsconfig`.

    What breaks without each: core (checks of options, `set`), disable_h2c (clients that ask for HTTP/2 in clear
    get protocol errors), proxyauth (its option is read by the SOCKS layer), proxyserver (no listener), dns_resolver
    (modes dns and wireguard), next_layer (nothing is parsed), tlsconfig (no TLS), upstream_auth (its option, modes
    upstream and reverse), errorcheck (a taken port is a log line and a proxy that serves nobody).
    Left out: everything that shows, saves, replays, edits or blocks flows, and keepserving, which ends mitmdump
    after a replay: this host serves until it is told to stop.
    """
    return [
        core.Core(),
        disable_h2c.DisableH2C(),
        proxyauth.ProxyAuth(),
        proxyserver.Proxyserver(),
        InFlight(),
        *own,
        dns_resolver.DnsResolver(),
        next_layer.NextLayer(),
        tls or tlsconfig.TlsConfig(),
        upstream_auth.UpstreamAuth(),
        StartCheck(),
    ]


def make_master(
    options: Mapping[str, object],
    addons: Sequence[object] = (),
    *,
    patches: Iterable[Patch] = ALL_PATCHES,
    listening: Listening | None = None,
    tls: tlsconfig.TlsConfig | None = None,
) -> LeanMaster:
    """Make a master to be run with `await master.run()`; call it inside a running loop.

    `options` are mitmproxy's (and those `addons` add in `load`), by name. Raises mitmproxy's OptionsError for a value
    that is no good and KeyError for a name that is unknown. What was patched is in `master.patches.reports`.
    """
    quiet_logs()
    opts = moptions.Options()
    before = {name: getattr(opts, name) for name in opts.keys()}  # noqa: SIM118  # not a mapping
    master = LeanMaster(opts, patches=patches, listening=listening)
    with ExitStack() as unless_made:
        unless_made.callback(master.patches.revert)
        master.addons.add(*needed_addons(addons, tls))
        # Addons have seen the options they add themselves; mitmproxy's own, made before them, are news to them all.
        opts.update(**{**before, **options})
        unless_made.pop_all()
    return master


def plain_master(
    options: Mapping[str, object], addons: Sequence[object] = (), *, listening: Listening | None = None
) -> LeanMaster:
    """The same host on stock code: the fallback, and the yardstick for each patch."""
    return make_master(options, addons, patches=(), listening=listening)


def quiet_logs() -> None:
    """Keep mitmproxy's line a connection and a request out of the log, unless its logger was given a level."""
    for name in ("mitmproxy", "hpack", "quic"):
        logger = logging.getLogger(name)
        if logger.level == logging.NOTSET:
            logger.setLevel(logging.WARNING)

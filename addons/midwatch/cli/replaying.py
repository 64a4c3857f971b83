"""`replay`: recordings into the store, and what they held."""

import asyncio
import os
import sys
from collections.abc import Callable, Sequence
from pathlib import Path

from midwatch.access_file import read_access
from midwatch.cli.printing import print_json, print_text, visible
from midwatch.home import Home
from midwatch.logs import set_up_logs
from midwatch.proxy.recognising import Recognising
from midwatch.replay.calls import CallReader
from midwatch.replay.recording import Kind, kind_of
from midwatch.replay.replaying import Replayer, Tally
from midwatch.replay.sending import Sender
from midwatch.replay.storing import stored, storing
from midwatch.replay.whose import Whose
from midwatch.settings import Settings, catalogue_of, dialects_of, resolve
from midwatch_core.access.claims import configured_tenants
from midwatch_core.errors import ConfigError
from midwatch_core.sealing import Sealers
from midwatch_journal import JournalLimits, JournalWriter, new_writer_id

# Broken entries, and dialects, of a file that people are told of; --json has more.
_MOST_TOLD = 20


def replay(
    home: Home, config_file: Path | None, files: Sequence[Path], said: dict[str, str], *, dry_run: bool, as_json: bool
) -> int:
    """Replay files; `said` are a Whose's words. 1 where an entry is broken or nothing could be stored."""
    os.environ.setdefault("MIDWATCH_LOG_LEVEL", "WARNING")
    set_up_logs("replay")
    recordings = [(file, kind_of(file)) for file in files]  # a wrong name ends it before anything is done
    if dry_run:
        settings = resolve(home, config_file=config_file, flags={})
        # Nothing of it is kept: the home, and its key, need not be there.
        return _replay(settings, Sealers(b""), recordings, said, _nowhere, as_json=as_json)
    return asyncio.run(_replay_into_store(home, config_file, recordings, said, as_json=as_json))


async def _replay_into_store(
    home: Home, config_file: Path | None, recordings: list[tuple[Path, Kind]], said: dict[str, str], *, as_json: bool
) -> int:
    async with storing(home, config_file) as settings:
        journal = settings.config.journal
        limits = JournalLimits(max_bytes=journal.max_bytes, segment_bytes=journal.segment_bytes)
        with JournalWriter(home.journal, new_writer_id("replay"), limits=limits) as writer:
            sender = Sender(writer, limits)
            try:
                # Beside the loop, on which whoever runs control for us has to be.
                code = await asyncio.to_thread(
                    _replay, settings, Sealers(home.hash_key()), recordings, said, sender.send, as_json=as_json
                )
            finally:
                sender.stop()
        if not await stored(home):
            print(
                "midwatch: not all is stored yet: the rest is in the journal until the store takes it", file=sys.stderr
            )
            return 1
    return code


def _nowhere(_: bytes) -> None:
    """Where a dry run sends."""


def _replay(
    settings: Settings,
    sealers: Sealers,
    recordings: list[tuple[Path, Kind]],
    said: dict[str, str],
    send: Callable[[bytes], None],
    *,
    as_json: bool,
) -> int:
    whose = _whose(settings, said)
    dialects = dialects_of(settings.plugins)
    reader = CallReader(
        Recognising(catalogue_of(settings, dialects), dialects),
        whose,
        sealers,
        own_sessions=settings.config.identity.session_headers,
    )
    replayer = Replayer(reader, whose, sealers, settings.plugins.guard, send)
    broken = 0
    for file, kind in recordings:
        tally = replayer.replay(file, kind)
        broken += tally.broken
        print_json([tally.as_json()]) if as_json else _tell(tally)
    return 1 if broken else 0


def _whose(settings: Settings, said: dict[str, str]) -> Whose:
    """Raises ConfigError for a tenant that nobody has."""
    config = settings.config
    tenant = said.get("tenant")
    known = read_access(settings.home, configured_tenants(config.tenants, config.tenant)).tenants
    names = sorted(item.name for item in known)
    if tenant is not None and tenant not in names:
        raise ConfigError(f"--tenant {tenant}: no such tenant; there are {', '.join(names)}")
    return Whose(default=config.tenant, **said)


def _tell(tally: Tally) -> None:
    for item in tally.named[:_MOST_TOLD]:
        print(f"midwatch: {tally.file}: {item.place}: {visible(item.reason)}", file=sys.stderr)
    if tally.broken > _MOST_TOLD:
        print(f"midwatch: {tally.file}: … and {tally.broken - _MOST_TOLD:,} more", file=sys.stderr)
    dialects = ", ".join(f"{visible(name)} {count:,}" for name, count in tally.calls.most_common(_MOST_TOLD))
    print_text(
        f"{tally.file}: {tally.calls.total():,} calls{f' ({dialects})' if dialects else ''},"
        f" {tally.others:,} other entries, {tally.broken:,} broken"
    )

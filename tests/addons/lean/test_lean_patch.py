"""Patches come off without a trace, and stay off where mitmproxy is not what they were made for."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from typing import Any

import pytest
from mitmproxy.http import Headers

from midwatch.lean import ALL_PATCHES, Patch, PatchSet, make_master, patches_named
from midwatch.lean.patch import Guard, Replacement


class Victim:
    def method(self) -> str:
        return "stock"


def _replacement(self: Victim) -> str:
    return "ours"


def _patch(digest: str) -> Patch:
    return Patch(
        name="victim",
        changes="a test's class",
        replacements=(Replacement(owner=Victim, name="method", new=_replacement),),
        guards=(Guard(owner=Victim, name="method", digest=digest),),
    )


@pytest.mark.parametrize("patch", ALL_PATCHES, ids=lambda patch: patch.name)
def test_each_patch_applies_alone_and_reverts(patch: Patch) -> None:
    before = [item.owner.__dict__.get(item.name) for item in patch.replacements]
    patches = PatchSet([patch])
    assert [report.applied for report in patches.apply()] == [True]
    assert all(item.owner.__dict__[item.name] is item.new for item in patch.replacements)
    patches.revert()
    assert [item.owner.__dict__.get(item.name) for item in patch.replacements] == before


def test_all_patches_apply_together_and_revert() -> None:
    patches, again = PatchSet(ALL_PATCHES), PatchSet(ALL_PATCHES)
    assert all(report.applied for report in patches.apply())
    assert {report.reason for report in again.apply()} == {"already applied in this process"}
    again.revert()
    assert all(item.owner.__dict__[item.name] is item.new for patch in ALL_PATCHES for item in patch.replacements)
    patches.revert()
    assert not any(item.owner.__dict__.get(item.name) is item.new for p in ALL_PATCHES for item in p.replacements)


def test_another_version_keeps_stock_and_says_so(caplog: pytest.LogCaptureFixture) -> None:
    patches = PatchSet(ALL_PATCHES)
    reports = patches.apply("12.2.9")
    patches.apply("12.2.9")
    assert not any(report.applied for report in reports)
    assert all("12.2.9" in report.reason for report in reports)
    assert len(caplog.records) == len(ALL_PATCHES)
    assert all(record.levelno == logging.WARNING for record in caplog.records)
    assert not any(item.owner.__dict__.get(item.name) is item.new for p in ALL_PATCHES for item in p.replacements)


def test_changed_source_keeps_stock_and_says_so() -> None:
    patches = PatchSet([_patch("0" * 16)])
    (report,) = patches.apply()
    assert not report.applied
    assert "Victim.method has changed" in report.reason
    assert Victim().method() == "stock"


def test_absent_function_keeps_stock() -> None:
    patch = Patch(name="gone", changes="", replacements=(), guards=(Guard(owner=Victim, name="gone", digest=""),))
    assert "does not exist" in (patch.objection("12.2.3") or "")


def test_unknown_names_are_refused() -> None:
    with pytest.raises(KeyError, match="no-such"):
        patches_named(["hook-dispatch", "no-such"])
    assert [patch.name for patch in patches_named(["message-check", "hook-dispatch"])] == [
        "hook-dispatch",
        "message-check",
    ]


async def test_a_master_takes_its_patches_off_when_it_ends(start_proxy: Any) -> None:
    async with start_proxy(ALL_PATCHES) as proxy:
        assert all(report.applied for report in proxy.master.patches.reports)
    assert proxy.task.done()
    assert not any(item.owner.__dict__.get(item.name) is item.new for p in ALL_PATCHES for item in p.replacements)


async def test_options_that_are_wrong_leave_no_patch_behind(trust: Any) -> None:
    with pytest.raises(KeyError):
        make_master({"confdir": str(trust.confdir), "no_such_option": 1})
    assert not any(item.owner.__dict__.get(item.name) is item.new for p in ALL_PATCHES for item in p.replacements)


FIELDS = [(b"Host", b"a"), (b"ACCEPT", b"x"), (b"accept", b"y\xff"), (b"X-\xc3\x84", b"umlaut")]


@pytest.fixture
def lookup() -> Iterator[None]:
    patches = PatchSet(patches_named(["header-lookup"]))
    patches.apply()
    yield
    patches.revert()


def _looked_up(headers: Headers) -> list[object]:
    found: list[object] = []
    for name in ("host", "HOST", b"Accept", "accept", "none", b"none", "x-ä", "X-Ä"):
        found += [headers.get(name), headers.get(name, "default"), headers.get_all(name), name in headers]
        try:
            found.append(headers[name])
        except KeyError as error:
            found.append(error.args)
    return found


_STOCK_LOOKUPS = _looked_up(Headers(FIELDS))


def test_headers_are_found_as_in_stock(lookup: None) -> None:
    headers = Headers(FIELDS)
    assert _looked_up(headers) == _STOCK_LOOKUPS
    headers["accept"] = "z"
    assert headers.pop("accept") == "z"
    assert headers.pop("none", "gone") == "gone"
    assert headers.setdefault("host", "b") == "a"
    assert list(headers) == ["Host", "X-Ä"]
    with pytest.raises(TypeError):
        _ = 7 in headers

"""Rendering: one document, three faces; nothing a stranger wrote is more than text, and nothing is fetched."""

import importlib
import json
import re
import sys
import zlib
from collections.abc import Iterator
from pathlib import Path

import pytest

from midwatch_compliance.frameworks.loading import shipped
from midwatch_compliance.reporting.kinds import FORMATS, kinds_of, render
from midwatch_core import ReportError, ReportKind
from tests.beside import PDF, beside
from tests.plugins.compliance.conftest import Planted, order


@pytest.fixture
def kinds(planted: Planted) -> dict[str, ReportKind]:
    return {kind.name: kind for kind in kinds_of(planted.host, shipped().values())}


def test_there_is_a_kind_for_each_framework_and_one_for_usage(kinds: dict[str, ReportKind]) -> None:
    assert set(kinds) == {"usage", *shipped()}
    assert all(kind.formats == FORMATS for kind in kinds.values())


@pytest.mark.parametrize("name", ["owasp-llm-2025", "gdpr", "soc2", "hipaa", "eu-ai-act", "usage"])
async def test_every_kind_is_made_and_rendered_as_json_and_html(kinds: dict[str, ReportKind], name: str) -> None:
    document = await kinds[name].make(order("acme"))
    told = json.loads(render(document, "json"))
    assert (told["version"], told["document"].partition("/")[0]) == (1, "midwatch")
    page = render(document, "html").decode()
    assert "Tenant acme" in page
    assert kinds[name].title in page
    for foreign in ("<script", "<img", "<link", "src=", "@import", "url(", "javascript:"):
        assert foreign not in page


async def test_the_document_has_the_evidence_behind_each_sentence(kinds: dict[str, ReportKind]) -> None:
    report = json.loads(await kinds["owasp-llm-2025"].make(order()))
    check = report["statements"][0]["checks"][0]
    assert "findings of this kind: 2" in check["sentence"]
    assert check["numbers"]["findings"] == 2
    samples = {sample["id"]: sample for sample in report["evidence"]["findings"]["samples"]}
    assert set(check["findings"]) <= set(samples)
    assert report["counts"]["not_covered"] == 1
    page = render(json.dumps(report).encode(), "html").decode()
    for finding in check["findings"]:
        assert samples[finding]["exchange_id"] in page


async def test_texts_of_strangers_are_only_text(kinds: dict[str, ReportKind]) -> None:
    page = render(await kinds["owasp-llm-2025"].make(order()), "html").decode()
    assert "&lt;/main&gt;&lt;script&gt;alert(1)" in page
    assert "⟨U+202E⟩" in page
    assert "\u202e" not in page
    assert page.count("</main>") == 1


async def test_names_in_sentences_are_set_as_code(kinds: dict[str, ReportKind]) -> None:
    page = render(await kinds["owasp-llm-2025"].make(order()), "html").decode()
    assert re.search(r"The policy <code>[a-z]+</code> is in use", page)
    assert "`" not in page


@pytest.mark.parametrize(
    ("cost", "unpriced", "shown"),
    [
        (2.8e-7, 0, "$0.00000028"),
        (0.004217, 0, "$0.004217"),
        (0.00999999999, 0, "$0.01"),
        (1234.5, 0, "$1,234.50"),
        (0, 1, "$0.00"),
        (0, 2, "–"),
    ],
)
async def test_small_costs_are_told_and_unknown_ones_are_not_nought(
    kinds: dict[str, ReportKind], cost: float, unpriced: int, shown: str
) -> None:
    report = json.loads(await kinds["usage"].make(order()))
    first = report["traffic"]["by_model"][0]
    report["traffic"]["by_model"] = [{**first, "calls": 2, "cost_usd": cost, "unpriced": unpriced}]
    page = render(json.dumps(report).encode(), "html").decode()
    row = page.partition("<caption>Models")[2].partition("</table>")[0]
    assert f">{shown}</td>" in row


async def test_usage_is_told_by_team_model_agent_and_day(kinds: dict[str, ReportKind]) -> None:
    report = json.loads(await kinds["usage"].make(order()))
    assert {group["name"]: group["calls"] for group in report["by_tenant"]} == {"acme": 4, "lab": 1}
    days = [group["name"] for group in report["by_day"]]
    assert days == sorted(days)
    assert sum(group["calls"] for group in report["by_day"]) == report["traffic"]["totals"]["calls"] == 5


@pytest.mark.parametrize("document", [b"{}", b"", b"[1]", b'{"document": "midwatch/compliance", "version": 2}'])
def test_a_document_of_another_version_is_said_and_not_guessed(document: bytes) -> None:
    with pytest.raises(ReportError, match="another version"):
        render(document, "html")


async def test_a_format_that_is_none_is_an_error(kinds: dict[str, ReportKind]) -> None:
    with pytest.raises(ReportError, match="'docx' is none of html, json, pdf"):
        render(await kinds["usage"].make(order()), "docx")


async def test_without_its_package_a_pdf_is_refused_with_what_to_install(
    kinds: dict[str, ReportKind], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "weasyprint", None)
    with pytest.raises(ReportError, match=re.escape("uv pip install 'midwatch[pdf]'")):
        render(await kinds["usage"].make(order()), "pdf")


def test_a_kind_says_what_a_pdf_needs_where_its_package_is_not_there(
    planted: Planted, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr(sys, "path", [str(tmp_path)])
    monkeypatch.delitem(sys.modules, "weasyprint", raising=False)
    assert [dict(kind.needs) for kind in kinds_of(planted.host, [])] == [{"pdf": "uv pip install 'midwatch[pdf]'"}]
    (tmp_path / "weasyprint.py").touch()
    importlib.invalidate_caches()
    assert [dict(kind.needs) for kind in kinds_of(planted.host, [])] == [{}]


async def test_a_pdf_has_its_pages_and_fetches_nothing(kinds: dict[str, ReportKind], tmp_path: Path) -> None:
    beside(*PDF, module="weasyprint")
    from midwatch_compliance.reporting.drawing import pdf_of

    document = render(await kinds["gdpr"].make(order()), "pdf")
    assert document.startswith(b"%PDF-")
    assert document.rstrip().endswith(b"%%EOF")
    assert sum(len(re.findall(rb"/Type ?/Page\b(?!s)", text)) for text in streams(document)) >= 5
    wanted = (tmp_path / "wanted.svg").as_uri()
    rings = "".join(f"<circle cx='{n}' cy='{n * 7 % 97}' r='{n % 31}'/>" for n in range(5000))
    (tmp_path / "wanted.svg").write_text(
        f"<svg xmlns='http://www.w3.org/2000/svg' width='99' height='99'>{rings}</svg>"
    )
    hostile = pdf_of(
        f"<p>hello<img src='{wanted}'><img src='http://127.0.0.1:9/'><link rel=attachment href='{wanted}'>"
    )
    assert len(hostile) < len(pdf_of("<p>hello")) + 500, "nothing came in"


def streams(document: bytes) -> Iterator[bytes]:
    """What is written in a PDF, packed streams unpacked."""
    yield document
    for packed in re.findall(rb"stream\r?\n(.*?)\r?\nendstream", document, re.S):
        try:
            yield zlib.decompress(packed)
        except zlib.error:
            continue

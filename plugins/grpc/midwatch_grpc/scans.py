"""Scans as messages: the texts that are asked about, and what they show."""

from collections.abc import Iterable
from typing import Any

from midwatch_core import Action, Finding, Part, Scanned
from midwatch_grpc.proto.midwatch.v1 import scan_pb2
from midwatch_grpc.values import word
from midwatch_grpc.vocabulary import ACTIONS, PARTS, SEVERITIES


def texts_of(messages: Iterable[Any]) -> list[tuple[str, Part]]:
    """Texts with what they are. Raises UnreadableError."""
    return [(item.text, word(PARTS, item.part, "part", unspecified=Part.USER)) for item in messages]


def scanned_message(scanned: Scanned) -> scan_pb2.Scanned:
    """What one text shows."""
    actions = scanned.actions or (None,) * len(scanned.findings)
    return scan_pb2.Scanned(
        findings=[_finding_message(*pair) for pair in zip(scanned.findings, actions, strict=True)],
        score=scanned.score,
        action=ACTIONS[scanned.action],  # type: ignore[arg-type]  # protoc's types know names and members alone
        failures=scanned.failures,
    )


def _finding_message(finding: Finding, action: Action | None) -> scan_pb2.Finding:
    return scan_pb2.Finding(
        rule=finding.rule,
        category=finding.category,
        severity=SEVERITIES[finding.severity],  # type: ignore[arg-type]  # as above
        confidence=finding.confidence,
        message=finding.message,
        owasp=finding.owasp,
        start=finding.start,
        end=finding.end,
        evidence=finding.evidence,
        kind=finding.kind,
        plugin=finding.plugin,
        action=None if action is None else ACTIONS[action],  # type: ignore[arg-type]  # as above
    )

"""Exchanges as the predecessor's spans, and findings as it tells of them."""

from datetime import timedelta

from midwatch_core import Exchange, Finding, Json, Part, Severity, ToolCall, row_of

# How suspicious its worst finding makes a span, of 100.
_SCORES = {
    Severity.INFO: 10,
    Severity.LOW: 30,
    Severity.MEDIUM: 60,
    Severity.HIGH: 80,
    Severity.CRITICAL: 95,
}
_PROVIDERS = {
    "openai": "OpenAI",
    "anthropic": "Anthropic",
    "ollama": "Ollama",
    "azure": "AzureOpenAI",
    "azure-openai": "AzureOpenAI",
    "bedrock": "Bedrock",
    "aws-bedrock": "Bedrock",
}
_OPERATIONS = {"chat": "chat_completion", "text_completion": "completion", "embeddings": "embedding"}
_ANSWERS = frozenset({Part.ASSISTANT})
_ASKED = frozenset({Part.SYSTEM, Part.USER, Part.ASSISTANT, Part.TOOL_RESULT, Part.DOCUMENT, Part.EMBEDDING_INPUT})


def score_of(exchange: Exchange) -> int | None:
    """0 to 100; None where nothing was found."""
    return max((_SCORES[finding.severity] for finding in exchange.findings), default=None)


def operation_of(operation: str) -> str:
    """An operation by the predecessor's name for it, where it has one."""
    return _OPERATIONS.get(operation, operation)


def span_of(exchange: Exchange) -> dict[str, Json]:
    """One exchange as a span. Its ids and its tenant are Midwatch's: text, not always a UUID."""
    row, response = row_of(exchange), exchange.response
    ended = None if row.duration_ms is None else exchange.started_at + timedelta(milliseconds=row.duration_ms)
    tokens = (row.input_tokens or 0) + (row.output_tokens or 0)
    return {
        "trace_id": exchange.trace_id,
        "span_id": exchange.id,
        "parent_span_id": row.parent_id,
        "tenant_id": row.tenant,
        "operation_name": operation_of(row.operation),
        "start_time": exchange.started_at.isoformat(),
        "end_time": None if ended is None else ended.isoformat(),
        "provider": _provider(row.provider),
        "model_name": row.model or "",
        "prompt": "\n".join(item.text for item in exchange.request.segments if item.part in _ASKED),
        "response": "\n".join(item.text for item in response.segments if item.part in _ANSWERS) if response else None,
        "prompt_tokens": row.input_tokens,
        "completion_tokens": row.output_tokens,
        "total_tokens": tokens if row.input_tokens is not None or row.output_tokens is not None else None,
        "time_to_first_token_ms": _whole(row.ttft_ms),
        "duration_ms": _whole(row.duration_ms),
        "status_code": row.status,
        "error_message": row.error,
        "estimated_cost_usd": None if row.cost_usd is None else float(row.cost_usd),
        "security_score": score_of(exchange),
        "security_findings": [_finding(finding, exchange) for finding in exchange.findings],
        "tags": {name: value for name in ("app", "agent", "user", "session") if (value := getattr(row, name))},
        "events": [],
        "agent_actions": [
            _action(call, exchange, number) for number, call in enumerate(response.tool_calls if response else ())
        ],
    }


def _provider(name: str) -> Json:
    """A provider as the predecessor's enumeration is written: its variant, or a custom one's name."""
    return _PROVIDERS.get(name, {"Custom": name})


def _finding(finding: Finding, exchange: Exchange) -> Json:
    return {
        "id": finding.id,
        "severity": finding.severity.value.capitalize(),
        "finding_type": finding.category,
        "description": finding.message,
        "detected_at": exchange.started_at.isoformat(),
        "confidence_score": finding.confidence,
        "location": f"{finding.direction.value}{finding.path or ''}",
        "metadata": {"rule": finding.rule, "detector": finding.plugin},
        "requires_alert": finding.severity.rank >= Severity.HIGH.rank,
    }


def _action(call: ToolCall, exchange: Exchange, number: int) -> Json:
    segments = exchange.response.segments if exchange.response else ()
    arguments = next((item.text for item in segments if item.path == call.path), None)
    return {
        "id": call.id or f"{exchange.id}-{number}",
        "action_type": "tool_call",
        "name": call.name,
        "arguments": arguments,
        "timestamp": exchange.started_at.isoformat(),
    }


def _whole(value: float | None) -> int | None:
    return None if value is None else round(value)

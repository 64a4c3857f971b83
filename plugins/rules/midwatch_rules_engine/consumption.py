"""Denial of wallet: calls that ask for far more than an agent's work needs (OWASP LLM10, unbounded consumption)."""

from collections.abc import Iterator, Mapping

from midwatch_core import Finding, Json, Request, Severity
from midwatch_rules_engine.bounds import Bounds

# What dialects call the bound on an answer, and the number of answers.
_TOKENS = (
    "max_tokens",
    "max_completion_tokens",
    "max_output_tokens",
    "maxOutputTokens",
    "maxTokens",
    "max_tokens_to_sample",
    "max_new_tokens",
    "num_predict",
)
_CANDIDATES = ("n", "best_of", "candidateCount", "candidate_count", "num_generations")
# Where dialects keep settings one level down: Gemini, Ollama, Bedrock.
_NESTED = ("generationConfig", "generation_config", "options", "inferenceConfig")


def consumption(request: Request, bounds: Bounds) -> list[Finding]:
    """A finding for each bound that a request goes beyond."""
    candidates = asked(request.parameters, _CANDIDATES)
    tokens = asked(request.parameters, _TOKENS) * max(1, candidates)
    characters = sum(len(segment.text) for segment in request.segments)
    measured = (
        ("output-tokens", Severity.MEDIUM, tokens, bounds.output_tokens, "output tokens asked for"),
        ("candidates", Severity.MEDIUM, candidates, bounds.candidates, "answers asked for at once"),
        ("request-size", Severity.LOW, characters, bounds.request_characters, "characters of text"),
        ("tools", Severity.LOW, len(request.tools), bounds.tools, "tools offered"),
    )
    return [
        _finding(rule, severity, f"{amount:,} {what}; the bound is {bound:,}")
        for rule, severity, amount, bound, what in measured
        if bound is not None and amount > bound
    ]


def asked(parameters: Mapping[str, Json], names: tuple[str, ...]) -> int:
    """The largest number that any of `names` has in a request's settings; 0 where none has one."""
    return max((int(value) for level in _levels(parameters) for value in _numbers(level, names)), default=0)


def _levels(parameters: Mapping[str, Json]) -> Iterator[Mapping[str, Json]]:
    yield parameters
    for name in _NESTED:
        if isinstance(nested := parameters.get(name), dict):
            yield nested


def _numbers(level: Mapping[str, Json], names: tuple[str, ...]) -> Iterator[int | float]:
    for name in names:
        value = level.get(name)
        # Not a bool, nor what int() can't take or no provider would: infinity, a number of a thousand digits.
        if isinstance(value, int | float) and not isinstance(value, bool) and 0 < value < 1e18:
            yield value


def _finding(rule: str, severity: Severity, message: str) -> Finding:
    return Finding(
        id="",
        rule=f"midwatch/exchange/{rule}",
        category="unbounded_consumption",
        severity=severity,
        confidence=0.8,
        message=message,
        owasp=("LLM10:2025",),
    )

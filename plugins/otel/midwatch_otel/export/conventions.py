"""Which names are sent: one row for each version of the GenAI conventions, chosen as OpenTelemetry has it chosen.

- The last release within the general conventions, 1.41, is what backends read today:
  https://github.com/open-telemetry/semantic-conventions/tree/v1.41.0/docs/gen-ai
- `OTEL_SEMCONV_STABILITY_OPT_IN=gen_ai_latest_experimental` asks for what is current, in a repository of its own:
  https://github.com/open-telemetry/semantic-conventions-genai/tree/main/docs/gen-ai
"""

from collections.abc import Mapping
from dataclasses import dataclass

OPT_IN = "OTEL_SEMCONV_STABILITY_OPT_IN"
LATEST = "gen_ai_latest_experimental"


@dataclass(frozen=True, slots=True, kw_only=True)
class Conventions:
    """The names that differ between versions. `usage_counters`: tokens are counters by kind, not one histogram."""

    name: str
    schema_url: str
    cache_write: str
    duration: str
    embeddings_duration: str
    first_chunk: str
    input_tokens: str
    output_tokens: str
    usage_counters: bool


RELEASED = Conventions(
    name="1.41.0",
    schema_url="https://opentelemetry.io/schemas/1.41.0",
    cache_write="gen_ai.usage.cache_creation.input_tokens",
    duration="gen_ai.client.operation.duration",
    embeddings_duration="gen_ai.client.operation.duration",
    first_chunk="gen_ai.client.operation.time_to_first_chunk",
    input_tokens="gen_ai.client.token.usage",
    output_tokens="gen_ai.client.token.usage",
    usage_counters=False,
)
CURRENT = Conventions(
    name="latest",
    schema_url="",
    cache_write="gen_ai.usage.cache_write.input_tokens",
    duration="gen_ai.client.inference.duration",
    embeddings_duration="gen_ai.client.embeddings.duration",
    first_chunk="gen_ai.client.inference.time_to_first_chunk",
    input_tokens="gen_ai.client.inference.operation.input_tokens",
    output_tokens="gen_ai.client.inference.operation.output_tokens",
    usage_counters=True,
)


def chosen(environ: Mapping[str, str]) -> Conventions:
    """The version that the environment asks for: a list of opt-ins, of which one may be ours."""
    wanted = {item.strip() for item in environ.get(OPT_IN, "").split(",")}
    return CURRENT if LATEST in wanted else RELEASED

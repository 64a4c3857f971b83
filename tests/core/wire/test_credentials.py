"""Keys of tool servers that travel in bodies are in no segment, no parameter and no skeleton."""

import orjson
import pytest

from midwatch_core.model.content import Json
from midwatch_core.sealing import Sealer
from midwatch_core.wire.credentials import LEFT_OUT, without_credentials
from midwatch_core.wire.decoding import decode_request
from midwatch_core.wire.dialects import BUILTIN
from midwatch_core.wire.target import Target

SECRET = "s3cr3t-of-a-tool-server"
MCP = {"type": "mcp", "server_label": "crm", "server_url": "https://crm.example.com", "authorization": SECRET}
DIALECTS = {dialect.id: dialect for dialect in BUILTIN}


@pytest.mark.parametrize(
    ("dialect", "body"),
    [
        ("openai.responses", {"model": "m", "input": "hi", "tools": [MCP]}),
        ("openai.responses", {"model": "m", "input": "hi", "tools": [{**MCP, "headers": {"X-Own": SECRET}}]}),
        ("openai.chat", {"model": "m", "messages": [], "tools": [MCP], "metadata": {"api_key": SECRET}}),
        (
            "anthropic.messages",
            {"model": "m", "messages": [], "mcp_servers": [{"type": "url", "url": "u", "authorization_token": SECRET}]},
        ),
        (
            "gemini.generate_content",
            {"contents": [], "tools": [{"mcpServers": [{"streamableHttpTransport": {"headers": {"Own": SECRET}}}]}]},
        ),
    ],
)
def test_a_tool_servers_key_is_kept_nowhere(dialect: str, body: Json) -> None:
    target = Target(host="example.com", path="/", captures={"model": "m"})
    decoded = decode_request(DIALECTS[dialect], orjson.dumps(body), target)
    sealed = Sealer(b"k" * 32, "default").request(decoded)
    assert SECRET not in orjson.dumps(sealed).decode()
    assert LEFT_OUT in orjson.dumps(sealed).decode()


def test_a_schema_that_describes_a_password_stays() -> None:
    schema: Json = {"properties": {"password": {"type": "string"}}, "required": ["password"]}
    assert without_credentials(schema) == schema

"""The dialects that come with Midwatch: one file each; a new one is a file, a line here and a line in the catalogue."""

from midwatch_core.wire.dialect import Dialect
from midwatch_core.wire.dialects.anthropic_messages import AnthropicMessages
from midwatch_core.wire.dialects.gemini_embeddings import GeminiEmbeddings
from midwatch_core.wire.dialects.gemini_generate_content import GeminiGenerateContent
from midwatch_core.wire.dialects.ollama_chat import OllamaChat
from midwatch_core.wire.dialects.ollama_embeddings import OllamaEmbeddings
from midwatch_core.wire.dialects.ollama_generate import OllamaGenerate
from midwatch_core.wire.dialects.openai_chat import OpenAIChat
from midwatch_core.wire.dialects.openai_completions import OpenAICompletions
from midwatch_core.wire.dialects.openai_embeddings import OpenAIEmbeddings
from midwatch_core.wire.dialects.openai_responses import OpenAIResponses

BUILTIN: tuple[Dialect, ...] = (
    AnthropicMessages(),
    GeminiEmbeddings(),
    GeminiGenerateContent(),
    OllamaChat(),
    OllamaEmbeddings(),
    OllamaGenerate(),
    OpenAIChat(),
    OpenAICompletions(),
    OpenAIEmbeddings(),
    OpenAIResponses(),
)

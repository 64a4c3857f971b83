"""The dialects that come with Midwatch: one file each; a new one is a file, a line here and a line in the catalogue."""

from midwatch_core.wire.dialect import Dialect
from midwatch_core.wire.dialects.anthropic.batches import AnthropicBatches
from midwatch_core.wire.dialects.anthropic.count_tokens import AnthropicCountTokens
from midwatch_core.wire.dialects.anthropic.messages import AnthropicMessages
from midwatch_core.wire.dialects.bedrock.converse import BedrockConverse
from midwatch_core.wire.dialects.bedrock.count_tokens import BedrockCountTokens
from midwatch_core.wire.dialects.bedrock.guardrail import BedrockGuardrail
from midwatch_core.wire.dialects.bedrock.invoke import BedrockInvoke
from midwatch_core.wire.dialects.cohere.chat import CohereChat
from midwatch_core.wire.dialects.cohere.embed import CohereEmbed
from midwatch_core.wire.dialects.cohere.rerank import CohereRerank
from midwatch_core.wire.dialects.cohere.v1_chat import CohereV1Chat
from midwatch_core.wire.dialects.gemini.code_assist import GeminiCodeAssist
from midwatch_core.wire.dialects.gemini.count_tokens import GeminiCountTokens
from midwatch_core.wire.dialects.gemini.embeddings import GeminiEmbeddings
from midwatch_core.wire.dialects.gemini.generate_content import GeminiGenerateContent
from midwatch_core.wire.dialects.mcp.calls import Mcp
from midwatch_core.wire.dialects.ollama.chat import OllamaChat
from midwatch_core.wire.dialects.ollama.embeddings import OllamaEmbeddings
from midwatch_core.wire.dialects.ollama.generate import OllamaGenerate
from midwatch_core.wire.dialects.openai.batches import OpenAIBatches
from midwatch_core.wire.dialects.openai.chat import OpenAIChat
from midwatch_core.wire.dialects.openai.completions import OpenAICompletions
from midwatch_core.wire.dialects.openai.embeddings import OpenAIEmbeddings
from midwatch_core.wire.dialects.openai.files import OpenAIFiles
from midwatch_core.wire.dialects.openai.images import OpenAIImages
from midwatch_core.wire.dialects.openai.moderations import OpenAIModerations
from midwatch_core.wire.dialects.openai.realtime import OpenAIRealtime
from midwatch_core.wire.dialects.openai.responses import OpenAIResponses
from midwatch_core.wire.dialects.openai.speech import OpenAISpeech
from midwatch_core.wire.dialects.openai.stored import OpenAIStored
from midwatch_core.wire.dialects.openai.transcriptions import OpenAITranscriptions
from midwatch_core.wire.dialects.vertex.embeddings import VertexEmbeddings

BUILTIN: tuple[Dialect, ...] = (
    AnthropicBatches(),
    AnthropicCountTokens(),
    AnthropicMessages(),
    BedrockConverse(),
    BedrockCountTokens(),
    BedrockGuardrail(),
    BedrockInvoke(),
    CohereChat(),
    CohereEmbed(),
    CohereRerank(),
    CohereV1Chat(),
    GeminiCodeAssist(),
    GeminiCountTokens(),
    GeminiEmbeddings(),
    GeminiGenerateContent(),
    Mcp(),
    OllamaChat(),
    OllamaEmbeddings(),
    OllamaGenerate(),
    OpenAIBatches(),
    OpenAIChat(),
    OpenAICompletions(),
    OpenAIEmbeddings(),
    OpenAIFiles(),
    OpenAIImages(),
    OpenAIModerations(),
    OpenAIRealtime(),
    OpenAIResponses(),
    OpenAISpeech(),
    OpenAIStored(),
    OpenAITranscriptions(),
    VertexEmbeddings(),
)

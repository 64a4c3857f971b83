"""The dialects that come with Midwatch: one file each; a new one is a file, a line here and a line in the catalogue."""

from midwatch_core.wire.dialect import Dialect
from midwatch_core.wire.dialects.anthropic_batches import AnthropicBatches
from midwatch_core.wire.dialects.anthropic_count_tokens import AnthropicCountTokens
from midwatch_core.wire.dialects.anthropic_messages import AnthropicMessages
from midwatch_core.wire.dialects.bedrock_converse import BedrockConverse
from midwatch_core.wire.dialects.bedrock_count_tokens import BedrockCountTokens
from midwatch_core.wire.dialects.bedrock_guardrail import BedrockGuardrail
from midwatch_core.wire.dialects.bedrock_invoke import BedrockInvoke
from midwatch_core.wire.dialects.cohere_chat import CohereChat
from midwatch_core.wire.dialects.cohere_embed import CohereEmbed
from midwatch_core.wire.dialects.cohere_rerank import CohereRerank
from midwatch_core.wire.dialects.cohere_v1_chat import CohereV1Chat
from midwatch_core.wire.dialects.gemini_code_assist import GeminiCodeAssist
from midwatch_core.wire.dialects.gemini_count_tokens import GeminiCountTokens
from midwatch_core.wire.dialects.gemini_embeddings import GeminiEmbeddings
from midwatch_core.wire.dialects.gemini_generate_content import GeminiGenerateContent
from midwatch_core.wire.dialects.mcp import Mcp
from midwatch_core.wire.dialects.ollama_chat import OllamaChat
from midwatch_core.wire.dialects.ollama_embeddings import OllamaEmbeddings
from midwatch_core.wire.dialects.ollama_generate import OllamaGenerate
from midwatch_core.wire.dialects.openai_batches import OpenAIBatches
from midwatch_core.wire.dialects.openai_chat import OpenAIChat
from midwatch_core.wire.dialects.openai_completions import OpenAICompletions
from midwatch_core.wire.dialects.openai_embeddings import OpenAIEmbeddings
from midwatch_core.wire.dialects.openai_files import OpenAIFiles
from midwatch_core.wire.dialects.openai_images import OpenAIImages
from midwatch_core.wire.dialects.openai_moderations import OpenAIModerations
from midwatch_core.wire.dialects.openai_realtime import OpenAIRealtime
from midwatch_core.wire.dialects.openai_responses import OpenAIResponses
from midwatch_core.wire.dialects.openai_speech import OpenAISpeech
from midwatch_core.wire.dialects.openai_stored import OpenAIStored
from midwatch_core.wire.dialects.openai_transcriptions import OpenAITranscriptions
from midwatch_core.wire.dialects.vertex_embeddings import VertexEmbeddings

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

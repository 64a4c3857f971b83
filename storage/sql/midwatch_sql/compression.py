"""Bytes as they are kept: compressed where that pays, and told apart by zstd's own first bytes."""

import threading

import zstandard

from midwatch_core import StorageError

# Below this a frame's own bytes eat what it saves.
_SMALLEST = 160
# No UTF-8 text and no JSON begins like this: 0xB5 can't follow 0x28.
_MAGIC = b"\x28\xb5\x2f\xfd"
# A body above the proxy's own limit was never recorded: more is damage.
_LARGEST = 1 << 30
_local = threading.local()

# What details have in common. Kept data can't be read without it: never change it; a better one gets a new mark.
_FIRST_MARK = b"\x01"
_FIRST_DICTIONARY = (
    b'"error":{"type":"invalid_request_error","message":"overloaded_error"},"finish_reason":"tool_calls"'
    b'"raw_finish_reason":"end_turn""finish_reason":"length""tool_use""refusal""openai.responses""gemini"'
    b'"operation":"generate_content""operation":"embeddings""anthropic","dialect":"anthropic.messages","host":'
    b'"api.anthropic.com","port":443,"path":"/v1/messages""generativelanguage.googleapis.com""/v1beta/models/gemini-'
    b'"findings":[{"id":"","rule":"","category":"","severity":"high","confidence":0.,"message":"","owasp":["LLM0"],'
    b'"direction":"request","part":"tool_result","path":"/","start":0,"end":0,"evidence":null,"plugin":""}],'
    b'"verdicts":[{"action":1,"findings":[""],"policy_line":""}],"gaps":{"count":0,"mean_ms":0.0,"p50_ms":0.0,'
    b'"p95_ms":0.0,"max_ms":0.0}},"tool_calls":[{"id":"call_","name":"","path":"/choices/0/message/tool_calls/0/'
    b'function/arguments"},{"id":"toolu_","name":"","path":"/content/1/input"}],"max_tokens":,"stream_options":'
    b'{"include_usage":true},"reasoning_effort":"tool_choice":"auto","parallel_tool_calls":true,"top_p":1,"store":false'
    b'["tool_definition","/tools/0/function",["system","/system/0/text",["reasoning","/content/0/thinking",'
    b'["tool_call","/input/1/arguments",["tool_result","/messages/2/content/0/content",["user","/contents/0/parts/0/text"'
    b'{"role":"user","content":[{"type":"tool_result","tool_use_id":"toolu_","content":{"$text":"'
    b'{"role":"assistant","content":[{"type":"text","text":{"$text":"{"type":"tool_use","id":"toolu_","name":"","input":'
    b'{"role":"tool","tool_call_id":"call_","content":{"$text":""cache_control":{"type":"ephemeral"}}'
    b'{"role":"assistant","content":null,"tool_calls":[{"id":"call_","type":"function","function":{"name":"","arguments":'
    b'{"exchange":{"id":"019","trace_id":"019","started_at":"2026-01-01T00:00:00.000000+00:00","identity":{"tenant":'
    b'"default","key_id":null,"agent":null,"app":null,"user":null,"client":"127.0.0.1","user_agent":"OpenAI/Python '
    b'2.0.0","learned_from":{"app":"user-agent","agent":"header","tenant":"default"}},"endpoint":{"provider":"openai",'
    b'"dialect":"openai.chat","host":"api.openai.com","port":443,"path":"/v1/chat/completions","scheme":"https"},'
    b'"request":{"operation":"chat","model":"gpt-5","stream":true,"segments":[],"tools":[],"parameters":{"temperature":'
    b'0.0},"previous_response_id":null,"conversation_id":null,"body_bytes":0,"body":{"model":"gpt-5","messages":null,'
    b'"temperature":0.0},"decode_error":null},"response":{"model":"gpt-5","id":"chatcmpl-","segments":[],"tool_calls":[],'
    b'"finish_reason":"stop","raw_finish_reason":"stop","usage":{"input_tokens":0,"output_tokens":0,"cache_read_tokens":'
    b'0,"cache_write_5m_tokens":null,"cache_write_1h_tokens":null,"reasoning_tokens":null,"input_audio_tokens":null,'
    b'"input_image_tokens":null,"cache_audio_read_tokens":null,"output_audio_tokens":null,"output_image_tokens":null,'
    b'"tool_fees":{}},"service_tier":null,"error":null,"complete":true,"body_bytes":0,"body":{"id":"chatcmpl-","choices":'
    b'[{"index":0,"message":{"role":"assistant","content":{"$text":""}}}],"model":"gpt-5"},"decode_error":null},'
    b'"transport":"http","streamed":false,"status":200,"error":null,"timing":{"ttft_ms":0.0,"duration_ms":0.0,"gaps":null'
    b'},"cost":{"amount":"0.000","currency":"USD","source":"genai-prices","reason":null,"lines":[{"kind":"input",'
    b'"quantity":0,"rate":"0.","per":1000000,"amount":"0.00"},{"kind":"output","quantity":0,"rate":"0.","per":1000000,'
    b'"amount":"0.00"}]},"findings":[],"verdicts":[],"traceparent":null},"lists":[[["request","segments"],2,[[["assistant",'
    b'"/messages/0/content","","],["user","/messages/1/content","","]],[""]]],[["request","body","messages"],1,[[{"role":'
    b'"user","content":{"$text":""}},{"role":"assistant","content":{"$text":""}}],[""]]],[["response","segments"],2,'
    b'[[["assistant","/choices/0/message/content","",""]]]]]}'
)


def pack(data: bytes) -> bytes:
    """The bytes to keep for `data`, which is UTF-8."""
    if len(data) < _SMALLEST:
        return data
    if not hasattr(_local, "compressor"):
        _local.compressor = zstandard.ZstdCompressor(level=1)
    packed: bytes = _local.compressor.compress(data)
    return packed if len(packed) < len(data) else data


def unpack(data: bytes) -> bytes:
    """What was packed. Raises StorageError, zstandard.ZstdError for damaged bytes."""
    if not data.startswith(_MAGIC):
        return data
    if not 0 <= zstandard.frame_content_size(data) <= _LARGEST:
        raise StorageError("a damaged text in the store")
    if not hasattr(_local, "decompressor"):
        _local.decompressor = zstandard.ZstdDecompressor()
    unpacked: bytes = _local.decompressor.decompress(data)
    return unpacked


def pack_detail(detail: bytes) -> bytes:
    """The bytes to keep for the detail of an exchange."""
    if not hasattr(_local, "detail_compressor"):
        dictionary = zstandard.ZstdCompressionDict(_FIRST_DICTIONARY, dict_type=zstandard.DICT_TYPE_RAWCONTENT)
        dictionary.precompute_compress(level=3)
        _local.detail_compressor = zstandard.ZstdCompressor(dict_data=dictionary)
    packed: bytes = _local.detail_compressor.compress(detail)
    return _FIRST_MARK + packed


def unpack_detail(data: bytes) -> bytes:
    """The detail that was packed. Raises StorageError, zstandard.ZstdError for damaged bytes."""
    packed = data[1:]
    if data[:1] != _FIRST_MARK or not 0 <= zstandard.frame_content_size(packed) <= _LARGEST:
        raise StorageError("a damaged exchange in the store")
    if not hasattr(_local, "detail_decompressor"):
        dictionary = zstandard.ZstdCompressionDict(_FIRST_DICTIONARY, dict_type=zstandard.DICT_TYPE_RAWCONTENT)
        _local.detail_decompressor = zstandard.ZstdDecompressor(dict_data=dictionary)
    detail: bytes = _local.detail_decompressor.decompress(packed)
    return detail

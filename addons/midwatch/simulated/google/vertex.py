"""What Vertex AI has beside Gemini's own methods: models of other makers by `rawPredict`, embeddings by `predict`."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import orjson

from midwatch.simulated.anthropic import messages as anthropic
from midwatch.simulated.call import Answer, Call
from midwatch.simulated.google import gemini
from midwatch.simulated.openai import chat as openai_chat
from midwatch.simulated.openai.text import vector
from midwatch.simulated.script import Script
from midwatch.simulated.wording import count_tokens, volume


def raw_predict(call: Call, script: Script) -> Answer:
    """The answer to `…:rawPredict` and `…:streamRawPredict`, in the model's maker's own words."""
    if "/publishers/anthropic/" not in call.path:
        return openai_chat.answer(call, script)
    model = gemini.model_of(call).replace("@", "-")
    if model == "count-tokens":
        return anthropic.count(call, script)
    return anthropic.answer(replace(call, body={**call.body, "model": model}), script)


def predict(call: Call, script: Script) -> Answer:
    """The answer to `…:predict` of a model that embeds texts."""
    if script.status >= 400:
        return gemini.error(call, script)
    instances = call.body.get("instances")
    found = [item for item in instances if isinstance(item, dict)] if isinstance(instances, list) else []
    return Answer(body=orjson.dumps({"predictions": [_prediction(item.get("content")) for item in found]}))


def _prediction(content: Any) -> dict[str, Any]:
    statistics = {"truncated": False, "token_count": count_tokens(volume(content))}
    return {"embeddings": {"statistics": statistics, "values": vector(str(content), 768)}}

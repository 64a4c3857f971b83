"""OpenAI's other endpoints and Anthropic's batches, as their own client libraries see them."""

import ssl
from collections.abc import AsyncIterator
from typing import Any

import anthropic
import openai
import pytest

from midwatch.simulated import SimulatedProviders

WORDS = b"Ships ahoy, said the watch"
type Clients = tuple[openai.AsyncOpenAI, anthropic.AsyncAnthropic]


@pytest.fixture
async def clients(sim: SimulatedProviders) -> AsyncIterator[Clients]:
    context = ssl.create_default_context(cafile=str(sim.ca_file))
    url = f"https://127.0.0.1:{sim.tls_port}"
    async with (
        openai.AsyncOpenAI(
            api_key="sk-x",
            base_url=f"{url}/v1",
            max_retries=0,
            http_client=openai.DefaultAsyncHttpxClient(verify=context, timeout=60),
        ) as first,
        anthropic.AsyncAnthropic(
            api_key="x",
            base_url=url,
            max_retries=0,
            http_client=anthropic.DefaultAsyncHttpxClient(verify=context, timeout=60),
        ) as second,
    ):
        yield first, second


async def test_a_moderation_names_what_it_flags(clients: Clients) -> None:
    done = await clients[0].moderations.create(input=["I love ships", "I will kill it"])
    assert [item.flagged for item in done.results] == [False, True]
    assert done.results[1].categories.violence


async def test_pictures_come_whole_and_as_they_are_drawn(clients: Clients) -> None:
    client = clients[0]
    whole = await client.images.generate(model="gpt-image-1", prompt="A ship", n=2)
    assert whole.data is not None
    assert len(whole.data) == 2
    assert whole.usage is not None
    assert whole.usage.output_tokens == 2 * 1056
    varied = await client.images.edit(model="dall-e-2", prompt="A sail", image=("a.png", b"\x89PNG"))
    assert varied.data is not None
    assert varied.data[0].revised_prompt == "In oil: A sail"
    drawn = await client.images.generate(model="gpt-image-1", prompt="A ship", stream=True, partial_images=2)
    assert [event.type async for event in drawn] == [
        "image_generation.partial_image",
        "image_generation.partial_image",
        "image_generation.completed",
    ]


async def test_text_is_spoken_and_sound_is_heard(clients: Clients) -> None:
    client = clients[0]
    sound = await client.audio.speech.create(model="tts-1", voice="alloy", input="Ships ahoy")
    assert len(sound.content) == 2 * 320
    file = ("talk.wav", WORDS)
    heard = await client.audio.transcriptions.create(model="gpt-4o-transcribe", file=file)
    assert heard.text == WORDS.decode()
    assert heard.usage is not None
    assert heard.usage.type == "tokens"
    verbose = await client.audio.transcriptions.create(model="whisper-1", file=file, response_format="verbose_json")
    assert verbose.duration == 1.0
    plain: Any = await client.audio.transcriptions.create(model="whisper-1", file=file, response_format="text")
    assert str(plain).strip() == WORDS.decode()
    stream = await client.audio.transcriptions.create(model="gpt-4o-transcribe", file=file, stream=True)
    events = [event async for event in stream]
    assert "".join(event.delta for event in events if event.type == "transcript.text.delta") == WORDS.decode()
    assert events[-1].type == "transcript.text.done"


async def test_a_batch_goes_up_and_its_results_come_down(clients: Clients) -> None:
    client = clients[0]
    file = await client.files.create(file=("in.jsonl", b'{"custom_id": "r1"}\n'), purpose="batch")
    assert (file.filename, file.bytes, file.purpose) == ("in.jsonl", 20, "batch")
    made = await client.batches.create(input_file_id=file.id, endpoint="/v1/responses", completion_window="24h")
    assert (made.status, made.endpoint) == ("validating", "/v1/responses")
    done = await client.batches.retrieve(made.id)
    assert done.status == "completed"
    assert [batch.status async for batch in client.batches.list()] == ["completed"]
    content = await client.files.content(done.output_file_id or "")
    assert content.text.count('"custom_id"') == 2


async def test_what_openai_keeps_is_fetched(clients: Clients) -> None:
    client = clients[0]
    fetched = await client.responses.retrieve("resp_7")
    assert (fetched.id, fetched.status) == ("resp_7", "completed")
    assert "tides" in fetched.output_text
    assert (await client.responses.input_tokens.count(model="gpt-5", input="Tell me about tides")).input_tokens > 0
    made = await client.conversations.create(metadata={"deck": "upper"})
    item: Any = {"type": "message", "role": "user", "content": "Ahoy"}
    kept = await client.conversations.items.create(made.id, items=[item])
    assert (kept.data[0].id or "").startswith("msg_")


async def test_messages_come_in_batches(clients: Clients) -> None:
    messages = clients[1].messages
    asked: Any = {"model": "claude-haiku-4-5", "max_tokens": 9, "messages": [{"role": "user", "content": "Ahoy"}]}
    made = await messages.batches.create(requests=[{"custom_id": "r1", "params": asked}])
    assert made.processing_status == "in_progress"
    done = await messages.batches.retrieve(made.id)
    assert done.processing_status == "ended"
    results = [item async for item in await messages.batches.results(made.id)]
    assert [item.result.type for item in results] == ["succeeded", "errored"]

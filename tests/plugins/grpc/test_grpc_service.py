"""The service with real clients: batches, streams and scans; how each request ends, and that it is counted."""

import asyncio
from collections.abc import AsyncIterator, Iterator
from typing import Any

import pytest

from midwatch_core import (
    LOCAL,
    AccessDeniedError,
    IntakeError,
    IntakeFullError,
    PlainCall,
    StorageUnavailableError,
)
from midwatch_grpc.proto.midwatch.v1 import calls_pb2, scan_pb2, service_pb2

from .conftest import SERVICE, Desk, Serve


def told(key: str | None = None, **changes: Any) -> calls_pb2.Call:
    return calls_pb2.Call(plain=calls_pb2.PlainCall(provider="acme", **changes), whose=calls_pb2.Whose(key=key))


def batch(*calls: calls_pb2.Call) -> service_pb2.IngestTracesRequest:
    return service_pb2.IngestTracesRequest(calls=calls)


def each(*calls: calls_pb2.Call) -> Iterator[service_pb2.StreamTracesRequest]:
    return (service_pb2.StreamTracesRequest(calls=[call]) for call in calls)


def trailing(error: Any) -> dict[str, str]:
    return dict(error.trailing_metadata())


async def test_a_batch_is_taken_whole_and_its_ids_come_in_order(desk: Desk, serve: Serve) -> None:
    async with serve() as line:
        answer = await line.ask("IngestTraces", batch(told(model="a"), told(model="b")))
    assert list(answer.ids) == ["id-0", "id-1"]
    assert desk.intake is not None
    assert [call.model for call in desk.intake.calls if isinstance(call, PlainCall)] == ["a", "b"]
    assert desk.intake.callers == [LOCAL]
    assert desk.intake.sources == {"grpc"}
    assert desk.counted() == {("IngestTraces", "OK"): 1}


async def test_a_stream_is_taken_in_batches_and_its_first_ids_are_told(desk: Desk, serve: Serve) -> None:
    async with serve() as line:
        answer = await line.stream(each(*[told(model=str(number)) for number in range(1500)]))
    assert answer.taken == 1500
    assert list(answer.ids) == [f"id-{number}" for number in range(1000)]
    assert desk.intake is not None
    assert [call.model for call in desk.intake.calls if isinstance(call, PlainCall)] == list(map(str, range(1500)))
    assert max(map(len, desk.intake.batches)) <= 200


async def test_a_message_of_a_stream_may_bring_many_calls(desk: Desk, serve: Serve) -> None:
    sent = [service_pb2.StreamTracesRequest(calls=[told()] * count) for count in (3, 0, 450, 1)]
    async with serve() as line:
        answer = await line.stream(iter(sent))
    assert answer.taken == 454


async def test_an_empty_stream_takes_nothing(serve: Serve) -> None:
    async with serve() as line:
        assert await line.stream(iter(())) == service_pb2.StreamTracesResponse()


async def test_what_came_is_taken_while_the_stream_is_still_open(desk: Desk, serve: Serve) -> None:
    seen = asyncio.Event()

    async def sent() -> AsyncIterator[service_pb2.StreamTracesRequest]:
        yield service_pb2.StreamTracesRequest(calls=[told()])
        await seen.wait()

    async def look() -> None:
        seen.set()

    assert desk.intake is not None
    desk.intake.wait = look
    async with serve() as line:
        assert (await line.stream(sent(), timeout=60)).taken == 1


@pytest.mark.parametrize(
    ("failure", "code"),
    [
        pytest.param(AccessDeniedError("the role viewer sends no calls"), "PERMISSION_DENIED", id="denied"),
        pytest.param(IntakeError("no"), "INVALID_ARGUMENT", id="refused"),
        pytest.param(IntakeFullError("the journal has no room"), "RESOURCE_EXHAUSTED", id="full"),
        pytest.param(StorageUnavailableError("away"), "UNAVAILABLE", id="store-away"),
    ],
)
async def test_what_intake_says_is_a_status(desk: Desk, serve: Serve, rpc: Any, failure: Exception, code: str) -> None:
    assert desk.intake is not None
    desk.intake.failures = [failure]
    async with serve() as line:
        with pytest.raises(rpc.aio.AioRpcError) as caught:
            await line.ask("IngestTraces", batch(told()))
    assert caught.value.code() is rpc.StatusCode[code]
    assert caught.value.details() == str(failure)
    assert desk.counted() == {("IngestTraces", code): 1}


async def test_a_fault_of_ours_tells_a_client_nothing_of_python(desk: Desk, serve: Serve, rpc: Any) -> None:
    assert desk.intake is not None
    desk.intake.failures = [ZeroDivisionError("the word xyzzy")]
    async with serve() as line:
        with pytest.raises(rpc.aio.AioRpcError) as caught:
            await line.ask("IngestTraces", batch(told()))
        assert (await line.ask("IngestTraces", batch(told()))).ids == ["id-0"]
    assert caught.value.code() is rpc.StatusCode.INTERNAL
    assert "xyzzy" not in caught.value.details()
    assert "ZeroDivision" not in caught.value.details()


async def test_a_batch_is_refused_with_the_index_of_the_call_at_fault(desk: Desk, serve: Serve, rpc: Any) -> None:
    async with serve() as line:
        for wrong in (told("bad"), calls_pb2.Call()):
            with pytest.raises(rpc.aio.AioRpcError) as caught:
                await line.ask("IngestTraces", batch(told(), told(), wrong))
            assert caught.value.code() is rpc.StatusCode.INVALID_ARGUMENT
            assert trailing(caught.value) == {"midwatch-index": "2"}
    assert desk.intake is not None
    assert desk.intake.calls == []


async def test_a_refused_stream_says_how_many_were_taken_and_a_client_goes_on_there(
    desk: Desk, serve: Serve, rpc: Any
) -> None:
    calls = [told(model=str(number)) for number in range(500)]
    calls[321].whose.key = "bad"
    async with serve() as line:
        with pytest.raises(rpc.aio.AioRpcError) as caught:
            await line.stream(each(*calls))
        assert caught.value.code() is rpc.StatusCode.INVALID_ARGUMENT
        said = trailing(caught.value)
        assert said["midwatch-index"] == "321"
        calls[321].whose.ClearField("key")
        assert (await line.stream(each(*calls[int(said["midwatch-taken"]) :]))).taken == 500 - int(
            said["midwatch-taken"]
        )
    assert desk.intake is not None
    assert [call.model for call in desk.intake.calls if isinstance(call, PlainCall)] == list(map(str, range(500)))


async def test_what_came_before_a_call_that_can_t_be_read_is_taken(desk: Desk, serve: Serve, rpc: Any) -> None:
    async with serve() as line:
        with pytest.raises(rpc.aio.AioRpcError) as caught:
            await line.stream(each(*[told()] * 7, calls_pb2.Call(), told()))
    assert trailing(caught.value) == {"midwatch-index": "7", "midwatch-taken": "7"}
    assert desk.intake is not None
    assert len(desk.intake.calls) == 7


async def test_a_stream_ends_with_its_client_s_deadline_and_is_counted(desk: Desk, serve: Serve, rpc: Any) -> None:
    never = asyncio.Event()

    async def sent() -> AsyncIterator[service_pb2.StreamTracesRequest]:
        yield service_pb2.StreamTracesRequest(calls=[told()])
        await never.wait()

    async with serve() as line:
        with pytest.raises(rpc.aio.AioRpcError) as caught:
            await line.stream(sent(), timeout=3)
        assert caught.value.code() is rpc.StatusCode.DEADLINE_EXCEEDED
        async with asyncio.timeout(60):
            while desk.counted() != {("StreamTraces", "CANCELLED"): 1}:
                await asyncio.sleep(0.01)


@pytest.mark.parametrize("method", ["IngestTraces", "Scan"])
async def test_bytes_that_are_no_message_are_refused(desk: Desk, serve: Serve, rpc: Any, method: str) -> None:
    async with serve() as line:
        with pytest.raises(rpc.aio.AioRpcError) as caught:
            await line.ask(method, b"\xff\xff\xff")
    assert caught.value.code() is rpc.StatusCode.INVALID_ARGUMENT
    assert caught.value.details() == f"not a midwatch.v1.{method}Request"
    assert desk.counted() == {(method, "INVALID_ARGUMENT"): 1}


async def test_bytes_in_a_stream_that_are_no_message_are_refused(serve: Serve, rpc: Any) -> None:
    async with serve() as line:
        ask = line.channel.stream_unary(f"{SERVICE}StreamTraces")
        with pytest.raises(rpc.aio.AioRpcError) as caught:
            await ask(iter([b"", b"\xff\xff\xff"]))
    assert caught.value.code() is rpc.StatusCode.INVALID_ARGUMENT


async def test_a_message_that_is_too_large_is_refused_packed_or_not(serve: Serve, rpc: Any) -> None:
    large = batch(told(model="x" * 100_000))
    async with serve(max_message_bytes=10_000) as line:
        with pytest.raises(rpc.aio.AioRpcError) as caught:
            await line.ask("IngestTraces", large)
        assert caught.value.code() is rpc.StatusCode.RESOURCE_EXHAUSTED
        with pytest.raises(rpc.aio.AioRpcError) as caught:
            await line.ask("IngestTraces", large, compression=rpc.Compression.Gzip)
        assert caught.value.code() is rpc.StatusCode.UNIMPLEMENTED


async def test_more_requests_at_once_than_are_served_may_come_again(desk: Desk, serve: Serve, rpc: Any) -> None:
    begun, end = asyncio.Event(), asyncio.Event()

    async def wait() -> None:
        begun.set()
        await end.wait()

    assert desk.intake is not None
    desk.intake.wait = wait
    # On one connection, gRPC would have the second wait for the first.
    own = [("grpc.use_local_subchannel_pool", 1)]
    async with serve(max_requests=1) as line, rpc.aio.insecure_channel(f"127.0.0.1:{line.port}", own) as other:
        first = asyncio.create_task(line.ask("IngestTraces", batch(told())))
        await begun.wait()
        with pytest.raises(rpc.aio.AioRpcError) as caught:
            await other.unary_unary(f"{SERVICE}Scan")(b"", timeout=60)
        assert caught.value.code() is rpc.StatusCode.RESOURCE_EXHAUSTED
        end.set()
        assert (await first).ids == ["id-0"]


async def test_a_scan_tells_what_each_text_shows(desk: Desk, serve: Serve) -> None:
    texts = [scan_pb2.ScanText(text="nothing"), scan_pb2.ScanText(text="a secret", part=calls_pb2.PART_TOOL_RESULT)]
    async with serve() as line:
        answer = await line.ask("Scan", service_pb2.ScanRequest(texts=texts))
    finding = scan_pb2.Finding(
        rule="pack/word", category="secret", severity=scan_pb2.SEVERITY_HIGH, confidence=0.5, message="in tool_result",
        owasp=["LLM02:2025"], start=2, end=8, evidence="s****t", kind="WORD", plugin="words",
        action=scan_pb2.ACTION_CUT,
    )  # fmt: skip
    assert list(answer.results) == [
        scan_pb2.Scanned(score=0.0, action=scan_pb2.ACTION_ALLOW),
        scan_pb2.Scanned(findings=[finding], score=0.5, action=scan_pb2.ACTION_BLOCK, failures=["slow"]),
    ]


async def test_too_much_to_scan_and_no_known_part_are_refused(serve: Serve, rpc: Any) -> None:
    async with serve() as line:
        for texts, said in (([scan_pb2.ScanText()] * 4, "3 at most"), ([scan_pb2.ScanText(part=99)], "part: 99")):  # type: ignore[arg-type]
            with pytest.raises(rpc.aio.AioRpcError) as caught:
                await line.ask("Scan", service_pb2.ScanRequest(texts=texts))
            assert caught.value.code() is rpc.StatusCode.INVALID_ARGUMENT
            assert said in caught.value.details()


async def test_what_a_process_has_not_is_not_implemented(desk: Desk, serve: Serve, rpc: Any) -> None:
    desk.intake = desk.scanner = None
    async with serve() as line:
        for method in ("IngestTraces", "Scan"):
            with pytest.raises(rpc.aio.AioRpcError) as caught:
                await line.ask(method, b"")
            assert caught.value.code() is rpc.StatusCode.UNIMPLEMENTED

"""The HTTP backend against a real socket: every way in which a request can end."""

from __future__ import annotations

import asyncio
import gc
import logging
import os
import pickle
import socket
import threading
import traceback
import weakref
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from convex_mastra import (
    AsyncConvexStore,
    AuthenticationError,
    ClosedError,
    ConfigurationError,
    ConnectError,
    ConnectionLostError,
    ConvexMastraError,
    ConvexStore,
    Event,
    FunctionError,
    FunctionNotFoundError,
    Message,
    Options,
    OutcomeUnknownError,
    ProtocolError,
    RateLimitedError,
    RequestRejectedError,
    StorageError,
    Thread,
    UnavailableError,
    UnsupportedOperationError,
    open_backend,
)
from convex_mastra.flow import run
from convex_mastra.ops.calls import call_storage
from convex_mastra.ops.target import Target
from convex_mastra.wire import Get as GetRequest
from tests.scripted import (
    ADMIN_KEY,
    Reply,
    ScriptedDeployment,
    failure,
    scripted_deployment,
    success,
)

ONE_TRY = Options(retry_attempts=1)
STORED = success({"ok": True, "result": None})
FULL_TEXT = (
    "[Request ID: abc123] Server Error\nUncaught Error: no good\n    at handler (x.ts:1:2)\n"
)


@pytest.fixture
def deployment() -> Iterator[ScriptedDeployment]:
    with scripted_deployment() as running:
        yield running


Get = Callable[..., Any]


@pytest.fixture(params=["sync", "async"])
def get_thread(request: pytest.FixtureRequest, deployment: ScriptedDeployment) -> Get:
    """``get_thread_by_id`` on either face; options may be given."""

    def sync(options: Options = ONE_TRY) -> Any:
        with ConvexStore(deployment.url, ADMIN_KEY, options=options) as store:
            return store.memory.get_thread_by_id("t")

    async def asynchronous(options: Options) -> Any:
        async with AsyncConvexStore(deployment.url, ADMIN_KEY, options=options) as store:
            return await store.memory.get_thread_by_id("t")

    if request.param == "sync":
        return sync
    return lambda options=ONE_TRY: asyncio.run(asynchronous(options))


def test_what_is_sent(get_thread: Get, deployment: ScriptedDeployment) -> None:
    deployment.answer_in_turn(STORED)
    assert get_thread() is None
    (seen,) = deployment.seen
    assert seen.path == "/api/mutation"
    assert seen.body == {
        "path": "mastra/storage:handle",
        "args": {"op": "load", "tableName": "mastra_threads", "keys": {"id": "t"}},
        "format": "json",
    }
    assert seen.headers["Authorization"] == f"Convex {ADMIN_KEY}"
    assert seen.headers["Content-Type"] == "application/json"
    name, _, version = seen.headers["Convex-Client"].rpartition("-")
    assert name == "convex-mastra"
    assert version.count(".") == 2


PLATFORM = [
    (400, {"code": "BadJsonBody", "message": "m"}, RequestRejectedError, "BadJsonBody"),
    (400, {"code": "BadFormat", "message": "m"}, ProtocolError, "BadFormat"),
    (401, {"code": "BadAdminKey", "message": "m"}, AuthenticationError, "BadAdminKey"),
    (403, {"code": "BadDeployKey", "message": "m"}, AuthenticationError, "BadDeployKey"),
    (404, b"", RequestRejectedError, None),
    (
        404,
        {"code": "FunctionPathNotFound", "message": "m"},
        FunctionNotFoundError,
        "FunctionPathNotFound",
    ),
    (302, b"", RequestRejectedError, None),
    (413, b"<html>too large</html>", RequestRejectedError, None),
    (408, b"", UnavailableError, None),
    (429, {"code": "TooManyWrites", "message": "m"}, RateLimitedError, "TooManyWrites"),
    (500, {"code": "InternalServerError", "message": "m"}, UnavailableError, "InternalServerError"),
    (502, b"<html>bad gateway</html>", UnavailableError, None),
    (503, {"code": "WorkerOverloaded", "message": "m"}, UnavailableError, "WorkerOverloaded"),
]


@pytest.mark.parametrize(("status", "body", "kind", "code"), PLATFORM)
def test_platform_errors(
    get_thread: Get, deployment: ScriptedDeployment, status: int, body: Any, kind: Any, code: Any
) -> None:
    deployment.answer_in_turn(Reply(body, status))
    with pytest.raises(kind) as caught:
        get_thread()
    assert type(caught.value) is kind
    assert caught.value.code == code
    assert caught.value.operation == "load mastra_threads"


FUNCTION = [
    (failure(FULL_TEXT), FunctionError, "no good", "abc123"),
    (failure("[Request ID: r1] Server Error"), FunctionError, "hides error texts", "r1"),
    (
        failure("[Request ID: r] Server Error\nCould not find public function for 'a:b'."),
        FunctionNotFoundError,
        "Could not find public function for 'a:b'.",
        "r",
    ),
    (
        failure("[Request ID: r] Server Error\nUncaught TypeError: x is undefined"),
        FunctionError,
        "x is undefined",
        "r",
    ),
    (success({"ok": False, "error": "broken"}), StorageError, "broken", None),
    (
        success({"ok": False, "error": "Unsupported operation omGetLatest"}),
        UnsupportedOperationError,
        "Unsupported operation omGetLatest",
        None,
    ),
    (success({"rows": []}), ProtocolError, "did not answer as a Mastra storage handler", None),
    (success({"ok": True, "result": 7}), ProtocolError, "returned no row", None),
    (Reply({"value": 1}), ProtocolError, "without a status", None),
    (Reply(b"<html>"), ProtocolError, "not JSON", None),
]


@pytest.mark.parametrize(("reply", "kind", "text", "request_id"), FUNCTION)
def test_function_errors(
    get_thread: Get,
    deployment: ScriptedDeployment,
    reply: Reply,
    kind: Any,
    text: str,
    request_id: str | None,
) -> None:
    deployment.answer_in_turn(reply)
    with pytest.raises(kind, match=text) as caught:
        get_thread(Options(retry_attempts=5))
    assert type(caught.value) is kind
    assert caught.value.request_id == request_id
    assert len(deployment.seen) == 1, "a function's failure is never retried"


def test_status_560_is_a_function_that_failed(get_thread: Get, deployment: Any) -> None:
    body = {"status": "error", "errorMessage": FULL_TEXT, "errorData": {"k": 1}}
    deployment.answer_in_turn(Reply(body, 560))
    with pytest.raises(FunctionError) as caught:
        get_thread()
    assert caught.value.data == {"k": 1}
    assert caught.value.message == "no good"


def test_transient_failures_are_retried(get_thread: Get, deployment: ScriptedDeployment) -> None:
    transient = [
        Reply({"code": "TooManyConcurrentRequests", "message": ""}, 429),
        Reply(cut=True),
        Reply(b"", 502),
    ]
    deployment.answer_in_turn(*transient, STORED)
    assert get_thread(Options(retry_attempts=4)) is None
    assert len(deployment.seen) == 4


def _create_schedule(url: str) -> Any:
    backend = open_backend(url, ADMIN_KEY, options=Options(retry_attempts=3))
    target = Target(backend.options.retry_policy())
    try:
        return run(call_storage(target, "createSchedule", "mastra_schedules", record={}), backend)
    finally:
        backend.close()


@pytest.mark.parametrize(
    "lost",
    [
        Reply(cut=True),
        Reply({"code": "InternalServerError", "message": ""}, 500),
        Reply({"code": "InternalServerError", "message": ""}, 503),
        Reply(b"<html>", 503),
        Reply(b"", 408),
    ],
)
def test_a_lost_reply_to_what_must_not_be_repeated(
    deployment: ScriptedDeployment, lost: Reply
) -> None:
    deployment.answer_in_turn(lost, STORED)
    with pytest.raises(OutcomeUnknownError, match="read back"):
        _create_schedule(deployment.url)
    assert len(deployment.seen) == 1


@pytest.mark.parametrize(
    "refused",
    [
        Reply({"code": "TooManyWrites", "message": ""}, 429),
        Reply({"code": "OptimisticConcurrencyControlFailure", "message": ""}, 503),
        Reply({"code": "VectorIndexTooLarge", "message": ""}, 503),
        Reply({"code": "TableSummariesUnavailable", "message": ""}, 503),
    ],
)
def test_what_certainly_was_not_applied_is_repeated(
    deployment: ScriptedDeployment, refused: Reply
) -> None:
    deployment.answer_in_turn(refused, STORED)
    _create_schedule(deployment.url)
    assert len(deployment.seen) == 2


def test_nobody_there(unused_tcp_port: int) -> None:
    store = ConvexStore(f"http://127.0.0.1:{unused_tcp_port}", ADMIN_KEY, options=ONE_TRY)
    with store, pytest.raises(ConnectError) as caught:
        store.memory.get_thread_by_id("t")
    assert caught.value.applied is False


def test_silence_is_a_time_out(get_thread: Get, deployment: ScriptedDeployment) -> None:
    release = threading.Event()

    def hang(_seen: Any) -> Reply:
        release.wait(10)
        return STORED

    deployment.script = hang
    try:
        with pytest.raises(ConnectionLostError) as caught:
            get_thread(Options(retry_attempts=1, timeout_s=0.05))
    finally:
        release.set()
    assert caught.value.applied is None
    assert caught.value.code == "ReadTimeout"


def test_events_tell_of_every_attempt(get_thread: Get, deployment: ScriptedDeployment) -> None:
    deployment.answer_in_turn(Reply(b"", 502), STORED)
    events: list[Event] = []
    get_thread(Options(retry_attempts=2, on_event=events.append))
    assert [(event.operation, event.attempt) for event in events] == [
        ("load mastra_threads", 1),
        ("load mastra_threads", 2),
    ]
    assert isinstance(events[0].error, UnavailableError)
    assert events[1].error is None
    assert all(event.elapsed_s > 0 and event.request_bytes > 100 for event in events)
    assert events[1].response_bytes > 0


def test_a_hook_that_raises_does_not_harm(
    get_thread: Get, deployment: ScriptedDeployment, caplog: pytest.LogCaptureFixture
) -> None:
    def hook(_event: Event) -> None:
        raise RuntimeError("mine")

    deployment.answer_in_turn(STORED)
    assert get_thread(Options(on_event=hook)) is None
    assert "on_event raised" in caplog.text


def test_no_more_in_flight_than_allowed(deployment: ScriptedDeployment) -> None:
    never = threading.Event()

    def answer(_seen: Any) -> Reply:
        never.wait(0.02)  # linger, so that more could pile up if they were let
        return success({"ok": True, "result": []})

    deployment.script = answer
    ids = [f"m{i}" for i in range(100)]
    with ConvexStore(deployment.url, ADMIN_KEY, options=Options(max_in_flight=3)) as store:
        store.memory.list_messages_by_id(ids)
    assert len(deployment.seen) == 10
    assert 2 <= deployment.most_running <= 3

    async def main() -> None:
        async with AsyncConvexStore(
            deployment.url, ADMIN_KEY, options=Options(max_in_flight=3)
        ) as store:
            await store.memory.list_messages_by_id(ids)

    deployment.most_running = 0
    asyncio.run(main())
    assert 2 <= deployment.most_running <= 3


def test_saving_and_touching_is_one_wait(deployment: ScriptedDeployment) -> None:
    both = threading.Barrier(2, timeout=5)

    def answer(_seen: Any) -> Reply:
        both.wait()  # neither answers before both have arrived
        return STORED

    deployment.script = answer
    message = Message.from_text("hi", thread_id="t", resource_id="r")
    with ConvexStore(deployment.url, ADMIN_KEY, options=ONE_TRY) as store:
        store.memory.save_messages([message])
    assert {seen.body["args"]["op"] for seen in deployment.seen} == {"batchInsert", "patch"}


def test_sync_inside_a_running_loop(deployment: ScriptedDeployment) -> None:
    deployment.answer_in_turn(STORED)

    async def main() -> None:
        with ConvexStore(deployment.url, ADMIN_KEY) as store:
            assert store.memory.get_thread_by_id("t") is None

    asyncio.run(main())


def test_two_loops_one_after_the_other(deployment: ScriptedDeployment) -> None:
    deployment.answer_in_turn(STORED)
    store = AsyncConvexStore(deployment.url, ADMIN_KEY)

    async def main() -> None:
        assert await store.memory.get_thread_by_id("t") is None

    asyncio.run(main())
    asyncio.run(main())  # an unclosed socket of the first loop would be a ResourceWarning
    asyncio.run(store.aclose())
    with pytest.raises(ClosedError):
        asyncio.run(main())


def test_cancellation_amid_a_batch(deployment: ScriptedDeployment) -> None:
    arrived, release = threading.Event(), threading.Event()

    def hang(_seen: Any) -> Reply:
        arrived.set()
        release.wait(10)
        return STORED

    deployment.script = hang
    messages = [Message.from_text("x" * 300_000, thread_id="t", resource_id="r") for _ in range(20)]

    async def main() -> None:
        async with AsyncConvexStore(deployment.url, ADMIN_KEY) as store:
            saving = asyncio.create_task(store.memory.save_messages(messages))
            await asyncio.to_thread(arrived.wait, 5)
            saving.cancel()
            with pytest.raises(asyncio.CancelledError):
                await saving
            release.set()
            deployment.answer_in_turn(STORED)
            assert await store.memory.get_thread_by_id("t") is None, "the pool is still good"

    try:
        asyncio.run(main())
    finally:
        release.set()


def test_closed_stays_closed(deployment: ScriptedDeployment) -> None:
    store = ConvexStore(deployment.url, ADMIN_KEY)
    store.close()
    store.close()
    with pytest.raises(ClosedError):
        store.memory.get_thread_by_id("t")


def test_closing_amid_a_batch_ends_it(deployment: ScriptedDeployment) -> None:
    arrived, release = threading.Event(), threading.Event()

    def hang(_seen: Any) -> Reply:
        arrived.set()
        release.wait(10)
        return success({"ok": True, "result": []})

    deployment.script = hang
    store = ConvexStore(deployment.url, ADMIN_KEY, options=Options(max_in_flight=2))
    ended: list[BaseException] = []

    def read() -> None:
        try:
            store.memory.list_messages_by_id([f"m{i}" for i in range(100)])
        except ConvexMastraError as error:
            ended.append(error)

    reader = threading.Thread(target=read, daemon=True)
    reader.start()
    try:
        assert arrived.wait(5)
        store.close()
    finally:
        release.set()
    reader.join(5)
    assert [type(error) for error in ended] == [ClosedError]


def test_no_proxy_sees_what_goes_to_this_machine(
    deployment: ScriptedDeployment, monkeypatch: pytest.MonkeyPatch
) -> None:
    deployment.answer_in_turn(STORED)
    with scripted_deployment() as proxy:
        for name in ("HTTP_PROXY", "http_proxy", "ALL_PROXY"):
            monkeypatch.setenv(name, proxy.url)
        monkeypatch.delenv("NO_PROXY", raising=False)
        monkeypatch.delenv("no_proxy", raising=False)
        with ConvexStore(deployment.url, ADMIN_KEY, options=ONE_TRY) as store:
            assert store.memory.get_thread_by_id("t") is None
        assert proxy.seen == []


@pytest.mark.filterwarnings("ignore:unclosed:ResourceWarning")
def test_loops_that_close_no_generators_are_forgotten(deployment: ScriptedDeployment) -> None:
    deployment.answer_in_turn(STORED)
    store = AsyncConvexStore(deployment.url, ADMIN_KEY)
    loops = []
    for _ in range(4):
        loop = asyncio.new_event_loop()
        loop.run_until_complete(store.memory.get_thread_by_id("t"))
        loop.close()
        loops.append(weakref.ref(loop))
        del loop
    gc.collect()
    assert [loop() is None for loop in loops] == [True, True, True, False]
    del store
    gc.collect()
    assert loops[3]() is None


def test_ended_loops_are_forgotten(deployment: ScriptedDeployment) -> None:
    deployment.answer_in_turn(STORED)
    store = AsyncConvexStore(deployment.url, ADMIN_KEY)
    loops = []

    async def main() -> None:
        loops.append(weakref.ref(asyncio.get_running_loop()))
        await store.memory.get_thread_by_id("t")

    for _ in range(3):
        asyncio.run(main())
    gc.collect()
    assert [loop() for loop in loops] == [None] * 3
    asyncio.run(store.aclose())


def test_a_shared_backend_is_left_open(deployment: ScriptedDeployment) -> None:
    deployment.answer_in_turn(STORED)
    backend = open_backend(deployment.url, ADMIN_KEY)
    with ConvexStore(backend=backend):
        pass
    with ConvexStore(backend=backend) as store:
        assert store.memory.get_thread_by_id("t") is None
    with pytest.raises(ConfigurationError):
        ConvexStore(deployment.url, backend=backend)
    backend.close()


def test_a_child_process_opens_its_own_connections(deployment: ScriptedDeployment) -> None:
    deployment.answer_in_turn(STORED)
    with ConvexStore(deployment.url, ADMIN_KEY) as store:
        store.memory.get_thread_by_id("t")
        child = os.fork()
        if child == 0:
            try:
                ok = store.memory.get_thread_by_id("t") is None
                os._exit(0 if ok else 1)
            except BaseException:
                traceback.print_exc()
                os._exit(2)
        assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0
        assert store.memory.get_thread_by_id("t") is None, "the parent's connection is unharmed"


def test_the_key_is_in_no_output(
    deployment: ScriptedDeployment, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    seen: list[str] = []

    def keep(value: object) -> None:
        seen.extend([repr(value), str(value)])

    events: list[Event] = []
    options = Options(retry_attempts=1, on_event=events.append)
    with ConvexStore(deployment.url, ADMIN_KEY, options=options) as store:
        for reply in (Reply(b"", 401), Reply(cut=True), failure("x"), Reply(b"<")):
            deployment.answer_in_turn(reply)
            with pytest.raises(ConvexMastraError) as caught:
                store.memory.get_thread_by_id("t")
            keep(caught.value)
            keep(vars(caught.value))
            seen.append("".join(traceback.format_exception(caught.value)))
        keep(store)
        keep(store.backend)
        keep(store.memory)
        keep(vars(store))
        keep(vars(store.backend))
        keep(events)
        for holder in (store, store.backend):
            with pytest.raises(TypeError):
                pickle.dumps(holder)
    seen.append(caplog.text)
    assert not [text for text in seen if ADMIN_KEY in text or "0123456789abcdef" in text]


QUOTING = (
    failure(f"[Request ID: {ADMIN_KEY}] Server Error\nUncaught Error: no {ADMIN_KEY}"),
    failure("Uncaught ConvexError: x", errorData={ADMIN_KEY: ["0123456789abcdef"]}),
    Reply({"code": ADMIN_KEY, "message": f"Convex {ADMIN_KEY} is wrong"}, 401),
    Reply({"code": "Overloaded", "message": f"Convex {ADMIN_KEY} waits"}, 503),
    success({"ok": False, "error": ADMIN_KEY, "code": ADMIN_KEY, "details": {"key": ADMIN_KEY}}),
)


@pytest.mark.parametrize("reply", QUOTING)
def test_a_key_that_the_server_quotes_is_hidden(
    get_thread: Get, deployment: ScriptedDeployment, reply: Reply
) -> None:
    deployment.answer_in_turn(reply)
    events: list[Event] = []
    with pytest.raises(ConvexMastraError) as caught:
        get_thread(Options(retry_attempts=1, on_event=events.append))
    error = caught.value
    text = "".join(map(str, (traceback.format_exception(error), vars(error), error.args, events)))
    assert "0123456789abcdef" not in text
    assert "***" in text


def test_a_key_in_a_broken_answer_is_hidden() -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:

        def answer() -> None:
            connection, _ = listener.accept()
            with connection:
                connection.recv(65536)
                connection.sendall(f"HTTP/1.1 {ADMIN_KEY}\r\n\r\n".encode())

        thread = threading.Thread(target=answer)
        thread.start()
        url = f"http://127.0.0.1:{listener.getsockname()[1]}"
        with (
            ConvexStore(url, ADMIN_KEY, options=ONE_TRY) as store,
            pytest.raises(ConnectionLostError, match=r"\*\*\*") as caught,
        ):
            store.memory.get_thread_by_id("t")
        thread.join()
    assert "0123456789abcdef" not in str(caught.value)


def test_a_key_that_is_stored_comes_back(get_thread: Get, deployment: ScriptedDeployment) -> None:
    row = {"id": ADMIN_KEY, "resourceId": "r", "title": ADMIN_KEY, "createdAt": "", "updatedAt": ""}
    deployment.answer_in_turn(success({"ok": True, "result": {**row, "_creationTime": 0.0}}))
    assert get_thread().title == ADMIN_KEY


@pytest.mark.parametrize("face", ["sync", "async"])
def test_an_endpoint_is_looked_at(deployment: ScriptedDeployment, face: str) -> None:
    events: list[Event] = []

    def get(path: str) -> Any:
        backend = open_backend(deployment.url, ADMIN_KEY, options=Options(on_event=events.append))
        if face == "sync":
            try:
                return backend.send(GetRequest(path))
            finally:
                backend.close()

        async def asynchronous() -> Any:
            try:
                return await backend.asend(GetRequest(path))
            finally:
                await backend.aclose()

        return asyncio.run(asynchronous())

    deployment.answer_in_turn(Reply("1.2 é".encode()), Reply({"code": "C", "message": "m"}, 403))
    assert get("/version") == "1.2 é"
    with pytest.raises(AuthenticationError) as caught:
        get("/api/x?limit=1")
    assert (caught.value.code, caught.value.operation) == ("C", "GET /api/x?limit=1")
    assert [(seen.method, seen.path) for seen in deployment.seen] == [
        ("GET", "/version"),
        ("GET", "/api/x?limit=1"),
    ]
    assert deployment.seen[0].headers["Authorization"] == f"Convex {ADMIN_KEY}"
    assert "Content-Length" not in deployment.seen[0].headers
    assert [event.operation for event in events] == ["GET /version", "GET /api/x?limit=1"]
    deployment.answer_in_turn(Reply("no function ran", 560))
    with pytest.raises(UnavailableError):
        get("/version")


def test_a_host_that_none_can_be_called() -> None:
    for url in ("https://two..dots", f"https://{'a' * 64}.com", "https://xn--a", "https://☃.net"):
        with pytest.raises(ConfigurationError, match="no URL"):
            open_backend(url, ADMIN_KEY)


@pytest.fixture
def unused_tcp_port() -> int:
    with socket.socket() as one:
        one.bind(("127.0.0.1", 0))
        port: int = one.getsockname()[1]
        return port


def test_saving_a_thread(deployment: ScriptedDeployment) -> None:
    deployment.answer_in_turn(STORED)
    with ConvexStore(deployment.url, ADMIN_KEY) as store:
        store.memory.save_thread(Thread(id="t", resource_id="r"))
    record = deployment.seen[0].body["args"]["record"]
    assert record["title"] == ""
    assert record["metadata"] == {}
    assert record["createdAt"].endswith("Z")
    assert len(record["createdAt"]) == 24

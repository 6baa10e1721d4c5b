"""``store.inspect()``: every kind of broken deployment is a finding, and nothing is changed."""

from __future__ import annotations

import asyncio
import copy
import json
import pickle
import socket
import sqlite3
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import msgspec
import pytest

from convex_mastra import (
    AsyncConvexStore,
    ClosedError,
    ConvexStore,
    Inspection,
    Message,
    Options,
    Thread,
)
from convex_mastra.ops.abilities import ABILITIES, NOWHERE
from tests.scripted import (
    ADMIN_KEY,
    Reply,
    Script,
    ScriptedDeployment,
    Seen,
    failure,
    scripted_deployment,
    success,
)

SECRET = ADMIN_KEY.partition("|")[2]
BAD_KEY = Reply({"code": "BadAdminKey", "message": "The provided admin key was invalid"}, 401)
NO_KEY = Reply({"code": "BadDeployKey", "message": "The provided deploy key was invalid"}, 403)
NOT_PERMITTED = {
    "code": "OperationNotPermitted",
    "message": "You do not have permission to perform this operation (deployment:data:view).",
}
HIDDEN = failure("[Request ID: 0123] Server Error\n")
HTML = b"<!doctype html><html><body>It works!</body></html>"
STORAGE = "mastra/storage:handle"
FUNCTIONS = {
    STORAGE: "Mutation",
    "mastra/cache:handle": "Mutation",
    "mastra/nativeVector:query": "Action",
    "mastra/nativeVector:read": "Query",
    "mastra/nativeVector:write": "Mutation",
    "convex_mastra/vectors:search": "Query",
    "convex_mastra/vectors:count": "Query",
    "convex_mastra/messages:recent": "Query",
    "convex_mastra/documents:page": "Query",
    "convex_mastra/documents:ranges": "Query",
    "convex_mastra/documents:load": "Query",
    "convex_mastra/documents:write": "Mutation",
    "convex_mastra/documents:remove": "Mutation",
}
CORE = [
    "mastra_threads",
    "mastra_messages",
    "mastra_resources",
    "mastra_workflow_snapshots",
    "mastra_scorers",
    "mastra_vector_indexes",
    "mastra_vectors",
    "mastra_documents",
]
TABLES = [*CORE, *(table for a in ABILITIES for table in a.tables)]
CACHE_TABLES = ["mastra_cache", "mastra_cache_list_items"]
SINCE_1_2_0 = {"patch", "listDueSchedules"}
SINCE_1_2_1 = SINCE_1_2_0 | {"loadMany"}
SINCE_1_4_0 = SINCE_1_2_1 | {"omGetLatest"}


def convex(
    *,
    operations: set[str] = SINCE_1_4_0,
    functions: dict[str, str] = FUNCTIONS,
    tables: list[str] = [*TABLES, *CACHE_TABLES],  # noqa: B006 - never changed
    lists: bool = True,
    hides: bool = False,
    **routes: Reply,
) -> Script:
    """A healthy deployment; *routes* replace an answer by the last part of its path."""

    def fail(text: str) -> Reply:
        return HIDDEN if hides else failure(f"[Request ID: 0123] Server Error\n{text}\n")

    def storage(args: dict[str, Any]) -> Reply:
        if args["op"] not in operations | {"load"}:
            return success({"ok": False, "error": f"Unsupported operation {args['op']}"})
        if args["op"] == "omGetLatest" and "mastra_observational_memory" not in tables:
            return fail('Uncaught Error: Cannot use index "by_lookup_key"')
        return success({"ok": True, "result": None})

    def call(kind: str, path: str, args: dict[str, Any]) -> Reply:
        if path.startswith("_system/") and not lists:
            return fail("Operation query not permitted")
        if path == "_system/cli/tables:default":
            page = [{"name": name} for name in tables]
            return success({"page": page, "isDone": True, "continueCursor": "end"})
        if path == "_system/cli/modules:apiSpec":
            listed: list[Any] = [
                {"identifier": name.replace(":", ".js:"), "functionType": kind}
                for name, kind in functions.items()
            ]
            return success([*listed, {"functionType": "HttpAction", "method": "GET"}])
        if path not in functions:
            return fail(f"Could not find public function for '{path}'.")
        if functions[path].lower() != kind:
            return fail(f"Trying to execute {path} as {kind}, but it is defined as otherwise.")
        return storage(args) if path == STORAGE else fail("ArgumentValidationError: no argument")

    def script(seen: Seen) -> Reply:
        route = seen.path.partition("?")[0].rpartition("/")[2]
        if route in routes:
            return routes[route]
        if route == "version":
            return Reply(b"precompiled-2026-01-01-abc")
        if route == "check_admin_key":
            return Reply({"success": True, "allowedOps": ["ViewData"], "isReadOnly": False})
        if route == "list_active_syncs":
            return Reply({"syncs": []})
        return call(route, seen.body["path"], seen.body["args"])

    return script


@pytest.fixture
def deployment() -> Iterator[ScriptedDeployment]:
    with scripted_deployment() as running:
        running.script = convex()
        yield running


Inspect = Callable[..., Inspection]


@pytest.fixture(params=["sync", "async"])
def inspect(request: pytest.FixtureRequest) -> Inspect:
    """Inspect a place on either face, and see that no form of what is found shows the key."""

    def sync(url: str, key: str | None, **kwargs: Any) -> Inspection:
        with ConvexStore(url, key, **kwargs) as store:
            return store.inspect()

    async def asynchronous(url: str, key: str | None, **kwargs: Any) -> Inspection:
        async with AsyncConvexStore(url, key, **kwargs) as store:
            return await store.inspect()

    def run(url: str, key: str | None = ADMIN_KEY, **kwargs: Any) -> Inspection:
        if request.param == "sync":
            found = sync(url, key, **kwargs)
        else:
            found = asyncio.run(asynchronous(url, key, **kwargs))
        text = msgspec.json.encode(found).decode()
        assert SECRET not in f"{found} {found!r} {text}"
        assert pickle.loads(pickle.dumps(found)) == copy.deepcopy(found) == found
        assert found.ok is (not found.problems)
        for problem in found.problems:
            assert problem.code in str(found)
            assert problem.what.endswith(".")
            assert problem.remedy.endswith(".")
        return found

    return run


def codes(found: Inspection) -> list[str]:
    return [problem.code for problem in found.problems]


def test_a_healthy_deployment(inspect: Inspect, deployment: ScriptedDeployment) -> None:
    found = inspect(deployment.url)
    assert codes(found) == []
    assert (found.reachable, found.is_convex, found.key_accepted) == (True, True, True)
    assert found.server_version == "precompiled-2026-01-01-abc"
    assert (found.key_read_only, found.key_operations) == (False, ("ViewData",))
    assert found.storage_version == "1.4.0"
    assert found.abilities == {ability.name: True for ability in ABILITIES}
    assert found.functions == dict.fromkeys(FUNCTIONS, True)
    assert found.tables == dict.fromkeys([*TABLES, *CACHE_TABLES], True)
    assert (found.function_listing, found.table_listing, found.streaming_export) == (True,) * 3
    assert {check.state for check in found.checks} == {"ok"}
    assert str(found).count("\n") == len(found.checks) - 1
    with pytest.raises(AttributeError):
        found.reachable = False  # type: ignore[misc]


def test_nothing_that_is_sent_could_change_anything(
    inspect: Inspect, deployment: ScriptedDeployment
) -> None:
    for script in (convex(), convex(lists=False), convex(operations=set())):
        deployment.script = script
        inspect(deployment.url)
    reads = {"load", "loadMany", "listDueSchedules", "omGetLatest"}
    for seen in deployment.seen:
        if seen.path == "/api/mutation":
            args = seen.body["args"]
            assert seen.body["path"] == STORAGE
            of_nothing = args["op"] == "patch" and args["id"] == NOWHERE and args["record"] == {}
            assert args["op"] in reads or of_nothing
        else:
            assert seen.method == "GET" or seen.path == "/api/query"
        assert "sync" not in seen.path.split("/")


def test_the_key_is_wrong(inspect: Inspect, deployment: ScriptedDeployment) -> None:
    deployment.script = convex(check_admin_key=BAD_KEY, mutation=BAD_KEY, query=BAD_KEY)
    found = inspect(deployment.url)
    assert codes(found) == ["key_refused"]
    assert (found.is_convex, found.key_accepted, found.storage_version) == (True, False, None)
    assert len(deployment.seen) == 3


def test_the_key_does_not_arrive(inspect: Inspect, deployment: ScriptedDeployment) -> None:
    """Public functions answer without one, so only the check shows it."""
    deployment.script = convex(check_admin_key=NO_KEY, lists=False)
    assert codes(inspect(deployment.url)) == ["key_refused"]


@pytest.mark.parametrize(
    "reply",
    [
        Reply(HTML),
        Reply(HTML, 404),
        Reply(HTML, 403),
        Reply(HTML, 302),
        Reply({"error": "not found"}, 404),
        Reply({"status": "fine"}),
        Reply([]),
        Reply(b""),
        Reply(ADMIN_KEY.encode()),
        Reply({"code": None, "message": ADMIN_KEY}, 401),
    ],
)
def test_not_a_convex_deployment(
    inspect: Inspect, deployment: ScriptedDeployment, reply: Reply
) -> None:
    deployment.script = lambda _seen: reply
    found = inspect(deployment.url)
    assert codes(found) == ["not_convex"]
    assert (found.reachable, found.is_convex, found.server_version) == (True, False, None)
    assert len(deployment.seen) == 3


def test_nothing_listens(inspect: Inspect) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        url = f"http://127.0.0.1:{taken.getsockname()[1]}"
    found = inspect(url)
    assert codes(found) == ["unreachable"]
    assert (found.reachable, found.is_convex) == (False, None)
    assert url in found.problems[0].what


def test_the_host_does_not_resolve(inspect: Inspect) -> None:
    assert codes(inspect("https://no.such.host.invalid")) == ["unreachable"]


def test_connections_are_cut(inspect: Inspect, deployment: ScriptedDeployment) -> None:
    deployment.script = lambda _seen: Reply(cut=True)
    assert codes(inspect(deployment.url)) == ["unreachable"]
    assert len(deployment.seen) == 2


@pytest.mark.parametrize("body", [HTML, {"code": "WorkerOverloaded", "message": "m"}])
def test_the_deployment_is_down(
    inspect: Inspect, deployment: ScriptedDeployment, body: Any
) -> None:
    deployment.script = lambda _seen: Reply(body, 503)
    found = inspect(deployment.url)
    assert codes(found) == ["unavailable"]
    assert "503" in found.problems[0].what
    assert len(deployment.seen) == 6, "each request is tried twice"


@pytest.mark.parametrize("lists", [True, False])
def test_no_functions_are_deployed(
    inspect: Inspect, deployment: ScriptedDeployment, lists: bool
) -> None:
    deployment.script = convex(functions={}, tables=[], lists=lists)
    found = inspect(deployment.url)
    assert codes(found) == (["storage_missing", "table_missing"] if lists else ["storage_missing"])
    assert found.functions == dict.fromkeys(FUNCTIONS, False)
    assert found.function_listing is lists
    assert found.tables == dict.fromkeys([*TABLES, *CACHE_TABLES], False if lists else None)
    assert found.storage_version is None


@pytest.mark.parametrize("lists", [True, False])
def test_what_is_optional_may_be_missing(
    inspect: Inspect, deployment: ScriptedDeployment, lists: bool
) -> None:
    deployment.script = convex(
        functions={STORAGE: "Mutation"},
        tables=TABLES,
        lists=lists,
        list_active_syncs=Reply({"code": "StreamingExportNotEnabled", "message": "m"}, 403),
    )
    found = inspect(deployment.url)
    assert codes(found) == []
    assert [path for path, there in found.functions.items() if there] == [STORAGE]
    assert (found.function_listing, found.streaming_export) == (lists, False)
    assert "problem" not in {check.state for check in found.checks}


def test_functions_are_found_without_a_list(
    inspect: Inspect, deployment: ScriptedDeployment
) -> None:
    deployment.script = convex(lists=False)
    found = inspect(deployment.url)
    assert codes(found) == []
    assert found.functions == dict.fromkeys(FUNCTIONS, True)
    assert set(found.tables.values()) == {None}


def test_error_texts_are_hidden(inspect: Inspect, deployment: ScriptedDeployment) -> None:
    """Then a missing function looks like any failure, and nothing must be claimed of it."""
    deployment.script = convex(hides=True, lists=False)
    found = inspect(deployment.url)
    assert codes(found) == []
    assert found.functions == {path: True if path == STORAGE else None for path in FUNCTIONS}
    deployment.script = convex(hides=True, lists=False, functions={})
    found = inspect(deployment.url)
    assert codes(found) == ["storage_unclear"]
    assert set(found.functions.values()) == {None}
    deployment.script = convex(hides=True, functions={})
    assert codes(inspect(deployment.url)) == ["storage_missing"]


@pytest.mark.parametrize(
    ("operations", "version", "missing"),
    [
        (set(), "1.0", "1.2.0 and knows no schedules, channels, background tasks, atomic updates"),
        (SINCE_1_2_0, "1.2.0", "1.2.1 and knows no atomic updates, observational memories."),
        (SINCE_1_2_1, "1.2.1", "1.4.0 and knows no observational memories."),
    ],
)
def test_an_old_handler(
    inspect: Inspect,
    deployment: ScriptedDeployment,
    operations: set[str],
    version: str,
    missing: str,
) -> None:
    tables = [*CORE, *(t for a in ABILITIES if a.since <= version for t in a.tables)]
    functions = {STORAGE: "Mutation"}
    deployment.script = convex(operations=operations, functions=functions, tables=tables)
    found = inspect(deployment.url)
    assert codes(found) == ["storage_outdated"], "tables that came later are not missed"
    assert missing in found.problems[0].what
    assert "1.4.0 or later" in found.problems[0].remedy
    assert found.storage_version == version


@pytest.mark.parametrize("hides", [True, False])
@pytest.mark.parametrize("lists", [True, False])
def test_a_table_is_missing(
    inspect: Inspect, deployment: ScriptedDeployment, lists: bool, hides: bool
) -> None:
    tables = [name for name in TABLES if name != "mastra_observational_memory"]
    functions = {STORAGE: "Mutation"}
    deployment.script = convex(functions=functions, tables=tables, lists=lists, hides=hides)
    found = inspect(deployment.url)
    assert codes(found) == ["table_missing" if lists else "table_failing"]
    assert ("mastra_observational_memory" if lists else "observational") in found.problems[0].what
    assert found.storage_version == "1.4.0"


def test_the_cache_lacks_its_tables(inspect: Inspect, deployment: ScriptedDeployment) -> None:
    deployment.script = convex(tables=TABLES)
    found = inspect(deployment.url)
    assert codes(found) == ["table_missing"]
    assert all(name in found.problems[0].what for name in CACHE_TABLES)


def test_the_key_may_only_read(inspect: Inspect, deployment: ScriptedDeployment) -> None:
    key = Reply({"success": True, "allowedOps": ["ViewData"], "isReadOnly": True})
    deployment.script = convex(check_admin_key=key)
    found = inspect(deployment.url)
    assert codes(found) == ["key_read_only"]
    assert (found.key_accepted, found.key_read_only) == (True, True)


@pytest.mark.parametrize("refusal", [Reply(NOT_PERMITTED, 403), failure(NOT_PERMITTED["message"])])
def test_the_key_is_limited(
    inspect: Inspect, deployment: ScriptedDeployment, refusal: Reply
) -> None:
    deployment.script = convex(
        check_admin_key=Reply(NOT_PERMITTED, 403),
        mutation=refusal,
        query=refusal,
        list_active_syncs=Reply(NOT_PERMITTED, 403),
    )
    found = inspect(deployment.url)
    assert codes(found) == ["key_limited"]
    assert (found.key_accepted, found.function_listing, found.streaming_export) == (
        True,
        False,
        False,
    )
    assert set(found.functions.values()) == {None}


def test_another_function_is_named(inspect: Inspect, deployment: ScriptedDeployment) -> None:
    path = "mastra/cache:handle"
    healthy = convex()

    def script(seen: Seen) -> Reply:
        if seen.path == "/api/mutation":
            return success({"ok": False, "error": "Unsupported operation load"})
        return healthy(seen)

    deployment.script = script
    found = inspect(deployment.url, storage_function=path)
    assert codes(found) == ["storage_foreign"]
    assert path in found.problems[0].what
    deployment.script = convex(mutation=success("hello"))
    assert codes(inspect(deployment.url)) == ["storage_foreign"]


@pytest.mark.parametrize("path", ["agents/storage", "agents/storage.js:default"])
def test_paths_are_compared_in_one_form(
    inspect: Inspect, deployment: ScriptedDeployment, path: str
) -> None:
    functions = {"agents/storage:default": "Mutation"}
    deployment.script = convex(functions=functions, mutation=success({"ok": True}))
    assert inspect(deployment.url, storage_function=path).functions[path] is True


def test_the_deployment_is_paused(inspect: Inspect, deployment: ScriptedDeployment) -> None:
    text = "Cannot run functions while this deployment is paused. Resume it."
    deployment.script = convex(mutation=failure(f"[Request ID: 1] Server Error\n{text}\n"))
    found = inspect(deployment.url)
    assert codes(found) == ["storage_failing"]
    assert text in found.problems[0].what


JUNK = [
    Reply(HTML),
    Reply(HTML, 500),
    Reply({}),
    Reply({"status": "success", "value": None}),
    Reply({"status": "success", "value": [None, {"identifier": 3}, {"name": []}]}),
    Reply({"status": "success", "value": {"page": 7, "isDone": True}}),
    Reply({"status": "error"}),
    Reply({"success": True, "allowedOps": 5, "isReadOnly": "yes"}),
    Reply({"code": "Odd", "message": 5}, 418),
    Reply(b"\xff\xfe\x00"),
    Reply(b"[" * 100_000),
]


@pytest.mark.parametrize(
    "route", ["version", "check_admin_key", "mutation", "query", "list_active_syncs"]
)
@pytest.mark.parametrize("junk", JUNK, ids=range(len(JUNK)))
def test_no_answer_makes_it_raise(deployment: ScriptedDeployment, route: str, junk: Reply) -> None:
    deployment.script = convex(**{route: junk})
    with ConvexStore(deployment.url, ADMIN_KEY, options=Options(retry_attempts=1)) as store:
        found = store.inspect()
    assert found.reachable
    assert str(found)
    json.loads(msgspec.json.encode(found))


def test_what_was_remembered_is_replaced(deployment: ScriptedDeployment) -> None:
    with ConvexStore(deployment.url, ADMIN_KEY) as store:
        deployment.script = convex(operations=set(), functions={STORAGE: "Mutation"})
        assert "storage_outdated" in codes(store.inspect())
        assert set(store.backend.abilities.values()) == {False}
        assert "mastra/cache:handle" in store.backend.abilities
        deployment.script = convex()
        assert store.inspect().ok
        assert set(store.backend.abilities.values()) == {True}


def test_no_finding_holds_a_key_that_the_server_quotes(
    inspect: Inspect, deployment: ScriptedDeployment
) -> None:
    allowed = Reply({"success": True, "allowedOps": [ADMIN_KEY], "isReadOnly": True})
    deployment.script = lambda seen: (
        failure(f"Uncaught Error: {ADMIN_KEY}")
        if seen.method == "POST"
        else allowed
        if "check_admin_key" in seen.path
        else Reply(ADMIN_KEY.rpartition("|")[2].encode())
    )
    found = inspect(deployment.url)
    assert found.key_operations == ("***",)
    assert codes(found) == ["key_read_only", "storage_failing"]
    assert "0123456789abcdef" not in f"{found!r}{found}"


def test_no_finding_holds_what_a_terminal_obeys(
    inspect: Inspect, deployment: ScriptedDeployment
) -> None:
    text = "Uncaught Error: \x1b[2J\x1b]0;title\x07 is\u202e \x9bread é\r\nmore"
    deployment.script = convex(mutation=failure(text))
    found = inspect(deployment.url)
    assert codes(found) == ["storage_failing"]
    assert found.problems[0].what.endswith(" fails: [2J ]0;title  is   read é.")


def test_a_closed_store_raises(deployment: ScriptedDeployment) -> None:
    store = ConvexStore(deployment.url, ADMIN_KEY)
    store.close()
    with pytest.raises(ClosedError):
        store.inspect()
    assert not deployment.seen


# --- embedded


def test_an_embedded_file(inspect: Inspect, tmp_path: Path) -> None:
    path = tmp_path / "mastra.db"
    with ConvexStore(f"file:{path}") as store:
        store.memory.save_thread(Thread(id="t", resource_id="r", title="Oslo"))
        store.memory.save_messages([Message.from_text("hi", thread_id="t", resource_id="r")])
    before = rows(path)
    found = inspect(f"file:{path}", None)
    assert codes(found) == []
    assert found.key_accepted is None
    assert (found.function_listing, found.table_listing, found.streaming_export) == (
        True,
        True,
        False,
    )
    assert rows(path) == before


def rows(path: Path) -> list[str]:
    database = sqlite3.connect(path)
    try:
        return list(database.iterdump())
    finally:
        database.close()


def test_a_file_that_does_not_exist_is_not_created(inspect: Inspect, tmp_path: Path) -> None:
    for path in (tmp_path / "typo.db", tmp_path / "no" / "such" / "folder.db"):
        found = inspect(f"file:{path}", None)
        assert codes(found) == ["file_missing"]
        assert str(path) in found.problems[0].what
    assert list(tmp_path.iterdir()) == []


def test_a_file_that_is_no_database(inspect: Inspect, tmp_path: Path) -> None:
    path = tmp_path / "notes.txt"
    path.write_text("not a database, though long enough to be looked at " * 40)
    found = inspect(f"file:{path}", None)
    assert codes(found) == ["configuration"]
    assert "is not a SQLite database" in found.problems[0].what

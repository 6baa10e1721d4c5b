"""The reference server answers as Convex's HTTP API does, and its fast mock as the slow one.

What is expected here are the statuses, bodies and formats of the backend's source. The other
suites take this server's word for how a deployment behaves, so it is tested on its own.
"""

from __future__ import annotations

import base64
import json
import random
import re
import struct
import subprocess
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import httpx
import pytest

from tests.interop.node import node_executable
from tests.reference import (
    SERVER_SCRIPT,
    STOP_TIMEOUT_S,
    ReferenceServer,
    start_reference_server,
)

STORAGE = "mastra/storage:handle"
MAX_BODY_BYTES = 16_779_216
BAD_ADMIN_KEY = {
    "code": "BadAdminKey",
    "message": "The provided admin key was invalid for this instance",
}
JSON = {"Content-Type": "application/json"}


class Client:
    """Posts to one server; the key is sent unless a test says otherwise."""

    def __init__(self, server: ReferenceServer, http: httpx.Client) -> None:
        self.server = server
        self.http = http

    @property
    def key(self) -> dict[str, str]:
        return {"Authorization": f"Convex {self.server.admin_key}"}

    def post(self, route: str, body: Any, headers: dict[str, str] | None = None) -> httpx.Response:
        content = body if isinstance(body, bytes) else json.dumps(body).encode()
        headers = self.key if headers is None else headers
        return self.http.post(route, content=content, headers={**JSON, **headers})

    def call(self, path: str, args: Any, *, route: str = "mutation", **body: Any) -> Any:
        response = self.post(f"/api/{route}", {"path": path, "args": args, **body})
        assert response.status_code == 200, response.text
        return response.json()

    def storage(self, op: str, table: str, **args: Any) -> Any:
        envelope = self.call(STORAGE, {"op": op, "tableName": table, **args})
        assert envelope["status"] == "success", envelope
        return envelope["value"]


@pytest.fixture(scope="module")
def server() -> Iterator[ReferenceServer]:
    with start_reference_server(probes=True) as running:
        yield running


@pytest.fixture(scope="module")
def http(server: ReferenceServer) -> Iterator[httpx.Client]:
    with server.connect() as http:
        yield http


@pytest.fixture
def client(server: ReferenceServer, http: httpx.Client) -> Client:
    server.reset()
    return Client(server, http)


# --- routes and keys


def test_version_needs_no_key(client: Client) -> None:
    response = client.http.get("/version")
    assert (response.status_code, response.text) == (200, "reference")


def test_check_admin_key(client: Client) -> None:
    accepted = client.http.get("/api/check_admin_key", headers=client.key)
    assert accepted.status_code == 200
    assert accepted.json()["success"] is True
    missing = client.http.get("/api/check_admin_key")
    assert (missing.status_code, missing.json()["code"]) == (403, "BadDeployKey")
    wrong = client.http.get("/api/check_admin_key", headers={"Authorization": "Convex wrong|1"})
    assert (wrong.status_code, wrong.json()) == (401, BAD_ADMIN_KEY)


def test_system_functions_answer_to_the_key_alone(client: Client) -> None:
    options = {"numItems": 10_000, "cursor": None}
    tables = client.call("_system/cli/tables", {"paginationOpts": options}, route="query")["value"]
    assert {"name": "mastra_cache"} in tables["page"]
    assert tables["isDone"] is True
    functions = client.call("_system/cli/modules:apiSpec", {}, route="query")["value"]
    kinds = {entry["identifier"]: entry["functionType"] for entry in functions}
    assert kinds["mastra/storage.js:handle"] == "Mutation"
    assert kinds["mastra/nativeVector.js:query"] == "Action"
    assert kinds["mastra/nativeVector.js:read"] == "Query"
    unknown = client.call("_system/cli/other", {}, route="query")
    assert "Could not find public function" in unknown["errorMessage"]
    body = {"path": "_system/cli/tables", "args": {"paginationOpts": options}}
    refused = client.post("/api/query", body, headers={}).json()
    assert "Operation query not permitted" in refused["errorMessage"]
    by_name = client.call("_system/cli/tables", {}, route="function")
    assert "Could not find function" in by_name["errorMessage"]


@pytest.mark.parametrize("route", ["query", "mutation", "action", "function", "run/probe/echo"])
def test_a_wrong_key_is_refused_on_every_route(client: Client, route: str) -> None:
    body = {"path": "probe:echo", "args": {}}
    response = client.post(f"/api/{route}", body, {"Authorization": "Convex wrong|1"})
    assert (response.status_code, response.json()) == (401, BAD_ADMIN_KEY)


def test_without_a_key_only_public_functions_run(client: Client) -> None:
    record = {"id": "r", "metadata": {}, "createdAt": "c", "updatedAt": "u"}
    args = {"op": "insert", "tableName": "mastra_resources", "record": record}
    public = client.post("/api/mutation", {"path": STORAGE, "args": args}, {})
    assert public.json() == {"status": "success", "value": {"ok": True}}
    internal = client.post("/api/mutation", {"path": "probe:secret", "args": {}}, {})
    assert "Could not find public function for 'probe:secret'." in internal.json()["errorMessage"]
    assert client.call("probe:secret", {}) == {"status": "success", "value": "internal"}
    any_kind = client.post("/api/function", {"path": STORAGE, "args": args}, {})
    assert (any_kind.status_code, any_kind.json()["code"]) == (403, "BadDeployKey")


@pytest.mark.parametrize(
    ("header", "status", "code"),
    [
        ("short", 400, "InvalidHeaderFailure"),
        ("Basic dXNlcjpwYXNz", 400, "InvalidAdminKey"),
        ("Bearer aaa.bbb.ccc", 401, "NoAuthProvider"),
    ],
)
def test_malformed_authorization(client: Client, header: str, status: int, code: str) -> None:
    body = {"path": "probe:echo", "args": {}}
    response = client.post("/api/query", body, {"Authorization": header})
    assert (response.status_code, response.json()["code"]) == (status, code)


def test_the_scheme_is_read_in_any_case(client: Client) -> None:
    body = {"path": "probe:secret", "args": {}}
    header = {"Authorization": f"convex {client.server.admin_key}"}
    assert client.post("/api/mutation", body, header).json()["value"] == "internal"


@pytest.mark.parametrize("path", ["/nowhere", "/api/nowhere", "/api/"])
def test_unknown_routes(client: Client, path: str) -> None:
    response = client.post(path, {})
    assert (response.status_code, response.content) == (404, b"")


def test_wrong_methods(client: Client) -> None:
    assert client.http.get("/api/mutation").status_code == 405
    assert client.post("/version", {}).status_code == 405


def test_reset_and_rows_need_the_key(client: Client) -> None:
    for route in ("/__reset", "/__rows"):
        assert client.post(route, {}, {}).status_code == 403


# --- the Convex-Client header


@pytest.mark.parametrize(
    "header", ["convex-mastra-0.1.0", "convex-mastra-0.1.0a1", "npm-1.48.0", "python-convex-0.8.1"]
)
def test_current_and_unknown_clients_are_served(client: Client, header: str) -> None:
    body = {"path": "probe:echo", "args": {}}
    response = client.post("/api/query", body, {"Convex-Client": header})
    assert response.status_code == 200
    assert "x-convex-deprecation-state" not in response.headers


@pytest.mark.parametrize("header", ["npm-0.19.1", "python-0.1.0a1", "python-0.0.2", "rust-0.0.1"])
def test_unsupported_clients_are_turned_away(client: Client, header: str) -> None:
    body = {"path": "probe:echo", "args": {}}
    response = client.post("/api/query", body, {"Convex-Client": header})
    assert (response.status_code, response.json()["code"]) == (400, "ClientVersionUnsupported")
    assert response.headers["x-convex-deprecation-state"] == "Unsupported"


def test_deprecated_clients_are_warned_and_read_the_encoded_format(client: Client) -> None:
    body = {"path": "probe:echo", "args": {"n": {"$integer": "BQAAAAAAAAA="}}}
    response = client.post("/api/query", body, {"Convex-Client": "python-0.2.0"})
    assert response.headers["x-convex-deprecation-state"] == "UpgradeRequired"
    assert response.json()["value"] == body["args"]


def test_a_client_header_without_a_hyphen_is_refused_everywhere(client: Client) -> None:
    response = client.http.get("/version", headers={"Convex-Client": "mylib"})
    assert (response.status_code, response.json()["code"]) == (400, "InvalidClientVersion")


# --- bodies


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"{",
        b'{"path": "probe:echo", "args": {"n": NaN}}',
        b'{"path": "probe:echo", "args": {"s": "\xff"}}',
        b'["probe:echo", {}]',
        b'{"path": "probe:echo"}',
        b'{"args": {}}',
        b'{"path": 1, "args": {}}',
        b'{"path": "probe:echo", "args": {}, "format": 1}',
    ],
)
def test_malformed_bodies(client: Client, body: bytes) -> None:
    response = client.post("/api/query", body)
    assert (response.status_code, response.json()["code"]) == (400, "BadJsonBody")


def test_the_content_type_must_be_json(client: Client) -> None:
    body = {"path": "probe:echo", "args": {}}
    refused = client.post("/api/query", body, {"Content-Type": "text/plain"})
    assert refused.json() == {
        "code": "BadJsonBody",
        "message": "Expected request with `Content-Type: application/json`",
    }
    for accepted in ("application/vnd.convex+json", "Application/JSON; charset=utf-8"):
        assert client.post("/api/query", body, {"Content-Type": accepted}).status_code == 200


def test_a_body_of_the_limit_is_read_and_one_byte_more_is_refused(client: Client) -> None:
    body = json.dumps({"path": "probe:echo", "args": {}}).encode()
    largest = body + b" " * (MAX_BODY_BYTES - len(body))
    assert client.post("/api/query", largest).json() == {"status": "success", "value": {}}
    refused = client.post("/api/query", largest + b" ")
    assert (refused.status_code, refused.json()["code"]) == (400, "BadJsonBody")
    assert client.post("/api/query", body).status_code == 200


def test_arguments_may_be_a_list_of_one(client: Client) -> None:
    assert client.call("probe:echo", [{"a": True}], route="query")["value"] == {"a": True}


@pytest.mark.parametrize("args", ["text", 5, None, [], [{}, {}]])
def test_arguments_must_be_an_object(client: Client, args: Any) -> None:
    message = client.call("probe:echo", args, route="query")["errorMessage"]
    assert "ArgumentValidationError: Expected to receive an object" in message


@pytest.mark.parametrize(
    "args",
    [
        b'{"a": {"$x": 1}}',
        b'{"caf\xc3\xa9": 1}',
        b'{"a": {"$float": "AAAAAAAA8D8="}}',
        b'{"a": "\\ud800"}',
        b'{"a": 1e999}',
    ],
)
def test_what_is_no_convex_value_fails_the_function(client: Client, args: bytes) -> None:
    response = client.post("/api/query", b'{"path": "probe:echo", "args": %b}' % args)
    assert response.status_code == 200
    assert "Invalid arguments for probe:echo: " in response.json()["errorMessage"]


# --- functions


@pytest.mark.parametrize(
    ("route", "path"),
    [
        ("query", "probe:echo"),
        ("query", "probe.js:echo"),
        ("action", "probe:act"),
        ("function", "probe:echo"),
        ("function", "probe:act"),
        ("run/probe/echo", "ignored"),
    ],
)
def test_each_route_runs_its_kinds(client: Client, route: str, path: str) -> None:
    expected = {"status": "success", "value": {"a": 1.0}}
    assert client.call(path, {"a": 1}, route=route) == expected


def test_a_path_without_a_name_means_the_default_export(client: Client) -> None:
    assert client.call("probe", {}, route="query")["value"] == "default export"


def test_a_function_that_returns_nothing_answers_null(client: Client) -> None:
    assert client.call("probe:nothing", {}) == {"status": "success", "value": None}


@pytest.mark.parametrize(
    ("route", "path", "text"),
    [
        ("query", "mastra/nope:handle", "Could not find public function for 'mastra/nope:handle'."),
        ("mutation", "schema", "Could not find public function for 'schema:default'."),
        ("function", "probe:nope", "Could not find function for 'probe:nope'."),
        ("run/probe/nope", "", "Could not find function for 'probe:nope'."),
        (
            "query",
            STORAGE,
            "Trying to execute mastra/storage.js:handle as Query, but it is defined as Mutation.",
        ),
        (
            "action",
            "probe:echo",
            "Trying to execute probe.js:echo as Action, but it is defined as Query.",
        ),
    ],
)
def test_missing_functions_and_wrong_kinds(
    client: Client, route: str, path: str, text: str
) -> None:
    envelope = client.call(path, {}, route=route)
    assert envelope["status"] == "error"
    assert re.match(r"\[Request ID: [0-9a-f]{16}\] Server Error\n", envelope["errorMessage"])
    assert text in envelope["errorMessage"]


def test_functions_of_a_component_that_is_not_there(client: Client) -> None:
    envelope = client.call("probe:echo", {}, route="function", componentPath="other")
    assert "Could not find function for 'probe:echo' in component" in envelope["errorMessage"]


@pytest.mark.parametrize("path", ["", "probe.py:echo", "../probe:echo", "probe:1x", "a:b:c"])
def test_malformed_paths(client: Client, path: str) -> None:
    response = client.post("/api/query", {"path": path, "args": {}})
    assert (response.status_code, response.json()["code"]) == (400, "BadConvexFunctionIdentifier")


@pytest.mark.parametrize("path", ["/api/run/probe", "/api/run/probe/%zz"])
def test_run_needs_a_module_and_a_name(client: Client, path: str) -> None:
    response = client.post(path, {"args": {}})
    assert (response.status_code, response.json()["code"]) == (400, "MissingIdentifier")


def test_a_thrown_error_is_a_successful_response(client: Client) -> None:
    envelope = client.call("probe:fail", {})
    pattern = (
        r"\[Request ID: [0-9a-f]{16}\] Server Error\n"
        r"Uncaught TypeError: not like this\n    at handler \(\.\./.*\)\n"
    )
    assert re.fullmatch(pattern, envelope["errorMessage"])
    assert "errorData" not in envelope


def test_the_client_may_name_the_request(client: Client) -> None:
    body = {"path": "probe:fail", "args": {}}
    response = client.post("/api/mutation", body, {**client.key, "Convex-Request-Id": "mine-1"})
    assert response.json()["errorMessage"].startswith("[Request ID: mine-1] Server Error\n")


def test_a_convex_error_carries_data_and_rolls_back(client: Client) -> None:
    envelope = client.call("probe:refuse", {})
    assert envelope["errorData"] == {"count": 5.0, "reason": "no"}
    assert "Uncaught ConvexError: " in envelope["errorMessage"]
    assert client.server.rows()["mastra_documents"] == []


def test_transaction_limits_are_enforced(client: Client) -> None:
    ids = [str(number) for number in range(4_097)]
    args = {"op": "deleteMany", "tableName": "mastra_threads", "ids": ids}
    assert "limit: 4096" in client.call(STORAGE, args)["errorMessage"]
    assert client.storage("deleteMany", "mastra_threads", ids=ids[:4_096]) == {"ok": True}


def test_what_functions_print_stays_out_of_standard_output(client: Client) -> None:
    assert client.call("probe:noisy", {})["value"] == "quiet"
    assert "noise" in client.server.errors()


# --- output formats

ODDITIES = {
    "b": {"$bytes": base64.b64encode(b"\x00\xff").decode()},
    "i": {"$integer": base64.b64encode((2**53 + 1).to_bytes(8, "little")).decode()},
    "inf": {"$float": base64.b64encode(struct.pack("<d", float("-inf"))).decode()},
    "nan": {"$float": base64.b64encode(struct.pack("<d", float("nan"))).decode()},
    "zero": {"$float": base64.b64encode(struct.pack("<d", -0.0)).decode()},
}


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("json", '{"b":"AP8=","i":"9007199254740993","inf":"-Infinity","nan":"NaN","zero":-0.0}'),
        (
            "export_json",
            '{"b":%(b)s,"i":9007199254740993,"inf":%(inf)s,"nan":%(nan)s,"zero":-0.0}',
        ),
        (
            "convex_encoded_json",
            '{"b":%(b)s,"i":%(i)s,"inf":%(inf)s,"nan":%(nan)s,"zero":%(zero)s}',
        ),
    ],
)
@pytest.mark.parametrize("alias", [False, True])
def test_formats(client: Client, name: str, expected: str, *, alias: bool) -> None:
    aliases = {"json": "convex_clean_json", "convex_encoded_json": "convex_json"}
    name = aliases.get(name, name) if alias else name
    body = {"path": "probe:echo", "args": ODDITIES, "format": name}
    encoded = {key: json.dumps(value, separators=(",", ":")) for key, value in ODDITIES.items()}
    value = expected % encoded if "%(" in expected else expected
    assert client.post("/api/query", body).text == f'{{"status":"success","value":{value}}}'


def test_json_is_the_default_format(client: Client) -> None:
    assert client.call("probe:echo", {"i": ODDITIES["i"]}, route="query")["value"] == {
        "i": "9007199254740993"
    }


def test_numbers_are_floats_and_keys_are_sorted(client: Client) -> None:
    args = {"b": [5, -1, 0.5, 1e21, 1e300, 1e-7], "a": {"z": 2**53, "Z": None, "": True}, "é": "…"}
    del args["é"]
    text = client.post("/api/query", {"path": "probe:echo", "args": args}).text
    value = text.removeprefix('{"status":"success","value":').removesuffix("}")
    assert value == (
        '{"a":{"":true,"Z":null,"z":9007199254740992.0},"b":[5.0,-1.0,0.5,1e+21,1e+300,1e-7]}'
    )
    assert all(isinstance(number, float) for number in json.loads(value)["b"])


def test_text_and_fractions_come_back_exactly(client: Client) -> None:
    generator = random.Random(7)
    args = {
        "vector": [generator.gauss(0, 1) for _ in range(1_536)],
        "mixed": [0.1, 2, -3.5, 1e-300, 5e-324, 1.7976931348623157e308],
        "text": 'Ünï "quoted" \\ \n \u2028 😀 \x00',
    }
    assert client.call("probe:echo", args, route="query")["value"] == args


def test_a_bad_format_is_refused_after_the_mutation_has_run(client: Client) -> None:
    record = {"id": "1", "n": 1}
    args = {"op": "insert", "tableName": "notes", "record": record}
    response = client.post("/api/mutation", {"path": STORAGE, "args": args, "format": "xml"})
    assert (response.status_code, response.json()) == (
        400,
        {"code": "BadFormat", "message": "format param must be one of [`json`]. Got xml"},
    )
    assert client.storage("load", "notes", keys={"id": "1"})["result"] == record


# --- the database


def test_rows_come_in_order_of_creation_and_reset_removes_them(client: Client) -> None:
    for number in range(3):
        client.storage("insert", "notes", record={"id": str(number)})
    client.storage("insert", "notes", record={"id": "0", "again": True})
    rows = client.server.rows()["mastra_documents"]
    assert [row["primaryKey"] for row in rows] == ["0", "1", "2"]
    assert rows[0]["record"] == {"id": "0", "again": True}
    assert {"_id", "_creationTime"} <= rows[0].keys()
    client.server.reset()
    assert not any(client.server.rows().values())


def test_every_table_of_the_schema_is_there(client: Client) -> None:
    assert sorted(client.server.rows()) == [
        "mastra_background_tasks",
        "mastra_cache",
        "mastra_cache_list_items",
        "mastra_channel_config",
        "mastra_channel_installations",
        "mastra_documents",
        "mastra_messages",
        "mastra_observational_memory",
        "mastra_resources",
        "mastra_schedule_triggers",
        "mastra_schedules",
        "mastra_scorers",
        "mastra_threads",
        "mastra_vector_indexes",
        "mastra_vectors",
        "mastra_workflow_snapshots",
        "native_docs",  # these three are the tests' own, beside the schema of convex/src
        "native_nodes",
        "native_plain",
    ]


def test_cache_and_native_vector_functions_are_deployed(client: Client) -> None:
    entry = {"key": "p:k", "keyPrefix": "p:", "expiresAt": None}
    cache = "mastra/cache:handle"
    assert client.call(cache, {"op": "set", "value": [1], **entry})["value"] == {"ok": True}
    assert client.call(cache, {"op": "get", **entry})["value"] == {"ok": True, "result": [1]}
    config = {"tableName": "mastra_vectors", "vectorIndexName": "none"}
    described = client.call(
        "mastra/nativeVector:read", {"op": "describe", "config": config}, route="query"
    )
    assert described["value"] == {"count": 0, "countIsLimited": False}


def test_concurrent_requests_run_one_after_the_other(client: Client) -> None:
    """A vector batch that fails half way keeps its good rows, and no others lose or gain any."""

    def write(number: int) -> Any:
        good = {"id": "good", "embedding": [1.0], "metadata": {}}
        bad = {"id": "bad", "embedding": "not a vector"}
        records = [good, bad] if number % 2 else [good]
        return client.storage("batchInsert", f"mastra_vector_{number}", records=records)["ok"]

    with ThreadPoolExecutor(8) as pool:
        outcomes = list(pool.map(write, range(24)))
    assert outcomes == [number % 2 == 0 for number in range(24)]
    rows = client.server.rows()["mastra_vectors"]
    assert sorted(row["indexName"] for row in rows) == sorted(map(str, range(24)))
    assert {row["id"] for row in rows} == {"good"}


def test_an_older_generation_has_its_own_handler_and_tables() -> None:
    with start_reference_server(generation="1.0.6") as server, server.connect() as http:
        older = Client(server, http)
        assert older.storage("insert", "mastra_schedules", record={"id": "s"}) == {"ok": True}
        refused = older.storage("patch", "mastra_threads", id="t", record={})
        assert refused == {"ok": False, "error": "Unsupported operation patch"}
        tables = server.rows()
    assert [row["table"] for row in tables["mastra_documents"]] == ["mastra_schedules"]
    assert "mastra_schedules" not in tables
    with pytest.raises(RuntimeError, match=r"generations/0\.0\.0"):
        start_reference_server(generation="0.0.0").__enter__()


def test_the_fast_mock_answers_as_the_plain_one(client: Client) -> None:
    """The lookup in mock.ts leaves out only documents that cannot match."""
    generator = random.Random(20_26)
    calls = [(STORAGE, request) for request in random_requests(generator, 400)]
    calls += [("probe:churn", {"steps": random_steps(generator, 12)}) for _ in range(50)]
    fast = [client.call(path, args) for path, args in calls]
    fast_rows = client.server.rows()
    with start_reference_server(plain=True, probes=True) as plain_server:
        with plain_server.connect() as http:
            plain_client = Client(plain_server, http)
            plain = [plain_client.call(path, args) for path, args in calls]
        plain_rows = plain_server.rows()
    for call, answer, expected in zip(calls, fast, plain, strict=True):
        assert comparable(answer) == comparable(expected), call
    assert comparable(fast_rows) == comparable(plain_rows)
    assert sum(answer["status"] == "success" for answer in fast) > 400
    found = [answer["value"]["result"] for answer in fast[:400] if "result" in str(answer)]
    assert sum(map(bool, found)) > 100


def random_steps(generator: random.Random, count: int) -> list[dict[str, Any]]:
    """Steps of ``probe:churn`` on few rows, so that they meet their own uncommitted writes."""

    def row() -> dict[str, str]:
        return {"table": generator.choice("xy"), "primaryKey": generator.choice("abc")}

    def step() -> dict[str, Any]:
        match generator.randrange(8):
            case 0 | 1:
                return {"do": "insert", "row": row()}
            case 2:
                return {"do": "move", "row": row(), "to": row()}
            case 3:
                return {"do": "delete", "row": row()}
            case 4:
                return {"do": "find", "row": row()}
            case 5:
                return {"do": "scan", "table": generator.choice("xy")}
            case 6:
                return {"do": "scan"}
            case _:
                steps = random_steps(generator, count // 2)
                return {"do": "nest", "steps": steps, "fails": generator.random() < 0.3}

    return [step() for _ in range(count)]


def random_requests(generator: random.Random, count: int) -> Iterator[dict[str, Any]]:
    """Storage requests on few ids, so that they meet the rows of one another."""
    tables = ["mastra_messages", "mastra_vector_docs", "mastra_vector_other", "notes", "other"]
    odd_values: list[Any] = ["", None, 0, 1.5, True, "a\x00b", {"deep": [1]}]

    def an_id() -> str:
        return f"id{generator.randrange(12)}"

    def record(table: str) -> dict[str, Any]:
        if table.startswith("mastra_vector_"):
            vector = [generator.random() for _ in range(generator.choice([2, 2, 3]))]
            bad = generator.random() < 0.05
            return {"id": an_id(), "embedding": "bad" if bad else vector, "metadata": {}}
        if table != "mastra_messages":
            return {"id": an_id(), "value": generator.choice(odd_values)}
        row = {"id": an_id(), "thread_id": f"t{generator.randrange(3)}", "content": "{}"}
        row |= {"role": "user", "type": "v2", "createdAt": f"2026-01-0{generator.randrange(1, 9)}"}
        return row if generator.random() < 0.5 else {**row, "resourceId": "r"}

    for _ in range(count):
        table = generator.choice(tables)
        request: dict[str, Any] = {"tableName": table}
        match generator.randrange(8):
            case 0:
                request |= {"op": "insert", "record": record(table)}
            case 1:
                records = [record(table) for _ in range(generator.randrange(40))]
                request |= {"op": "batchInsert", "records": records}
            case 2:
                request |= {"op": "load", "keys": {"id": an_id()}}
            case 3:
                request |= {"op": "loadMany", "ids": [an_id() for _ in range(4)]}
            case 4:
                changes = record(table)
                request |= {"op": "patch", "id": changes["id"], "record": changes}
            case 5:
                field = generator.choice(["thread_id", "resourceId", "createdAt", "id", "value"])
                value = generator.choice(["t0", "t1", "r", "2026-01-03", *odd_values[:5]])
                request |= {"op": "queryTable", "filters": [{"field": field, "value": value}]}
            case 6:
                request |= {"op": "queryTable"}
                paged = table.startswith("mastra_vector_")
                request |= {"pageSize": 3} if paged else {"limit": generator.randrange(1, 9)}
            case _:
                few = [an_id() for _ in range(3)]
                clear = generator.random() < 0.1
                request |= {"op": "clearTable"} if clear else {"op": "deleteMany", "ids": few}
        yield request


def comparable(value: Any) -> Any:
    """*value* without what differs from run to run: times and the ids of requests."""
    if isinstance(value, dict):
        volatile = ("_creationTime", "continuationCursor")
        return {name: comparable(item) for name, item in value.items() if name not in volatile}
    if isinstance(value, list):
        return [comparable(item) for item in value]
    if isinstance(value, str):
        return re.sub(r"\[Request ID: \w+\]", "[Request ID]", value)
    return value


# --- the process


def start(*options: str) -> subprocess.Popen[bytes]:
    return subprocess.Popen(
        [node_executable(), SERVER_SCRIPT, *options],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
    )


@pytest.mark.parametrize("end", ["close its input", "terminate it"])
def test_the_process_ends(end: str) -> None:
    with start("--admin-key", "key") as process:
        assert process.stdout is not None
        assert process.stdin is not None
        url = json.loads(process.stdout.readline())["url"]
        # An idle connection must not keep it alive.
        with httpx.Client(base_url=url) as http:
            assert http.get("/version").status_code == 200
            if end == "terminate it":
                process.terminate()
            else:
                process.stdin.close()
            assert process.wait(STOP_TIMEOUT_S) == 0
        assert process.stdout.read() == b""


def test_the_key_is_required() -> None:
    with start() as process:
        _, errors = process.communicate(timeout=STOP_TIMEOUT_S)
    assert process.returncode == 2
    assert b"--admin-key is missing" in errors

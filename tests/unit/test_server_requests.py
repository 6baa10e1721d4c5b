"""How the dev server reads requests: bodies and their limit, function paths, clients' versions."""

from __future__ import annotations

import json
import tracemalloc
from collections.abc import AsyncIterator
from typing import Any

import httpx
import pytest
from starlette.requests import Request

from convex_mastra import limits
from convex_mastra.server import create_app
from convex_mastra.server.bodies import read_limited
from convex_mastra.server.client_version import UNKNOWN_CLIENT, read_client
from convex_mastra.server.function_path import canonical_path
from convex_mastra.server.refusals import PlatformError
from tests.scripted_backend import ScriptedBackend

JSON = {"Content-Type": "application/json"}


@pytest.fixture
def backend() -> ScriptedBackend:
    echo = ("mutation", lambda args: args)
    return ScriptedBackend({"a:b": echo, "a:c": ("action", lambda args: args)})


@pytest.fixture
async def client(backend: ScriptedBackend) -> AsyncIterator[httpx.AsyncClient]:
    transport = httpx.ASGITransport(app=create_app(backend, "name|00"))
    async with httpx.AsyncClient(transport=transport, base_url="http://127.0.0.1") as client:
        yield client


# --- bodies -----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "content_type",
    ["application/json", "Application/JSON; charset=utf-8", "application/vnd.api+json"],
)
async def test_json_content_types(client: httpx.AsyncClient, content_type: str) -> None:
    headers = {"Content-Type": content_type}
    response = await client.post(
        "/api/mutation", content=b'{"path":"a:b","args":{}}', headers=headers
    )
    assert response.json() == {"status": "success", "value": {}}


@pytest.mark.parametrize("headers", [{}, {"Content-Type": "text/plain"}, {"Content-Type": "json"}])
async def test_other_content_types_are_refused(
    client: httpx.AsyncClient, headers: dict[str, str]
) -> None:
    response = await client.post(
        "/api/mutation", content=b'{"path":"a:b","args":{}}', headers=headers
    )
    assert response.status_code == 400
    assert response.json() == {
        "code": "BadJsonBody",
        "message": "Expected request with `Content-Type: application/json`",
    }


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"{",
        b"[]",
        b"null",
        b'{"path":"a:b"}',
        b'{"args":{}}',
        b'{"path":5,"args":{}}',
        b'{"path":"a:b","args":{},"format":1}',
        b'{"path":"a:b","args":{"x":NaN}}',
        b'{"path":"a:b","args":{"x":-Infinity}}',
        b'{"path":"a:b","args":{"x":"\xff"}}',
        b'\xef\xbb\xbf{"path":"a:b","args":{}}',
        b'{"path":"a:b","args":' + b"[" * 200_000 + b"]" * 200_000 + b"}",
    ],
)
async def test_bodies_that_are_not_the_json_wanted(
    client: httpx.AsyncClient, backend: ScriptedBackend, content: bytes
) -> None:
    response = await client.post("/api/mutation", content=content, headers=JSON)
    assert (response.status_code, response.json()["code"]) == (400, "BadJsonBody")
    assert not backend.calls


@pytest.mark.parametrize("value", [b'"\\ud800"', b"1e400"])
async def test_json_that_is_no_convex_value(
    client: httpx.AsyncClient, backend: ScriptedBackend, value: bytes
) -> None:
    def content(path: bytes) -> bytes:
        return b'{"path":"%s","args":{"x":%s}}' % (path, value)

    response = await client.post("/api/mutation", content=content(b"a:b"), headers=JSON)
    assert response.status_code == 200
    assert response.json()["errorMessage"].endswith("Server Error\nInvalid arguments provided")
    response = await client.post("/api/action", content=content(b"a:c"), headers=JSON)
    assert response.status_code == 400
    assert response.json() == {"code": "InvalidArguments", "message": "Invalid arguments provided"}
    assert not backend.calls


async def test_a_path_that_is_no_text(client: httpx.AsyncClient) -> None:
    content = b'{"path":"a\\ud800:b","args":{}}'
    response = await client.post("/api/mutation", content=content, headers=JSON)
    assert (response.status_code, response.json()["code"]) == (400, "BadConvexFunctionIdentifier")


async def test_unknown_fields_are_ignored_and_the_last_key_wins(client: httpx.AsyncClient) -> None:
    content = b'{"path":"no:no","path":"a:b","args":{"x":1,"x":2},"more":[]}'
    response = await client.post("/api/mutation", content=content, headers=JSON)
    assert response.json()["value"] == {"x": 2}


async def test_a_body_of_exactly_the_limit_is_taken(client: httpx.AsyncClient) -> None:
    frame = b'{"path":"a:b","args":{"x":"%s"}}'
    filling = limits.REQUEST_BODY_BYTES - len(frame) + 2
    response = await client.post("/api/mutation", content=frame % (b"x" * filling), headers=JSON)
    assert len(response.json()["value"]["x"]) == filling
    response = await client.post(
        "/api/mutation", content=frame % (b"x" * (filling + 1)), headers=JSON
    )
    assert response.status_code == 400
    assert response.json() == {
        "code": "BadJsonBody",
        "message": "Failed to buffer the request body: length limit exceeded",
    }


def request_of(chunks: int, chunk: bytes, headers: list[tuple[bytes, bytes]]) -> tuple[Any, Any]:
    state = {"read": 0}

    async def receive() -> dict[str, Any]:
        state["read"] += 1
        more = state["read"] < chunks
        return {"type": "http.request", "body": bytes(bytearray(chunk)), "more_body": more}

    return Request({"type": "http", "method": "POST", "headers": headers}, receive), state


async def test_an_endless_body_is_not_kept() -> None:
    chunk = b"x" * 65_536
    request, state = request_of(1_000_000, chunk, [])
    tracemalloc.start()
    try:
        with pytest.raises(PlatformError, match="length limit exceeded"):
            await read_limited(request, 10 * len(chunk))
        _, peak_bytes = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert state["read"] == 11
    assert peak_bytes < 30 * len(chunk)


async def test_a_body_declared_too_long_is_not_read() -> None:
    request, state = request_of(3, b"x", [(b"content-length", b"101")])
    with pytest.raises(PlatformError, match="length limit exceeded"):
        await read_limited(request, 100)
    assert state["read"] == 0


async def test_a_client_that_goes_away() -> None:
    async def receive() -> dict[str, Any]:
        return {"type": "http.disconnect"}

    request = Request({"type": "http", "method": "POST", "headers": []}, receive)
    with pytest.raises(PlatformError) as caught:
        await read_limited(request, 100)
    assert caught.value.status == 408


# --- function paths ---------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "canonical"),
    [
        ("mastra/storage:handle", "mastra/storage:handle"),
        ("mastra/storage.js:handle", "mastra/storage:handle"),
        ("storage", "storage:default"),
        ("a//b/./c:_d1", "a/b/c:_d1"),
        ("_system/cli/tables", "_system/cli/tables:default"),
    ],
)
def test_canonical_paths(text: str, canonical: str) -> None:
    assert canonical_path(text) == canonical


@pytest.mark.parametrize(
    "text",
    [
        "",
        ":f",
        "a:",
        "a:b-c",
        "a:1b",
        "a:__",
        "a:" + "f" * 65,
        "/a:b",
        "a/../b:c",
        "./a:b",
        "..:b",
        "a.ts:b",
        "a.:b",
        "ä:b",
        "a b:c",
        "a/_:b",
        "x" * 65 + ":b",
        "a:b:c",
    ],
)
async def test_paths_that_are_refused(client: httpx.AsyncClient, text: str) -> None:
    body = json.dumps({"path": text, "args": {}})
    response = await client.post("/api/mutation", content=body, headers=JSON)
    assert response.status_code == 400
    assert response.json()["code"] == "BadConvexFunctionIdentifier"
    start = f"{text} is not a valid path to a Convex function. "
    assert response.json()["message"].startswith(start)


def test_a_refused_path_says_why() -> None:
    with pytest.raises(PlatformError, match=r"Module paths must be relative \(/a is absolute\)\."):
        canonical_path("/a:b")


async def test_run_needs_a_module_and_a_function(client: httpx.AsyncClient) -> None:
    response = await client.post("/api/run/handle", content=b'{"args":{}}', headers=JSON)
    assert (response.status_code, response.json()["code"]) == (400, "MissingIdentifier")
    response = await client.post("/api/run/a.ts/b", content=b'{"args":{}}', headers=JSON)
    assert response.json()["code"] == "BadConvexFunctionIdentifier"


# --- clients ----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "header",
    [
        None,
        "convex-mastra-0.1.0",
        "convex-mastra-0.1.0a1",
        "npm-1.48.0",
        "python-convex-0.8.1",
        "Python-0.5.0",
        "rust-0.0.2",
        "some-thing-1.2.3-4.5.6-alpha.7",
    ],
)
def test_clients_served_in_clean_json(header: str | None) -> None:
    assert read_client(header) == UNKNOWN_CLIENT


@pytest.mark.parametrize("header", ["npm-1.4.0", "python-0.4.9", "npm-cli-1.0.0-alpha.1+build.5"])
def test_older_clients_expect_the_encoded_format(header: str) -> None:
    client = read_client(header)
    assert client.encoded_by_default
    assert not client.headers


@pytest.mark.parametrize(
    ("header", "named"),
    [
        ("python-0.0.1", "python package at version 0.0.1"),
        ("python-convex-0.0.2", "python-convex package at version 0.0.2"),
        ("python-0.1.0a1", "python package at version Unrecognized"),
        ("npm-0.19.1", "npm package at version 0.19.1"),
        ("npm-1.2.3.4", "npm package at version Unrecognized"),
        ("rust-0.0.1", "rust package at version 0.0.1"),
    ],
)
async def test_unsupported_clients_are_refused_on_every_route(
    client: httpx.AsyncClient, header: str, named: str
) -> None:
    for path in ("/version", "/no/such/route"):
        response = await client.get(path, headers={"Convex-Client": header})
        assert response.status_code == 400
        assert response.json()["code"] == "ClientVersionUnsupported"
        assert named in response.json()["message"]
        assert response.headers["x-convex-deprecation-state"] == "Unsupported"
        assert response.headers["x-convex-deprecation-message"] == response.json()["message"]


async def test_clients_to_upgrade_are_served_with_a_warning(client: httpx.AsyncClient) -> None:
    headers = {**JSON, "Convex-Client": "python-0.2.0"}
    content = b'{"path":"a:b","args":{"x":-0.0}}'
    response = await client.post("/api/mutation", content=content, headers=headers)
    assert response.json()["value"] == {"x": {"$float": "AAAAAAAAAIA="}}
    assert response.headers["x-convex-deprecation-state"] == "UpgradeRequired"
    assert "pip install --upgrade convex" in response.headers["x-convex-deprecation-message"]
    run = await client.post("/api/run/a/b", content=content, headers=headers)
    assert run.text == '{"status":"success","value":{"x":-0.0}}'


async def test_a_client_without_a_hyphen_is_refused(client: httpx.AsyncClient) -> None:
    response = await client.get("/version", headers={"Convex-Client": "mylib"})
    assert (response.status_code, response.json()["code"]) == (400, "InvalidClientVersion")
    assert "mylib" in response.json()["message"]

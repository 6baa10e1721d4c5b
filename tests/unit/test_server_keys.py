"""Who may do what on the dev server: keys, their forms, and the names it answers to."""

from __future__ import annotations

import base64
import logging
from collections.abc import AsyncIterator

import httpx
import pytest

from convex_mastra.server import create_app
from tests.scripted_backend import ScriptedBackend

KEY = "my-instance|0123456789abcdef"
AUTHORIZED = {"Authorization": f"Convex {KEY}"}
BAD_DEPLOY_KEY = {
    "code": "BadDeployKey",
    "message": "The provided deploy key was invalid for this deployment. Double check that the "
    "environment this key was generated for matches the desired deployment.",
}
BAD_ADMIN_KEY = {
    "code": "BadAdminKey",
    "message": "The provided admin key was invalid for this instance",
}


def divide(args: dict[str, int]) -> float:
    return 1 / args.get("by", 0)


@pytest.fixture
def backend() -> ScriptedBackend:
    return ScriptedBackend(
        {
            "mastra/storage:handle": ("mutation", lambda args: {"ok": True, "args": args}),
            "fails:bug": ("mutation", divide),
        }
    )


@pytest.fixture
async def client(backend: ScriptedBackend) -> AsyncIterator[httpx.AsyncClient]:
    transport = httpx.ASGITransport(app=create_app(backend, KEY))
    async with httpx.AsyncClient(transport=transport, base_url="http://127.0.0.1:3210") as client:
        yield client


async def post(client: httpx.AsyncClient, route: str, headers: dict[str, str]) -> httpx.Response:
    body = {"path": "mastra/storage:handle", "args": {}}
    return await client.post(f"/api/{route}", json=body, headers=headers)


@pytest.mark.parametrize(
    "text",
    [
        f"Convex {KEY}",
        f"convex {KEY}",
        f"Convex prod:{KEY}",
        "Convex preview:team:project|0123456789abcdef",
        "Convex 0123456789abcdef",
        f"Convex {KEY}:" + base64.b64encode(b'{"subject":"me"}').decode(),
    ],
)
async def test_forms_of_the_right_key(client: httpx.AsyncClient, text: str) -> None:
    response = await client.get("/api/check_admin_key", headers={"Authorization": text})
    assert response.status_code == 200
    assert response.json()["success"] is True
    assert response.json()["isReadOnly"] is False
    assert "RunInternalMutations" in response.json()["allowedOps"]


@pytest.mark.parametrize(
    ("text", "status", "code"),
    [
        ("Convex wrong", 401, "BadAdminKey"),
        ("Convex other|0123456789abcdef", 401, "BadAdminKey"),
        (f"Convex {KEY}0", 401, "BadAdminKey"),
        (f"Convex {KEY[:-1]}", 401, "BadAdminKey"),
        ("Convex my-instance|", 401, "BadAdminKey"),
        (f"Convex {KEY}:notbase64!", 400, "HeaderParseFailure"),
        ("Bearer eyJhbGciOi", 401, "NoAuthProvider"),
        ("Basic dXNlcjpwYXNz", 400, "InvalidAdminKey"),
        ("Convex", 400, "InvalidHeaderFailure"),
    ],
)
async def test_wrong_keys(
    client: httpx.AsyncClient, backend: ScriptedBackend, text: str, status: int, code: str
) -> None:
    headers = {"Authorization": text}
    check = await client.get("/api/check_admin_key", headers=headers)
    assert (check.status_code, check.json()["code"]) == (status, code)
    for route in ("mutation", "function", "run/mastra/storage/handle"):
        response = await post(client, route, headers=headers)
        assert (response.status_code, response.json()["code"]) == (status, code)
    assert not backend.calls
    if code == "BadAdminKey":
        assert check.json() == BAD_ADMIN_KEY


async def test_without_a_key_public_functions_run(client: httpx.AsyncClient) -> None:
    for route in ("mutation", "run/mastra/storage/handle"):
        response = await post(client, route, headers={})
        assert response.json()["status"] == "success"


async def test_without_a_key_admin_routes_are_refused(
    client: httpx.AsyncClient, backend: ScriptedBackend
) -> None:
    responses = [
        await client.get("/api/check_admin_key"),
        await post(client, "function", headers={}),
    ]
    for response in responses:
        assert (response.status_code, response.json()) == (403, BAD_DEPLOY_KEY)
    assert not backend.calls


async def test_the_key_in_the_query_string(client: httpx.AsyncClient) -> None:
    assert (await client.get("/api/check_admin_key", params={"adminKey": KEY})).is_success
    wrong = await client.get("/api/check_admin_key", params={"adminKey": "no"})
    assert wrong.json() == BAD_ADMIN_KEY


async def test_beyond_loopback_every_function_needs_the_key(backend: ScriptedBackend) -> None:
    transport = httpx.ASGITransport(app=create_app(backend, KEY, loopback_only=False))
    async with httpx.AsyncClient(transport=transport, base_url="http://192.0.2.7") as client:
        for route in ("mutation", "function", "run/mastra/storage/handle"):
            response = await post(client, route, headers={})
            assert (response.status_code, response.json()) == (403, BAD_DEPLOY_KEY)
        assert not backend.calls
        assert (await post(client, "mutation", AUTHORIZED)).is_success
        assert (await client.get("/version")).is_success


@pytest.mark.parametrize(
    "host", ["evil.example", "evil.example:3210", "192.0.2.7", "[2001:db8::1]:1", "[::1"]
)
async def test_on_loopback_other_host_names_are_refused(
    client: httpx.AsyncClient, backend: ScriptedBackend, host: str
) -> None:
    response = await post(client, "mutation", headers={"Host": host})
    assert (response.status_code, response.json()["code"]) == (421, "MisdirectedRequest")
    assert not backend.calls


@pytest.mark.parametrize("host", ["localhost:3210", "[::1]:3210", "127.0.0.2", "app.localhost"])
async def test_names_of_this_machine_are_answered(client: httpx.AsyncClient, host: str) -> None:
    assert (await client.get("/version", headers={"Host": host})).is_success


async def test_the_key_is_in_no_log_and_no_answer(
    client: httpx.AsyncClient, caplog: pytest.LogCaptureFixture
) -> None:
    secret = KEY.partition("|")[2]
    caplog.set_level(logging.DEBUG)
    bug = {"path": "fails:bug", "args": {}}
    responses = [
        await client.post("/api/mutation", json=bug, params={"adminKey": KEY}),
        await client.post("/api/mutation", json=bug, headers=AUTHORIZED),
        await client.get("/api/check_admin_key", headers={"Authorization": f"Convex x{KEY}"}),
    ]
    server_log = "".join(r.getMessage() for r in caplog.records if r.name.startswith("convex"))
    assert "/api/mutation failed" in server_log
    assert secret not in server_log
    assert all(secret not in response.text for response in responses)

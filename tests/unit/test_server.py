"""The dev server's routes over a scripted backend: values and failures, in Convex's words."""

from __future__ import annotations

import base64
import json
import re
from collections.abc import AsyncIterator
from typing import Any

import httpx
import numpy as np
import pytest

from convex_mastra.errors import (
    FunctionError,
    InvalidArgumentError,
    UnavailableError,
)
from convex_mastra.server import create_app
from tests.scripted_backend import ScriptedBackend

KEY = "my-instance|0123456789abcdef"
AUTHORIZED = {"Authorization": f"Convex {KEY}"}


def fail(error: Exception) -> Any:
    raise error


@pytest.fixture
def backend() -> ScriptedBackend:
    return ScriptedBackend(
        {
            "mastra/storage:handle": ("mutation", lambda args: {"ok": True, "args": args}),
            "list:all": ("query", lambda args: [args]),
            "work:run": ("action", lambda args: args),
            "work:default": ("action", lambda _: "default export"),
            "odd:vector": (
                "mutation",
                lambda _: {"zebra": 1.0, "apple": np.array([1.0, -0.0]), "minus": -0.0},
            ),
            "odd:strided": ("query", lambda _: np.arange(6.0)[::2]),
            "odd:special": (
                "query",
                lambda _: {
                    "a": [
                        {"$integer": "BQAAAAAAAAA="},
                        {"$float": base64.b64encode(np.float64("nan").tobytes()).decode()},
                        {"$float": base64.b64encode(np.float64("-inf").tobytes()).decode()},
                        {"$bytes": "AQI="},
                        -0.0,
                        '{"$integer',
                    ]
                },
            ),
            "odd:unserialisable": ("query", lambda _: object()),
            "fails:thrown": ("mutation", lambda _: fail(FunctionError("no such table"))),
            "fails:data": (
                "mutation",
                lambda _: fail(FunctionError("bad", data={"code": "E1", "at": -0.0})),
            ),
            "fails:too_large": (
                "mutation",
                lambda _: fail(
                    FunctionError(
                        "Arguments for a.js:b are too large (actual: 17 MiB, limit: 16 MiB)"
                    )
                ),
            ),
            "fails:refused": ("mutation", lambda _: fail(InvalidArgumentError("rows is 3"))),
            "fails:locked": (
                "mutation",
                lambda _: fail(UnavailableError("the database is locked", applied=False)),
            ),
            "fails:lost": ("mutation", lambda _: fail(UnavailableError("disk?"))),
            "fails:bug": ("mutation", lambda _: fail(ZeroDivisionError("oops"))),
        }
    )


@pytest.fixture
async def client(backend: ScriptedBackend) -> AsyncIterator[httpx.AsyncClient]:
    app = create_app(backend, KEY)
    async with httpx.AsyncClient(
        transport=httpx.ASGITransport(app=app), base_url="http://127.0.0.1:3210"
    ) as client:
        yield client


async def post(
    client: httpx.AsyncClient, route: str, path: str | None = None, args: Any = None, **rest: Any
) -> httpx.Response:
    headers = rest.pop("headers", AUTHORIZED)
    body = {"args": {} if args is None else args, **rest}
    if path is not None:
        body["path"] = path
    return await client.post(f"/api/{route}", json=body, headers=headers)


def error_text(response: httpx.Response) -> str:
    assert response.status_code == 200
    assert response.json()["status"] == "error"
    text = response.json()["errorMessage"]
    assert re.match(r"\[Request ID: [0-9a-f]{16}\] Server Error\n", text)
    return text.partition("\n")[2]


# --- what is there ----------------------------------------------------------------------------


async def test_the_pages_without_a_key(client: httpx.AsyncClient) -> None:
    assert (await client.get("/")).text.startswith("This Convex deployment is running.")
    assert re.fullmatch(r"\d+\.\d+\.\d+.*", (await client.get("/version")).text)
    assert (await client.get("/instance_version")).text == (await client.get("/version")).text
    assert (await client.get("/instance_name")).text == "my-instance"


async def test_unknown_routes_and_methods_have_empty_bodies(client: httpx.AsyncClient) -> None:
    for path in ("/api/nothing", "/api/query/", "/api"):
        response = await client.get(path)
        assert (response.status_code, response.content) == (404, b"")
    response = await client.get("/api/mutation")
    assert (response.status_code, response.content) == (405, b"")
    assert response.headers["allow"] == "POST"


async def test_each_route_runs_its_kind(
    client: httpx.AsyncClient, backend: ScriptedBackend
) -> None:
    for kind, path in [
        ("mutation", "mastra/storage:handle"),
        ("query", "list:all"),
        ("action", "work:run"),
    ]:
        response = await post(client, kind, path, {"n": 1})
        assert response.json()["status"] == "success"
        call = backend.calls[-1]
        assert (call.kind, call.path, call.args) == (kind, path, {"n": 1})


async def test_function_and_run_find_the_kind_themselves(client: httpx.AsyncClient) -> None:
    for path in ("mastra/storage:handle", "list:all", "work:run"):
        assert (await post(client, "function", path)).json()["status"] == "success"
        route = "run/" + path.replace(":", "/")
        assert (await post(client, route)).json()["status"] == "success"


async def test_paths_are_made_canonical(
    client: httpx.AsyncClient, backend: ScriptedBackend
) -> None:
    await post(client, "mutation", "mastra/storage.js:handle")
    assert backend.calls[-1].path == "mastra/storage:handle"
    assert (await post(client, "action", "work")).json()["value"] == "default export"


async def test_the_legacy_array_of_arguments(
    client: httpx.AsyncClient, backend: ScriptedBackend
) -> None:
    await post(client, "mutation", "mastra/storage:handle", [{"op": "load"}])
    assert backend.calls[-1].args == {"op": "load"}


async def test_get_query(client: httpx.AsyncClient) -> None:
    params = {"path": "list:all", "args": '{"a":[1]}', "format": "json"}
    response = await client.get("/api/query", params=params)
    assert response.json() == {"status": "success", "value": [{"a": [1]}]}
    for broken in ({"path": "list:all"}, {"args": "{}"}, {"path": "list:all", "args": "{"}):
        response = await client.get("/api/query", params=broken)
        assert (response.status_code, response.json()["code"]) == (400, "BadQueryArgs")


# --- values -----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("output", "expected"),
    [
        (None, '{"apple":[1.0,-0.0],"minus":-0.0,"zebra":1.0}'),
        ("json", '{"apple":[1.0,-0.0],"minus":-0.0,"zebra":1.0}'),
        ("convex_clean_json", '{"apple":[1.0,-0.0],"minus":-0.0,"zebra":1.0}'),
        ("export_json", '{"apple":[1.0,-0.0],"minus":-0.0,"zebra":1.0}'),
        (
            "convex_encoded_json",
            '{"apple":[1.0,{"$float":"AAAAAAAAAIA="}],"minus":{"$float":"AAAAAAAAAIA="},"zebra":1.0}',
        ),
        (
            "convex_json",
            '{"apple":[1.0,{"$float":"AAAAAAAAAIA="}],"minus":{"$float":"AAAAAAAAAIA="},"zebra":1.0}',
        ),
    ],
)
async def test_formats_sort_keys_and_write_arrays(
    client: httpx.AsyncClient, output: str | None, expected: str
) -> None:
    response = await post(client, "mutation", "odd:vector", format=output)
    assert response.text == '{"status":"success","value":' + expected + "}"
    assert response.headers["content-type"] == "application/json"


async def test_strided_arrays_are_written(client: httpx.AsyncClient) -> None:
    assert (await post(client, "query", "odd:strided")).json()["value"] == [0.0, 2.0, 4.0]


async def test_a_wrong_format_is_refused_after_the_function_ran(
    client: httpx.AsyncClient, backend: ScriptedBackend
) -> None:
    response = await post(client, "mutation", "mastra/storage:handle", format="xml")
    assert response.status_code == 400
    assert response.json() == {
        "code": "BadFormat",
        "message": "format param must be one of [`json`]. Got xml",
    }
    assert len(backend.calls) == 1


async def test_encoded_arguments_are_the_backend_s_matter(
    client: httpx.AsyncClient, backend: ScriptedBackend
) -> None:
    args = {"a": [{"$float": "AAAAAAAAAIA="}], "$b": 1}
    await post(client, "mutation", "mastra/storage:handle", args)
    assert backend.calls[-1].args == args


@pytest.mark.parametrize(
    ("output", "expected"),
    [
        ("json", '{"a":["5","NaN","-Infinity","AQI=",-0.0,"{\\"$integer"]}'),
        ("export_json", '{"a":[5,%(nan)s,%(minus)s,{"$bytes":"AQI="},-0.0,"{\\"$integer"]}'),
        (
            "convex_encoded_json",
            '{"a":[{"$integer":"BQAAAAAAAAA="},%(nan)s,%(minus)s,{"$bytes":"AQI="},%(zero)s,"{\\"$integer"]}',
        ),
    ],
)
async def test_values_that_json_lacks(
    client: httpx.AsyncClient, output: str, expected: str
) -> None:
    nan = '{"$float":"' + base64.b64encode(np.float64("nan").tobytes()).decode() + '"}'
    minus = '{"$float":"' + base64.b64encode(np.float64("-inf").tobytes()).decode() + '"}'
    response = await post(client, "query", "odd:special", format=output)
    zero = '{"$float":"AAAAAAAAAIA="}'
    expected = (
        expected % {"nan": nan, "minus": minus, "zero": zero} if "%(" in expected else expected
    )
    assert response.text == '{"status":"success","value":' + expected + "}"


@pytest.mark.parametrize("args", [[], 5, "text", [1], [{}, {}]])
async def test_arguments_must_be_one_object(
    client: httpx.AsyncClient, backend: ScriptedBackend, args: Any
) -> None:
    response = await post(client, "mutation", "mastra/storage:handle", args)
    assert "Expected to receive an object" in error_text(response)
    assert not backend.calls


# --- failures ---------------------------------------------------------------------------------


async def test_a_thrown_error(client: httpx.AsyncClient) -> None:
    response = await post(client, "mutation", "fails:thrown")
    assert error_text(response) == "Uncaught Error: no such table\n    at handler\n"
    assert "errorData" not in response.json()


async def test_error_data_is_written_in_the_format(client: httpx.AsyncClient) -> None:
    response = await post(client, "mutation", "fails:data", format="convex_encoded_json")
    assert error_text(response).startswith("Uncaught ConvexError: bad")
    assert response.json()["errorData"] == {"code": "E1", "at": {"$float": "AAAAAAAAAIA="}}


async def test_arguments_that_the_backend_refuses(client: httpx.AsyncClient) -> None:
    text = error_text(await post(client, "mutation", "fails:refused"))
    assert text == "Invalid arguments for fails.js:refused: rows is 3"


async def test_the_platform_s_own_refusals_are_not_thrown(client: httpx.AsyncClient) -> None:
    text = error_text(await post(client, "mutation", "fails:too_large"))
    assert text == "Arguments for a.js:b are too large (actual: 17 MiB, limit: 16 MiB)"


async def test_a_wrong_format_is_refused_after_a_failure_too(client: httpx.AsyncClient) -> None:
    response = await post(client, "mutation", "fails:thrown", format="xml")
    assert (response.status_code, response.json()["code"]) == (400, "BadFormat")


async def test_the_request_id_of_the_client_is_used(client: httpx.AsyncClient) -> None:
    headers = {**AUTHORIZED, "Convex-Request-Id": "abc-123"}
    response = await post(client, "mutation", "fails:thrown", headers=headers)
    assert response.json()["errorMessage"].startswith("[Request ID: abc-123] Server Error\n")


async def test_missing_functions_and_wrong_kinds(client: httpx.AsyncClient) -> None:
    text = error_text(await post(client, "query", "no/such:thing"))
    assert text.startswith("Could not find public function for 'no/such:thing'.")
    text = error_text(await post(client, "query", "mastra/storage:handle"))
    assert text == (
        "Trying to execute mastra/storage.js:handle as Query, but it is defined as Mutation."
    )
    missing = "Could not find function for 'no/such:thing'. Did you forget to run `npx convex dev`?"
    assert error_text(await post(client, "function", "no/such:thing")) == missing
    assert error_text(await post(client, "run/no/such/thing")) == missing


async def test_components(client: httpx.AsyncClient) -> None:
    root = await post(client, "function", "mastra/storage:handle", componentPath="")
    assert root.json()["status"] == "success"
    other = await post(client, "function", "list:all", componentPath="a/b")
    assert error_text(other).startswith("Could not find function for 'list:all' in component 'a/b'")
    broken = await post(client, "function", "list:all", componentPath="a//b")
    assert (broken.status_code, broken.json()["code"]) == (400, "InvalidComponentPath")


async def test_a_locked_database_is_a_503(client: httpx.AsyncClient) -> None:
    response = await post(client, "mutation", "fails:locked")
    assert response.status_code == 503
    assert response.json() == {"code": "CommitterFullError", "message": "the database is locked"}
    response = await post(client, "mutation", "fails:lost")
    assert (response.status_code, response.json()["code"]) == (503, "InternalServerError")


@pytest.mark.parametrize(
    ("route", "path"), [("mutation", "fails:bug"), ("query", "odd:unserialisable")]
)
async def test_what_nobody_foresaw_is_a_500_and_logged(
    client: httpx.AsyncClient, caplog: pytest.LogCaptureFixture, route: str, path: str
) -> None:
    response = await post(client, route, path)
    assert response.status_code == 500
    assert response.json() == {
        "code": "InternalServerError",
        "message": "Your request couldn't be completed. Try again later.",
    }
    assert f"POST /api/{route} failed" in caplog.text


async def test_the_order_in_which_mistakes_are_reported(client: httpx.AsyncClient) -> None:
    async def code(headers: dict[str, str], body: Any) -> str:
        content = json.dumps(body).encode()
        headers = {"Content-Type": "application/json", **headers}
        response = await client.post("/api/mutation", content=content, headers=headers)
        return response.json()["code"]

    wrong_path = {"path": "a.txt:b", "args": {}}
    assert await code({"Convex-Client": "x", "Authorization": "x"}, 1) == "InvalidClientVersion"
    assert await code({"Authorization": "x"}, 1) == "InvalidHeaderFailure"
    assert await code({"Authorization": "Convex no"}, 1) == "BadJsonBody"
    assert await code({"Authorization": "Convex no"}, wrong_path) == "BadConvexFunctionIdentifier"
    assert (
        await code({"Authorization": "Convex no"}, {**wrong_path, "path": "a:b"}) == "BadAdminKey"
    )

"""Running one function for a request, and answering with what came of it.

Called by the routes in ``app`` once the request is read and its sender known. The backend executes;
this room decides which of the ways to fail is a 200, as on Convex, and which an HTTP status.
"""

from __future__ import annotations

import secrets
from typing import Any, Final

from starlette.requests import Request
from starlette.responses import Response

from convex_mastra.backends.base import Backend
from convex_mastra.errors import (
    FunctionError,
    FunctionNotFoundError,
    InvalidArgumentError,
    UnavailableError,
)
from convex_mastra.server import answers
from convex_mastra.server.bodies import Body
from convex_mastra.server.formats import read_format
from convex_mastra.server.function_path import module_file_path
from convex_mastra.server.refusals import PlatformError
from convex_mastra.wire import FunctionCall, Kind

ANY_KIND: Final[tuple[Kind, ...]] = ("mutation", "query", "action")
INVALID_ARGUMENTS: Final = "Invalid arguments provided"


async def answer_call(
    backend: Backend,
    kinds: tuple[Kind, ...],
    path: str,
    body: Body,
    request: Request,
    *,
    encoded_by_default: bool,
) -> Response:
    """Run the function of one of *kinds* at *path* and return the response.

    Args:
        backend: what runs it.
        kinds: which kinds of function the route may run.
        path: canonical, ``dir/module:function``.
        body: the request's ``args`` and ``format``.
        request: for its headers.
        encoded_by_default: without a ``format``, answer in ``convex_encoded_json``.

    Raises:
        PlatformError: 400 for a wrong ``format`` (after the function ran), 503.
    """
    output_name = body.text("format")
    request_id = request.headers.get("convex-request-id") or secrets.token_hex(8)
    failed: FunctionError | None = None
    value: Any = None
    try:
        value = await _run(backend, kinds, path, body)
    except FunctionError as error:
        failed = error
    except InvalidArgumentError as error:
        failed = FunctionError(f"Invalid arguments for {module_file_path(path)}: {error.message}")
    except UnavailableError as error:
        raise answers.unavailable(error) from None
    # The function ran, and a mutation is committed: a wrong format does not undo it.
    output = read_format(output_name, encoded_by_default=encoded_by_default)
    if failed is not None:
        return answers.failure(failed, output, request_id)
    return answers.success(value, output)


def answer_missing(path: str, component: str | None, request: Request) -> Response:
    """Answer that the component, or the deployment, has no such function."""
    where = f" in component '{component}'" if component else ""
    return _answer_failure(FunctionNotFoundError(_missing(path, where)), request)


def answer_not_permitted(kind: Kind, request: Request) -> Response:
    """Answer that the function needs the key."""
    return _answer_failure(FunctionError(f"Operation {kind} not permitted"), request)


def _answer_failure(error: FunctionError, request: Request) -> Response:
    request_id = request.headers.get("convex-request-id") or secrets.token_hex(8)
    return answers.failure(error, "json", request_id)


async def _run(backend: Backend, kinds: tuple[Kind, ...], path: str, body: Body) -> Any:
    if not body.exact:
        if kinds == ("action",):
            raise PlatformError(400, "InvalidArguments", INVALID_ARGUMENTS)
        raise FunctionError(INVALID_ARGUMENTS)
    argument = body.argument()
    try:
        if len(kinds) == 1:
            return await backend.asend(_call(kinds[0], path, argument))
        return await _run_any(backend, kinds, path, argument)
    except FunctionNotFoundError:
        if len(kinds) == 1:
            raise
        raise FunctionNotFoundError(_missing(path)) from None


async def _run_any(
    backend: Backend, kinds: tuple[Kind, ...], path: str, argument: dict[str, Any]
) -> Any:
    *others, last = kinds
    for kind in others:
        try:
            return await backend.asend(_call(kind, path, argument))
        except FunctionError as error:
            # A function of another kind is refused in these words, without being run.
            if not error.message.startswith(f"Trying to execute {module_file_path(path)} as "):
                raise
    return await backend.asend(_call(last, path, argument))


def _call(kind: Kind, path: str, argument: dict[str, Any]) -> FunctionCall:
    return FunctionCall(kind=kind, path=path, args=argument, label=path, repeatable=False)


def _missing(path: str, where: str = "") -> str:
    return f"Could not find function for '{path}'{where}. Did you forget to run `npx convex dev`?"

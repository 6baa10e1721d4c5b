"""The body of a request: read within the limit, and decoded.

Called by ``app`` with the request as it streams in. A body over the limit is refused without being
kept in memory. Knows neither functions nor keys; which values Convex takes is the backend's matter.
Rules: get-convex/convex-backend crates/common/src/http/extract.rs, crates/udf/src/helpers.rs.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Any, NoReturn

import orjson
from starlette.requests import ClientDisconnect, Request

from convex_mastra import limits
from convex_mastra.errors import InvalidArgumentError
from convex_mastra.server.refusals import PlatformError, bad_json_body


@dataclass(frozen=True, slots=True)
class Body:
    """A JSON object, decoded.

    Attributes:
        fields: its members.
        exact: False when the text is JSON by its grammar, yet holds what Convex's values cannot:
            a lone surrogate, or a number beyond a float64.
    """

    fields: dict[str, Any]
    exact: bool

    def text(self, name: str) -> str | None:
        """Return an optional text member.

        Raises:
            PlatformError: 400 ``BadJsonBody``, it is something else.
        """
        value = self.fields.get(name)
        if value is not None and not isinstance(value, str):
            raise _wrong_json(f"{name}: invalid type, expected a string")
        if value is None or self.exact:
            return value
        return value.encode(errors="replace").decode()  # it may be quoted in an answer

    def required_text(self, name: str) -> str:
        """Return a text member that must be there."""
        value = self.text(name)
        if value is None:
            raise _wrong_json(f"missing field `{name}`")
        return value

    def argument(self) -> dict[str, Any]:
        """Return the function's one argument; ``args`` is it, or an array of it.

        Raises:
            InvalidArgumentError: it is not an object.
        """
        args = self.fields["args"]
        argument = args[0] if isinstance(args, list) and len(args) == 1 else args
        if not isinstance(argument, dict):
            raise InvalidArgumentError("Expected to receive an object as the argument.")
        return argument


async def read_json(request: Request, limit_bytes: int = limits.REQUEST_BODY_BYTES) -> Body:
    """Read and decode the body.

    Raises:
        PlatformError: 400 ``BadJsonBody``.
    """
    if not _is_json_type(request.headers.get("content-type", "")):
        raise bad_json_body("Expected request with `Content-Type: application/json`")
    return decode_json(await read_limited(request, limit_bytes))


def read_query(request: Request) -> Body:
    """Read what a GET request says in its query string, with ``args`` as JSON text.

    Raises:
        PlatformError: 400 ``BadQueryArgs``.
    """
    fields: dict[str, Any] = dict(request.query_params)
    text = fields.get("args")
    if text is None or "path" not in fields:
        raise PlatformError(400, "BadQueryArgs", "Missing `path` or `args` in the query string")
    try:
        fields["args"] = orjson.loads(text)
    except orjson.JSONDecodeError as error:
        raise PlatformError(400, "BadQueryArgs", f"`args` is not JSON: {error}") from None
    return Body(fields, exact=True)


async def read_limited(request: Request, limit_bytes: int) -> bytes:
    """Return the body, or refuse it as soon as it is known to be longer than *limit_bytes*."""
    declared = request.headers.get("content-length", "")
    too_long = declared.isdecimal() and int(declared) > limit_bytes
    chunks: list[bytes] = []
    size_bytes = 0
    if not too_long:
        try:
            async for chunk in request.stream():
                size_bytes += len(chunk)
                too_long = size_bytes > limit_bytes
                if too_long:
                    break
                chunks.append(chunk)
        except ClientDisconnect:
            raise PlatformError(408, "ClientDisconnect", "The client went away.") from None
    if too_long:
        raise bad_json_body("Failed to buffer the request body: length limit exceeded")
    return b"".join(chunks)


def decode_json(text: bytes) -> Body:
    """Decode a JSON object that has ``args``.

    Raises:
        PlatformError: 400 ``BadJsonBody``: not JSON (NaN and Infinity are not), or without them.
    """
    exact = True
    try:
        fields = orjson.loads(text)
    except orjson.JSONDecodeError as error:
        fields, exact = _decode_by_grammar(text, str(error)), False
    if not isinstance(fields, dict):
        raise _wrong_json("expected an object")
    if "args" not in fields:
        raise _wrong_json("missing field `args`")
    return Body(fields, exact)


def _is_json_type(content_type: str) -> bool:
    media_type = content_type.partition(";")[0].strip().lower()
    return media_type == "application/json" or (
        media_type.startswith("application/") and media_type.endswith("+json")
    )


def _wrong_json(problem: str) -> PlatformError:
    return bad_json_body(f"Failed to deserialize the JSON body into the target type: {problem}")


def _decode_by_grammar(text: bytes, problem: str) -> Any:
    try:
        return json.loads(text.decode(), parse_constant=_refuse_constant)
    except (ValueError, RecursionError):
        raise bad_json_body(f"Failed to parse the request body as JSON: {problem}") from None


def _refuse_constant(name: str) -> NoReturn:
    raise ValueError(f"{name} is not JSON")

"""What the server answers: values, functions' failures, refusals.

Called by ``functions`` and ``app`` with what the backend returned or raised. Decides no more than
the form. Rules: get-convex/convex-backend crates/local_backend/src/public_api.rs,
crates/application/src/redaction.rs, crates/udf/src/validation.rs.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any, Final

from starlette.responses import Response

from convex_mastra.errors import FunctionError, UnavailableError
from convex_mastra.server.formats import Format, encode
from convex_mastra.server.refusals import PlatformError

NOT_COMMITTED: Final = "CommitterFullError"
OUTCOME_UNKNOWN: Final = "InternalServerError"

_NOT_THROWN: Final = re.compile(
    r"Could not find |Trying to execute |Invalid arguments |Arguments for |ArgumentValidationError"
    r"|Function \S+ return value is too large|Operation \w+ not permitted"
)
"""How the platform's own refusals begin; every other failure was thrown by the function."""


def success(value: Any, output: Format) -> Response:
    """The function returned *value*."""
    return json_response(200, {"status": "success", "value": value}, output=output)


def failure(error: FunctionError, output: Format, request_id: str) -> Response:
    """The function failed: still a 200, as on Convex."""
    text = error.message
    if not _NOT_THROWN.match(text):
        kind = "Error" if error.data is None else "ConvexError"
        text = f"Uncaught {kind}: {text}\n    at handler\n"
    body: dict[str, Any] = {
        "status": "error",
        "errorMessage": f"[Request ID: {request_id}] Server Error\n{text}",
    }
    if error.data is not None:
        body["errorData"] = error.data
    return json_response(200, body, output=output)


def unavailable(error: UnavailableError) -> PlatformError:
    """The database cannot answer now, for instance because another process has it locked.

    Clients repeat a mutation only under a code that says it was not committed.
    """
    fallback = NOT_COMMITTED if error.applied is False else OUTCOME_UNKNOWN
    return PlatformError(503, error.code or fallback, error.message)


def refusal(error: PlatformError) -> Response:
    """The platform's own error."""
    body = {"code": error.code, "message": error.message}
    return json_response(error.status, body, headers=error.headers)


def json_response(
    status: int,
    body: Any,
    *,
    output: Format = "json",
    headers: Mapping[str, str] | None = None,
) -> Response:
    """Return *body* as JSON."""
    return Response(encode(body, output), status, headers, media_type="application/json")

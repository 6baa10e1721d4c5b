"""Reading what a Convex deployment answers: values, function failures, platform errors.

Pure functions over status, body and envelope. The HTTP backend is the only caller. Rules:
get-convex/convex-backend crates/errors/src/lib.rs, crates/application/src/lib.rs and
crates/database/src/committer.rs, for what each status says about whether a mutation was applied.
"""

from __future__ import annotations

import re
from typing import Any, Final

import orjson

from convex_mastra.errors import (
    AuthenticationError,
    ConvexMastraError,
    FunctionError,
    FunctionNotFoundError,
    ProtocolError,
    RateLimitedError,
    RequestRejectedError,
    UnavailableError,
)
from convex_mastra.wire import FunctionCall, Get, Request, decode

STATUS_FUNCTION_RAN: Final = (200, 560)
NOT_APPLIED: Final = frozenset(
    {
        "OptimisticConcurrencyControlFailure",
        "CommitterFullError",
        "ExpiredInQueue",
        "ExecuteFullError",
        "WorkerOverloaded",
        "IsolateNotClean",
        "InitialPermitTimeoutError",
        "UpstreamConnectError",
        "DatabaseLocked",  # these two are the dev server's, from the embedded backend
        "DatabaseFull",
    }
)
"""Codes of a 503 that certainly changed nothing; so do those that end as below."""
NOT_APPLIED_SUFFIXES: Final = ("IndexTooLarge", "IndexesUnavailable", "SummariesUnavailable")

_REQUEST_ID: Final = re.compile(r"\A\[Request ID: ([^\]]+)\] Server Error\s*")
_THROWN: Final = re.compile(r"\AUncaught (?:[A-Za-z]*Error: )?")
_STACK: Final = re.compile(r"\n\s+at .*\Z", re.DOTALL)
_MISSING: Final = re.compile(r"Could not find (?:public )?function for '")


def value_of_response(status: int, body: bytes, request: Request) -> Any:
    """Return what was asked for: a function's value, or an endpoint's text."""
    if status not in ((200,) if isinstance(request, Get) else STATUS_FUNCTION_RAN):
        raise failure_of_status(status, body, request)
    if isinstance(request, Get):
        return body.decode(errors="replace")
    return value_of_envelope(decode(body), request)


def value_of_envelope(envelope: Any, request: FunctionCall) -> Any:
    """Return the function's value, or raise what it failed with."""
    status = envelope.get("status") if isinstance(envelope, dict) else None
    if status == "success" and "value" in envelope:
        return envelope["value"]
    if status != "error":
        raise ProtocolError(
            f"{request.path} gave an answer without a status; is this a Convex deployment?",
            operation=request.label,
        )
    text = str(envelope.get("errorMessage") or "")
    prefix = _REQUEST_ID.match(text)
    request_id = prefix[1] if prefix else None
    message = _STACK.sub("", _THROWN.sub("", text[prefix.end() :] if prefix else text)).strip()
    context: dict[str, Any] = {"operation": request.label, "request_id": request_id}
    if _MISSING.search(message):
        raise FunctionNotFoundError(message, **context)
    is_hidden = not message
    if is_hidden:
        message = (
            f"{request.path} failed, and the deployment hides error texts. The function may be "
            "missing, paused, or have refused the arguments; its log has the text."
        )
    raise FunctionError(message, data=envelope.get("errorData"), hidden=is_hidden, **context)


def failure_of_status(status: int, body: bytes, request: Request) -> ConvexMastraError:
    """Return the error that an HTTP status other than 200 stands for."""
    code, message = _platform_error(body)
    text = f"HTTP {status}: {message or 'no explanation'}"
    context: dict[str, Any] = {"code": code, "operation": request.label}
    if status in (401, 403):
        return AuthenticationError(text, status=status, **context)
    if status == 429:
        return RateLimitedError(text, status=status, applied=False, **context)
    if status == 408 or status >= 500:
        return UnavailableError(
            text, status=status, applied=_may_be_applied(status, code), **context
        )
    if code == "BadFormat":
        # Convex reads the format after the function ran, so this one was applied.
        return ProtocolError(f"{text} The operation was applied all the same.", **context)
    if code == "FunctionPathNotFound":  # some deployments answer so, instead of in an envelope
        return FunctionNotFoundError(text, **context)
    if code is None:
        text += ". Is this the URL of a Convex deployment?"
    return RequestRejectedError(text, status=status, **context)


def _may_be_applied(status: int, code: str | None) -> bool | None:
    if status == 503 and code and (code in NOT_APPLIED or code.endswith(NOT_APPLIED_SUFFIXES)):
        return False
    return None


def _platform_error(body: bytes) -> tuple[str | None, str]:
    try:
        parsed = orjson.loads(body)
    except orjson.JSONDecodeError:
        return None, ""  # a proxy's page; its text helps nobody
    if not isinstance(parsed, dict) or not isinstance(parsed.get("code"), str):
        return None, ""
    return parsed["code"], str(parsed.get("message") or "")

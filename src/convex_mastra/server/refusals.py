"""How the platform says no: the errors that answer with an HTTP status of their own.

Raised by every room of the server that reads a request, turned into a response in ``app``. What a
function's own failure looks like is not decided here but in ``answers``. Codes and texts:
get-convex/convex-backend crates/local_backend, crates/common/src/http, crates/authentication.
"""

from __future__ import annotations

from collections.abc import Mapping


class PlatformError(Exception):
    """The request is refused before, or instead of, an answer of the function.

    Attributes:
        status: the HTTP status.
        code: Convex's identifier, e.g. ``BadJsonBody``.
        message: the text beside it.
        headers: sent with the answer.
    """

    def __init__(
        self, status: int, code: str, message: str, headers: Mapping[str, str] | None = None
    ) -> None:
        super().__init__(f"{status} {code}: {message}")
        self.status = status
        self.code = code
        self.message = message
        self.headers = headers


def bad_json_body(message: str) -> PlatformError:
    """The body is too large, not JSON, or not the JSON that the route takes."""
    return PlatformError(400, "BadJsonBody", message)


def bad_deploy_key() -> PlatformError:
    """The route needs the admin key, and the request brings none."""
    return PlatformError(
        403,
        "BadDeployKey",
        "The provided deploy key was invalid for this deployment. Double check that the "
        "environment this key was generated for matches the desired deployment.",
    )


def internal_server_error() -> PlatformError:
    """Something that nobody foresaw. Whether a mutation was applied is unknown."""
    return PlatformError(
        500, "InternalServerError", "Your request couldn't be completed. Try again later."
    )

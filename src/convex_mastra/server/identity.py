"""Who is asking: the Authorization header, compared with the one admin key of the server.

Called by ``app`` in two steps, as on Convex: ``read_credential`` refuses a malformed header before
the body is read, ``AdminKey.authenticate`` checks the key afterwards. The key itself leaves this
room for no log and no message. Rules: get-convex/convex-backend
crates/local_backend/src/authentication.rs, crates/common/src/types/admin_key.rs.
"""

from __future__ import annotations

import base64
import binascii
import hmac
from dataclasses import dataclass, field
from typing import Final, Literal

import orjson

from convex_mastra.config import Secret
from convex_mastra.server.refusals import PlatformError

INSTANCE_NAME: Final = "convex-mastra"
_SCHEME_LENGTH: Final = len("Convex ")
_KEY_PREFIXES_WITHOUT_NAME: Final = ("preview", "project")

Identity = Literal["anonymous", "admin"]


@dataclass(frozen=True, slots=True)
class Credential:
    """What the request brings, unchecked: an admin key, or a user's token."""

    scheme: Literal["admin", "user"]
    text: Secret = field(repr=False)


def read_credential(header: str | None, query_key: str | None) -> Credential | None:
    """Take the Authorization header apart; without one, the ``adminKey`` of the query string.

    Raises:
        PlatformError: 400, the header is of no known form.
    """
    if header is None:
        return None if query_key is None else Credential("admin", Secret(query_key))
    if len(header) < _SCHEME_LENGTH:
        raise PlatformError(400, "InvalidHeaderFailure", "Invalid authentication header")
    scheme, text = header[:_SCHEME_LENGTH].lower(), header[_SCHEME_LENGTH:]
    if scheme == "convex ":
        return Credential("admin", Secret(text))
    if scheme == "bearer ":
        return Credential("user", Secret(text))
    raise PlatformError(400, "InvalidAdminKey", "Invalid admin key")


class AdminKey:
    """The key that gives full access to this server."""

    def __init__(self, text: str) -> None:
        self._given = text.encode()
        self._name, self._secret = _split(text)

    @property
    def instance_name(self) -> str:
        """The deployment's name: the part of the key before ``|``."""
        return self._name or INSTANCE_NAME

    def authenticate(self, credential: Credential | None) -> Identity:
        """Say who is asking.

        Raises:
            PlatformError: 401, the key is wrong, or a user's token was sent; 400, the user to act
                as cannot be read.
        """
        if credential is None:
            return "anonymous"
        if credential.scheme == "user":
            raise PlatformError(
                401,
                "NoAuthProvider",
                "No auth provider found matching the given token (no providers configured).",
            )
        if not self._matches(credential.text.reveal()):
            raise PlatformError(
                401, "BadAdminKey", "The provided admin key was invalid for this instance"
            )
        return "admin"

    def _matches(self, text: str) -> bool:
        if hmac.compare_digest(text.encode(), self._given):
            return True
        # The same key in another of its forms: with or without the deployment's type and name,
        # or followed by a user to act as, whom the functions served here do not tell apart.
        name, secret = _split(text)
        secret, separator, user = secret.partition(":")
        if separator:
            _check_acting_user(user)
        same_secret = hmac.compare_digest(secret.encode(), self._secret.encode())
        return same_secret and name in (None, self._name)


def _split(key: str) -> tuple[str | None, str]:
    """Return the deployment's name, if the key has it, and the secret part."""
    head, bar, secret = key.partition("|")
    if not bar:
        return None, key
    kind, colon, name = head.partition(":")
    if not colon:
        return head, secret
    return (None if kind.lower() in _KEY_PREFIXES_WITHOUT_NAME else name), secret


def _check_acting_user(text: str) -> None:
    try:
        attributes = orjson.loads(base64.b64decode(text, validate=True))
    except (binascii.Error, ValueError):
        attributes = None
    if not isinstance(attributes, dict):
        raise PlatformError(400, "HeaderParseFailure", "Malformed Authorization header.")
